// Bytes inside an event arrive as the same bytes, whoever sends them to whom and by whatever way (S-42).

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Client, Server, expectSilence } from "./support.mjs";
import { POLLING, SocketIo, TRANSPORTS, WEBSOCKET, assertRefused, update } from "./socketio_support.mjs";

const ROOM = "blueprint-1";
const TEN_KB = 10 * 1024;

/** Content with 10 KB in it, twice among other things, and with bytes that are none. */
const content = () => ({
  image: randomBytes(TEN_KB),
  layers: [{ name: "früh", mask: randomBytes(33) }, null, 1.5],
  empty: Buffer.alloc(0),
});

/** The ways of two transports and base64, which a client asks for by `b64=1`. */
const WAYS = [
  ...TRANSPORTS.map(([label, transports]) => [label, { transports }]),
  ["polling with base64", { ...POLLING, forceBase64: true }],
  ["WebSocket with base64", { ...WEBSOCKET, forceBase64: true }],
  ["default transports with base64", { forceBase64: true }],
];

const enter = async (t, server, sub, options) => {
  const client = await SocketIo.connect(t, server, sub, options);
  if (options.transports) await client.settled(options.transports);
  else await client.upgraded();
  if (options.forceBase64) assert.equal(client.socket.io.engine.transport.query.b64, 1);
  await client.join(ROOM);
  return client;
};

for (const [fromLabel, fromOptions] of WAYS) {
  test(`bytes from a client by ${fromLabel} arrive everywhere as they were`, async (t) => {
    const server = await Server.start(t);
    const from = await enter(t, server, "ann", fromOptions);
    const readers = [];
    for (const [label, options] of WAYS) {
      readers.push([label, await enter(t, server, "bob", { namespace: "/ws", path: "/ws", ...options })]);
    }

    for (let round = 0; round < 3; round += 1) {
      const sent = content();
      const ack = await from.ask("blueprint_update", update(ROOM, sent));
      assert.deepEqual(ack, { status: "success", success: true });
      for (const [label, reader] of readers) {
        const { data } = await reader.next("blueprint_update");
        assert.ok(Buffer.isBuffer(data.changes.content.image), label);
        assert.deepEqual(data.changes.content, sent, label);
      }
    }

    await expectSilence(server, from, ...readers.map(([, reader]) => reader));
  });
}

test("bytes keep their place among other events, in both directions", async (t) => {
  const server = await Server.start(t);

  for (const [, options] of WAYS) {
    const from = await enter(t, server, "ann", options);
    const to = await enter(t, server, "bob", options);
    const sent = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? { n } : { n, bytes: randomBytes(n * 10) }));
    for (const one of sent) from.emit("blueprint_update", update(ROOM, one));
    for (const one of sent) {
      assert.deepEqual((await to.next("blueprint_update")).data.changes.content, one);
    }
    for (const client of [from, to]) await client.ask("leave", { room: ROOM });
  }
});

/** What a plain client reads where a Socket.IO client has bytes (contract D-37). */
const spelled = (bytes) => ({ type: "Buffer", base64: bytes.toString("base64") });

test("a plain client reads bytes as base64 at their place", async (t) => {
  const server = await Server.start(t);
  const plain = await Client.verified(t, server, "cem");
  await plain.ask({ type: "join", payload: { room: ROOM } }, "room_joined");

  for (const [, options] of WAYS) {
    const from = await enter(t, server, "ann", options);
    const sent = content();
    await from.ask("blueprint_update", update(ROOM, sent));
    const { data, room } = await plain.next("blueprint_update");
    assert.equal(room, ROOM);
    assert.deepEqual(data.changes.content, {
      image: spelled(sent.image),
      layers: [{ name: "früh", mask: spelled(sent.layers[0].mask) }, null, 1.5],
      empty: spelled(sent.empty),
    });
  }
});

test("base64 of a plain client reaches Socket.IO clients as bytes", async (t) => {
  const server = await Server.start(t);
  const plain = await Client.verified(t, server, "cem");
  await plain.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
  const readers = [];
  for (const [, options] of WAYS) readers.push(await enter(t, server, "ann", options));
  const other = await Client.verified(t, server, "dan");
  await other.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
  const image = randomBytes(TEN_KB);

  const message = { type: "blueprint_update", payload: update(ROOM, { image: spelled(image), n: 1 }), id: "u-1" };
  const reply = await plain.ask(message, "blueprint_update:ack");

  assert.deepEqual([reply.id, reply.data.success], ["u-1", true]);
  for (const reader of readers) {
    const { data } = await reader.next("blueprint_update");
    assert.deepEqual(data.changes.content, { image, n: 1 });
  }
  const { data } = await other.next("blueprint_update");
  assert.deepEqual(data.changes.content, { image: spelled(image), n: 1 });
});

test("ten attachments are carried; bytes where no bytes belong are refused and harm nobody", async (t) => {
  const server = await Server.start(t);
  const [from, to] = [await enter(t, server, "ann", {}), await enter(t, server, "bob", {})];
  const ten = Array.from({ length: 10 }, (_, n) => randomBytes(n + 1));

  await from.ask("blueprint_update", update(ROOM, ten));
  assert.deepEqual((await to.next("blueprint_update")).data.changes.content, ten);

  assertRefused(await from.ask("blueprint_update", Buffer.from("no object")), "INVALID_MESSAGE");
  assertRefused(await from.ask("join", { room: Buffer.from(ROOM) }), "INVALID_MESSAGE");
  assert.equal((await from.ask("ping", Buffer.from([1]))).pong, true);
  await from.next("pong");
  await expectSilence(server, from, to);
});
