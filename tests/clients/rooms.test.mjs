// Rooms: who may join which by `subscribe` (S-26), who is seen in them (S-38's presence), and how
// organizations are kept apart in them (S-45).

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectFlow } from "./profiles_support.mjs";
import { PythonPeer } from "./python_peer.mjs";
import { Client, Server, expectSilence, until } from "./support.mjs";
import { SocketIo, TRANSPORTS, WEBSOCKET, assertRefused, assertTime, authOf, update } from "./socketio_support.mjs";

const ROOM = "blueprint-123";

/** The rooms that exist, and how many are in each. */
const census = async (server) => {
  const { status, answer } = await server.call("GET", "/api/ws/rooms");
  assert.deepEqual([status, answer.success, answer.total_count], [200, true, answer.rooms.length]);
  return answer.rooms.map(({ room_id, member_count }) => [room_id, member_count]).sort();
};

/** Waits until as many sockets are in `room`. */
const expectMembers = (server, room, count) =>
  until(async () => new Map(await census(server)).get(room), (members) => members === count);

// ---------------------------------------------------------------- subscribe

/** What no user may subscribe to, and the code that says so. */
const REFUSED = [
  [{ room: "user:other" }, "UNAUTHORIZED"],
  [{ room: "tenant:demo1" }, "UNAUTHORIZED"],
  [{ room: "org:x" }, "UNAUTHORIZED"],
  [{ room: "kpi:org:x" }, "UNAUTHORIZED"],
  [{ room: "admin:broadcast" }, "UNAUTHORIZED"],
  [{ room: "project:2" }, "UNAUTHORIZED"],
  [{ room: "blueprint-456" }, "UNAUTHORIZED"],
  [{ room: "voice:cloning" }, "ROOM_NOT_FOUND"],
  [{ room: "user:" }, "ROOM_NOT_FOUND"],
  [{ room: "kpi:org:x:dept:d:queue:q:org:y" }, "ROOM_NOT_FOUND"],
  [{ room: "" }, "INVALID_MESSAGE"],
  [{ room: "x".repeat(129) }, "INVALID_MESSAGE"],
  [{ room: "line\nbreak" }, "INVALID_MESSAGE"],
  [{ room: 42 }, "INVALID_MESSAGE"],
  [{ room: null }, "INVALID_MESSAGE"],
  [{ room: ["project:1"] }, "INVALID_MESSAGE"],
  [{}, "INVALID_MESSAGE"],
  [[], "INVALID_MESSAGE"],
  [null, "INVALID_MESSAGE"],
  ["project:1", "INVALID_MESSAGE"],
];

for (const [label, transports] of TRANSPORTS) {
  test(`S-26: ${label}: a room that is closed or none is refused, and joins and makes nothing`, async (t) => {
    const server = await Server.start(t);
    const auth = authOf("u1", { rooms: [ROOM], projects: ["1"] });
    const client = await SocketIo.connect(t, server, "u1", { namespace: "/ws", transports, auth });
    const before = await census(server);

    for (const [payload, code] of REFUSED) {
      assertRefused(await client.ask("subscribe", payload), code);
      client.emit("subscribe", payload);
      assert.equal((await client.nextError(code)).event, "subscribe");
    }
    client.emit("subscribe");
    await client.nextError("INVALID_MESSAGE");

    assert.deepEqual(await census(server), before);
    const ack = await client.ask("subscribe", { room: "project:1" });
    const { status, success, room, rooms } = ack;
    assert.deepEqual([status, success, room, rooms], ["success", true, "project:1", ["project:1"]]);
    assert.deepEqual(await client.rooms(), ["global", "project:1", "user:u1"]);
    assert.equal((await client.ask("unsubscribe", { room: "project:1" })).success, true);
    assertRefused(await client.ask("unsubscribe", { room: "project:1" }), "ROOM_NOT_FOUND");
    await expectSilence(server, client);
  });
}

test("S-26: a plain client is told by `error`, and an admin alone hears admin:broadcast", async (t) => {
  const server = await Server.start(t);
  const user = await Client.verified(t, server, "u1", { rooms: [ROOM], projects: ["1"] });
  const admin = await Client.verified(t, server, "root", { role: "admin" });

  for (const [payload, code] of REFUSED) {
    user.send({ type: "subscribe", payload, id: "s" });
    assert.equal((await user.nextError(code)).id, "s", JSON.stringify(payload));
  }
  await admin.ask({ type: "subscribe", payload: { room: "admin:broadcast" } }, "subscribe:ack");

  const body = { type: "custom:alarm", room: "admin:broadcast", data: { n: 1 } };
  assert.equal((await server.broadcast(body)).recipients_count, 1);
  assert.deepEqual((await admin.next("custom:alarm")).data, { n: 1 });
  assert.deepEqual(await user.rooms(), ["global", "user:u1"]);
  await expectSilence(server, user, admin);
});

// ---------------------------------------------------------------- presence

/** Joins to be seen; returns who is there, as the acknowledgement and the event agree. */
const enter = async (client, payload) => {
  const ack = await client.ask("join_room", payload);
  const { data: joined } = await client.next("room_joined");
  assert.deepEqual([ack.success, ack.roomId], [true, payload.roomId], JSON.stringify(ack));
  assert.deepEqual([joined.room, joined.roomId, joined.users], [ack.roomId, ack.roomId, ack.users]);
  assertTime(joined.timestamp);
  for (const user of ack.users) {
    assert.deepEqual(Object.keys(user).sort(), ["joinedAt", "userId", "userName"]);
    assert.equal(typeof user.joinedAt, "number");
  }
  return ack.users.map(({ userId, userName }) => [userId, userName]);
};

/** Takes the sighting of one user, told in full. */
const expectSighting = async (client, event, userId, userName, roomId = ROOM) => {
  const { data } = await client.next(event);
  assert.deepEqual(data, { userId, userName, roomId, timestamp: data.timestamp });
  assert.ok(Math.abs(data.timestamp - Date.now()) < 3_600_000, "milliseconds since 1970");
};

for (const [label, transports] of TRANSPORTS) {
  test(`S-38: ${label}: users see each other come and go, by what they have proven to be`, async (t) => {
    const server = await Server.start(t);
    const u1 = await SocketIo.connect(t, server, "u1", { transports });
    const u2 = await SocketIo.connect(t, server, "u2", { transports });

    const alone = await enter(u1, { roomId: ROOM, userId: "u1", userName: "John" });
    assert.deepEqual(alone, [["u1", "John"]]);
    const both = await enter(u2, { roomId: ROOM, userId: "u1", userName: "Jane" });
    assert.deepEqual(both, [["u1", "John"], ["u2", "Jane"]], "a payload forges no user");
    await expectSighting(u1, "user_joined", "u2", "Jane");
    await expectSilence(server, u1, u2);

    const again = await enter(u2, { roomId: ROOM });
    assert.deepEqual(again, both, "who is there already does not come again");
    await expectSilence(server, u1, u2);

    const ack = await u2.ask("leave_room", { roomId: ROOM });
    assert.deepEqual([ack.success, ack.roomId], [true, ROOM]);
    assert.equal((await u2.next("room_left")).data.roomId, ROOM);
    await expectSighting(u1, "user_left", "u2", "Jane");
    assertRefused(await u2.ask("leave_room", { roomId: ROOM }), "ROOM_NOT_FOUND");
    await expectSilence(server, u1, u2);

    await enter(u2, { roomId: ROOM });
    await expectSighting(u1, "user_joined", "u2", "u2");
    u2.socket.disconnect();
    await expectSighting(u1, "user_left", "u2", "u2");
    await expectSilence(server, u1);
  });
}

test("S-38: a user with two sockets comes with the first and goes with the last", async (t) => {
  const server = await Server.start(t);
  const watcher = await SocketIo.connect(t, server, "watcher");
  await enter(watcher, { roomId: ROOM });
  const desk = await SocketIo.connect(t, server, "u1");
  const phone = await SocketIo.connect(t, server, "u1", { namespace: "/ws", ...WEBSOCKET });

  await enter(desk, { roomId: ROOM, userName: "John" });
  await expectSighting(watcher, "user_joined", "u1", "John");
  assert.equal((await enter(phone, { roomId: ROOM })).length, 2, "one user is listed once");
  await expectSilence(server, watcher, desk, phone);

  desk.socket.disconnect();
  await desk.ended("io client disconnect");
  await expectMembers(server, ROOM, 2);
  await expectSilence(server, watcher, phone);
  phone.socket.io.engine.transport.ws.terminate();
  await expectSighting(watcher, "user_left", "u1", "John");
  await expectSilence(server, watcher);
});

test("S-38: a process that is killed leaves, whatever its client was", async (t) => {
  const server = await Server.start(t);
  const watcher = await SocketIo.connect(t, server, "watcher");
  await enter(watcher, { roomId: ROOM });

  const python = await PythonPeer.connect(t, server, "u2");
  assert.equal((await python.ask("join_room", { roomId: ROOM, userName: "Py" })).users.length, 2);
  await expectSighting(watcher, "user_joined", "u2", "Py");
  python.child.kill("SIGKILL");
  await expectSighting(watcher, "user_left", "u2", "Py");

  const plain = await Client.verified(t, server, "u3", { name: "Three" });
  const joined = await plain.ask({ type: "join_room", payload: { roomId: ROOM } }, "room_joined");
  assert.deepEqual(joined.data.users.map(({ userName }) => userName), ["watcher", "Three"]);
  await expectSighting(watcher, "user_joined", "u3", "Three");
  plain.socket.terminate();
  await expectSighting(watcher, "user_left", "u3", "Three");
  await expectSilence(server, watcher);
});

test("S-38: who joins silently sees the others and is not seen", async (t) => {
  const server = await Server.start(t);
  const silent = await SocketIo.connect(t, server, "silent");
  const seen = await SocketIo.connect(t, server, "u1");
  await silent.join(ROOM);

  assert.deepEqual(await enter(seen, { roomId: ROOM }), [["u1", "u1"]]);
  await expectSighting(silent, "user_joined", "u1", "u1");
  silent.socket.disconnect();
  await expectSilence(server, seen);

  const tenant = await connectFlow(t, server);
  assertRefused(await tenant.ask("join_room", { roomId: ROOM }), "UNAUTHORIZED");
  for (const payload of [{}, { roomId: "" }, { roomId: 42 }, { roomId: "x".repeat(129) }, [], null]) {
    assertRefused(await seen.ask("join_room", payload), "INVALID_MESSAGE");
    assertRefused(await seen.ask("leave_room", payload), "INVALID_MESSAGE");
  }
  await expectSilence(server, seen, tenant);
});

// ---------------------------------------------------------------- organizations

test("S-45: one name is another room in every organization", async (t) => {
  const server = await Server.start(t);
  const of = (sub, claims) => SocketIo.connect(t, server, sub, { auth: authOf(sub, claims) });
  const [a1, a2] = [await of("a1", { org: "A" }), await of("a2", { org: "A" })];
  const [b, none] = [await of("b", { org: "B" }), await of("none", {})];

  assert.deepEqual(await enter(a1, { roomId: ROOM }), [["a1", "a1"]]);
  assert.deepEqual(await enter(b, { roomId: ROOM }), [["b", "b"]]);
  assert.deepEqual(await enter(none, { roomId: ROOM }), [["none", "none"]]);
  assert.deepEqual(await enter(a2, { roomId: ROOM }), [["a1", "a1"], ["a2", "a2"]]);
  await expectSighting(a1, "user_joined", "a2", "a2");
  await expectSilence(server, a1, a2, b, none);

  for (const from of [b, none]) assert.equal((await from.ask("blueprint_update", update(ROOM, 1))).success, true);
  assert.equal((await a1.ask("blueprint_update", update(ROOM, 2))).success, true);
  assert.equal((await a2.next("blueprint_update")).data.userId, "a1");
  await expectSilence(server, a1, a2, b, none);

  const data = { n: 1 };
  const inA = { event: "training:update", data, target: { room: ROOM, organization_id: "A" } };
  assert.equal((await server.broadcast(inA)).recipients_count, 2);
  for (const client of [a1, a2]) assert.deepEqual((await client.next("training:update")).data, data);
  await expectSilence(server, a1, a2, b, none);
  const everywhere = { event: "training:update", data, target: { room: ROOM } };
  assert.equal((await server.broadcast(everywhere)).recipients_count, 4);
  for (const client of [a1, a2, b, none]) assert.deepEqual((await client.next("training:update")).data, data);

  const { answer } = await server.call("GET", `/api/ws/rooms?prefix=${ROOM}`);
  const rooms = answer.rooms.map(({ room_id, member_count, organization_id }) => [
    room_id, member_count, organization_id,
  ]);
  assert.deepEqual(rooms.sort(), [[ROOM, 1, undefined], [ROOM, 1, "B"], [ROOM, 2, "A"]].sort());
  assert.deepEqual(answer.by_name, { [ROOM]: { clientCount: 4 } });

  a2.socket.disconnect();
  await expectSighting(a1, "user_left", "a2", "a2");
  await expectSilence(server, a1, b, none);
});

test("S-45: `global` is everyone's, whatever the organization", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (const org of ["A", "B", undefined]) {
    const options = { namespace: "/ws", auth: authOf(`of-${org}`, { org }) };
    clients.push(await SocketIo.connect(t, server, "", options));
  }

  const { recipients_count } = await server.broadcast({ type: "custom:all", room: "global", data: {} });

  assert.equal(recipients_count, 3);
  for (const client of clients) await client.next("custom:all");
  await expectSilence(server, ...clients);
});
