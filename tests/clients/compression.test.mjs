// S-62: what goes out compressed, to whom and from how many bytes on, counted at real clients' sockets.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Frames, counting } from "./raw_frames.mjs";
import { Server, expectSilence } from "./support.mjs";
import { DEFAULT, PLACES, SocketIo, WEBSOCKET } from "./socketio_support.mjs";
import {
  FIFTY, NOTHING, OFFERED, ROOM, SIZE, broadcast, extensions, next, plainClients, sized, socketIoClient,
} from "./compression_support.mjs";

test("S-62: 50 KB cost a client that negotiated under 10 KB, and its neighbour gets them whole", async (t) => {
  const server = await Server.start(t);
  const [small, whole] = await plainClients(t, server, {}, NOTHING);
  assert.equal(extensions(small), OFFERED);
  assert.equal(extensions(whole), "");

  const both = Promise.all([small, whole].map((client) => counting(client, () => next(client))));
  await broadcast(server, FIFTY);
  const [[compressed, inflated], [plain, told]] = await both;

  assert.deepEqual(inflated, FIFTY);
  assert.deepEqual(told, FIFTY);
  assert.ok(compressed < 10_000, `${compressed} bytes`);
  assert.ok(plain > SIZE && plain < SIZE + 1000, `${plain} bytes`);
  await expectSilence(server, small, whole);
});

test("S-62: the same on every Socket.IO namespace and path, opened as a WebSocket or upgraded", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (const place of PLACES) {
    for (const transports of [WEBSOCKET, DEFAULT]) {
      clients.push([true, await socketIoClient(t, server, transports, place)]);
    }
    clients.push([false, await socketIoClient(t, server, NOTHING, place)]);
  }
  for (const [offers, client] of clients) {
    assert.equal(extensions(client), offers ? OFFERED : "");
  }

  const all = Promise.all(clients.map(([, client]) => counting(client, () => next(client))));
  await broadcast(server, FIFTY);

  for (const [at, [bytes, data]] of (await all).entries()) {
    assert.deepEqual(data, FIFTY);
    const [offers] = clients[at];
    assert.ok(offers ? bytes < 10_000 : bytes > SIZE, `${bytes} bytes`);
  }
  await expectSilence(server, ...clients.map(([, client]) => client));
});

test("S-62: 500 bytes go out as they are, and so does everything below 1024", async (t) => {
  const server = await Server.start(t);
  const [plain] = await plainClients(t, server, {});
  const client = await socketIoClient(t, server);
  const [plainFrames, frames] = [new Frames(plain), new Frames(client)];

  for (const [size, rsv1] of [[500, false], [1023, false], [1024, true], [5000, true]]) {
    await broadcast(server, sized(size));
    assert.equal(await next(client), sized(size));
    await next(plain);
    const [frame, ...others] = frames.take();
    assert.deepEqual([others, frame.fin, frame.opcode, frame.rsv1], [[], true, 1, rsv1], `${size} bytes`);
    assert.ok(rsv1 ? frame.length < size / 4 : frame.length === size, `${frame.length} of ${size}`);
    // Its own frame of the same event is longer: by names and a time.
    const [own] = plainFrames.take();
    if (size === 500) assert.deepEqual([own.rsv1, own.length > 500], [false, true]);
    if (size > 1000) assert.equal(own.rsv1, true);
  }
});

test("where the threshold is set there compression begins", async (t) => {
  const settings = [
    ["200", [[199, false], [200, true]]],
    ["60000", [[5000, false], [59_999, false], [60_000, true]]],
  ];
  for (const [threshold, sizes] of settings) {
    const server = await Server.start(t, { COMPRESSION_THRESHOLD_BYTES: threshold });
    const client = await socketIoClient(t, server);
    const frames = new Frames(client);
    for (const [size, rsv1] of sizes) {
      await broadcast(server, sized(size));
      assert.equal(await next(client), sized(size));
      assert.deepEqual(frames.take().map((frame) => frame.rsv1), [rsv1], `${size} bytes of ${threshold}`);
    }
  }
});

test("answers to one client are compressed as broadcasts are", async (t) => {
  const server = await Server.start(t);
  const [plain] = await plainClients(t, server, {});
  const client = await socketIoClient(t, server);
  for (const one of [plain, client]) {
    const frames = new Frames(one);
    // The answer names all the rooms.
    for (let n = 0; n < 100; n += 1) {
      if (one === plain) await one.ask({ type: "join", payload: { room: `public:a-room-${n}` } }, "room_joined");
      else await one.join(`public:a-room-${n}`);
    }
    assert.ok(frames.take().every(({ rsv1 }) => !rsv1));
    const rooms = await one.rooms();
    assert.ok(rooms.includes("public:a-room-99") && rooms.length > 100);
    const [answer] = frames.take();
    assert.equal(answer.rsv1, true);
  }
});

test("COMPRESSION_ENABLED=false negotiates nothing, and everything arrives as it is", async (t) => {
  const server = await Server.start(t, { COMPRESSION_ENABLED: "false" });
  const [plain] = await plainClients(t, server, {});
  const client = await socketIoClient(t, server, DEFAULT);
  for (const one of [plain, client]) assert.equal(extensions(one), "");

  const both = Promise.all([plain, client].map((one) => counting(one, () => next(one))));
  await broadcast(server, FIFTY);
  for (const [bytes, data] of await both) {
    assert.deepEqual(data, FIFTY);
    assert.ok(bytes > SIZE, `${bytes} bytes`);
  }
});

test("COMPRESSION_EXCLUDE_ROOMS: such a room's events go out as they are, others do not", async (t) => {
  const server = await Server.start(t, { COMPRESSION_EXCLUDE_ROOMS: "public:secret,public:other" });
  const [plain] = await plainClients(t, server, {});
  const client = await socketIoClient(t, server);
  await plain.ask({ type: "join", payload: { room: "public:secret" } }, "room_joined");
  await client.join("public:secret");
  for (const one of [plain, client]) {
    const frames = new Frames(one);
    for (const [room, rsv1] of [["public:secret", false], [ROOM, true], ["public:secret", false]]) {
      await broadcast(server, FIFTY, { room });
      assert.deepEqual(await next(one), FIFTY);
      const [frame] = frames.take();
      assert.equal(frame.rsv1, rsv1, room);
      assert.ok(rsv1 ? frame.length < 10_000 : frame.length > SIZE, `${room}: ${frame.length} bytes`);
    }
    for (const other of [plain, client].filter((each) => each !== one)) {
      for (let n = 0; n < 3; n += 1) await next(other);
    }
  }
});

test("events compressed and not keep their order, before, while and after clients upgrade", async (t) => {
  const server = await Server.start(t);
  const [plain, whole] = await plainClients(t, server, {}, NOTHING);
  const sent = Array.from({ length: 300 }, (_, n) => ({ n, text: `${n} `.repeat((n * 7919) % 3000) }));
  const late = [];
  for (const data of sent) {
    // Some come while the others are told, as pollers that are about to upgrade.
    if (data.n % 60 === 0) {
      const client = await SocketIo.connect(t, server, "bob", DEFAULT);
      await client.join(ROOM);
      late.push([data.n, client]);
    }
    await broadcast(server, data);
  }

  for (const [from, client] of [[0, plain], [0, whole], ...late]) {
    for (const data of sent.slice(from)) assert.deepEqual(await next(client), data);
  }
  for (const [, client] of late) {
    await client.upgraded();
    assert.equal(extensions(client), OFFERED);
  }
  await expectSilence(server, plain, whole, ...late.map(([, client]) => client));
});
