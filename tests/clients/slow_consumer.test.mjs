// One client that stops reading must cost the others nothing and the server little (S-67).

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Client, Server, within } from "./support.mjs";

const ROOM = "dashboard:overview";
const MESSAGES = 10_000;
const READERS = 10;
/** Bytes that may wait for one consumer. The bound must exceed the hard message limit. */
const BOUND = 1024 * 1024;
const SETTINGS = {
  SEND_QUEUE_BYTES: String(BOUND),
  MAX_MESSAGE_SIZE_BYTES: "65536",
  HARD_MAX_MESSAGE_BYTES: "131072",
};
/** 8 KiB that no compression makes small: all messages together are 80 MB for each client. */
const PAD = randomBytes(6 * 1024).toString("base64");
/** What server memory may grow by: about twice the bounds of all eleven clients. */
const GROWTH_KIB = 24 * 1024;
/** What the kernel may hold for a connection that is not read: both socket buffers at their usual maxima. */
const KERNEL_BYTES = 16 * 1024 * 1024;

const joinRoom = async (t, server) => {
  const client = await Client.connect(t, server, { options: { perMessageDeflate: false } });
  await client.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
  return client;
};

/** From here on keeps only the sequence numbers; `complete` settles with the last message. */
const countFrames = (client) => {
  client.seen = [];
  client.complete = new Promise((settle) => {
    client.onFrame = (text) => {
      const { type, data } = JSON.parse(text);
      client.seen.push(type === "training:update" ? data.n : type);
      if (data.n === MESSAGES - 1) settle();
    };
  });
};

const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

test("a client that stops reading is dropped at its bound; ten others lose nothing", async (t) => {
  const server = await Server.start(t, SETTINGS);
  const readers = await Promise.all(Array.from({ length: READERS }, () => joinRoom(t, server)));
  const slow = await joinRoom(t, server);
  for (const client of [...readers, slow]) countFrames(client);
  slow.socket.pause();

  const before = server.residentKib();
  const started = Date.now();
  let peak = before;
  const reached = [];
  for (let n = 0; n < MESSAGES; n += 1) {
    const body = { type: "training:update", room: ROOM, data: { n, pad: PAD } };
    reached.push((await server.broadcast(body)).recipients_count);
    if (n % 100 === 0) peak = Math.max(peak, server.residentKib());
  }
  const everyone = Promise.all(readers.map(({ complete }) => complete));
  await within(everyone, () => `readers have ${readers.map(({ seen }) => seen.length)}${server.printed()}`);
  peak = Math.max(peak, server.residentKib());
  const seconds = (Date.now() - started) / 1000;

  const droppedAt = reached.indexOf(READERS);
  const accepted = droppedAt * PAD.length;
  t.diagnostic(`${MESSAGES} messages of ${PAD.length} bytes to ${READERS} readers in ${seconds.toFixed(1)} s`);
  t.diagnostic(`the slow client was dropped after ${droppedAt} messages, ${mib(accepted)} (bound ${mib(BOUND)})`);
  t.diagnostic(`server memory: ${mib(before * 1024)} before, ${mib(peak * 1024)} at most`);

  const inOrder = Array.from({ length: MESSAGES }, (_, n) => n);
  for (const { seen } of readers) assert.deepEqual(seen, inOrder);

  assert.notEqual(droppedAt, -1, "the slow client was never dropped");
  const [atFirst, toTheEnd] = [reached.slice(0, droppedAt), reached.slice(droppedAt)];
  assert.ok(atFirst.every((count) => count === READERS + 1), "all eleven are reached at first");
  assert.ok(toTheEnd.every((count) => count === READERS), "the ten are reached to the end");
  assert.ok(accepted >= BOUND - PAD.length, `dropped below its bound: ${accepted} bytes`);
  assert.ok(accepted <= BOUND + KERNEL_BYTES, `dropped far above its bound: ${accepted} bytes`);
  assert.ok(peak - before < GROWTH_KIB, `memory grew by ${peak - before} KiB`);
  assert.equal((await server.call("GET", "/api/ws/status")).answer.totalClients, READERS);

  slow.socket.resume();
  const { code } = await slow.closed();
  t.diagnostic(`the slow client read ${slow.seen.length} messages, then close ${code}`);
  assert.ok([1013, 1006].includes(code), `closed with ${code}`);
  assert.deepEqual(slow.seen, inOrder.slice(0, slow.seen.length), "what it did get is whole and in order");
  for (const reader of readers) assert.equal(reader.socket.readyState, reader.socket.OPEN);
});
