// A whole visit, the same over every transport; where no WebSocket gets through, by polling (S-14).

import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { test } from "node:test";
import { Server, expectSilence } from "./support.mjs";
import { DEFAULT, SocketIo, TRANSPORTS, assertTime, expectConnections, update } from "./socketio_support.mjs";

const ROOM = "blueprint-123";

/** Connect, join, hear broadcasts, tell each other, leave, go. */
const visit = async (t, server, options) => {
  const place = { namespace: "/ws", ...options };
  const ann = await SocketIo.connect(t, server, "ann", place);
  const bob = await SocketIo.connect(t, server, "bob", place);
  assert.deepEqual(await ann.rooms(), ["global", "user:ann"]);
  for (const client of [ann, bob]) await client.join(ROOM);
  assert.deepEqual(await bob.rooms(), [ROOM, "global", "user:bob"]);

  for (let n = 0; n < 50; n += 1) {
    const body = { type: "training:update", room: ROOM, data: { n, note: "früh <b>\u2028" } };
    assert.equal((await server.broadcast(body)).recipients_count, 2);
  }
  for (const client of [ann, bob]) {
    for (let n = 0; n < 50; n += 1) {
      assert.deepEqual((await client.next("training:update")).args, [{ n, note: "früh <b>\u2028" }]);
    }
  }

  for (const [from, to, userId] of [[ann, bob, "ann"], [bob, ann, "bob"]]) {
    const sent = update(ROOM, { x: 1.5, list: [] });
    assert.deepEqual(await from.ask("blueprint_update", sent), { status: "success", success: true });
    const { data } = await to.next("blueprint_update");
    const { timestamp, userName, ...told } = data;
    assert.equal(typeof timestamp, "number");
    assert.equal(typeof userName, "string");
    assert.deepEqual(told, { ...sent, userId });
  }
  await expectSilence(server, ann, bob);

  assert.equal((await bob.ask("leave", { room: ROOM })).success, true);
  const left = (await bob.next("room_left")).data;
  assertTime(left.timestamp);
  assert.deepEqual([left.room, left.roomId], [ROOM, ROOM]);
  const body = { type: "training:update", room: ROOM, data: { n: 0 } };
  assert.equal((await server.broadcast(body)).recipients_count, 1);
  assert.equal((await ann.next("training:update")).data.n, 0);
  await expectSilence(server, ann, bob);
  assert.equal((await bob.ask("leave", { room: ROOM })).code, "ROOM_NOT_FOUND");

  return [ann, bob];
};

const depart = async (server, clients) => {
  for (const client of clients) {
    client.socket.disconnect();
    await client.ended("io client disconnect");
  }
  await expectConnections(server, 0);
};

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a whole visit, and no trace of it afterwards`, async (t) => {
    const server = await Server.start(t);

    const clients = await visit(t, server, { transports });

    for (const client of clients) await client.settled(transports);
    await depart(server, clients);
  });
}

/** The server behind a proxy that forwards HTTP and refuses every upgrade. */
const withoutUpgrades = async (t, server) => {
  const proxy = createServer((inward, answer) => {
    const { method, url: path, headers } = inward;
    const forward = { host: "127.0.0.1", port: server.port, method, path, headers, agent: false };
    const outward = request(forward, (reply) => {
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    outward.on("error", () => answer.destroy());
    answer.on("close", () => outward.destroy());
    inward.pipe(outward);
  });
  const refused = [];
  proxy.on("upgrade", (inward, socket) => {
    refused.push(inward.url);
    socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  await new Promise((settle) => proxy.listen(0, "127.0.0.1", settle));
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const url = `http://127.0.0.1:${proxy.address().port}`;
  return { refused, behind: Object.assign(Object.create(server), { url }) };
};

test("default transports behind a proxy that refuses upgrades: a whole visit by polling", async (t) => {
  const server = await Server.start(t);
  const { behind, refused } = await withoutUpgrades(t, server);

  const clients = await visit(t, behind, DEFAULT);

  assert.equal(refused.length, 2, "each client has tried to upgrade");
  for (const client of clients) assert.equal(client.transport, "polling");
  await depart(server, clients);
});

test("WebSocket first behind such a proxy fails, unless the client may try all transports", async (t) => {
  const server = await Server.start(t);
  const { behind } = await withoutUpgrades(t, server);
  const transports = ["websocket", "polling"];

  const stubborn = SocketIo.open(t, behind, { transports });
  assert.equal((await stubborn.next("connect_error")).data.message, "websocket error");
  const flexible = await SocketIo.connect(t, behind, "ann", { transports, tryAllTransports: true });

  assert.equal(flexible.transport, "polling");
  await flexible.expectAlive();
});
