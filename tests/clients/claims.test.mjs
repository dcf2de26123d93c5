// Guide 004's bare ids: what `authenticate` makes of them, in what time, and what they do not open
// (S-09 to S-11, contract X-10).

import assert from "node:assert/strict";
import { test } from "node:test";
import { claim, connectIntraday } from "./profiles_support.mjs";
import { Client, Server, expectSilence, sign } from "./support.mjs";
import {
  SocketIo, TRANSPORTS, WEBSOCKET, assertRefused, assertTime, expectConnections,
} from "./socketio_support.mjs";

test("S-09: path /ws lets anyone connect, and `authenticate` with bare ids makes a claim of it", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    const client = await connectIntraday(t, server, { transports });
    assertTime(client.welcome.server_time);
    assert.equal(client.welcome.socket_id, client.socket.id);
    const ids = { user_id: "user_123", organization_id: "org_123" };
    const ack = await client.ask("authenticate", ids);
    assert.equal(ack.status, "success");
    assert.deepEqual(
      [ack.success, ack.socket_id, ack.user_id, ack.organization_id],
      [true, client.socket.id, "user_123", "org_123"],
    );
    assert.deepEqual(await client.rooms(), ["org:org_123"]);

    client.emit("authenticate", ids);
    assert.equal((await client.next("authenticated")).data.organization_id, "org_123");
    await expectSilence(server, client);
    client.socket.disconnect();
    await client.ended("io client disconnect");
  }
});

const BAD_CLAIMS = [
  {},
  { user_id: "user_123" },
  { organization_id: "org_123" },
  { user_id: "", organization_id: "org_123" },
  { user_id: "user_123", organization_id: "org_123:dept:x" },
  { user_id: "user_123", organization_id: "../org" },
  { user_id: "user_123", organization_id: "o".repeat(300) },
  { user_id: ["user_123"], organization_id: "org_123" },
  { token: "garbage", user_id: "user_123", organization_id: "org_123" },
];

test("S-09: a claim that is none is AUTH_FAILED, and a good one afterwards is not", async (t) => {
  const server = await Server.start(t);
  const ids = { user_id: "user_123", organization_id: "org_123" };

  for (const bad of BAD_CLAIMS) {
    const client = await connectIntraday(t, server, WEBSOCKET);
    assertRefused(await client.ask("authenticate", bad), "AUTH_FAILED");
    client.emit("authenticate", bad);
    await client.nextError("AUTH_FAILED");
    assert.deepEqual(await client.rooms(), []);
    assert.equal((await client.ask("authenticate", ids)).success, true);
    client.socket.disconnect();
  }
});

test("S-09: with REQUIRE_JWT, bare ids prove nothing and a token does", async (t) => {
  const server = await Server.start(t, { REQUIRE_JWT: "true" });
  const client = await connectIntraday(t, server);
  const plain = await Client.connect(t, server);
  const ids = { user_id: "user_123", organization_id: "org_123" };

  assertRefused(await client.ask("authenticate", ids), "AUTH_FAILED");
  plain.send({ event: "authenticate", data: ids });
  await plain.nextError("AUTH_FAILED");

  const token = sign({ sub: "user_123", org: "org_123" });
  assert.equal((await client.ask("authenticate", { token })).success, true);
  await plain.ask({ event: "authenticate", data: { token } }, "authenticated");
  assert.deepEqual(await client.rooms(), ["org:org_123", "user:user_123"]);
  assert.deepEqual(await plain.rooms(), ["global", "org:org_123", "user:user_123"]);
});

test("S-10: who does not authenticate in time is told so and disconnected; who does stays", async (t) => {
  const server = await Server.start(t, { AUTH_TIMEOUT_MS: "3000" });
  const ids = { user_id: "user_123", organization_id: "org_123" };
  // Each of those that stay began before those that go, so its time is over when theirs is.
  const studio = await Client.connect(t, server);
  await studio.ask({ type: "join", payload: { room: "dashboard:overview" } }, "room_joined");
  const typed = await Client.connect(t, server);
  await typed.ask({ event: "authenticate", data: ids }, "authenticated");
  const staying = [];
  for (const [, transports] of TRANSPORTS) staying.push(await claim(t, server, "org_123", { transports }));
  const begun = performance.now();
  const silent = [];
  for (const [, transports] of TRANSPORTS) {
    silent.push(await connectIntraday(t, server, { transports, reconnection: true }));
  }
  const busy = await connectIntraday(t, server, { reconnection: true });
  const wscat = await Client.connect(t, server);
  await wscat.ask({ event: "client:ping" }, "client:pong");
  await busy.expectAlive();
  assertRefused(await busy.ask("authenticate", {}), "AUTH_FAILED");

  for (const client of [...silent, busy]) {
    await client.nextError("AUTH_FAILED");
    await client.ended("io server disconnect");
    assert.ok(performance.now() - begun >= 3000, "not before its time");
    assert.equal(client.socket.active, false);
  }
  await wscat.nextError("AUTH_FAILED");
  assert.equal((await wscat.closed()).code, 4401);

  await expectConnections(server, staying.length + 2);
  await expectSilence(server, studio, typed, ...staying);
});

test("S-11: bare ids give the organization's channels and nothing else", async (t) => {
  const server = await Server.start(t);
  const verified = await SocketIo.connect(t, server, "u1");
  const client = await claim(t, server, "org_123", { user_id: "u1" });
  const plain = await Client.connect(t, server);
  await plain.ask(
    { event: "authenticate", data: { user_id: "u1", organization_id: "org_123" } }, "authenticated",
  );
  assert.deepEqual(await client.rooms(), ["org:org_123"]);

  const closed = ["user:u1", "project:1", "global", "agent:7", "voice:training", "blueprint-123", "org:org_123",
    "kpi:org:org_123", "admin:broadcast", "tenant:demo1"];
  for (const room of closed) {
    for (const verb of ["subscribe", "join"]) assertRefused(await client.ask(verb, { room }), "UNAUTHORIZED");
    plain.send({ event: "subscribe", data: { room } });
    await plain.nextError("UNAUTHORIZED");
  }
  for (const roomId of closed) {
    assertRefused(await client.ask("join_room", { roomId, userId: "u1", userName: "John" }), "UNAUTHORIZED");
  }
  client.emit("execute_voice_command", { command: "get_leads", parameters: { limit: 5 }, tenantId: "demo1" });
  const { data: answer } = await client.next("voice_command_response");
  assert.deepEqual([answer.success, answer.error], [false, "Access denied"]);

  const notification = { event: "notification", data: { message: "yours" }, target: { user_ids: ["u1"] } };
  assert.equal((await server.broadcast(notification)).recipients_count, 1);
  assert.equal((await verified.next("notification")).data.message, "yours");
  assert.deepEqual(await client.rooms(), ["org:org_123"]);
  await expectSilence(server, verified, client, plain);
});
