// S-62: what clients offer, and what they send compressed; who offers nothing beside them; Chromium.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { connectFlow, connectIntraday } from "./profiles_support.mjs";
import { PythonPeer } from "./python_peer.mjs";
import { Proxy, counting, rawSocket } from "./raw_frames.mjs";
import { PATIENCE, Server, bearer, expectSilence, sign, within } from "./support.mjs";
import { DEFAULT, PLACES, WEBSOCKET, update } from "./socketio_support.mjs";
import {
  ALL, FAR, FIFTY, NOTHING, OFFERED, ROOM, broadcast, extensions, next, parameters, plainClients, socketIoClient,
} from "./compression_support.mjs";

test("server_max_window_bits of 9 to 15: every client inflates with the window it asked for", async (t) => {
  const server = await Server.start(t);
  const sizes = [9, 10, 11, 12, 13, 14, 15];
  const offers = sizes.map((bits) => ({ perMessageDeflate: { serverMaxWindowBits: bits } }));
  const plain = await plainClients(t, server, ...offers, {});
  const socketIo = await Promise.all(offers.map((offer) => socketIoClient(t, server, offer)));
  for (const clients of [plain, socketIo]) {
    for (const [at, bits] of sizes.entries()) {
      // Named in the offer it has to be in the answer, and nothing may be kept between two messages.
      assert.deepEqual({ ...parameters(clients[at]) }, {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: bits,
      });
    }
  }
  assert.deepEqual(Object.keys(parameters(plain.at(-1))), [
    "server_no_context_takeover",
    "client_no_context_takeover",
  ]);

  for (const data of [FIFTY, FAR, "tail"]) {
    await broadcast(server, data);
    for (const client of [...plain, ...socketIo]) assert.deepEqual(await next(client), data);
  }
  await expectSilence(server, ...plain, ...socketIo);
});

test("offers that are impossible or malformed are passed over, never a refusal", async (t) => {
  const server = await Server.start(t);
  const own = (value) => ({ ...NOTHING, headers: { ...bearer({ sub: "ann" }), "Sec-WebSocket-Extensions": value } });
  const offers = [
    "permessage-deflate; server_max_window_bits=8",
    "permessage-deflate; server_max_window_bits=16",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; made_up=1",
    "permessage-deflate; client_max_window_bits; client_max_window_bits",
    "x-webkit-deflate-frame",
    "permessage-bzip2",
    ";;==\"",
    "permessage-deflate; server_max_window_bits=\"",
  ];
  for (const offer of offers) {
    for (const path of ["/ws", "/socket.io/?EIO=4&transport=websocket"]) {
      const socket = new WebSocket(server.url.replace("http", "ws") + path, own(offer));
      t.after(() => socket.terminate());
      const opened = new Promise((settle, reject) => {
        socket.once("open", settle);
        socket.once("error", reject);
      });
      await within(opened, () => `${offer} on ${path}${server.printed()}`);
      assert.equal(socket.extensions, "", offer);
    }
  }
  // The next one is taken.
  const [client] = await plainClients(t, server, { perMessageDeflate: { serverMaxWindowBits: 8 } });
  assert.equal(extensions(client), "");
  await broadcast(server, FIFTY);
  assert.deepEqual(await next(client), FIFTY);
});

test("what clients compress is understood: short, long, fragmented, empty, as text and as bytes", async (t) => {
  const server = await Server.start(t);
  const [client] = await plainClients(t, server, ALL);
  const raw = rawSocket(client);
  const pad = "pad ".repeat(10_000);

  const before = raw.bytesWritten;
  for (const id of ["short", pad.slice(0, 60)]) {
    assert.equal((await client.ask({ type: "ping", payload: {}, id }, "pong")).id, id);
  }
  const { data } = await client.ask({ type: "ping", payload: { pad } }, "pong");
  assert.ok("server_time" in data);
  assert.ok(raw.bytesWritten - before < 1000, `${raw.bytesWritten - before} bytes: it was not compressed`);

  // In three frames, a ping of WebSocket's own between them.
  const text = JSON.stringify({ type: "ping", payload: { pad, ü: "𝄞".repeat(500) }, id: "parts" });
  const pong = new Promise((settle) => client.socket.once("pong", settle));
  client.socket.send(text.slice(0, 11), { fin: false, compress: true });
  client.socket.ping("between");
  client.socket.send(text.slice(11, 20_000), { fin: false, compress: true });
  client.socket.send(text.slice(20_000), { fin: true, compress: true });
  assert.equal((await client.next("pong")).id, "parts");
  await within(pong, () => "no pong");

  // A client may leave one message as it is and compress the next, and send text as bytes.
  client.socket.send(JSON.stringify({ type: "ping", payload: { pad }, id: "plain" }), { compress: false });
  assert.equal((await client.next("pong")).id, "plain");
  client.socket.send(Buffer.from(JSON.stringify({ type: "ping", payload: { pad }, id: "bytes" })), { binary: true });
  assert.equal((await client.next("pong")).id, "bytes");
  client.socket.send("");
  await client.nextError("INVALID_MESSAGE");
  await client.expectAlive();
});

test("Socket.IO's events and attachments are understood compressed, and arrive so", async (t) => {
  const server = await Server.start(t);
  const ann = await socketIoClient(t, server, ALL);
  const bob = await socketIoClient(t, server, { ...ALL, ...DEFAULT });
  const carol = await socketIoClient(t, server, NOTHING);
  const contents = [
    "short",
    FIFTY,
    [Buffer.alloc(50_000, "bytes "), randomBytes(5000), Buffer.alloc(0), { deep: randomBytes(10) }],
    { text: "größer ".repeat(5000), image: Buffer.alloc(30_000, 7) },
  ];
  for (const from of [ann, bob, carol]) {
    for (const content of contents) {
      assert.equal((await from.ask("blueprint_update", update(ROOM, content))).success, true);
      for (const to of [ann, bob, carol].filter((client) => client !== from)) {
        const { data } = await to.next("blueprint_update");
        assert.deepEqual(data.changes.content, content);
      }
    }
  }
  // Bytes that repeat themselves are compressed on the way out, too.
  const [bytes] = await counting(ann, async () => {
    await bob.ask("blueprint_update", update(ROOM, Buffer.alloc(200_000, "again ")));
    await ann.next("blueprint_update");
  });
  assert.ok(bytes < 10_000, `${bytes} bytes`);
  await carol.next("blueprint_update");
  await expectSilence(server, ann, bob, carol);
});

test("what inflates to more than a message may be is refused like any other", async (t) => {
  const server = await Server.start(t);
  const [client, watcher] = await plainClients(t, server, ALL, {});
  const raw = rawSocket(client);
  const before = raw.bytesWritten;
  client.send({ type: "ping", payload: { pad: "x".repeat(1_200_000) } });
  await client.nextError("MESSAGE_TOO_LARGE");
  await client.expectAlive();

  client.send({ type: "ping", payload: { pad: "x".repeat(20_000_000) } });
  assert.equal((await client.closed()).code, 1009);
  assert.ok(raw.bytesWritten - before < 30_000, "it was not compressed");
  assert.ok(server.residentKib() < 100_000, `${server.residentKib()} KiB are resident`);
  await watcher.expectAlive();
});

test("python-socketio, which offers nothing, hears the same in the same room", async (t) => {
  const server = await Server.start(t);
  const peer = await PythonPeer.connect(t, server, "ann", { transports: ["websocket"] });
  await peer.join(ROOM);
  const client = await socketIoClient(t, server);

  for (const data of [FIFTY, { n: 1 }, FAR]) {
    await broadcast(server, data);
    assert.deepEqual((await peer.next("custom:n")).data, data);
    assert.deepEqual(await next(client), data);
  }
  const content = { rows: FIFTY.rows.slice(0, 100) };
  assert.equal((await peer.ask("blueprint_update", update(ROOM, content))).success, true);
  assert.deepEqual((await client.next("blueprint_update")).data.changes.content, content);
});

/** One HTTP request; gives its answer with the body as it came. */
const ask = (server, method, path, headers, body) => {
  const answer = new Promise((settle, reject) => {
    const outward = request(server.url + path, { method, headers, agent: false }, (reply) => {
      const chunks = [];
      reply.on("data", (chunk) => chunks.push(chunk));
      reply.on("end", () => settle({ headers: reply.headers, body: Buffer.concat(chunks) }));
    });
    outward.on("error", reject);
    outward.end(body);
  });
  return within(answer, () => `${method} ${path}${server.printed()}`);
};

test("a poll that accepts gzip is compressed, and neighbours of every dialect get the same payload", async (t) => {
  const server = await Server.start(t);
  const engine = "/socket.io/?EIO=4&transport=polling";
  const { sid } = JSON.parse((await ask(server, "GET", engine)).body.toString().slice(1));
  const poll = (headers) => ask(server, "GET", `${engine}&sid=${sid}`, headers);
  const push = (body) => ask(server, "POST", `${engine}&sid=${sid}`, { "Content-Type": "text/plain" }, body);
  await push(`40{"token":"${sign({ sub: "ann" })}"}`);
  await push(`42["join",{"room":"${ROOM}"}]`);
  while (!(await poll()).body.toString().includes('"room_joined"'));
  const [plain] = await plainClients(t, server, {});
  const root = await socketIoClient(t, server);
  const project = await socketIoClient(t, server, {}, PLACES.find(({ namespace }) => namespace === "/ws"));
  const flow = await connectFlow(t, server, WEBSOCKET);
  const intraday = await connectIntraday(t, server, WEBSOCKET);
  const dialects = [plain, root, project, flow, intraday];

  // To everyone: not everyone may join one room.
  const all = Promise.all(dialects.map((client) => counting(client, () => next(client))));
  await server.broadcast({ type: "custom:n", data: FIFTY });
  const answer = await poll({ "Accept-Encoding": "gzip" });

  assert.equal(answer.headers["content-encoding"], "gzip");
  assert.ok(answer.body.length < 10_000, `${answer.body.length} bytes`);
  assert.deepEqual(JSON.parse(gunzipSync(answer.body).toString().slice(2)), ["custom:n", FIFTY]);
  for (const [bytes, data] of await all) {
    assert.deepEqual(data, FIFTY);
    assert.ok(bytes < 10_000, `${bytes} bytes`);
  }
});

test("Chromium negotiates, and its page sees 50 KB whole that cost under 10", async (t) => {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, server);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  // A page of the server's origin that opens no sockets of its own.
  await page.goto(`${proxy.url}/health`);
  const joined = await page.evaluate(async ([token, room]) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`);
    const arrived = [];
    const waiting = [];
    socket.onmessage = ({ data }) => (waiting.length > 0 ? waiting.shift()(data) : arrived.push(data));
    const take = () => (arrived.length > 0 ? arrived.shift() : new Promise((settle) => waiting.push(settle)));
    window.nextText = async (type) => {
      for (;;) {
        const text = await take();
        if (JSON.parse(text).type === type) return text;
      }
    };
    window.talk = (message) => socket.send(JSON.stringify(message));
    await nextText("connection_established");
    talk({ type: "authenticate", payload: { token } });
    talk({ type: "join", payload: { room } });
    await nextText("room_joined");
    return socket.extensions;
  }, [sign({ sub: "ann" }), ROOM]);
  assert.equal(joined.split(";")[0], OFFERED);

  for (const data of [FIFTY, FAR, { small: true }]) {
    const before = proxy.toClient;
    await broadcast(server, data);
    const text = await page.evaluate(() => nextText("custom:n"));
    assert.deepEqual(JSON.parse(text).data, data);
    if (data === FIFTY) assert.ok(proxy.toClient - before < 10_000, `${proxy.toClient - before} bytes`);
  }

  // Chromium compresses what it sends.
  const sent = proxy.toServer;
  const id = "from a page";
  await page.evaluate(([id]) => talk({ type: "ping", payload: { pad: "pad ".repeat(20_000) }, id }), [id]);
  assert.equal(JSON.parse(await page.evaluate(() => nextText("pong"))).id, id);
  assert.ok(proxy.toServer - sent < 5000, `${proxy.toServer - sent} bytes`);
});
