// Large messages: what passes, what is refused and what ends the connection (contract X-13, S-51).

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Manager } from "socket.io-client";
import WebSocket from "ws";
import { Server, expectSilence, sign, within } from "./support.mjs";
import {
  SocketIo, TRANSPORTS, WEBSOCKET, assertRefused, authOf, expectConnections, update,
} from "./socketio_support.mjs";

const ROOM = "blueprint-1";
const LARGE = 1_000_000;
const OVER_SOFT = 1_100_000;
const OVER_HARD = 3_000_000;

const enter = async (t, server, sub, transports) => {
  const client = await SocketIo.connect(t, server, sub, { transports });
  await client.settled(transports);
  await client.join(ROOM);
  return client;
};

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a million bytes pass, as text and as bytes`, async (t) => {
    const server = await Server.start(t);
    const from = await enter(t, server, "ann", transports);
    const to = await enter(t, server, "bob", transports);

    for (const content of ["x".repeat(LARGE), "ü".repeat(LARGE / 2), randomBytes(LARGE)]) {
      assert.equal((await from.ask("blueprint_update", update(ROOM, content))).success, true);
      const { data } = await to.next("blueprint_update");
      assert.ok(Buffer.from(data.changes.content).equals(Buffer.from(content)), "the content is another");
    }
    await expectSilence(server, from, to);
  });

  test(`${label}: over the soft limit is MESSAGE_TOO_LARGE, and the connection stays`, async (t) => {
    const server = await Server.start(t);
    const from = await enter(t, server, "ann", transports);
    const to = await enter(t, server, "bob", transports);

    for (const content of ["x".repeat(OVER_SOFT), randomBytes(OVER_SOFT)]) {
      from.emit("blueprint_update", update(ROOM, content));
      await from.nextError("MESSAGE_TOO_LARGE");
      await from.expectAlive();
    }
    // Together they are too large, each alone is not.
    from.emit("blueprint_update", update(ROOM, [randomBytes(OVER_SOFT / 2), randomBytes(OVER_SOFT / 2)]));
    await from.nextError("MESSAGE_TOO_LARGE");

    assert.equal((await from.ask("blueprint_update", update(ROOM, "small"))).success, true);
    assert.equal((await to.next("blueprint_update")).data.changes.content, "small");
    await expectSilence(server, from, to);
  });

  test(`${label}: an oversize message is told of on the namespace it was for`, async (t) => {
    const server = await Server.start(t);
    const manager = new Manager(server.url, { transports, reconnection: false });
    const [root, ws, events] = ["/", "/ws", "/events"].map(
      (name) => new SocketIo(t, server, manager.socket(name, { auth: authOf("ann") }).connect()),
    );
    await root.enter();
    await ws.enter("/ws");
    await events.enter("/events");

    for (const client of [events, ws, root]) {
      client.emit("blueprint_update", update(ROOM, "x".repeat(OVER_SOFT)));
      await client.nextError("MESSAGE_TOO_LARGE");
    }

    await expectSilence(server, root, ws, events);
  });
}

/** How each transport tells that a message passed the hard limit. */
const HARD = [
  ["polling only", ["polling"], "transport error", (details) => details.context.status, 413],
  ["WebSocket only", ["websocket"], "transport close", (details) => details.context.code, 1009],
  ["default transports", ["polling", "websocket"], "transport close", (details) => details.context.code, 1009],
];

for (const [label, transports, reason, told, code] of HARD) {
  test(`${label}: over the hard limit the connection ends with ${code}, and nobody else's`, async (t) => {
    const server = await Server.start(t);
    const to = await enter(t, server, "bob", transports);

    for (const content of ["x".repeat(OVER_HARD), randomBytes(OVER_HARD)]) {
      const from = await enter(t, server, "ann", transports);
      from.emit("blueprint_update", update(ROOM, content));
      assert.equal(told(await from.ended(reason)), code);
    }

    await expectSilence(server, to);
    await expectConnections(server, 1);
  });
}

test("a broadcast of a million bytes arrives by every transport", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (const [, transports] of TRANSPORTS) clients.push(await enter(t, server, "ann", transports));
  const data = { text: "y".repeat(LARGE) };

  await server.broadcast({ type: "training:update", room: ROOM, data });

  for (const client of clients) {
    assert.ok((await client.next("training:update")).data.text === data.text, "the text is another");
  }
  await expectSilence(server, ...clients);
});

/** An Engine.IO session on a bare WebSocket, whose frames the test cuts as it likes. */
const bare = async (t, server) => {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  t.after(() => socket.terminate());
  const closed = new Promise((settle) => socket.once("close", settle));
  const messages = [];
  let wake = () => {};
  socket.on("message", (bytes) => {
    messages.push(bytes.toString());
    wake();
  });
  socket.on("error", () => {});
  const next = async () => {
    while (messages.length === 0) await within(new Promise((settle) => (wake = settle)), () => "no message");
    return messages.shift();
  };
  assert.match(await next(), /^0\{/);
  socket.send(`40{"token":"${sign({ sub: "ann" })}"}`);
  assert.match(await next(), /^40\{/);
  assert.match(await next(), /^42\["connection_established",/);
  const fragments = (bytes, size) => {
    for (let at = 0; at < bytes.length; at += size) {
      const fin = at + size >= bytes.length;
      socket.send(bytes.subarray(at, at + size), { binary: false, compress: false, fin });
    }
  };
  return { socket, next, fragments, closed };
};

const packet = (content) => Buffer.from(`42${JSON.stringify(["blueprint_update", update(ROOM, content)])}`);

test("a message in fragments is put together; too large a one is refused at the limits, too", async (t) => {
  const server = await Server.start(t);
  const to = await enter(t, server, "bob", WEBSOCKET.transports);
  const { socket, next, fragments, closed } = await bare(t, server);
  socket.send(`42["join",{"room":"${ROOM}"}]`);
  assert.match(await next(), /^42\["room_joined",/);

  const content = "z".repeat(900_000);
  fragments(packet(content), 64 * 1024);
  assert.ok((await to.next("blueprint_update")).data.changes.content === content, "the content is another");

  fragments(packet("z".repeat(OVER_SOFT)), 10_000);
  assert.match(await next(), /^42\["error",\{"code":"MESSAGE_TOO_LARGE"/);
  fragments(packet("again"), 7);
  assert.equal((await to.next("blueprint_update")).data.changes.content, "again");

  fragments(packet("z".repeat(OVER_HARD)), 10_000);
  assert.equal(await within(closed, () => "not closed"), 1009);
  await expectSilence(server, to);
});

test("an acknowledgement is not given to what was too large to be read", async (t) => {
  const server = await Server.start(t);
  const client = await enter(t, server, "ann", WEBSOCKET.transports);
  let acknowledged = false;

  client.socket.emit("blueprint_update", update(ROOM, "x".repeat(OVER_SOFT)), () => (acknowledged = true));
  await client.nextError("MESSAGE_TOO_LARGE");
  assertRefused(await client.ask("nonsense"), "INVALID_MESSAGE");

  assert.equal(acknowledged, false);
});
