// What thins the alerts of a subscription to guide 004's channels (contract D-48).

import assert from "node:assert/strict";
import { test } from "node:test";
import { claim, subscribe } from "./profiles_support.mjs";
import { Server, expectSilence } from "./support.mjs";

const ORG = { organization_id: "org_123" };
const DEPT = { ...ORG, department_id: "dept_456" };

const alertsAt = (filters, scope = {}) => ({ channels: ["alerts"], filters, ...ORG, ...scope });

/** Alerts, and who of the subscribers below wants to hear of each. */
const ALERTS = [
  [{ severity: "critical", source: "kpi" }, "alert:triggered", ["open", "high", "kpi", "triggered"]],
  [{ severity: "medium", source: "backlog" }, "alert:triggered", ["open", "triggered"]],
  [{ severity: "high" }, "alert:resolved", ["open", "high"]],
  [{ severity: "low", source: "kpi", status: "triggered" }, "alert:resolved", ["open", "kpi", "triggered"]],
  [{ rule_name: "no words of its own" }, "alert:acknowledged", ["open", "high"]],
  [{ severity: "info", source: "roster" }, "alert:escalated", ["open"]],
];

test("`filters` thin one subscription's alerts by severity, source and status", async (t) => {
  const server = await Server.start(t);
  const filters = {
    open: {},
    high: { min_severity: "high" },
    kpi: { sources: ["kpi", "sla"] },
    triggered: { statuses: ["triggered"], min_severity: "low" },
    never: { sources: ["kpi"], statuses: ["resolved"], min_severity: "critical" },
  };
  const clients = {};
  for (const [name, own] of Object.entries(filters)) {
    clients[name] = await claim(t, server, "org_123");
    assert.equal((await clients[name].ask("subscribe", alertsAt(own))).success, true);
  }

  for (const [data, event, names] of ALERTS) {
    const posted = await server.broadcast({ event, data, target: ORG });
    assert.equal(posted.recipients_count, names.length, `${event} ${JSON.stringify(data)}`);
    for (const name of names) assert.deepEqual((await clients[name].next(event)).data, data, name);
    await expectSilence(server, ...Object.values(clients));
  }
});

test("of a socket's overlapping subscriptions, any that wants an alert brings one copy", async (t) => {
  const server = await Server.start(t);
  const client = await claim(t, server, "org_123");
  const narrow = await client.ask("subscribe", alertsAt({ min_severity: "critical" }));
  await client.ask("subscribe", alertsAt({ sources: ["kpi"] }));
  await client.ask("subscribe", alertsAt({}, { department_id: "dept_456" }));
  const post = (data, target = ORG) => server.broadcast({ event: "alert:triggered", data, target });

  for (const [data, target, count] of [
    [{ severity: "critical", source: "kpi" }, ORG, 1],
    [{ severity: "critical", source: "backlog" }, ORG, 1],
    [{ severity: "low", source: "kpi" }, ORG, 1],
    [{ severity: "low", source: "backlog" }, ORG, 0],
    [{ severity: "low", source: "backlog" }, DEPT, 1],
  ]) {
    assert.equal((await post(data, target)).recipients_count, count, JSON.stringify([data, target]));
    if (count > 0) assert.deepEqual((await client.next("alert:triggered")).data, data);
    await expectSilence(server, client);
  }

  await client.ask("unsubscribe", { subscription_id: narrow.subscription_id });
  assert.equal((await post({ severity: "critical", source: "backlog" })).recipients_count, 0);
  assert.equal((await post({ severity: "critical", source: "kpi" })).recipients_count, 1);
  await client.next("alert:triggered");
  await expectSilence(server, client);
});

for (const channels of [["kpi", "alerts"], ["all"]]) {
  test(`filters are for alerts: what else ${channels.join(" and ")} bring is not thinned`, async (t) => {
    const server = await Server.start(t);
    const client = await claim(t, server, "org_123");
    const filters = { min_severity: "critical", sources: ["kpi"] };
    await subscribe(client, channels, { ...ORG, filters });

    const data = { severity: "low", source: "backlog" };
    assert.equal((await server.broadcast({ event: "kpi:alert", data, target: ORG })).recipients_count, 1);
    assert.equal((await server.broadcast({ event: "alert:triggered", data, target: ORG })).recipients_count, 0);

    assert.deepEqual((await client.next("kpi:alert")).data, data);
    await expectSilence(server, client);
  });
}
