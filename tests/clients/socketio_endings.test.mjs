// How a Socket.IO connection ends, told by the reason the client gives (protocol.md 3.1).

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Manager } from "socket.io-client";
import { Server, inSeconds, sign, within } from "./support.mjs";
import { SocketIo, TRANSPORTS, authOf, expectConnections } from "./socketio_support.mjs";

const TRAVELS = TRANSPORTS.map(([label, transports]) => {
  return { label, transports, polls: transports.at(-1) === "polling" };
});

/** What a client says of a transport that is gone: by polling, whichever request tells it first. */
const LOST = { true: /^transport (close|error)$/, false: /^transport close$/ };

/** A client that has finished its upgrade, if it has one. */
const arrive = async (t, server, transports, options = {}) => {
  const client = await SocketIo.connect(t, server, "ann", { transports, ...options });
  await client.settled(transports);
  return client;
};

/** A client that comes back by itself, soon. */
const RETURNING = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };

for (const { label, transports } of TRAVELS) {
  test(`${label}: disconnect() ends as \`io client disconnect\`, and the server knows`, async (t) => {
    const server = await Server.start(t);
    const client = await arrive(t, server, transports, RETURNING);
    await client.join("blueprint-1");

    client.socket.disconnect();

    await client.ended("io client disconnect");
    assert.equal(client.socket.active, false);
    await expectConnections(server, 0);
    const { answer } = await server.call("GET", "/api/ws/rooms");
    assert.deepEqual(answer.rooms, []);
  });

  test(`${label}: an expired token is told, then ends as \`io server disconnect\``, async (t) => {
    const server = await Server.start(t);
    const auth = authOf("ann", { exp: inSeconds(3) });
    const client = SocketIo.open(t, server, { transports, auth, ...RETURNING });
    await client.enter();
    const other = await arrive(t, server, transports);

    await client.nextError("AUTH_FAILED");
    await client.ended("io server disconnect");

    assert.equal(client.socket.active, false, "who was sent away does not come back by itself");
    await other.expectAlive();
    await expectConnections(server, 1);
    client.socket.auth = authOf("ann");
    client.socket.connect();
    await client.enter();
    await client.expectAlive();
  });
}

test("a fresh token keeps the connection, its id and its rooms beyond the end of the first", async (t) => {
  const server = await Server.start(t);
  const exp = inSeconds(3);
  const [rotated, witness] = [0, 1].map(() => SocketIo.open(t, server, { auth: authOf("ann", { exp }) }));
  for (const client of [rotated, witness]) await client.enter();
  await rotated.join("blueprint-1");
  const { id } = rotated.socket;
  const rooms = await rotated.rooms();

  const ack = await rotated.ask("authenticate", authOf("ann"));
  assert.equal(ack.success, true, JSON.stringify(ack));
  const foreign = await rotated.ask("authenticate", authOf("bob"));
  assert.equal(foreign.code, "AUTH_FAILED", "another user's token is no rotation");
  await witness.nextError("AUTH_FAILED");
  await witness.ended("io server disconnect");

  assert.equal(rotated.socket.id, id);
  assert.deepEqual(await rotated.rooms(), rooms);
  assert.equal(rotated.arrived.length, 0);
});

test("an expired token ends its namespace only; the others of the connection stay", async (t) => {
  const server = await Server.start(t);
  const manager = new Manager(server.url, { reconnection: false });
  const auth = authOf("ann", { exp: inSeconds(3) });
  const brief = new SocketIo(t, server, manager.socket("/ws", { auth }).connect());
  const lasting = new SocketIo(t, server, manager.socket("/", { auth: authOf("ann") }).connect());
  await brief.enter("/ws");
  await lasting.enter();

  await brief.nextError("AUTH_FAILED");
  await brief.ended("io server disconnect");

  await lasting.expectAlive();
  assert.equal(lasting.arrived.length, 0);
});

test("ten refused tokens on a connection end it as `io server disconnect`", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann", RETURNING);

  for (let n = 0; n < 10; n += 1) client.emit("auth", { token: "garbage" });

  for (let n = 0; n < 10; n += 1) await client.nextError("AUTH_FAILED");
  await client.ended("io server disconnect");
  await expectConnections(server, 0);
});

/** Messages after which a Socket.IO connection cannot go on (protocol.md 2.7). */
const BROKEN = [
  ["an event that is no array", '2{"not":"array"}'],
  ["an event with a reserved name", '2["connect_error"]'],
  ["no JSON", '2["e"'],
  ["a packet of no type", "9"],
  ["a second CONNECT", `0{"token":"${sign({ sub: "ann" })}"}`],
  ["an event for a namespace that is not connected", '2/ws,["ping"]'],
  ["a CONNECT_ERROR", '4{"message":"no"}'],
  ["a binary event without a count", '5["e",{"_placeholder":true,"num":0}]'],
  ["eleven attachments", '511-["e"]'],
  ["a text among attachments", '51-["e",{"_placeholder":true,"num":0}]', '2["ping"]'],
  ["bytes without a header", Buffer.from([1, 2, 3])],
];

for (const { label, transports, polls } of TRAVELS) {
  test(`${label}: whatever breaks the protocol ends the connection`, async (t) => {
    const server = await Server.start(t);

    for (const [flaw, ...messages] of BROKEN) {
      const client = await arrive(t, server, transports);
      for (const message of messages) client.socket.io.engine.write(message);
      const { args } = await client.next("disconnect");
      // By polling, the push is answered 400 while the poll is told to close.
      assert.match(args[0], LOST[polls], flaw);
    }

    await expectConnections(server, 0);
  });

  test(`${label}: a ping from the client, which only servers send, ends the connection`, async (t) => {
    const server = await Server.start(t);
    const client = await arrive(t, server, transports);

    client.socket.io.engine._sendPacket("ping");

    const { args } = await client.next("disconnect");
    assert.match(args[0], LOST[polls]);
    await expectConnections(server, 0);
  });
}

/** Short, for who must be given up. */
const IMPATIENT = { PING_INTERVAL_MS: "300", PING_TIMEOUT_MS: "2000" };

for (const { label, transports } of TRAVELS) {
  test(`${label}: a client that answers no ping ends as \`transport close\``, async (t) => {
    const server = await Server.start(t, IMPATIENT);
    const client = await arrive(t, server, transports);
    const { engine } = client.socket.io;
    const send = engine._sendPacket.bind(engine);
    engine._sendPacket = (type, ...more) => type === "pong" || send(type, ...more);
    // What would be its own patience with a silent server.
    engine._pingTimeout = 60_000;

    await client.ended("transport close");

    await expectConnections(server, 0);
  });

  test(`${label}: a server that falls silent is left for \`ping timeout\``, async (t) => {
    const server = await Server.start(t, { PING_INTERVAL_MS: "1000", PING_TIMEOUT_MS: "1000" });
    const client = await arrive(t, server, transports);

    server.child.kill("SIGSTOP");

    await client.ended("ping timeout");
  });

  test(`${label}: a client without a namespace is closed when its time is over`, async (t) => {
    const server = await Server.start(t, { CONNECT_TIMEOUT_MS: "1000" });
    const manager = new Manager(server.url, { transports, reconnection: false, autoConnect: false });
    const closed = new Promise((settle) => manager.once("close", settle));

    manager.open();

    assert.equal(await within(closed, () => `not closed${server.printed()}`), "transport close");
    await expectConnections(server, 0);
  });

  test(`${label}: a client with a namespace outlives that time`, async (t) => {
    const server = await Server.start(t, { CONNECT_TIMEOUT_MS: "1000" });
    const client = await arrive(t, server, transports);
    const late = new Manager(server.url, { reconnection: false, autoConnect: false });
    const closed = new Promise((settle) => late.once("close", settle));

    late.open();
    await within(closed, () => `not closed${server.printed()}`);

    await client.expectAlive();
  });
}

/** A port that nobody is given by chance, so that a second server can have it too. */
const ownPort = async () => {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const probe = createServer();
    const isFree = await new Promise((settle) => {
      probe.once("error", () => settle(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => settle(true)));
    });
    if (isFree) return String(port);
  }
};

for (const { label, transports, polls } of TRAVELS) {
  test(`${label}: a killed server is noticed, and the client returns to the next one`, async (t) => {
    const PORT = await ownPort();
    const first = await Server.start(t, { PORT });
    const client = await arrive(t, first, transports, RETURNING);
    const { id } = client.socket;

    await first.kill();
    const { args } = await client.next("disconnect");
    assert.match(args[0], LOST[polls]);
    assert.equal(client.socket.active, true);
    const second = await Server.start(t, { PORT });

    await returned(client, second);
    assert.notEqual(client.socket.id, id);
  });

  test(`${label}: a server that stops says so, and the client returns to the next one`, async (t) => {
    const PORT = await ownPort();
    const first = await Server.start(t, { PORT });
    const client = await arrive(t, first, transports, RETURNING);
    for (let n = 0; n < 40; n += 1) await first.broadcast({ type: "training:update", data: { n } });

    assert.equal(await first.stop(), 0, first.printed());
    for (let n = 0; n < 40; n += 1) assert.equal((await client.next("training:update")).data.n, n);
    await client.next("system:maintenance");
    const { args } = await client.next("disconnect");
    assert.match(args[0], LOST[polls]);
    assert.equal(client.socket.active, true);
    const second = await Server.start(t, { PORT });

    await returned(client, second);
  });
}

/** The client is back by itself, as welcome as before. Attempts in between may have failed. */
const returned = async (client, server) => {
  client.server = server;
  const back = new Promise((settle) => client.socket.once("connect", settle));
  if (!client.socket.connected) await within(back, () => `no return${server.printed()}`);
  const failed = client.arrived.findIndex(({ name }) => name !== "connect_error");
  client.arrived.splice(0, failed);
  await client.enter();
  await client.expectAlive();
  await expectConnections(server, 1);
};
