// What backends do over REST, and what clients see of it: all events of guide 004 and who may send
// them (S-57), targets and acknowledgements (S-58).

import assert from "node:assert/strict";
import { test } from "node:test";
import { curl } from "./curl.mjs";
import { claim, connectFlow, connectIntraday, subscribe } from "./profiles_support.mjs";
import { Client, Server, bearer, expectSilence, until } from "./support.mjs";
import { POLLING, SocketIo, TRANSPORTS, WEBSOCKET, assertTime } from "./socketio_support.mjs";

const ADMIN_KEY = "client-tests-admin-key-of-32-bytes!";
const ORG = { organization_id: "org_123" };

// ---------------------------------------------------------------- all events

/** Guide 004's 17 events. */
const EVENTS = [
  "kpi:update", "kpi:computed", "kpi:alert",
  "backlog:update", "backlog:snapshot", "backlog:alert",
  "attendance:update", "attendance:checkin", "attendance:checkout", "attendance:alert",
  "alert:triggered", "alert:acknowledged", "alert:resolved", "alert:escalated",
  "system:notification", "system:broadcast", "system:maintenance",
];

/** Data that nothing on the way may change. */
const dataOf = (event, n) => ({
  ...ORG,
  n,
  event,
  rule_name: "early <b>\u2028 \u{1F600}",
  utilization: { current_utilization: 81.5, list: [null, true, 1e21, 9007199254740991, "", []] },
  "ключ": "\\\" \u0000 ",
});

test("S-57: a subscriber of `all` gets all 17 events, in order and with intact data", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (const [, transports] of TRANSPORTS) {
    const client = await claim(t, server, "org_123", { transports });
    await subscribe(client, ["all"], ORG);
    clients.push(client);
  }
  const plain = await Client.connect(t, server);
  await plain.ask({ event: "authenticate", data: { user_id: "user_124", ...ORG } }, "authenticated");
  await plain.ask({ event: "subscribe", data: { channels: ["all"], ...ORG } }, "client:subscribe");
  const foreign = await claim(t, server, "org_999");
  await subscribe(foreign, ["all"]);

  for (const priority of ["low", "medium", "high", "urgent"]) {
    for (const [n, event] of EVENTS.entries()) {
      const data = dataOf(event, n);
      const posted = await server.broadcast({ event, data, target: ORG, priority });
      assert.equal(posted.recipients_count, 4, event);
    }
    for (const [n, event] of EVENTS.entries()) {
      for (const client of clients) assert.deepEqual((await client.next(event)).args, [dataOf(event, n)]);
      assert.deepEqual((await plain.next(event)).data, dataOf(event, n));
    }
  }
  await expectSilence(server, ...clients, plain, foreign);
});

test("S-57: what is no event, has no data or no such priority is 400 and reaches nobody", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  await subscribe(client, ["all"]);

  for (const bad of [
    { event: "evil:event", data: {} },
    { event: "kpi:update" },
    { event: "kpi:update", data: {}, priority: "max" },
    { event: "kpi:update", data: {}, priority: "" },
    { event: "client:subscribe", data: {} },
    { event: "disconnect", data: {} },
    { event: "error", data: {} },
    { event: "kpi:update", data: {}, target: { organisation_id: "org_123" } },
    { event: "kpi:update", data: {}, target: { queue_name: "support" } },
    { event: "kpi:update", data: {}, target: null },
    { event: "kpi:update", data: {}, target: [] },
  ]) {
    const { status, answer } = await server.call("POST", "/api/ws/broadcast", { body: bad });
    assert.equal(status, 400, JSON.stringify(bad));
    assert.deepEqual([answer.success, typeof answer.error, answer.code], [false, "string", "INVALID_MESSAGE"]);
  }

  await expectSilence(server, client);
});

/** The guide's curl line for a KPI update, with this body. */
const kpiByCurl = (server, body) =>
  curl("-X", "POST", `${server.url}/api/ws/broadcast/kpi`, "-H", "Content-Type: application/json", "-d", body);

test("S-57: the guide's curl lines run: an update is broadcast, and reaches its queue", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  await subscribe(client, ["kpi"], { ...ORG, department_id: "dept_456", queue_name: "support" });
  const body = `{
    "organization_id": "org_123",
    "queue_name": "support",
    "timestamp": "2024-01-15T10:30:00Z",
    "utilization": {...},
    "health_score": 85
  }`;
  const sound = body.replace("{...}", '{"current_utilization": 81.5}');

  const broken = await kpiByCurl(server, body);
  const posted = await kpiByCurl(server, sound);
  const stats = await curl(`${server.url}/api/ws/stats`);
  const connections = await curl(`${server.url}/api/ws/connections?organization_id=org_123`);

  assert.deepEqual([broken.status, JSON.parse(broken.body).success], [400, false]);
  assert.equal(posted.status, 200);
  const { success, message, message_id, recipients_count, sent_at } = JSON.parse(posted.body);
  assert.deepEqual([success, typeof message, typeof message_id, recipients_count], [true, "string", "string", 1]);
  assertTime(sent_at);
  assert.deepEqual((await client.next("kpi:update")).data, JSON.parse(sound));
  assert.deepEqual(JSON.parse(stats.body).stats.messages_by_event, { "kpi:update": 1 });
  assert.equal(JSON.parse(connections.body).connections[0].socket_id, client.socket.id);
  await expectSilence(server, client);
});

const SHORTCUTS = [
  ["kpi", "kpi:update"],
  ["backlog", "backlog:update"],
  ["attendance", "attendance:update"],
  ["alert", "alert:triggered"],
];

test("each shortcut takes the payload itself, adds a missing time, and wants an organization", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  await subscribe(client, ["all"]);

  for (const [shortcut, event] of SHORTCUTS) {
    const post = (body) => server.call("POST", `/api/ws/broadcast/${shortcut}`, { body });
    const given = { ...ORG, rule_name: "r", severity: "high", timestamp: "2024-01-15T10:30:00Z" };
    assert.equal((await post(given)).answer.recipients_count, 1);
    assert.deepEqual((await client.next(event)).data, given);

    assert.equal((await post(ORG)).status, 200);
    const { timestamp, ...rest } = (await client.next(event)).data;
    assertTime(timestamp);
    assert.deepEqual(rest, ORG);

    for (const bad of [{}, { organization_id: "" }, { organization_id: 1.5 }, [], "org_123", null]) {
      const { status, answer } = await post(bad);
      assert.deepEqual([status, answer.success, answer.code], [400, false, "INVALID_MESSAGE"], JSON.stringify(bad));
    }
  }
  const nowhere = await server.call("POST", "/api/ws/broadcast/nothing", { body: ORG });
  assert.equal(nowhere.status, 404);
  await expectSilence(server, client);
});

// ---------------------------------------------------------------- credentials

/** What only admins may, and the status for an admin who asks it of an empty server. */
const ADMIN_ONLY = [
  ["GET", "/api/ws/status", 200],
  ["GET", "/api/ws/stats", 200],
  ["GET", "/api/ws/rooms", 200],
  ["GET", "/api/ws/connections", 200],
  ["GET", "/api/ws/connections/nobody", 404],
  ["DELETE", "/api/ws/connections/nobody", 404],
  ["GET", "/api/ws/broadcasts/never-sent", 404],
  ["GET", "/api/v1/websocket/stats", 200],
  ["POST", "/api/ws/broadcast", 200, { event: "kpi:update", data: {} }],
  ...SHORTCUTS.map(([shortcut]) => ["POST", `/api/ws/broadcast/${shortcut}`, 200, ORG]),
];
const FOR_ANYONE = ["/health", "/api/ws/health", "/api/ws/config"];

/** Callers, by what they show, and the status they get; `undefined` is what an admin gets. */
const CALLERS = [
  [{}, 401],
  [{ "X-Admin-Key": "wrong" }, 401],
  [{ "X-Admin-Key": ADMIN_KEY.slice(0, -1) }, 401],
  [{ Authorization: "Bearer garbage" }, 401],
  [{ "x-tenant-key": "demo-tenant-key-1" }, 401],
  [bearer({ sub: "ann" }), 403],
  [bearer({ sub: "ann", role: "user" }), 403],
  [{ "X-Admin-Key": ADMIN_KEY }, undefined],
  [bearer({ sub: "root", role: "admin" }), undefined],
];

test("S-57: with ADMIN_API_KEY set, whoever is no admin gets 401 or 403, on loopback too", async (t) => {
  const server = await Server.start(t, { ADMIN_API_KEY: ADMIN_KEY });

  for (const [method, path, allowed, body] of ADMIN_ONLY) {
    for (const [headers, refused] of CALLERS) {
      const { status, answer } = await server.call(method, path, { body, headers });
      assert.equal(status, refused ?? allowed, `${method} ${path} ${Object.keys(headers)}`);
      if (status === 200) continue;
      const { success, error, code } = answer;
      assert.deepEqual([success, typeof error, typeof code], [false, "string", "string"]);
    }
  }
  for (const path of FOR_ANYONE) assert.equal((await server.call("GET", path)).status, 200, path);
});

test("S-57: without a key, in development, only a direct peer on loopback is an admin", async (t) => {
  const server = await Server.start(t);

  for (const [method, path, allowed, body] of ADMIN_ONLY) {
    for (const [headers, refused] of [
      [{}, undefined],
      [{ "X-Forwarded-For": "203.0.113.9" }, 401],
      [{ "X-Forwarded-For": "127.0.0.1" }, 401],
      [{ Forwarded: "for=203.0.113.9" }, 401],
      [bearer({ sub: "root", role: "admin" }), undefined],
      [{ "X-Forwarded-For": "203.0.113.9", ...bearer({ sub: "root", role: "admin" }) }, undefined],
    ]) {
      const { status } = await server.call(method, path, { body, headers });
      assert.equal(status, refused ?? allowed, `${method} ${path} ${JSON.stringify(Object.keys(headers))}`);
    }
  }
});

// ---------------------------------------------------------------- targets and acknowledgements

test("S-58: no target reaches every profile, `socket_ids` the named sockets alone", async (t) => {
  const server = await Server.start(t);
  const everyone = [
    await connectFlow(t, server),
    await SocketIo.connect(t, server, "u1", { namespace: "/ws" }),
    await SocketIo.connect(t, server, "u2", POLLING),
    await connectIntraday(t, server),
    await claim(t, server, "org_123"),
  ];
  const plain = await Client.connect(t, server);
  const clients = [...everyone, plain];
  const ids = [...everyone.map(({ socket }) => socket.id), plain.welcome.data.clientId];

  const data = { message: "to all" };
  const all = await server.broadcast({ event: "system:broadcast", data });
  assert.equal(all.recipients_count, clients.length);
  assert.deepEqual(Object.keys(all).sort(), ["message_id", "recipients_count", "sent_at", "success"]);
  for (const client of clients) assert.deepEqual((await client.next("system:broadcast")).data, data);

  for (const [index, client] of clients.entries()) {
    const target = { socket_ids: [ids[index], "nobody", ids[index]] };
    const one = await server.broadcast({ event: "kpi:update", data: { index }, target });
    assert.equal(one.recipients_count, 1);
    assert.deepEqual((await client.next("kpi:update")).data, { index });
  }
  await expectSilence(server, ...clients);
});

const report = async (server, message_id) => {
  const { status, answer } = await server.call("GET", `/api/ws/broadcasts/${message_id}`);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer;
};

test("S-58: acknowledgements are counted, by callback, by `ack` and from plain clients", async (t) => {
  const server = await Server.start(t);
  const byCallback = await SocketIo.connect(t, server, "u1", { namespace: "/ws" });
  const byEvent = await claim(t, server, "org_123");
  const plain = await Client.verified(t, server, "u3");
  const leaving = await SocketIo.connect(t, server, "u4", WEBSOCKET);
  const never = await SocketIo.connect(t, server, "u5", POLLING);
  const ids = [byCallback, byEvent, leaving, never].map(({ socket }) => socket.id);
  const body = { event: "system:notification", data: { message: "hi" }, priority: "urgent", requires_ack: true };

  const { message_id, recipients_count } = await server.broadcast(body);
  assert.equal(recipients_count, 5);
  const { acknowledge } = await byCallback.next("system:notification");
  acknowledge({ status: "received" });
  await byCallback.expectAlive();
  await byEvent.next("system:notification");
  assert.equal((await byEvent.ask("ack", { message_id, received_at: new Date().toISOString() })).success, true);
  const frame = await plain.next("system:notification");
  assert.deepEqual([frame.message_id, frame.requires_ack, frame.data], [message_id, true, body.data]);
  plain.send({ type: "ack", payload: { message_id: frame.message_id } });
  await plain.expectAlive();
  await leaving.next("system:notification");
  leaving.socket.disconnect();
  await never.next("system:notification");

  const settled = () => report(server, message_id);
  const { sent_at, expires_at, recipients, ...told } = await until(settled, ({ counts }) => counts.gone > 0);
  assert.deepEqual(told, {
    success: true, message_id, event: body.event, priority: "urgent", requires_ack: true,
    counts: { queued: 0, written: 1, acknowledged: 3, gone: 1 },
  });
  assert.ok(Date.parse(expires_at) > Date.parse(sent_at));
  const states = new Map(recipients.map(({ socket_id, user_id, state, at }) => {
    assertTime(at);
    return [socket_id, [user_id, state]];
  }));
  const [callbackId, eventId, leavingId, neverId] = ids;
  assert.deepEqual(states.get(callbackId), ["u1", "acknowledged"]);
  assert.equal(states.get(eventId)[1], "acknowledged");
  assert.deepEqual(states.get(plain.welcome.data.clientId), ["u3", "acknowledged"]);
  assert.deepEqual(states.get(leavingId), ["u4", "gone"]);
  assert.deepEqual(states.get(neverId), ["u5", "written"]);

  const { message_id: quiet } = await server.broadcast({ ...body, requires_ack: false });
  assert.equal((await server.call("GET", `/api/ws/broadcasts/${quiet}`)).status, 404);
});
