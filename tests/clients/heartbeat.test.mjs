// Pings of connections that are never silent: socket.io-client leaves a server that sends it
// everything but pings, and python-socketio does too (protocol.md, 0.8 and 1.7).

import assert from "node:assert/strict";
import { test } from "node:test";
import { PythonPeer } from "./python_peer.mjs";
import { Client, PATIENCE, Server, bearer, within } from "./support.mjs";
import { SocketIo, TRANSPORTS } from "./socketio_support.mjs";

const ROOM = "public:busy";
/** Without a ping a client leaves after 2.3 seconds; it stays for at least twice as long. */
const SETTINGS = { PING_INTERVAL_MS: "300", PING_TIMEOUT_MS: "2000" };
const PINGS = 16;

/** Publishes numbers to the room until `stop` is called, a few requests at a time. */
const publishForever = (server, publishers = 4) => {
  let stopped = false;
  let published = 0;
  const publish = async () => {
    while (!stopped) {
      await server.broadcast({ type: "custom:n", room: ROOM, data: { published: (published += 1) } });
    }
  };
  const over = Promise.all(Array.from({ length: publishers }, publish));
  over.catch(() => {});
  const stop = async () => {
    stopped = true;
    await over;
    return published;
  };
  return stop;
};

/** Counts what `emitter` tells of pings and events, and settles after enough of the former. */
const watch = (emitter, onEvent) => {
  const seen = { pings: 0, events: 0 };
  onEvent(() => (seen.events += 1));
  seen.enough = new Promise((settle) => {
    emitter.on("ping", () => {
      seen.pings += 1;
      if (seen.pings === PINGS) settle();
    });
  });
  return seen;
};

test("clients that are sent broadcasts without a pause get every ping and stay", async (t) => {
  const server = await Server.start(t, SETTINGS);
  const crowd = [];
  for (const [label, transports] of TRANSPORTS) {
    const client = await SocketIo.connect(t, server, "ann", { transports });
    await client.settled(transports);
    await client.join(ROOM);
    const onEvent = (note) => client.socket.on("custom:n", note);
    crowd.push([label, watch(client.socket.io.engine, onEvent), client]);
  }
  const plain = await Client.connect(t, server, { headers: bearer({ sub: "bob" }) });
  await plain.next("auth:success");
  await plain.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
  crowd.push(["plain", watch(plain.socket, (note) => (plain.onFrame = note)), plain]);

  const stop = publishForever(server);
  for (const [label, seen] of crowd) {
    await within(seen.enough, () => `${label}: ${seen.pings} of ${PINGS} pings${server.printed()}`, 3 * PATIENCE);
  }
  await stop();

  for (const [label, seen, client] of crowd) {
    assert.ok(seen.events > 10 * PINGS, `${label} was not busy: ${seen.events} events, ${seen.pings} pings`);
    if (client !== plain) {
      assert.equal(client.socket.connected, true, label);
      assert.ok(client.arrived.every(({ name }) => name === "custom:n"), `${label} was told of something else`);
    }
  }
  assert.equal(plain.socket.readyState, 1);
});

test("python-socketio stays too, by poll and by WebSocket", async (t) => {
  const server = await Server.start(t, SETTINGS);
  const peers = [];
  for (const transports of [["polling"], ["websocket"]]) {
    const peer = await PythonPeer.connect(t, server, "ann", { transports });
    await peer.join(ROOM);
    peers.push(peer);
  }
  // Its pings cannot be seen from here: a client in JavaScript beside them counts for all.
  const clock = await SocketIo.connect(t, server, "bob", { transports: ["websocket"] });
  const seen = watch(clock.socket.io.engine, () => {});

  const stop = publishForever(server, 2);
  await within(seen.enough, () => `${seen.pings} of ${PINGS} pings${server.printed()}`, 3 * PATIENCE);
  const published = await stop();

  assert.ok(published > 5 * PINGS, `only ${published} broadcasts were published`);
  for (const peer of peers) {
    const numbers = [];
    for (let n = 0; n < published; n += 1) numbers.push((await peer.next("custom:n")).data.published);
    numbers.sort((one, other) => one - other);
    assert.deepEqual(numbers, Array.from({ length: published }, (_, n) => n + 1), "none is missing or told twice");
    assert.equal((await peer.ask("client:ping", {})).pong, true);
  }
});

test("an engine whose client never stops talking pings it all the same", async (t) => {
  const server = await Server.start(t, { ...SETTINGS, RATE_LIMIT_MESSAGES_PER_SECOND: "1000000" });
  for (const [label, transports] of TRANSPORTS) {
    const client = await SocketIo.connect(t, server, "ann", { transports });
    await client.settled(transports);
    let left = PINGS / 4;
    const enough = new Promise((settle) => {
      client.socket.io.engine.on("ping", () => (left -= 1) === 0 && settle());
    });
    let acknowledged = 0;
    // As fast as answers come.
    const talk = async () => {
      while (left > 0 && client.socket.connected) {
        assert.equal((await client.ask("client:ping", {})).pong, true);
        acknowledged += 1;
      }
    };
    await within(Promise.all([enough, talk()]), () => `${label}: ${left} pings to come${server.printed()}`);
    assert.equal(client.socket.connected, true, label);
    // Several between two pings, however busy the machine.
    assert.ok(acknowledged > PINGS, `${label}: ${acknowledged} answers`);
    client.drop();
  }
});
