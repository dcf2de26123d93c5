// How a Socket.IO client comes in: every namespace, path and transport; and how it is turned away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD_TOKENS, Server, inSeconds } from "./support.mjs";
import {
  DEFAULT, PLACES, POLLING, SocketIo, TRANSPORTS, WEBSOCKET, assertTime, authOf, expectConnections,
} from "./socketio_support.mjs";

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: every namespace of both paths lets a token in and welcomes it`, async (t) => {
    const server = await Server.start(t);

    for (const place of PLACES) {
      const client = await SocketIo.connect(t, server, "ann", { ...place, transports });
      await client.settled(transports);
      assertWelcome(place, client);
      const rooms = await client.ask("debug:rooms", {});
      assert.equal(rooms.socket_id, client.socket.id);
      assert.equal(rooms.user_id, place.namespace === "/events" ? null : "ann");
      await client.expectAlive();
      assert.equal(client.arrived.length, 0, "nothing but the welcome was sent");
    }

    await expectConnections(server, PLACES.length);
  });
}

const assertWelcome = ({ namespace, welcome }, { welcome: said, socket }) => {
  if (namespace === "/events") {
    assertTime(said.timestamp);
    const message = "Connected to TekUp Events Gateway";
    assert.deepEqual(said, { message, tenantId: "demo1", timestamp: said.timestamp });
  } else if (welcome === "connected") {
    assertTime(said.server_time);
    assert.deepEqual(said, { socket_id: socket.id, server_time: said.server_time });
  } else {
    assertTime(said.timestamp);
    assert.equal(said.type, "connection.established");
    const data = { connection_id: socket.id, clientId: socket.id, user_id: "ann", protocol_version: "1.0" };
    assert.deepEqual(said.data, data);
  }
};

/** The message of a refusal, which guides' clients compare (contract X-02). */
const refusal = (namespace, reason) =>
  namespace === "/events" ? `Tenant authentication failed: ${reason}` : "Authentication failed";

const assertRefusal = (namespace, error) => {
  assert.deepEqual(Object.keys(error.data).sort(), ["code", "reason"]);
  assert.equal(error.data.code, "AUTH_FAILED");
  assert.match(error.data.reason, /./);
  assert.equal(error.message, refusal(namespace, error.data.reason));
  assert.ok(!error.message.includes("timeout"), error.message);
};

const NEEDS_TOKEN = PLACES.filter(({ namespace, path }) => namespace !== "/" || path !== "/ws");

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: without a token, a namespace that needs one refuses in its own words`, async (t) => {
    const server = await Server.start(t);

    for (const { namespace, path } of NEEDS_TOKEN) {
      const client = SocketIo.open(t, server, { namespace, path, transports });
      assertRefusal(namespace, (await client.next("connect_error")).data);
      assert.equal(client.socket.active, false, "a refused client does not try again by itself");
    }

    await expectConnections(server, 0);
  });
}

for (const [flaw, token] of BAD_TOKENS) {
  test(`a token ${flaw} is refused everywhere, and a good one on the same socket is not`, async (t) => {
    const server = await Server.start(t);

    for (const { namespace, path, welcome } of PLACES) {
      const client = SocketIo.open(t, server, { namespace, path, auth: { token } });
      assertRefusal(namespace, (await client.next("connect_error")).data);
      assert.equal(client.socket.active, false);

      client.socket.auth = authOf("ann");
      client.socket.connect();
      await client.next("connect");
      await client.next(welcome);
      await client.expectAlive();
    }
  });
}

test("a token that is no text is refused like a bad one", async (t) => {
  const server = await Server.start(t);

  for (const token of [42, {}, ["a"], true]) {
    const client = SocketIo.open(t, server, { auth: { token } });
    assertRefusal("/", (await client.next("connect_error")).data);
  }
});

test("an authentication function is asked anew at each attempt", async (t) => {
  const server = await Server.start(t);
  const tokens = [authOf("ann", { exp: inSeconds(-1) }), authOf("ann")];
  const client = SocketIo.open(t, server, { auth: (give) => give(tokens.shift()) });

  assertRefusal("/", (await client.next("connect_error")).data);
  client.socket.connect();

  await client.enter();
  assert.deepEqual(await client.rooms(), ["global", "user:ann"]);
});

test("a token in the header of the handshake counts where CONNECT brings none", async (t) => {
  const server = await Server.start(t);
  const { token } = authOf("ann");

  for (const { transports } of [POLLING, WEBSOCKET, DEFAULT]) {
    const extraHeaders = { Authorization: `Bearer ${token}` };
    const client = SocketIo.open(t, server, { transports, extraHeaders });
    await client.enter();
    assert.equal(client.welcome.data.user_id, "ann");
  }
});

test("on path /ws the root namespace takes the anonymous, who may join public rooms only", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    const client = SocketIo.open(t, server, { path: "/ws", transports });
    await client.enter("/", "/ws");
    assert.deepEqual(await client.rooms(), []);
    await client.join("dashboard:overview");
    for (const room of ["voice:training", "user:ann", "global", "blueprint-1"]) {
      assert.equal((await client.ask("join", { room })).code, "UNAUTHORIZED");
    }
    assert.deepEqual(await client.rooms(), ["dashboard:overview"]);
  }
});

test("an anonymous socket becomes somebody by `authenticate` or `auth`", async (t) => {
  const server = await Server.start(t);
  const [first, second] = [0, 1].map(() => SocketIo.open(t, server, { path: "/ws" }));
  for (const client of [first, second]) await client.enter("/", "/ws");

  const authenticated = await first.ask("authenticate", authOf("ann", { org: "org_1" }));
  const { success, socket_id, user_id, organization_id } = authenticated;
  assert.deepEqual([success, socket_id, user_id, organization_id], [true, first.socket.id, "ann", "org_1"]);
  assertTime(authenticated.expires_at);
  second.emit("authenticate", authOf("bob"));
  assert.equal((await second.next("authenticated")).data.user_id, "bob");

  assert.deepEqual(await first.rooms(), ["org:org_1", "user:ann"]);
  assert.deepEqual(await second.rooms(), ["user:bob"]);
});

test("`auth` is answered by its event, and by an acknowledgement where one is asked for", async (t) => {
  const server = await Server.start(t);
  const client = SocketIo.open(t, server, { path: "/ws" });
  await client.enter("/", "/ws");

  const ack = await client.ask("auth", authOf("ann"));
  assert.deepEqual([ack.success, ack.userId], [true, "ann"]);
  assert.equal((await client.next("auth:success")).data.userId, "ann");
  client.emit("auth", authOf("ann"));
  assert.equal((await client.next("auth:success")).data.userId, "ann");
});

test("a client that asks for no trailing slash is served on both paths", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    for (const path of ["/socket.io", "/ws"]) {
      const client = await SocketIo.connect(t, server, "ann", { path, transports, addTrailingSlash: false });
      await client.settled(transports);
      await client.expectAlive();
    }
  }
});

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a surplus connection learns CONNECTION_LIMIT and is not counted`, async (t) => {
    const server = await Server.start(t, { MAX_CONNECTIONS: "2" });
    const ann = await SocketIo.connect(t, server, "ann", { transports });
    await SocketIo.connect(t, server, "bob", { transports });

    for (const { namespace, path } of PLACES) {
      const surplus = SocketIo.open(t, server, { namespace, path, transports, auth: authOf("eve") });
      const { data: error } = await surplus.next("connect_error");
      assert.equal(error.data?.code, "CONNECTION_LIMIT", error.message);
      assert.equal(surplus.socket.active, false);
    }
    await expectConnections(server, 2);

    ann.socket.disconnect();
    await expectConnections(server, 1);
    const next = await SocketIo.connect(t, server, "eve", { transports });
    await next.expectAlive();
    await expectConnections(server, 2);
  });
}
