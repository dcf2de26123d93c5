// The server that the public suites run against, played by unmodified clients at each of its three
// endpoints: what an embedding program mounts is what clients know.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { io } from "socket.io-client";
import WebSocket from "ws";
import { Server, example, within } from "./support.mjs";
import { TRANSPORTS } from "./socketio_support.mjs";

const start = (t) => Server.start(t, {}, example("conformance"));

/** The arguments of the next `name`; waiting begins at the call. */
const next = (server, emitter, name) =>
  within(once(emitter, name), () => `waited for \`${name}\`${server.printed()}`);

for (const [label, transports] of TRANSPORTS) {
  test(`both namespaces answer a client by ${label}`, async (t) => {
    const server = await start(t);
    const socket = io(server.url, { transports, forceNew: true, reconnection: false, auth: { token: "123" } });
    t.after(() => socket.io.engine.close());
    const greeting = next(server, socket, "auth");
    await next(server, socket, "connect");
    assert.deepEqual(await greeting, [{ token: "123" }]);

    const bytes = randomBytes(10 * 1024);
    const said = next(server, socket, "message-back");
    socket.emit("message", 1, "2", { 3: [true, null], bytes }, bytes.subarray(7));
    assert.deepEqual(await said, [1, "2", { 3: [true, null], bytes }, bytes.subarray(7)]);
    const told = within(
      new Promise((settle) => socket.emit("message-with-ack", { a: [1.5, bytes] }, "x", (...args) => settle(args))),
      () => `no acknowledgement${server.printed()}`,
    );
    assert.deepEqual(await told, [{ a: [1.5, bytes] }, "x"]);

    const custom = socket.io.socket("/custom", { auth: {} });
    assert.deepEqual(await next(server, custom, "auth"), [{}]);
    const random = socket.io.socket("/random");
    const refusal = within(
      new Promise((settle) => random.once("connect_error", (...args) => settle(args))),
      () => `no refusal${server.printed()}`,
    );
    assert.equal((await refusal)[0].message, "Invalid namespace");
    assert.ok(socket.connected && custom.connected);
  });
}

test("Engine.IO without Socket.IO sends every packet back", async (t) => {
  const server = await start(t);
  const { Socket } = await import("engine.io-client");
  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    const socket = new Socket(server.url, { path: "/engine.io", transports });
    t.after(() => socket.close());
    await next(server, socket, "open");
    const bytes = randomBytes(1000);
    for (const message of ["hello", "€", bytes, "4"]) {
      const back = next(server, socket, "message");
      socket.send(message);
      const [data] = await back;
      if (typeof message === "string") assert.equal(data, message);
      else assert.deepEqual(Buffer.from(data), message);
    }
  }
});

test("a plain WebSocket echoes 16 MiB, and a thousand messages at once", async (t) => {
  const server = await start(t);
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/echo`, { perMessageDeflate: false });
  t.after(() => socket.terminate());
  await next(server, socket, "open");
  const large = randomBytes(16 * 1024 * 1024);
  const back = next(server, socket, "message");
  socket.send(large);
  const [data, isBinary] = await back;
  assert.ok(isBinary && large.equals(data));

  const arrived = [];
  const all = new Promise((settle) => {
    socket.on("message", (bytes, binary) => {
      arrived.push([bytes.toString(), binary]);
      if (arrived.length === 1000) settle();
    });
  });
  const sent = Array.from({ length: 1000 }, (_, number) => [`message ${number}`, number % 2 === 1]);
  for (const [text, binary] of sent) socket.send(text, { binary });
  await within(all, () => `${arrived.length} of 1000${server.printed()}`);
  assert.deepEqual(arrived, sent);
});

test("localhost answers on both loopbacks", async (t) => {
  const server = await start(t);
  const hosts = [...server.output.matchAll(/^listening on http:\/\/(\S+):\d+$/gm)].map(([, host]) => host);
  assert.ok(hosts.includes("127.0.0.1"), `${hosts}`);
  for (const host of hosts) {
    const answer = await fetch(`http://${host}:${server.port}/engine.io/?EIO=4&transport=polling`);
    assert.equal(answer.status, 200, host);
    assert.match(await answer.text(), /^0\{"sid":"[^"]+","upgrades":\["websocket"\],"pingInterval":300,/);
  }
});
