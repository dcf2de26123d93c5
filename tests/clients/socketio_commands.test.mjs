// What a Socket.IO client asks and how it is answered: acknowledgements, events, errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Server, expectSilence } from "./support.mjs";
import { SocketIo, TRANSPORTS, assertRefused, assertTime, update } from "./socketio_support.mjs";

const ROOM = "blueprint-1";

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: each keep-alive is answered under its own name, and to its acknowledgement`, async (t) => {
    const server = await Server.start(t);

    for (const namespace of ["/", "/ws", "/events"]) {
      const client = await SocketIo.connect(t, server, "ann", { namespace, transports });

      client.emit("ping");
      assertTime((await client.next("pong")).data.server_time);
      client.emit("client:ping", {});
      const clientPong = (await client.next("client:pong")).data;
      assert.deepEqual(clientPong, { pong: true, server_time: clientPong.server_time });
      assertTime(clientPong.server_time);
      client.emit("heartbeat", { timestamp: Date.now() });
      assertTime((await client.next("heartbeat")).data.timestamp);

      const ping = await client.ask("ping");
      assert.deepEqual(ping, { status: "pong", pong: true, server_time: ping.server_time });
      assertTime((await client.next("pong")).data.server_time);
      const clientPing = await client.ask("client:ping");
      assert.deepEqual(clientPing, { pong: true, server_time: clientPing.server_time });
      assertTime((await client.ask("heartbeat")).timestamp);
      await client.next("heartbeat");

      await expectSilence(server, client);
    }
  });
}

test("whatever is asked for an acknowledgement gets exactly one", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann");
  const said = (ack) => [ack.status, ack.success];

  assert.deepEqual(said(await client.ask("join", { room: ROOM })), ["success", true]);
  await client.next("room_joined");
  assert.deepEqual(await client.ask("blueprint_update", update(ROOM, 1)), { status: "success", success: true });
  assertRefused(await client.ask("ack", { message_id: "never-received" }), "INVALID_MESSAGE");
  const { message_id } = await server.broadcast({ type: "custom:event", data: 1, requires_ack: true });
  await client.next("custom:event");
  assert.deepEqual(await client.ask("ack", { message_id }), { status: "success", success: true });
  const rooms = await client.ask("debug:rooms");
  assert.deepEqual(said(rooms), ["success", true]);
  assert.equal(rooms.organization_id, null);
  assert.equal(rooms.tenant_id, null);
  assert.deepEqual(said(await client.ask("leave", { room: ROOM })), ["success", true]);
  await client.next("room_left");

  await expectSilence(server, client);
});

/** Requests that must be refused, and the code. */
const REFUSED = [
  ["nonsense", {}, "INVALID_MESSAGE"],
  ["join", { room: "" }, "INVALID_MESSAGE"],
  ["join", { room: 42 }, "INVALID_MESSAGE"],
  ["join", { room: "x".repeat(129) }, "INVALID_MESSAGE"],
  ["join", [ROOM], "INVALID_MESSAGE"],
  ["join", null, "INVALID_MESSAGE"],
  ["join", { room: "user:other" }, "UNAUTHORIZED"],
  ["join", { room: "org:org_999" }, "UNAUTHORIZED"],
  ["join", { room: "admin:broadcast" }, "UNAUTHORIZED"],
  ["join", { room: "tenant:demo1" }, "UNAUTHORIZED"],
  ["leave", { room: "never-joined" }, "ROOM_NOT_FOUND"],
  ["auth", { token: "garbage" }, "AUTH_FAILED"],
  ["authenticate", { token: "garbage" }, "AUTH_FAILED"],
  ["blueprint_update", { roomId: ROOM }, "INVALID_MESSAGE"],
  ["blueprint_update", update(ROOM, 1, { changes: { action: "burn" } }), "INVALID_MESSAGE"],
  ["ack", { message_id: 7 }, "INVALID_MESSAGE"],
];

test("a refusal goes to the acknowledgement where one is asked for, and else to `error`", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann");
  const rooms = await client.rooms();

  for (const [name, payload, code] of REFUSED) {
    assertRefused(await client.ask(name, payload), code);
    client.emit(name, payload);
    const { event } = await client.nextError(code);
    assert.equal(event, name);
  }

  assert.deepEqual(await client.rooms(), rooms);
  await expectSilence(server, client);
});

test("an update of a room one is not in is refused and reaches nobody", async (t) => {
  const server = await Server.start(t);
  const member = await SocketIo.connect(t, server, "ann");
  const stranger = await SocketIo.connect(t, server, "bob");
  await member.join(ROOM);

  const ack = await stranger.ask("blueprint_update", update(ROOM, 1));

  assert.equal(ack.success, false);
  assertRefused(ack, ack.code);
  await expectSilence(server, member, stranger);
});

test("an event without arguments, with many, and with a number for a name is no end", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann");

  assertRefused(await client.ask("join"), "INVALID_MESSAGE");
  assert.equal((await client.ask("join", { room: ROOM }, { room: "other" }, 3)).room, ROOM);
  await client.next("room_joined");
  client.socket.io.engine.write('2[5,"x"]');
  await client.nextError("INVALID_MESSAGE");
  client.socket.io.engine.write("2");

  await client.expectAlive();
});

test("a hundred requests at once are acknowledged each with its own answer", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    const client = await SocketIo.connect(t, server, "ann", { transports });
    const names = Array.from({ length: 90 }, (_, n) => `room-${n}`);
    const acks = await Promise.all(names.map((room) => client.ask("join", { room })));
    assert.deepEqual(acks.map(({ room }) => room), names);
    for (const room of names) assert.equal((await client.next("room_joined")).data.room, room);
  }
});

test("over the rate every request is acknowledged still, some with RATE_LIMIT_EXCEEDED", async (t) => {
  const server = await Server.start(t, { RATE_LIMIT_MESSAGES_PER_SECOND: "20" });
  const client = await SocketIo.connect(t, server, "ann");

  const acks = await Promise.all(Array.from({ length: 100 }, () => client.ask("debug:rooms")));

  const refused = acks.filter(({ success }) => !success);
  assert.ok(refused.length > 0 && refused.length <= 81, `${refused.length} of 100 refused`);
  for (const ack of refused) assertRefused(ack, "RATE_LIMIT_EXCEEDED");
  await client.expectAlive();
});

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a broadcast that requires an acknowledgement can be acknowledged`, async (t) => {
    const server = await Server.start(t);
    const clients = [
      await SocketIo.connect(t, server, "ann", { transports }),
      await SocketIo.connect(t, server, "bob", { namespace: "/ws", transports }),
    ];
    const body = { event: "system:notification", data: { message: "hello" }, requires_ack: true };

    for (let round = 0; round < 3; round += 1) {
      const { message_id } = await server.broadcast(body);
      const acknowledged = async () => {
        const { answer } = await server.call("GET", `/api/ws/broadcasts/${message_id}`);
        return answer.counts.acknowledged;
      };
      for (const [index, client] of clients.entries()) {
        const { args, acknowledge } = await client.next("system:notification");
        assert.deepEqual(args, [body.data]);
        assert.equal(await acknowledged(), index);
        acknowledge({ status: "received" });
        acknowledge();
        await client.expectAlive();
        assert.equal(await acknowledged(), index + 1);
      }
    }

    // Without its callback, by the message's id (scenario S-58).
    const { message_id } = await server.broadcast(body);
    for (const client of clients) {
      await client.next("system:notification");
      client.socket.emit("ack", { message_id });
      await client.expectAlive();
    }
    const { answer } = await server.call("GET", `/api/ws/broadcasts/${message_id}`);
    assert.deepEqual(answer.counts, { queued: 0, written: 0, acknowledged: 2, gone: 0 });

    await server.broadcast({ ...body, requires_ack: false });
    for (const client of clients) {
      assert.equal((await client.next("system:notification")).acknowledge, undefined);
    }
    await expectSilence(server, ...clients);
  });
}

test("acknowledging what never was, or with bytes, does no harm", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann");

  client.socket.io.engine.write("3999999[1]");
  client.socket.io.engine.write("3[1]");
  await server.broadcast({ event: "system:notification", data: {}, requires_ack: true });
  const { acknowledge } = await client.next("system:notification");
  acknowledge({ seen: Buffer.from([1, 2, 3]) });

  await client.expectAlive();
});

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: with \`retries\`, every event is delivered once and in order`, async (t) => {
    const server = await Server.start(t);
    const sender = await SocketIo.connect(t, server, "ann", { transports, retries: 3, ackTimeout: 10_000 });
    const reader = await SocketIo.connect(t, server, "bob", { transports });
    await reader.join(ROOM);
    sender.emit("join", { room: ROOM });

    for (let n = 0; n < 20; n += 1) sender.emit("blueprint_update", update(ROOM, n));

    for (let n = 0; n < 20; n += 1) {
      assert.equal((await reader.next("blueprint_update")).data.changes.content, n);
    }
    await sender.next("room_joined");
    await expectSilence(server, sender, reader);
  });
}
