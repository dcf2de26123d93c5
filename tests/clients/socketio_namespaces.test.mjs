// Several namespaces over one connection, and several protocols on one port (S-13, S-15).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Manager } from "socket.io-client";
import { Client, Server, bearer, expectSilence, sign, within } from "./support.mjs";
import { POLLING, SocketIo, TRANSPORTS, authOf, expectConnections } from "./socketio_support.mjs";

const NAMESPACES = ["/", "/ws", "/events"];

const managerOf = (server, options) => new Manager(server.url, { reconnection: false, ...options });

/** One socket per namespace over one connection. */
const sharing = async (t, server, manager, who = () => "ann") => {
  const clients = NAMESPACES.map((namespace) => {
    const socket = manager.socket(namespace, { auth: authOf(who(namespace)) });
    return new SocketIo(t, server, socket.connect());
  });
  for (const [index, client] of clients.entries()) await client.enter(NAMESPACES[index]);
  return clients;
};

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: three namespaces share one connection, and leaving one leaves the others`, async (t) => {
    const server = await Server.start(t);
    const manager = managerOf(server, { transports });
    const [root, ws, events] = await sharing(t, server, manager);
    await root.settled(transports);
    const ids = new Set([root, ws, events].map(({ socket }) => socket.id));
    assert.equal(ids.size, 3, "each namespace has an id of its own");
    await expectConnections(server, 1);

    ws.socket.disconnect();
    await ws.ended("io client disconnect");
    for (const client of [root, events]) await client.expectAlive();
    await expectSilence(server, root, events);
    assert.equal(ws.arrived.length, 0);

    ws.socket.connect();
    await ws.enter("/ws");
    await ws.expectAlive();
    assert.ok(!ids.has(ws.socket.id), "who comes back has a new id");
    await expectSilence(server, root, ws, events);

    for (const client of [root, ws, events]) client.socket.disconnect();
    await expectConnections(server, 0);
  });
}

test("namespaces of one connection are different sockets with rooms and users of their own", async (t) => {
  const server = await Server.start(t);
  const users = { "/": "ann", "/ws": "bob" };
  const clients = await sharing(t, server, managerOf(server), (namespace) => users[namespace] ?? "cem");
  const [root, ws, events] = clients;

  assert.deepEqual(await ws.rooms(), ["global", "user:bob"]);
  await root.join("blueprint-1");
  assert.deepEqual(await ws.rooms(), ["global", "user:bob"]);

  assert.deepEqual(await events.rooms(), ["tenant:demo1"]);

  const toTenant = { type: "training:update", target: { tenant_id: "demo1" }, data: { n: 1 } };
  const { recipients_count } = await server.broadcast(toTenant);
  assert.equal(recipients_count, 1);
  assert.deepEqual((await events.next("training:update")).data, { n: 1 });
  const toRoom = await server.broadcast({ type: "training:update", room: "blueprint-1", data: { n: 2 } });
  assert.equal(toRoom.recipients_count, 1);
  assert.deepEqual((await root.next("training:update")).data, { n: 2 });
  await expectSilence(server, root, ws, events);
});

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a namespace that is none is refused, and the others of the connection stay`, async (t) => {
    const server = await Server.start(t);
    const manager = managerOf(server, { transports });
    const root = new SocketIo(t, server, manager.socket("/", { auth: authOf("ann") }).connect());
    await root.enter();

    for (const name of ["/nope", "/WS", "/ws/", "/events/x"]) {
      const stranger = new SocketIo(t, server, manager.socket(name, { auth: authOf("ann") }).connect());
      const { data: error } = await stranger.next("connect_error");
      assert.equal(error.message, "Invalid namespace");
      assert.equal(error.data, undefined);
      assert.equal(stranger.socket.active, false);
    }
    const refused = new SocketIo(t, server, manager.socket("/ws", { auth: { token: "garbage" } }).connect());
    assert.equal((await refused.next("connect_error")).data.message, "Authentication failed");

    await root.expectAlive();
    await expectConnections(server, 1);
  });
}

test("io(url + '/nope') alone is told so too", async (t) => {
  const server = await Server.start(t);

  const client = SocketIo.open(t, server, { namespace: "/nope", auth: authOf("ann") });

  assert.equal((await client.next("connect_error")).data.message, "Invalid namespace");
  assert.equal(client.socket.active, false);
  await expectConnections(server, 0);
});

test("a namespace with a query behind it is found, and answered as it was spelled", async (t) => {
  const server = await Server.start(t);
  const socket = managerOf(server).socket("/ws?project=1", { auth: authOf("ann") });
  const client = new SocketIo(t, server, socket.connect());

  await client.enter("/ws");
  await client.expectAlive();
  await expectSilence(server, client);
});

/** Ping cycles that everybody has to live through, and how long one takes. */
const CYCLES = 5;
const SETTINGS = { PING_INTERVAL_MS: "200" };

/** Settles when `emitter` has told of `count` pings. */
const pinged = (emitter, count) =>
  new Promise((settle) => {
    let left = count;
    emitter.on("ping", () => (left -= 1) === 0 && settle());
  });

test("one port: plain sockets and Socket.IO on every path live side by side over many pings", async (t) => {
  const server = await Server.start(t, SETTINGS);
  const token = sign({ sub: "ann" });
  const plain = [
    await Client.connect(t, server),
    await Client.connect(t, server, { path: "/ws/" }),
    await Client.verified(t, server, "ann"),
    await Client.connect(t, server, { path: `/ws/?token=${token}` }),
    await Client.connect(t, server, { path: "/ws/", headers: bearer({ sub: "ann" }) }),
  ];
  for (const client of plain.slice(3)) await client.next("auth:success");
  const socketio = [];
  const places = [["/", "/socket.io"], ["/", "/ws"], ["/ws", "/socket.io"], ["/events", "/socket.io"]];
  for (const options of [{}, POLLING]) {
    for (const [namespace, path] of places) {
      socketio.push(await SocketIo.connect(t, server, "ann", { namespace, path, ...options }));
    }
  }

  const everyone = [...plain.map(({ socket }) => socket), ...socketio.map(({ socket }) => socket.io)];
  const cycles = Promise.all(everyone.map((emitter) => pinged(emitter, CYCLES)));
  await within(cycles, () => `not everyone was pinged ${CYCLES} times${server.printed()}`);

  for (const client of plain) {
    await client.ask({ type: "ping", payload: {} }, "pong");
    await client.ask({ event: "client:ping" }, "client:pong");
    await client.ask({ type: "heartbeat", payload: {} }, "heartbeat");
  }
  for (const client of socketio) {
    client.emit("ping");
    await client.next("pong");
    client.emit("client:ping");
    await client.next("client:pong");
    client.emit("heartbeat");
    await client.next("heartbeat");
  }
  await expectConnections(server, plain.length + socketio.length);
  await expectSilence(server, ...plain, ...socketio);
});
