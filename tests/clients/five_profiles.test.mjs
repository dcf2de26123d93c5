// One server, five profiles: each broadcast is received by exactly those it is for.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { gather, play } from "./five_profiles.mjs";

test("five clients, one of each profile, get exactly what is for them", async (t) => {
  const world = await gather(t);
  const rounds = [];

  const posted = await play(world, (round) => rounds.push(round));

  assert.equal(rounds.length, posted);
  const [first, ...targeted] = rounds;
  assert.deepEqual([first.target, first.recipients_count, first.seen.length], [undefined, 5, 5]);
  const fields = new Set(targeted.flatMap(({ target }) => Object.keys(target)));
  const all = ["department_id", "organization_id", "queue_name", "room", "socket_ids", "tenant_id", "user_ids"];
  assert.deepEqual([...fields].sort(), all, "every field of a target is played");
  const reached = new Set(targeted.flatMap(({ seen }) => seen.map(([name]) => name)));
  assert.equal(reached.size, 5, "everyone is somebody's target");
});

test("the program prints every round and ends well", () => {
  const program = join(import.meta.dirname, "five_profiles.mjs");

  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: "utf8" });

  assert.equal(status, 0, stderr);
  assert.match(stdout, /^POST system:broadcast without a target: recipients_count 5$/m);
  assert.match(stdout, /^kpi:update +2 +project, intraday +\{"organization_id"/m);
  assert.match(stdout, /broadcasts, each received by exactly those it was for, once\n$/);
});
