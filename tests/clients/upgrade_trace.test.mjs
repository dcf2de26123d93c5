// The upgrade from polling to WebSocket under load, as the trace script runs it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { told, traceUpgrades } from "./upgrade_trace.mjs";

const CLIENTS = 1000;

test("a thousand clients upgrade in a busy room and miss, double or swap nothing", async (t) => {
  const report = await traceUpgrades(t, { clients: CLIENTS, atOnce: 50 });

  for (const line of told(report)) t.diagnostic(line);
  assert.equal(report.upgraded, CLIENTS);
  assert.ok(report.crossed > 0, "no upgrade came in on another worker");
  assert.ok(report.during > 0, "no event met an upgrade");
});
