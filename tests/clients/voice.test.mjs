// Guide 000's commands as its clients send them, with socket.io-client and curl (S-17 to S-24).

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { curl } from "./curl.mjs";
import { connectFlow } from "./profiles_support.mjs";
import { Server } from "./support.mjs";
import { SocketIo, assertTime } from "./socketio_support.mjs";

const TWO = "demo-tenant-key-2";
const JOHN = { name: "John Doe", email: "john@example.com", company: "Acme Corp", phone: "+45 12 34 56 78" };

const order = (client, command, parameters, more = {}) =>
  client.emit("execute_voice_command", { command, parameters, ...more });

/** What comes until the next response, as `event TYPE`, and the response. */
const response = async (client) => {
  const before = [];
  for (;;) {
    const { name, data } = await client.nextAny();
    if (name === "voice_command_response") return { before, data };
    before.push(`${name} ${data.type}`);
  }
};

const run = async (client, command, parameters, more) => {
  order(client, command, parameters, more);
  return (await response(client)).data;
};

const EXECUTED = (...between) => [
  "voice_event VOICE_PROCESSING_STARTED", ...between,
  "voice_event VOICE_COMMAND_EXECUTED", "voice_event VOICE_PROCESSING_COMPLETED",
];

test("S-17: the guide's end-to-end test, listener attached after the command", async (t) => {
  const server = await Server.start(t);
  const client = await connectFlow(t, server);

  client.emit("execute_voice_command", { command: "get_leads", parameters: { limit: 5 } });
  const answer = await new Promise((settle) => client.socket.on("voice_command_response", settle));

  assert.equal(answer.success, true);
  assert.ok(Array.isArray(answer.data.leads));
  assert.equal(answer.tenant, "demo1");
  assertTime(answer.timestamp);
});

test("S-18: a lead is created, the tenant hears it in order, nobody else does", async (t) => {
  const server = await Server.start(t);
  const one = await connectFlow(t, server);
  const two = await connectFlow(t, server);
  const foreign = await connectFlow(t, server, { key: TWO });

  order(one, "create_lead", JOHN, { tenantId: "demo1" });
  const { before, data } = await response(one);

  assert.deepEqual(before, EXECUTED("lead_event LEAD_CREATED"));
  assert.equal(data.data.lead.status, "NEW");
  assert.equal(data.data.lead.phone, JOHN.phone);
  for (const expected of before) {
    const { name, data: event } = await two.nextAny();
    assert.equal(`${name} ${event.type}`, expected);
    if (name === "lead_event") assert.deepEqual(event.data, data.data.lead);
  }
  await two.expectAlive();
  await foreign.expectAlive();
  assert.deepEqual([two.arrived, foreign.arrived], [[], []]);
});

test("S-19: search and filters", async (t) => {
  const server = await Server.start(t);
  const client = await connectFlow(t, server);
  await run(client, "create_lead", JOHN);
  await run(client, "create_lead", { ...JOHN, name: "Jane Roe", email: "jane@example.com" });

  const total = async (command, parameters) => (await run(client, command, parameters)).data.total;
  assert.equal(await total("search_leads", { query: "john", status: "NEW" }), 1);
  assert.equal(await total("search_leads", { query: "ACME" }), 2);
  assert.equal(await total("get_leads", { status: "CONTACTED" }), 0);
  assert.equal((await run(client, "get_leads", { limit: 1 })).data.leads.length, 1);
  const past = { start: "2001-01-01T00:00:00Z", end: "2001-12-31T00:00:00Z" };
  assert.equal(await total("search_leads", { query: "john", date_range: past }), 0);
});

test("S-20: all six commands, and a backup target that is broken", async (t) => {
  const server = await Server.start(t);
  const client = await connectFlow(t, server);
  for (const [command, parameters] of [
    ["get_leads"], ["create_lead", JOHN], ["search_leads", { query: "john" }], ["get_metrics"],
    ["compliance_check"],
  ]) {
    const answer = await run(client, command, parameters);
    assert.equal(answer.success, true, JSON.stringify(answer));
  }
  const metrics = await run(client, "get_metrics", { metric_type: "leads", period: "month" });
  assert.equal(metrics.data.metrics.leads.created, 1);
  order(client, "start_backup", {});
  const { before, data } = await response(client);
  assert.equal(data.success, true, JSON.stringify(data));
  const told = before.filter((event) => event.startsWith("integration_event"));
  assert.deepEqual(
    [told.at(0), told.at(-1)], ["integration_event SYNC_STARTED", "integration_event SYNC_COMPLETED"],
  );

  const broken = await Server.start(t, { BACKUP_DIR: "/dev/null/backups" });
  const other = await connectFlow(t, broken);
  order(other, "start_backup", {});
  const failed = await response(other);
  assert.deepEqual(failed.before, EXECUTED("integration_event EXTERNAL_SERVICE_ERROR"));
  assert.deepEqual([failed.data.success, failed.data.error], [false, "Backup failed"]);
});

test("S-21, S-22: unknown commands and bad parameters are told in the guide's words", async (t) => {
  const server = await Server.start(t);
  const client = await connectFlow(t, server);
  const unknown = await run(client, "nope");
  assert.deepEqual([unknown.success, unknown.error, unknown.tenant], [false, "Unknown command", "demo1"]);

  const bad = [
    { command: "create_lead", parameters: { name: "x" } }, { command: "search_leads", parameters: {} },
    { command: "get_leads", parameters: { limit: "ten" } }, { command: "get_leads", parameters: [] }, null, 42,
  ];
  for (const payload of bad) {
    client.emit("execute_voice_command", payload);
    const { data } = await client.next("voice_command_response");
    assert.deepEqual([data.success, data.error], [false, "Invalid parameters"], JSON.stringify(payload));
  }
  client.emit("execute_voice_command");
  assert.equal((await client.next("voice_command_response")).data.error, "Invalid parameters");
  assert.equal((await run(client, "get_leads")).success, true);
});

test("S-23: a foreign tenant, and a key without the permission", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "switchboard-tenants-"));
  t.after(() => rmSync(home, { recursive: true }));
  const file = join(home, "tenants.json");
  const key = (key, permissions) => ({ key, active: true, permissions });
  writeFileSync(file, JSON.stringify([
    { id: "demo1", name: "One", keys: [{ key: "k1", active: true }, key("reader", ["get_leads"])] },
    { id: "demo2", name: "Two", keys: [{ key: "k2", active: true }] },
  ]));
  const server = await Server.start(t, { TENANTS_FILE: file });
  const [one, reader, two] = await Promise.all(
    ["k1", "reader", "k2"].map((key) => connectFlow(t, server, { key })),
  );

  assert.equal((await run(one, "get_leads", {}, { tenantId: "demo2" })).error, "Access denied");
  assert.equal((await run(reader, "start_backup")).error, "Access denied");
  assert.equal((await run(reader, "get_leads")).success, true);
  const { leadId } = (await run(two, "create_lead", JOHN)).data;
  assert.equal((await run(one, "get_leads")).data.total, 0);
  const json = ["-H", "content-type: application/json"];
  const patch = (key) => curl(
    "-X", "PATCH", `${server.url}/leads/${leadId}`, "-H", `x-tenant-key: ${key}`, ...json, "-d", '{"status":"CONTACTED"}',
  );
  assert.equal((await patch("k1")).status, 404);
  assert.equal((await patch("k2")).status, 200);
  assert.equal((await two.next("lead_event")).data.type, "LEAD_STATUS_CHANGED");

  // The guide's curl, and without a key.
  const listed = await curl("-H", "x-tenant-key: k2", `${server.url}/leads`);
  assert.deepEqual([listed.status, JSON.parse(listed.body).leads[0].status], [200, "CONTACTED"]);
  assert.equal((await curl(`${server.url}/leads`)).status, 401);
});

test("S-24: fifty commands at once are answered in order, and another tenant does not wait", async (t) => {
  const server = await Server.start(t);
  const client = await connectFlow(t, server);
  const other = await connectFlow(t, server, { key: TWO });

  for (let number = 0; number < 50; number += 1) order(client, "get_leads", { limit: 5 }, { requestId: number });
  const begun = performance.now();
  assert.equal((await run(other, "get_leads")).success, true);
  const took = performance.now() - begun;
  assert.ok(took < 1000, `${took} ms`);
  for (let number = 0; number < 50; number += 1) {
    assert.equal((await response(client)).data.requestId, number);
  }
});

test("a command with a key takes effect once, by callback and by event", async (t) => {
  const server = await Server.start(t, { CONFIRM_COMMANDS: "start_backup" });
  const client = await connectFlow(t, server);
  const asked = { command: "create_lead", parameters: JOHN, idempotencyKey: "k" };

  const first = await client.ask("execute_voice_command", asked);
  const again = await client.ask("execute_voice_command", asked);
  assert.deepEqual([again.data, again.replayed, first.replayed], [first.data, true, undefined]);
  const other = { ...asked, parameters: { ...JOHN, name: "Jane" } };
  assert.equal((await client.ask("execute_voice_command", other)).error, "Idempotency conflict");

  const refused = await client.ask("execute_voice_command", { command: "start_backup" });
  assert.equal(refused.error, "Confirmation required");
  assertTime(refused.expires_at);
  const { confirmToken } = refused;
  const confirmed = await client.ask("execute_voice_command", { command: "start_backup", confirmToken });
  assert.equal(confirmed.success, true, JSON.stringify(confirmed));
  const spoken = await client.ask("execute_voice_command", { transcript: "show me all new leads" });
  assert.deepEqual([spoken.success, spoken.understood.command], [true, "get_leads"]);
});

test("a lead outlives the server", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "switchboard-data-"));
  t.after(() => rmSync(home, { recursive: true }));
  const server = await Server.start(t, { DATA_DIR: home });
  await run(await connectFlow(t, server), "create_lead", JOHN);
  server.kill();
  await server.gone;

  const next = await Server.start(t, { DATA_DIR: home });
  const client = await connectFlow(t, next);
  assert.equal((await run(client, "search_leads", { query: "john" })).data.total, 1);
  assert.ok(client instanceof SocketIo);
});
