// What operators read and do over REST: guide 004's statistics and connections (S-61), guide 001's
// statistics (S-30). Every number is compared with what was done.

import assert from "node:assert/strict";
import { test } from "node:test";
import { claim, connectFlow, subscribe } from "./profiles_support.mjs";
import { Client, Server, until } from "./support.mjs";
import { SocketIo, TRANSPORTS, WEBSOCKET, assertTime, authOf, expectConnections } from "./socketio_support.mjs";

const ORG = { organization_id: "org_123" };

const STATS = [
  "active_connections", "connections_by_org", "active_rooms", "rooms_by_type", "total_messages",
  "messages_per_second", "messages_by_event", "average_latency_ms", "max_latency_ms", "error_count",
  "uptime_seconds",
];

const statsOf = async (server) => {
  const { status, answer } = await server.call("GET", "/api/ws/stats");
  assert.deepEqual([status, answer.success, Object.keys(answer).sort()], [200, true, ["stats", "success"]]);
  assert.deepEqual(Object.keys(answer.stats).sort(), [...STATS].sort());
  return answer.stats;
};

test("S-61: the statistics have guide 004's eleven keys, and each says what has happened", async (t) => {
  const server = await Server.start(t);
  const empty = await statsOf(server);
  assert.deepEqual({ ...empty, uptime_seconds: 0 }, {
    active_connections: 0, connections_by_org: {}, active_rooms: 0,
    rooms_by_type: { org: 0, dept: 0, queue: 0, other: 0 },
    total_messages: 0, messages_per_second: 0, messages_by_event: {}, average_latency_ms: 0, max_latency_ms: 0,
    error_count: 0, uptime_seconds: 0,
  });

  // By WebSocket alone: a client that leaves in the middle of an upgrade makes a request more, which is
  // refused, and counted rightly.
  const ours = [await claim(t, server, "org_123", WEBSOCKET), await claim(t, server, "org_123", WEBSOCKET)];
  const foreign = await claim(t, server, "org_999", WEBSOCKET);
  const project = { namespace: "/ws", ...WEBSOCKET };
  const user = await SocketIo.connect(t, server, "u1", { ...project, auth: authOf("u1", { org: "org_123" }) });
  const plain = await Client.connect(t, server);
  await subscribe(ours[0], ["kpi", "alerts"], { ...ORG, department_id: "d" });
  await subscribe(ours[1], ["kpi"], { ...ORG, department_id: "d", queue_name: "q" });
  await plain.ask({ type: "join", payload: { room: "dashboard:overview" } }, "room_joined");
  const queue = { ...ORG, department_id: "d", queue_name: "q" };
  for (let n = 0; n < 3; n += 1) await server.broadcast({ event: "kpi:update", data: { n }, target: queue });
  await server.broadcast({ event: "system:broadcast", data: {} });
  await server.broadcast({ event: "alert:triggered", data: {}, target: { organization_id: "org_404" } });
  for (const client of ours) for (let n = 0; n < 3; n += 1) await client.next("kpi:update");
  for (const client of [...ours, foreign, user, plain]) await client.next("system:broadcast");
  await ours[0].ask("subscribe", { room: "user:other" }); // one refused request,
  plain.send({ type: "nonsense" }); // another,
  await plain.nextError("INVALID_MESSAGE");
  await server.call("POST", "/api/ws/broadcast", { body: { event: "evil:event", data: {} } }); // a third,
  const refused = SocketIo.open(t, server, { ...project, auth: { token: "garbage" } }); // and a connection
  await refused.next("connect_error");
  await expectConnections(server, 5);

  const stats = await statsOf(server);
  assert.equal(stats.active_connections, 5);
  assert.deepEqual(stats.connections_by_org, { org_123: 3, org_999: 1 });
  // org:org_123, org:org_999 | two of the department | one of the queue | user, global, dashboard
  assert.deepEqual(stats.rooms_by_type, { org: 2, dept: 2, queue: 1, other: 3 });
  assert.equal(stats.active_rooms, 8);
  assert.deepEqual(stats.messages_by_event, { "kpi:update": 6, "system:broadcast": 5 });
  assert.equal(stats.total_messages, 11);
  assert.equal(stats.error_count, 4);
  assert.ok(stats.messages_per_second >= 0);
  assert.ok(Number.isInteger(stats.uptime_seconds) && stats.uptime_seconds >= empty.uptime_seconds);

  for (const client of [...ours, foreign, user]) client.socket.disconnect();
  await expectConnections(server, 1);
  const after = await statsOf(server);
  const left = [after.active_connections, after.connections_by_org, after.active_rooms];
  assert.deepEqual(left, [1, {}, 1], "what is gone is not counted");
  assert.equal(after.total_messages, 11);
});

test("S-61: latency is measured from the pings that are answered", async (t) => {
  const server = await Server.start(t, { PING_INTERVAL_MS: "100" });
  await SocketIo.connect(t, server, "u1", WEBSOCKET);
  await Client.connect(t, server);

  const stats = await until(() => statsOf(server), ({ max_latency_ms }) => max_latency_ms > 0);

  assert.ok(stats.average_latency_ms > 0 && stats.average_latency_ms <= stats.max_latency_ms, JSON.stringify(stats));
});

const CONNECTION = [
  "socket_id", "user_id", "organization_id", "status", "subscriptions", "connected_at", "last_activity_at",
];

const connectionsOf = async (server, query = "") => {
  const { status, answer } = await server.call("GET", `/api/ws/connections${query}`);
  assert.deepEqual([status, answer.success, answer.total_count], [200, true, answer.connections.length]);
  assert.deepEqual(Object.keys(answer).sort(), ["connections", "success", "total_count"]);
  for (const connection of answer.connections) {
    assert.deepEqual(Object.keys(connection).sort(), [...CONNECTION].sort());
    assertTime(connection.connected_at);
    assertTime(connection.last_activity_at);
  }
  return answer.connections;
};

test("S-61: connections are listed as guide 004 prints them, by organization, and one by one", async (t) => {
  const server = await Server.start(t);
  assert.deepEqual(await connectionsOf(server), []);
  const client = await claim(t, server, "org_123");
  await subscribe(client, ["kpi", "alerts"]);
  const proven = await SocketIo.connect(t, server, "u1", { auth: authOf("u1", { org: "org_123" }) });
  await proven.join("blueprint-1");
  const foreign = await claim(t, server, "org_999", { user_id: "user_9" });
  const tenant = await connectFlow(t, server);
  const plain = await Client.connect(t, server);

  const all = new Map((await connectionsOf(server)).map((connection) => [connection.socket_id, connection]));
  const shown = (id) => {
    const { connected_at, last_activity_at, ...rest } = all.get(id);
    return rest;
  };
  const connected = (socket_id, user_id, organization_id, subscriptions) => ({
    socket_id, user_id, organization_id, status: "connected", subscriptions,
  });
  const expected = [
    connected(client.socket.id, "user_123", "org_123", ["alerts:org:org_123", "kpi:org:org_123"]),
    connected(proven.socket.id, "u1", "org_123", ["blueprint-1"]),
    connected(foreign.socket.id, "user_9", "org_999", []),
    connected(tenant.socket.id, null, null, []),
    connected(plain.welcome.data.clientId, null, null, []),
  ];
  assert.deepEqual(expected.map(({ socket_id }) => shown(socket_id)), expected);
  assert.equal(all.size, expected.length);

  const idsOf = async (query) => (await connectionsOf(server, query)).map(({ socket_id }) => socket_id).sort();
  const ours = [client.socket.id, proven.socket.id].sort();
  assert.deepEqual(await idsOf("?organization_id=org_123"), ours);
  assert.deepEqual(await idsOf("?organization_id=org_404"), []);
  for (const bad of ["", "../", "a%20b"]) {
    assert.equal((await server.call("GET", `/api/ws/connections?organization_id=${bad}`)).status, 400);
  }

  const one = () => server.call("GET", `/api/ws/connections/${client.socket.id}`);
  const first = await one();
  assert.deepEqual([first.status, Object.keys(first.answer).sort()], [200, ["connection", "success"]]);
  assert.deepEqual(Object.keys(first.answer.connection).sort(), [...CONNECTION].sort());
  const { connected_at, last_activity_at } = first.answer.connection;
  const active = async () => {
    await client.expectAlive();
    return (await one()).answer.connection;
  };
  const last = await until(active, (now) => now.last_activity_at !== last_activity_at);
  assert.ok(Date.parse(last.last_activity_at) > Date.parse(last_activity_at));
  assert.equal(last.connected_at, connected_at);

  for (const id of ["nobody", "a%20b", "%00"]) {
    assert.equal((await server.call("GET", `/api/ws/connections/${id}`)).status, 404, id);
  }
});

test("S-61: who is sent away is listed no more, and may connect again under a new id", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123", { reconnection: true });
  await subscribe(client, ["kpi"]);
  const { id } = client.socket;

  assert.equal((await server.call("DELETE", `/api/ws/connections/${id}`)).status, 200);
  await client.ended("io server disconnect");

  assert.deepEqual(await connectionsOf(server), []);
  assert.equal((await server.call("GET", `/api/ws/connections/${id}`)).status, 404);
  assert.equal((await statsOf(server)).active_rooms, 0);
  client.socket.connect();
  await client.enter("/", "/ws");
  assert.deepEqual(await client.rooms(), [], "its claim and its channels are gone");
  assert.deepEqual((await connectionsOf(server)).map(({ socket_id }) => socket_id), [client.socket.id]);
});

for (const [label, transports] of TRANSPORTS) {
  test(`S-30, S-14: ${label}: guide 001's statistics count sockets by kind of room, and broadcasts`, async (t) => {
    const server = await Server.start(t);
    const clients = [];
    for (const sub of ["u1", "u2", "u3"]) {
      clients.push(await SocketIo.connect(t, server, sub, { namespace: "/ws", transports }));
    }
    for (const client of clients.slice(1)) {
      assert.equal((await client.ask("subscribe", { room: "project:1" })).success, true);
    }
    assert.deepEqual(await clients[1].rooms(), ["global", "project:1", "user:u2"]);

    const ask = async () => (await server.call("GET", "/api/v1/websocket/stats")).answer;
    const { uptime_seconds, ...before } = await ask();
    assert.deepEqual(before, {
      connections: 3, rooms: { global: 3, "project:*": 2, "user:*": 3 }, events_emitted: 0,
    });
    assert.ok(Number.isInteger(uptime_seconds));
    await server.broadcast({ event: "project.updated", data: {}, target: { room: "project:1" } });
    assert.equal((await ask()).events_emitted, 1, "a broadcast counts once, however many get it");
    for (const client of clients.slice(1)) await client.next("project.updated");
  });
}
