// The five profiles at the door: who comes in where, by what, and how others are turned away
// (S-01, S-02, S-04 to S-07, S-16). `claims.test.mjs` has S-09 to S-11, `dashboards.test.mjs` S-12,
// `socketio_namespaces.test.mjs` S-13 and S-15, `socketio_journey.test.mjs` S-14,
// `socketio_dismissals.test.mjs` S-08.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { curl } from "./curl.mjs";
import { connectFlow } from "./profiles_support.mjs";
import { Client, Server, bearer, expectSilence, inSeconds, sign } from "./support.mjs";
import {
  SocketIo, TENANT_KEY, TRANSPORTS, assertRefused, assertTime, authOf, expectConnections,
} from "./socketio_support.mjs";

// ---------------------------------------------------------------- flow (guide 000)

const assertFlowWelcome = (said, tenantId = "demo1") => {
  assertTime(said.timestamp);
  const message = "Connected to TekUp Events Gateway";
  assert.deepEqual(said, { message, tenantId, timestamp: said.timestamp });
};

/** Headers that come on the first request only, as a browser's upgrade has none (contract W5). */
const onPollsOnly = (key) => ({ transportOptions: { polling: { extraHeaders: { "x-tenant-key": key } } } });

const KEY_FORMS = [
  ["a header", (key) => ({ extraHeaders: { "x-tenant-key": key } })],
  ["`auth`", (key) => ({ auth: { tenantKey: key } })],
];

test("S-01: a tenant's key is welcomed by every transport, with exactly the guide's words", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    for (const [, show] of KEY_FORMS) {
      const client = SocketIo.open(t, server, {
        namespace: "/events", transports, timeout: 10_000, ...show("demo-tenant-key-1"),
      });
      await client.next("connect");
      assertFlowWelcome((await client.next("connected")).data);
      await client.settled(transports);
      assert.deepEqual(await client.rooms(), ["tenant:demo1"]);
      await client.expectAlive();
      assert.equal(client.arrived.length, 0);
    }
  }
});

test("S-01: the key of the first poll holds for the WebSocket that follows without it", async (t) => {
  const server = await Server.start(t);
  const client = SocketIo.open(t, server, { namespace: "/events", ...onPollsOnly(TENANT_KEY) });

  await client.enter("/events");
  await client.upgraded();

  assert.equal((await client.ask("debug:rooms", {})).tenant_id, "demo1");
});

test("S-01: a key may stand in the query only where a setting says so", async (t) => {
  for (const allowed of ["true", "false"]) {
    const server = await Server.start(t, { ALLOW_QUERY_TENANT_KEY: allowed });
    const client = SocketIo.open(t, server, { namespace: "/events", query: { tenant_key: TENANT_KEY } });
    if (allowed === "true") await client.enter("/events");
    else assertTenantRefused(client, (await client.next("connect_error")).data);
  }
});

test("S-01: without Socket.IO, a key opens /events and is welcomed in the same words", async (t) => {
  const server = await Server.start(t);
  const headers = { "x-tenant-key": TENANT_KEY };

  const client = await Client.connect(t, server, { path: "/events", headers });

  assertFlowWelcome(client.welcome.data);
  assert.deepEqual(await client.rooms(), ["tenant:demo1"]);
  for (const wrong of [{}, { "x-tenant-key": "nope" }, bearer({ sub: "ann" })]) {
    const refused = new Client(server, "/events", wrong, {});
    await assert.rejects(refused.opened, /Unexpected server response: 401/);
  }
  await expectSilence(server, client);
});

test("S-01: each tenant's key leads to its own room, and what is for one never reaches another", async (t) => {
  const server = await Server.start(t);
  const first = await connectFlow(t, server, { key: "demo-tenant-key-1" });
  const long = await connectFlow(t, server, { key: "demo-tenant-key-1-long-enough-for-secure" });
  const second = await connectFlow(t, server, { key: "demo-tenant-key-2" });
  assertFlowWelcome(long.welcome);
  assertFlowWelcome(second.welcome, "demo2");

  const data = { id: "e-1", type: "LEAD_CREATED", tenantId: "demo1" };
  const { recipients_count } = await server.broadcast({
    event: "lead_event", data, target: { tenant_id: "demo1" },
  });

  assert.equal(recipients_count, 2);
  for (const client of [first, long]) assert.deepEqual((await client.next("lead_event")).data, data);
  for (const room of ["tenant:demo2", "tenant:demo1", "global", "project:1", "blueprint-123"]) {
    assertRefused(await second.ask("subscribe", { room }), "UNAUTHORIZED");
  }
  await expectSilence(server, first, long, second);
});

const assertTenantRefused = (client, error) => {
  assert.equal(error.message.includes("authentication"), true, error.message);
  assert.equal(error.message.includes("timeout"), false, error.message);
  assert.equal(error.data.code, "AUTH_FAILED");
  assert.equal(client.socket.active, false, "it does not try again by itself");
};

test("S-02: a wrong key, none and an inactive one are refused in words the guide's client reads", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "switchboard-tenants-"));
  t.after(() => rmSync(home, { recursive: true }));
  const file = join(home, "tenants.json");
  const keys = [
    { key: "a-key-that-is-active", active: true },
    { key: "a-key-that-was-withdrawn", active: false },
  ];
  writeFileSync(file, JSON.stringify([{ id: "acme", name: "Acme", keys }]));
  const server = await Server.start(t, { TENANTS_FILE: file });

  const texts = [];
  for (const [, transports] of TRANSPORTS) {
    for (const key of ["nope", undefined, "a-key-that-was-withdrawn", "demo-tenant-key-1", ""]) {
      for (const [, show] of KEY_FORMS) {
        const shown = key === undefined ? {} : show(key);
        const options = { namespace: "/events", transports, reconnection: true, ...shown };
        const client = SocketIo.open(t, server, options);
        const { data: error } = await client.next("connect_error");
        assertTenantRefused(client, error);
        if (key !== undefined) texts.push(error.message);
        await expectConnections(server, 0);
        assert.deepEqual(client.arrived, [], "`connected` never fires");
      }
    }
  }
  assert.equal(new Set(texts).size, 1, `an inactive key is told from an unknown one: ${texts}`);
  const client = await connectFlow(t, server, { key: "a-key-that-is-active" });
  assertFlowWelcome(client.welcome, "acme");
});

// ---------------------------------------------------------------- project and collab (guides 001, 003)

const TOKEN_FORMS = [
  ["`auth`", (token) => ({ auth: { token } })],
  ["the query", (token) => ({ query: { token } })],
  ["Authorization", (token) => ({ extraHeaders: { Authorization: `Bearer ${token}` } })],
  ["X-Auth-Token", (token) => ({ extraHeaders: { "X-Auth-Token": token } })],
];

test("S-04: a token, shown in any way, is welcomed on /ws into its user's room and `global`", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    for (const [form, show] of TOKEN_FORMS) {
      const client = SocketIo.open(t, server, { namespace: "/ws", transports, ...show(sign({ sub: "u1" })) });
      await client.next("connect");
      const welcome = (await client.next("connection_established")).data;
      assert.equal(typeof welcome.data.protocol_version, "string", form);
      assertTime(welcome.timestamp);
      const { rooms, ...own } = await client.ask("debug:rooms", {});
      assert.deepEqual(rooms.filter((room) => room !== client.socket.id).sort(), ["global", "user:u1"], form);
      assert.deepEqual([own.success, own.user_id, own.organization_id], [true, "u1", null]);
      await client.settled(transports);
    }
  }
});

/** Guide 003's own lines: on this very text it fetches a new token and connects again. */
const refreshing = (t, server, options, refreshToken) => {
  const client = SocketIo.open(t, server, options);
  const { socket } = client;
  socket.on("connect_error", (error) => {
    if (error.message === "Authentication failed") {
      // Refresh token and reconnect
      refreshToken().then((newToken) => {
        socket.auth = { token: newToken };
        socket.connect();
      });
    }
  });
  return client;
};

const UNPROVEN = [
  ["garbage", { token: "garbage" }],
  ["none", {}],
  ["another secret's", { token: sign({ sub: "u1" }, { secret: "another-secret-of-more-than-32-bytes!" }) }],
  ["unsigned", { token: sign({ sub: "u1" }, { alg: "none" }) }],
  ["expired a second ago", { token: sign({ sub: "u1", exp: inSeconds(-1) }) }],
];

test("S-05, S-06: every bad token is exactly `Authentication failed`, and the guide's refresh works", async (t) => {
  const server = await Server.start(t);

  for (const [, transports] of TRANSPORTS) {
    for (const namespace of ["/", "/ws"]) {
      for (const [flaw, auth] of UNPROVEN) {
        const good = async () => sign({ sub: "u1" });
        const client = refreshing(t, server, { namespace, transports, auth }, good);

        const { data: error } = await client.next("connect_error");
        assert.equal(error.message, "Authentication failed", flaw);
        assert.equal(error.data.code, "AUTH_FAILED");
        await client.enter(namespace);
        await client.expectAlive();
        client.socket.disconnect();
        await client.ended("io client disconnect");
      }
    }
  }
  await expectConnections(server, 0);
});

test("S-06: a socket ends with its token: an error, then `io server disconnect`, and stays away", async (t) => {
  const server = await Server.start(t);
  const exp = inSeconds(4);
  const options = { auth: authOf("u1", { exp }), reconnection: true };
  const places = [{}, { namespace: "/ws" }, { path: "/ws" }];
  const ways = TRANSPORTS.flatMap(([, transports]) =>
    places.map((place) => ({ ...options, ...place, transports })),
  );
  const clients = await Promise.all(ways.map((way) => SocketIo.connect(t, server, "u1", way)));
  const other = await SocketIo.connect(t, server, "u2");

  for (const client of clients) {
    await client.nextError("AUTH_FAILED");
    assert.ok(Date.now() >= exp * 1000, "not before its time");
    await client.ended("io server disconnect");
    assert.equal(client.socket.active, false);
  }

  await expectConnections(server, 1);
  await expectSilence(server, other);
});

test("S-07: a socket whose token was rotated outlives the first one, with its id and its rooms", async (t) => {
  const server = await Server.start(t);
  const exp = inSeconds(4);
  const short = { auth: authOf("u1", { exp }) };
  const clients = [
    await SocketIo.connect(t, server, "u1", { ...short, namespace: "/ws" }),
    await SocketIo.connect(t, server, "u1", short),
    await SocketIo.connect(t, server, "u1", { ...short, path: "/ws" }),
  ];
  const plain = await Client.verified(t, server, "u1", { exp });
  const clock = await SocketIo.connect(t, server, "clock", { auth: authOf("clock", { exp: exp + 1 }) });
  const ids = clients.map(({ socket }) => socket.id);
  for (const client of clients) {
    await client.join("blueprint-123");
    assertRefused(await client.ask("authenticate", authOf("u2")), "AUTH_FAILED");
    const bare = { user_id: "u1", organization_id: "org_1" };
    assertRefused(await client.ask("authenticate", bare), "AUTH_FAILED");

    const ack = await client.ask("authenticate", authOf("u1"));
    assert.deepEqual([ack.success, ack.user_id, ack.socket_id], [true, "u1", client.socket.id]);
    assert.ok(Date.parse(ack.expires_at) > exp * 1000);
  }
  await plain.ask({ type: "auth", payload: authOf("u1") }, "auth:success");

  // A token that ends a second after theirs tells that their time is over.
  await clock.nextError("AUTH_FAILED");
  await clock.ended("io server disconnect");

  assert.deepEqual(clients.map(({ socket }) => socket.id), ids);
  for (const client of clients) {
    // Guide 004's clients are not in `global`.
    const global = client === clients[2] ? [] : ["global"];
    assert.deepEqual(await client.rooms(), ["blueprint-123", ...global, "user:u1"]);
  }
  await expectSilence(server, ...clients, plain);
});

// ---------------------------------------------------------------- curl

/** Guide 000's first debug command, with another port and key, and perhaps more. */
const upgradeOf = (server, key, ...more) =>
  curl(
    "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", `x-tenant-key: ${key}`, ...more,
    `${server.url}/events`,
  );

test("S-16: curl, as guides print it, is answered with the status that says what is wrong", async (t) => {
  const server = await Server.start(t);

  const unfinished = await upgradeOf(server, "demo-tenant-key-1");
  const stranger = await upgradeOf(server, "nope");
  const keyless = await curl("-H", "Upgrade: websocket", "-H", "Connection: Upgrade", `${server.url}/events`);
  const health = await curl(`${server.url}/health`);
  const plain = await curl(`${server.url}/ws`);
  const slashed = await curl(`${server.url}/ws/`);

  const answers = { unfinished, stranger, keyless, plain, slashed };
  for (const [name, { type, body }] of Object.entries(answers)) {
    assert.match(type, /^application\/json/, name);
    const { success, error, code } = JSON.parse(body);
    assert.deepEqual([success, typeof error, typeof code], [false, "string", "string"], name);
  }
  const statuses = Object.values(answers).map(({ status }) => status);
  assert.deepEqual(statuses, [400, 401, 401, 426, 426]);
  assert.equal(health.status, 200);
  const { status, connections, uptime_seconds, version, timestamp } = JSON.parse(health.body);
  assert.deepEqual([status, connections, typeof uptime_seconds, typeof version], ["ok", 0, "number", "string"]);
  assertTime(timestamp);
});
