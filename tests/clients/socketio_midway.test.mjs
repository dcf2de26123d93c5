// What happens to a connection in the middle of its upgrade: two transports, and one of them paused.
//
// The steps are a real client's, one by one, so that the moment is always the same.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import WebSocket from "ws";
import { Server, inSeconds, sign, within } from "./support.mjs";
import { expectConnections } from "./socketio_support.mjs";

/** A client that polls, has connected to the root namespace, and has probed a WebSocket. */
class Midway {
  static async connect(t, server, claims = {}) {
    const midway = new Midway(server);
    const { sid } = JSON.parse((await midway.get()).slice(1));
    midway.url += `&sid=${sid}`;
    assert.equal(await midway.post(`40{"token":"${sign({ sub: "ann", ...claims })}"}`), "ok");
    assert.match(await midway.get(), /^40\{/);
    const url = midway.url.replace("http", "ws").replace("polling", "websocket");
    midway.socket = new WebSocket(url);
    t.after(() => midway.socket.terminate());
    midway.socket.on("error", () => {});
    midway.socket.on("message", (bytes) => {
      midway.arrived.push(bytes.toString());
      midway.wake();
    });
    midway.socket.on("close", (code) => {
      midway.arrived.push(code);
      midway.wake();
    });
    await within(new Promise((settle) => midway.socket.once("open", settle)), () => "no WebSocket");
    midway.socket.send("2probe");
    assert.equal(await midway.next(), "3probe");
    return midway;
  }

  constructor(server) {
    this.server = server;
    this.url = `${server.url}/socket.io/?EIO=4&transport=polling`;
    this.arrived = [];
    this.wake = () => {};
  }

  get = async () => (await fetch(this.url)).text();
  post = async (body) => (await fetch(this.url, { method: "POST", body })).text();

  /** The next message of the WebSocket, or the code it was closed with. */
  async next() {
    while (this.arrived.length === 0) {
      const woken = new Promise((settle) => (this.wake = settle));
      await within(woken, () => `nothing on the WebSocket${this.server.printed()}`);
    }
    return this.arrived.shift();
  }
}

const BAD = '42["auth",{"token":"garbage"}]';

test("what was queued between the probe and the upgrade comes on the WebSocket, before anything newer", async (t) => {
  const server = await Server.start(t);
  const midway = await Midway.connect(t, server);
  for (let n = 0; n < 40; n += 1) await server.broadcast({ type: "training:update", data: { n } });
  assert.equal(await midway.post('420["debug:rooms"]'), "ok");

  midway.socket.send("5");
  for (let n = 40; n < 80; n += 1) await server.broadcast({ type: "training:update", data: { n } });

  const numbers = [];
  while (numbers.length < 80) {
    const text = await midway.next();
    if (text.startsWith("430[")) assert.ok(numbers.length >= 40);
    else numbers.push(JSON.parse(text.slice(2))[1].n);
  }
  assert.deepEqual(numbers, Array.from({ length: 80 }, (_, n) => n));
});

test("who is sent away in the middle of an upgrade is told so on the WebSocket", async (t) => {
  const server = await Server.start(t);
  const midway = await Midway.connect(t, server);

  await midway.post(Array(10).fill(BAD).join("\x1e"));
  midway.socket.send("5");

  for (let n = 0; n < 10; n += 1) assert.match(await midway.next(), /^42\["error",\{"code":"AUTH_FAILED"/);
  assert.equal(await midway.next(), "41");
  await expectConnections(server, 0);
});

test("who is sent away in the middle of an upgrade is told so by a poll that waits", async (t) => {
  const server = await Server.start(t);
  const midway = await Midway.connect(t, server);
  const told = [];
  const polls = (async () => {
    while (!told.includes("41")) told.push(...(await midway.get()).split("\x1e"));
  })();

  await midway.post(Array(10).fill(BAD).join("\x1e"));

  await within(polls, () => `told only ${told}${server.printed()}`);
  const packets = told.filter((one) => one !== "6");
  assert.equal(packets.filter((one) => one.startsWith('42["error",')).length, 10);
  assert.equal(packets.indexOf("41"), 10);
});

test("a token that expires in the middle of an upgrade is told on the WebSocket", async (t) => {
  const server = await Server.start(t);
  const midway = await Midway.connect(t, server, { exp: inSeconds(3) });
  const witness = await Midway.connect(t, server, { exp: inSeconds(3) });
  witness.socket.send("5");
  assert.match(await witness.next(), /^42\["error",\{"code":"AUTH_FAILED"/);
  assert.equal(await witness.next(), "41");

  midway.socket.send("5");

  assert.match(await midway.next(), /^42\["error",\{"code":"AUTH_FAILED"/);
  assert.equal(await midway.next(), "41");
});

test("a stop in the middle of an upgrade is told on the WebSocket, and then closes it", async (t) => {
  const server = await Server.start(t);
  const midway = await Midway.connect(t, server);

  const exit = server.stop();
  while (!/\bstopping\b/.test(server.output)) await once(server.child.stderr, "data");
  midway.socket.send("5");

  assert.match(await midway.next(), /^42\["system:maintenance",/);
  assert.equal(await midway.next(), 1012);
  assert.equal(await exit, 0);
});
