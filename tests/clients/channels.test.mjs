// Guide 004's channels: who gets what is for which part of an organization (S-46), how organizations
// are kept apart (S-54), and the rules of subscribing (S-55).

import assert from "node:assert/strict";
import { test } from "node:test";
import { claim, connectFlow, connectIntraday, subscribe } from "./profiles_support.mjs";
import { Client, Server, expectSilence } from "./support.mjs";
import { DEFAULT, POLLING, SocketIo, TRANSPORTS, WEBSOCKET, assertRefused, authOf } from "./socketio_support.mjs";

const ORG = { organization_id: "org_123" };
const DEPT = { ...ORG, department_id: "dept_456" };
const QUEUE = { ...ORG, queue_name: "support" };
const BOTH = { ...DEPT, queue_name: "support" };

const ORG_ROOM = "org:org_123";

// ---------------------------------------------------------------- hierarchy

/** Five subscribers of org_123 and one of org_999, by the name of what they subscribed to. */
const organization = async (t, server, channel) => {
  const others = { user_id: "user_999", organization_id: "org_999" };
  const plain = await Client.connect(t, server);
  await plain.ask({ event: "authenticate", data: { user_id: "user_124", ...ORG } }, "authenticated");
  await plain.ask({ event: "subscribe", data: { channels: [channel], ...DEPT } }, "client:subscribe");
  const foreign = await connectIntraday(t, server);
  await foreign.ask("authenticate", others);
  await subscribe(foreign, [channel, "all"]);
  const clients = { org: null, dept: plain, both: null, queue: null, all: null, foreign };
  const scopes = { org: [ORG, WEBSOCKET], both: [BOTH, POLLING], queue: [QUEUE, DEFAULT] };
  for (const [name, [scope, options]] of Object.entries(scopes)) {
    clients[name] = await claim(t, server, "org_123", options);
    await subscribe(clients[name], [channel], scope);
  }
  clients.all = await claim(t, server, "org_123");
  await subscribe(clients.all, ["all"]);
  return clients;
};

/** Which of them get what is for a part of the organization (contract X-14). */
const MATRIX = [
  [ORG, ["org", "all"]],
  [DEPT, ["org", "dept", "all"]],
  [BOTH, ["org", "dept", "both", "queue", "all"]],
  [QUEUE, ["org", "both", "queue", "all"]],
  [{ ...ORG, department_id: "dept_457" }, ["org", "all"]],
  [{ ...ORG, queue_name: "sales" }, ["org", "all"]],
  [{ ...DEPT, queue_name: "sales" }, ["org", "dept", "all"]],
  [{ organization_id: "org_1234" }, []],
  [{ organization_id: "org_999" }, ["foreign"]],
];

const UPDATES = [
  ["kpi", "kpi", "kpi:update"],
  ["backlog", "backlog", "backlog:update"],
  ["attendance", "attendance", "attendance:update"],
  ["alerts", "alert", "alert:triggered"],
];

for (const [channel, shortcut, event] of UPDATES) {
  test(`S-46: ${event} reaches exactly those whose part of the organization it is about, once`, async (t) => {
    const server = await Server.start(t);
    const clients = await organization(t, server, channel);

    let round = 0;
    for (const [target, names] of MATRIX) {
      const ways = [
        async (data) => server.broadcast({ event, data, target }),
        async (data) => (await server.call("POST", `/api/ws/broadcast/${shortcut}`, { body: data })).answer,
      ];
      for (const post of ways) {
        round += 1;
        const data = { ...target, round, timestamp: "2024-01-15T10:30:00Z", health_score: 85 };
        const { recipients_count } = await post(data);
        const what = `${JSON.stringify(target)}: ${names}`;
        assert.equal(recipients_count, names.length, what);
        for (const name of names) {
          assert.deepEqual((await clients[name].next(event)).data, data, `${name} of ${what}`);
        }
        await expectSilence(server, ...Object.values(clients));
      }
    }
  });
}

test("S-46: whoever subscribes to overlapping parts gets one copy, until the last one ends", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  const ids = [];
  for (const scope of [ORG, DEPT, BOTH, QUEUE]) {
    ids.push((await subscribe(client, ["kpi", "all"], scope)).subscription_id);
  }
  assert.equal(new Set(ids).size, 4, "each subscription has an id of its own");
  const post = (n) => server.broadcast({ event: "kpi:update", data: { n }, target: BOTH });

  for (const [n, subscription_id] of ids.entries()) {
    assert.equal((await post(n)).recipients_count, 1);
    assert.deepEqual((await client.next("kpi:update")).data, { n });
    const ack = await client.ask("unsubscribe", { subscription_id });
    assert.deepEqual([ack.success, ack.subscription_id], [true, subscription_id]);
    assertRefused(await client.ask("unsubscribe", { subscription_id }), "ROOM_NOT_FOUND");
  }

  assert.equal((await post(4)).recipients_count, 0);
  assert.deepEqual(await client.rooms(), [ORG_ROOM]);
  await expectSilence(server, client);
});

test("S-46: a channel brings its own events only, and `system:*` reaches who subscribed to nothing", async (t) => {
  const server = await Server.start(t);
  const kpi = await claim(t, server, "org_123");
  const alerts = await claim(t, server, "org_123");
  const notices = await claim(t, server, "org_123");
  const nothing = await claim(t, server, "org_123");
  const foreign = await claim(t, server, "org_999");
  await subscribe(kpi, ["kpi"]);
  await subscribe(alerts, ["alerts"]);
  await subscribe(notices, ["notifications"]);
  await subscribe(foreign, ["notifications", "all"]);

  const post = (event) => server.broadcast({ event, data: { event }, target: ORG });
  assert.equal((await post("kpi:alert")).recipients_count, 1);
  assert.equal((await post("alert:triggered")).recipients_count, 1);
  assert.equal((await post("system:notification")).recipients_count, 4);

  assert.deepEqual((await kpi.next("kpi:alert")).data, { event: "kpi:alert" });
  assert.deepEqual((await alerts.next("alert:triggered")).data, { event: "alert:triggered" });
  for (const client of [kpi, alerts, notices, nothing]) await client.next("system:notification");
  await expectSilence(server, kpi, alerts, notices, nothing, foreign);
});

// ---------------------------------------------------------------- organizations apart

test("S-54: another organization's channel is UNAUTHORIZED, and makes no room", async (t) => {
  const server = await Server.start(t);
  const options = { path: "/ws", auth: authOf("u1", { org: "org_A" }) };
  const clients = [await claim(t, server, "org_A"), await SocketIo.connect(t, server, "u1", options)];
  const plain = await Client.verified(t, server, "u2", { org: "org_A" });
  const roomsOf = async () => (await server.call("GET", "/api/ws/rooms")).answer.rooms.map(({ room_id }) => room_id);
  const before = await roomsOf();

  const payload = { channels: ["kpi"], organization_id: "org_B" };
  for (const client of clients) {
    for (const verb of ["subscribe", "client:subscribe"]) {
      assertRefused(await client.ask(verb, payload), "UNAUTHORIZED");
      client.emit(verb, payload);
      await client.nextError("UNAUTHORIZED");
    }
  }
  plain.send({ event: "subscribe", data: payload });
  await plain.nextError("UNAUTHORIZED");

  assert.deepEqual(await roomsOf(), before);
  const { recipients_count } = await server.broadcast({
    event: "kpi:update", data: {}, target: { organization_id: "org_B" },
  });
  assert.equal(recipients_count, 0);
  await expectSilence(server, ...clients, plain);
});

/** Ids that would name another part than they seem to, or none. */
const FORGED = [
  [{ organization_id: "org_A:dept:x" }, "UNAUTHORIZED"],
  [{ organization_id: "../" }, "INVALID_MESSAGE"],
  [{ organization_id: "o".repeat(300) }, "INVALID_MESSAGE"],
  [{ organization_id: "" }, "INVALID_MESSAGE"],
  [{ organization_id: { $ne: "org_B" } }, "INVALID_MESSAGE"],
  [{ department_id: "x:queue:y" }, "INVALID_MESSAGE"],
  [{ department_id: "queue" }, "INVALID_MESSAGE"],
  [{ department_id: "../" }, "INVALID_MESSAGE"],
  [{ department_id: "d".repeat(300) }, "INVALID_MESSAGE"],
  [{ department_id: "d".repeat(128) }, "SUBSCRIPTION_FAILED"],
  [{ queue_name: "a:org:org_B" }, "INVALID_MESSAGE"],
  [{ queue_name: "\u0000" }, "INVALID_MESSAGE"],
  [{ queue_name: ["support"] }, "INVALID_MESSAGE"],
];

test("S-54: an id that would forge a deeper or another level is refused, from clients and from admins", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_A");

  for (const [scope, code] of FORGED) {
    assertRefused(await client.ask("subscribe", { channels: ["kpi", "all"], ...scope }), code);
  }
  for (const [scope, code] of FORGED.slice(1)) {
    if (code === "SUBSCRIPTION_FAILED") continue; // a target may be one that nobody can follow
    const body = { event: "kpi:update", data: {}, target: { organization_id: "org_A", ...scope } };
    const { status, answer } = await server.call("POST", "/api/ws/broadcast", { body });
    assert.deepEqual([status, answer.success], [400, false], JSON.stringify(scope));
  }

  assert.deepEqual(await client.rooms(), ["org:org_A"]);
  await expectSilence(server, client);
});

test("S-54: what is for one organization never reaches another, whatever the other listens to", async (t) => {
  const server = await Server.start(t);
  const ours = await claim(t, server, "org_A");
  const claimed = await claim(t, server, "org_B");
  const proven = await SocketIo.connect(t, server, "u1", { path: "/ws", auth: authOf("u1", { org: "org_B" }) });
  const collab = await SocketIo.connect(t, server, "u2", { auth: authOf("u2", { org: "org_B" }) });
  const tenant = await connectFlow(t, server);
  const nobody = await Client.connect(t, server);
  for (const client of [ours, claimed, proven, collab]) await subscribe(client, ["all", "kpi", "notifications"]);
  const others = [claimed, proven, collab, tenant, nobody];

  const target = { organization_id: "org_A" };
  for (const event of ["kpi:update", "backlog:snapshot", "alert:escalated", "system:broadcast", "training:update"]) {
    const { recipients_count } = await server.broadcast({ event, data: { event }, target });
    assert.equal(recipients_count, 1, event);
    assert.deepEqual((await ours.next(event)).data, { event });
  }
  await expectSilence(server, ours, ...others);
});

test("S-54: who claims another organization leaves the rooms of the first", async (t) => {
  const server = await Server.start(t);
  for (const [, transports] of TRANSPORTS) {
    const client = await claim(t, server, "org_A", { transports });
    await subscribe(client, ["kpi", "alerts"], { department_id: "d" });
    await client.join("dashboard:overview");
    assert.deepEqual(await client.rooms(), [
      "alerts:org:org_A:dept:d", "dashboard:overview", "kpi:org:org_A:dept:d", "org:org_A",
    ]);

    const ack = await client.ask("authenticate", { user_id: "user_123", organization_id: "org_B" });

    assert.deepEqual([ack.success, ack.organization_id], [true, "org_B"]);
    assert.deepEqual(await client.rooms(), ["dashboard:overview", "org:org_B"]);
    const post = (event, organization_id, target = {}) =>
      server.broadcast({ event, data: {}, target: { organization_id, ...target } });
    assert.equal((await post("kpi:update", "org_A", { department_id: "d" })).recipients_count, 0);
    assert.equal((await post("system:notification", "org_A")).recipients_count, 0);
    assert.equal((await post("system:notification", "org_B")).recipients_count, 1);
    await client.next("system:notification");
    await expectSilence(server, client);
    client.socket.disconnect();
  }
});

// ---------------------------------------------------------------- subscribing

test("S-55: before `authenticate`, subscribing is UNAUTHORIZED", async (t) => {
  const server = await Server.start(t);
  const client = await connectIntraday(t, server);
  const plain = await Client.connect(t, server);
  const payload = { channels: ["kpi"], ...ORG };

  assertRefused(await client.ask("subscribe", payload), "UNAUTHORIZED");
  client.emit("client:subscribe", payload);
  await client.nextError("UNAUTHORIZED");
  plain.send({ event: "subscribe", data: payload });
  await plain.nextError("UNAUTHORIZED");

  assert.deepEqual([await client.rooms(), await plain.rooms()], [[], []]);
  assert.equal((await client.ask("authenticate", { user_id: "user_123", ...ORG })).success, true);
  await subscribe(client, ["kpi"], ORG);
});

/** Subscriptions that are none. */
const NO_SUBSCRIPTIONS = [
  [{ channels: ["foo"] }, "SUBSCRIPTION_FAILED"],
  [{ channels: ["kpi", "KPI"] }, "SUBSCRIPTION_FAILED"],
  [{ channels: [""] }, "SUBSCRIPTION_FAILED"],
  [{ channels: [] }, "INVALID_MESSAGE"],
  [{ ...ORG }, "INVALID_MESSAGE"],
  [{ channels: "kpi" }, "INVALID_MESSAGE"],
  [{ channels: [5] }, "INVALID_MESSAGE"],
  [{ channels: null }, "INVALID_MESSAGE"],
  [{ channels: { 0: "kpi" } }, "INVALID_MESSAGE"],
  [{ channels: ["alerts"], filters: { min_severity: "purple" } }, "INVALID_MESSAGE"],
  [{ channels: ["alerts"], filters: { sources: "kpi" } }, "INVALID_MESSAGE"],
  [{ channels: ["alerts"], filters: [] }, "INVALID_MESSAGE"],
  [{ channels: ["kpi"], room: "user:other" }, "UNAUTHORIZED"],
];

test("S-55: a faulty subscription is refused with its code, and leaves no half of it", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  const plain = await Client.connect(t, server);
  await plain.ask({ event: "authenticate", data: { user_id: "user_124", ...ORG } }, "authenticated");

  for (const [payload, code] of NO_SUBSCRIPTIONS) {
    assertRefused(await client.ask("subscribe", payload), code);
    plain.send({ event: "subscribe", data: payload, id: 7 });
    assert.equal((await plain.nextError(code)).id, 7);
  }

  for (const one of [client, plain]) assert.deepEqual(await one.rooms(), [ORG_ROOM]);
  await expectSilence(server, client, plain);
});

test("S-55: a subscription is confirmed in full, ends delivery when it ends, and ends once", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  const post = (n) => server.broadcast({ event: "kpi:update", data: { n }, target: BOTH });

  const ack = await client.ask("subscribe", { channels: ["kpi", "alerts", "kpi"], ...BOTH });
  const rooms = ["kpi", "alerts"].map((channel) => `${channel}:org:org_123:dept:dept_456:queue:support`);
  const { subscription_id } = ack;
  assert.match(subscription_id, /./);
  assert.deepEqual(ack, {
    status: "success", success: true, rooms, subscribed_channels: ["kpi", "alerts"], subscription_id,
  });
  assert.deepEqual(await client.rooms(), [...rooms, ORG_ROOM].sort());
  assert.equal((await post(1)).recipients_count, 1);
  assert.deepEqual((await client.next("kpi:update")).data, { n: 1 });

  assertRefused(await client.ask("unsubscribe", { channels: ["backlog"] }), "ROOM_NOT_FOUND");
  const elsewhere = { ...QUEUE, department_id: "dept_457" };
  assertRefused(await client.ask("unsubscribe", { channels: ["kpi"], ...elsewhere }), "ROOM_NOT_FOUND");
  assertRefused(await client.ask("unsubscribe", { subscription_id: "nobody's" }), "ROOM_NOT_FOUND");
  assert.equal((await post(2)).recipients_count, 1);
  assert.deepEqual((await client.next("kpi:update")).data, { n: 2 });

  assert.equal((await client.ask("unsubscribe", { channels: ["kpi"], ...BOTH })).success, true);
  assert.equal((await post(3)).recipients_count, 0);
  assert.deepEqual(await client.rooms(), [rooms[1], ORG_ROOM].sort());
  assert.equal((await client.ask("unsubscribe", {})).success, true);
  assert.deepEqual(await client.rooms(), [ORG_ROOM]);
  assertRefused(await client.ask("unsubscribe", {}), "ROOM_NOT_FOUND");
  await expectSilence(server, client);
});

test("S-55: without an acknowledgement both are confirmed by their event, on Socket.IO and plain", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  const plain = await Client.connect(t, server);
  await plain.ask({ event: "authenticate", data: { user_id: "user_124", ...ORG } }, "authenticated");
  const payload = { channels: ["kpi"], ...ORG };
  const asks = [
    async (verb, data, event) => {
      client.emit(verb, data);
      return (await client.next(event)).data;
    },
    async (verb, data, event) => (await plain.ask({ event: verb, data }, event)).data,
  ];

  for (const ask of asks) {
    for (const prefix of ["", "client:"]) {
      const { subscription_id, ...said } = await ask(`${prefix}subscribe`, payload, "client:subscribe");
      assert.deepEqual(said, { channels: ["kpi"], rooms: ["kpi:org:org_123"] });
      const ended = await ask(`${prefix}unsubscribe`, { subscription_id }, "client:unsubscribe");
      assert.deepEqual(ended, { subscription_id, channels: ["kpi"], rooms: ["kpi:org:org_123"] });
    }
  }
  await expectSilence(server, client, plain);
});

test("S-55: `room` and `channels` in one message do both", async (t) => {
  const server = await Server.start(t);
  const options = { namespace: "/ws", auth: authOf("u1", { org: "org_123" }) };
  const client = await SocketIo.connect(t, server, "u1", options);

  const ack = await client.ask("subscribe", { room: "project:123", channels: ["kpi"] });

  assert.deepEqual([ack.success, ack.room, ack.subscribed_channels], [true, "project:123", ["kpi"]]);
  assert.deepEqual(ack.rooms.sort(), ["kpi:org:org_123", "project:123"]);
  assert.deepEqual(await client.rooms(), ["global", "kpi:org:org_123", "project:123", "user:u1"]);
});
