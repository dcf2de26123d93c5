// Guide 004: the Intraday dashboard's wscat lines on the plain profile, as far as this version goes (S-56).

import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_TOKENS, Client, Server, expectSilence, sign } from "./support.mjs";

test("the guide's ping line, typed as it stands, is answered by client:pong", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  const { data } = await client.ask('{"event":"client:ping"}', "client:pong");

  assert.equal(data.pong, true);
  assert.ok(!Number.isNaN(Date.parse(data.server_time)));
});

test("a KPI update POSTed without target reaches everyone once, with its data intact", async (t) => {
  const server = await Server.start(t);
  const anonymous = await Client.connect(t, server);
  const verified = await Client.verified(t, server, "user_123", { org: "org_123" });
  const data = {
    organization_id: "org_123",
    queue_name: "support",
    timestamp: "2024-01-15T10:30:00Z",
    utilization: { current_utilization: 81.5, target_utilization: 85.0 },
    headcount_gap: -2,
    sla_risk: "medium",
    health_score: 85,
    changes: [{ field: "health_score", from: 90, to: 85 }],
    "ключ": [null, true, "\u2028 \ud83d\ude80 <script>", 1e21, 9007199254740991],
  };

  const { recipients_count } = await server.broadcast({ event: "kpi:update", data });

  assert.equal(recipients_count, 2);
  for (const client of [anonymous, verified]) {
    assert.deepEqual((await client.next("kpi:update")).data, data);
  }
  await expectSilence(server, anonymous, verified);
});

test("authenticate with a token is answered by authenticated", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  const token = sign({ sub: "user_123", org: "org_123" });
  const { data } = await client.ask({ event: "authenticate", data: { token } }, "authenticated");

  assert.equal(data.success, true);
  assert.equal(data.user_id, "user_123");
  assert.equal(data.organization_id, "org_123");
  const rooms = await client.rooms();
  assert.ok(rooms.includes("org:org_123") && rooms.includes("user:user_123"), `rooms: ${rooms}`);
});

for (const [flaw, token] of BAD_TOKENS.slice(0, 5)) {
  test(`authenticate with a token ${flaw} fails and leaves the socket anonymous`, async (t) => {
    const server = await Server.start(t);
    const client = await Client.connect(t, server);

    client.send({ event: "authenticate", data: { token } });

    await client.nextError("AUTH_FAILED");
    assert.deepEqual(await client.rooms(), []);
  });
}

const REFUSED_BROADCASTS = [
  ["an event outside the whitelist", { event: "evil:event", data: {} }],
  ["no data", { event: "kpi:update" }],
  ["no event", { data: {} }],
  ["an unknown priority", { event: "kpi:update", data: {}, priority: "max" }],
  ["a department without its organization", { event: "kpi:update", data: {}, target: { department_id: "d" } }],
];

test("a faulty broadcast is 400 and reaches nobody", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  for (const [fault, body] of REFUSED_BROADCASTS) {
    const { status, answer } = await server.call("POST", "/api/ws/broadcast", { body });
    assert.equal(status, 400, `${fault}: ${JSON.stringify(answer)}`);
    assert.equal(answer.success, false);
    assert.equal(typeof answer.code, "string");
  }

  await expectSilence(server, client);
});
