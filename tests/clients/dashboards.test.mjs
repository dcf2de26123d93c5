// Guide 002: the dashboards' plain WebSocket, as wscat and the browser client use it (S-12, S-32, S-34).

import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_TOKENS, Client, Server, bearer, expectSilence, inSeconds, sign } from "./support.mjs";

const sorted = (names) => [...names].sort();

test("a plain client is welcomed on /ws and on /ws/", async (t) => {
  const server = await Server.start(t);

  const first = await Client.connect(t, server, { path: "/ws" });
  const second = await Client.connect(t, server, { path: "/ws/" });

  for (const { welcome } of [first, second]) {
    assert.equal(welcome.data.protocol_version, "1.0");
    assert.equal(welcome.data.authenticated, false);
    assert.equal(welcome.data.connection_id, welcome.data.clientId);
    assert.ok(!welcome.data.user_id, "an anonymous client has no user");
    assert.ok(welcome.data.reconnectToken.length >= 16);
  }
  assert.notEqual(first.welcome.data.clientId, second.welcome.data.clientId);
  assert.notEqual(first.welcome.data.reconnectToken, second.welcome.data.reconnectToken);
});

const UPGRADES = [
  ["?token=", (token) => ({ path: `/ws?token=${token}` })],
  ["Authorization: Bearer", (token) => ({ headers: { Authorization: `Bearer ${token}` } })],
  ["X-Auth-Token", (token) => ({ headers: { "X-Auth-Token": token } })],
];

for (const [form, upgrade] of UPGRADES) {
  test(`a token by ${form} proves the user at the upgrade`, async (t) => {
    const server = await Server.start(t);

    const client = await Client.connect(t, server, upgrade(sign({ sub: "user-456" })));

    assert.equal((await client.next("auth:success")).data.userId, "user-456");
    assert.equal(client.welcome.data.authenticated, true);
    assert.equal(client.welcome.data.user_id, "user-456");
    assert.deepEqual(await client.rooms(), ["global", "user:user-456"]);
  });

  test(`a bad token by ${form} leaves the socket open and anonymous`, async (t) => {
    const server = await Server.start(t);

    const client = await Client.connect(t, server, upgrade("garbage"));

    assert.equal(client.welcome.data.authenticated, false);
    await client.nextError("AUTH_FAILED");
    assert.deepEqual(await client.rooms(), []);
    const token = sign({ sub: "user-456" });
    const { data } = await client.ask({ type: "auth", payload: { token } }, "auth:success");
    assert.equal(data.userId, "user-456");
  });
}

test("the auth message proves the user, who joins the rooms of user, organization and everyone", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);
  const exp = inSeconds(600);

  const token = sign({ sub: "user-456", org: "org_123", exp });
  const { data, id } = await client.ask({ type: "auth", payload: { token }, id: "a-1" }, "auth:success");

  assert.equal(id, "a-1");
  assert.equal(data.userId, "user-456");
  assert.ok(!Number.isNaN(Date.parse(data.timestamp)));
  if (data.expires_at !== undefined) assert.equal(Date.parse(data.expires_at), exp * 1000);
  assert.deepEqual(await client.rooms(), sorted(["global", "org:org_123", "user:user-456"]));
});

for (const [flaw, token] of BAD_TOKENS) {
  test(`a token ${flaw} is AUTH_FAILED, and a good one works afterwards`, async (t) => {
    const server = await Server.start(t);
    const client = await Client.connect(t, server);

    client.send({ type: "auth", payload: { token }, id: "a-1" });

    const { id } = await client.nextError("AUTH_FAILED");
    assert.equal(id, "a-1");
    assert.deepEqual(await client.rooms(), []);
    await client.ask({ type: "auth", payload: { token: sign({ sub: "user-456" }) } }, "auth:success");
  });
}

test("a live connection ends when its token does, with AUTH_FAILED and 4401", async (t) => {
  const server = await Server.start(t);
  const client = await Client.verified(t, server, "user-456", { exp: inSeconds(3) });
  const other = await Client.verified(t, server, "user-457");

  await client.nextError("AUTH_FAILED");

  assert.equal((await client.closed()).code, 4401);
  await other.expectAlive();
});

test("the guide's wscat lines, typed in order, authenticate and join", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  const token = sign({ sub: "user-456" });
  client.send('{"type":"auth","payload":{"token":"YOUR_TOKEN"}}'.replace("YOUR_TOKEN", token));
  client.send('{"type":"join","payload":{"room":"dashboard:overview"}}');

  assert.equal((await client.next("auth:success")).data.userId, "user-456");
  const { data } = await client.next("room_joined");
  assert.equal(data.room, "dashboard:overview");
  assert.equal(data.roomId, "dashboard:overview");
  assert.ok(!Number.isNaN(Date.parse(data.timestamp)));
});

test("a room's members get its broadcasts once, others and leavers none", async (t) => {
  const server = await Server.start(t);
  const member = await Client.verified(t, server, "user-456");
  const stranger = await Client.connect(t, server);
  const room = "dashboard:overview";
  const joined = await member.ask({ type: "join", payload: { room }, id: "j-1" }, "room_joined");
  assert.equal(joined.id, "j-1");

  const body = { type: "training:update", room, data: { activeJobs: 3, note: "früh <b>" } };
  assert.equal((await server.broadcast(body)).recipients_count, 1);
  const frame = await member.next("training:update");
  assert.deepEqual(frame.data, body.data);
  assert.equal(frame.room, room);
  await expectSilence(server, member, stranger);

  const left = await member.ask({ type: "leave", payload: { room } }, "room_left");
  assert.equal(left.data.room, room);
  assert.equal((await server.broadcast(body)).recipients_count, 0);
  await expectSilence(server, member, stranger);

  member.send({ type: "leave", payload: { room } });
  await member.nextError("ROOM_NOT_FOUND");
});

test("a broadcast to a user reaches all sockets of that user and nobody else", async (t) => {
  const server = await Server.start(t);
  const desk = await Client.verified(t, server, "user-123");
  const phone = await Client.verified(t, server, "user-123");
  const other = await Client.verified(t, server, "user-124");
  const data = { activeJobs: 7 };

  const { recipients_count } = await server.broadcast({ type: "training:update", user_id: "user-123", data });

  assert.equal(recipients_count, 2);
  for (const client of [desk, phone]) assert.deepEqual((await client.next("training:update")).data, data);
  await expectSilence(server, desk, phone, other);
});

test("an anonymous client joins public rooms only", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  await client.ask({ type: "join", payload: { room: "dashboard:overview" } }, "room_joined");
  for (const room of ["voice:training", "user:1", "admin:broadcast", "org:org_123", "global"]) {
    client.send({ type: "join", payload: { room }, id: room });
    assert.equal((await client.nextError("UNAUTHORIZED")).id, room);
  }

  assert.deepEqual(await client.rooms(), ["dashboard:overview"]);
});

test("a verified user does not enter rooms of other users, organizations or administrators", async (t) => {
  const server = await Server.start(t);
  const client = await Client.verified(t, server, "user-456", { org: "org_123" });

  await client.ask({ type: "join", payload: { room: "voice:training" } }, "room_joined");
  for (const room of ["user:other", "org:org_999", "admin:broadcast", "tenant:demo1"]) {
    client.send({ type: "join", payload: { room } });
    await client.nextError("UNAUTHORIZED");
  }

  assert.deepEqual(await client.rooms(), sorted(["global", "org:org_123", "user:user-456", "voice:training"]));
});

test("each keep-alive is answered under its own name", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  const pong = await client.ask({ type: "ping", payload: {}, id: "p" }, "pong");
  const clientPong = await client.ask({ type: "client:ping" }, "client:pong");
  const heartbeat = await client.ask({ type: "heartbeat", payload: {} }, "heartbeat");

  assert.equal(pong.id, "p");
  assert.equal(clientPong.data.pong, true);
  const times = [pong.data.server_time, clientPong.data.server_time, heartbeat.data.timestamp];
  for (const time of times) assert.ok(!Number.isNaN(Date.parse(time)), `no time: ${time}`);
});

test("an unknown message is INVALID_MESSAGE and names its request", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  client.send({ type: "nonsense", payload: {}, id: "n-1" });

  assert.equal((await client.nextError("INVALID_MESSAGE")).id, "n-1");
  await client.expectAlive();
});

test("status and rooms count clients as the guide prints them", async (t) => {
  const server = await Server.start(t);
  const anonymous = await Client.connect(t, server);
  await Client.verified(t, server, "user-456");
  await anonymous.ask({ type: "join", payload: { room: "dashboard:overview" } }, "room_joined");

  const status = await server.call("GET", "/api/ws/status");
  const rooms = await server.call("GET", "/api/ws/rooms");
  const health = await server.call("GET", "/health");
  const wsHealth = await server.call("GET", "/api/ws/health");

  assert.deepEqual([status.status, rooms.status, health.status, wsHealth.status], [200, 200, 200, 200]);
  assert.equal(status.answer.status, "running");
  assert.equal(status.answer.totalClients, 2);
  assert.equal(status.answer.authenticatedClients, 1);
  assert.deepEqual(status.answer.rooms["dashboard:overview"], { clientCount: 1 });
  assert.deepEqual(rooms.answer.by_name["dashboard:overview"], { clientCount: 1 });
  assert.equal(health.answer.status, "ok");
  assert.equal(health.answer.connections, 2);
  assert.equal(wsHealth.answer.status, "healthy");
  assert.equal(wsHealth.answer.active_connections, 2);
});

test("with ADMIN_API_KEY set, only its holder and administrators broadcast", async (t) => {
  const server = await Server.start(t, { ADMIN_API_KEY: "client-tests-admin-key-of-32-bytes!" });
  const client = await Client.connect(t, server);
  const body = { type: "training:update", data: { activeJobs: 1 } };
  const post = (headers) => server.call("POST", "/api/ws/broadcast", { body, headers });

  const refused = [
    await post({}),
    await post({ "X-Admin-Key": "wrong" }),
    await post(bearer({ sub: "user-456" })),
  ];
  for (const { answer } of refused) {
    assert.equal(answer.success, false);
    assert.equal(typeof answer.error, "string");
    assert.equal(typeof answer.code, "string");
  }
  assert.deepEqual(refused.map(({ status }) => status), [401, 401, 403]);

  const byKey = await post({ "X-Admin-Key": "client-tests-admin-key-of-32-bytes!" });
  const byRole = await post(bearer({ sub: "root", role: "admin" }));
  assert.deepEqual([byKey.status, byRole.status], [200, 200]);
  // Exactly the two allowed ones arrived: the refused would have come first.
  for (let sent = 0; sent < 2; sent += 1) {
    assert.deepEqual((await client.next("training:update")).data, body.data);
  }
  await client.expectAlive();
});
