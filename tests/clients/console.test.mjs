// The console page at `/` in a real browser: headless Chromium against a real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { PATIENCE, Server, sign } from "./support.mjs";

const FLAGS = [
  "--no-sandbox", // Chromium's sandbox refuses to run as root
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});
after(() => browser?.close());

/** The page of a server, once its connection is open; every error it logs fails the test. */
const openConsole = async (t, server, { width = 1280, height = 900 } = {}) => {
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.faults = [];
  page.on("pageerror", (fault) => page.faults.push(String(fault)));
  page.on("console", (line) => {
    const where = line.location().url;
    // The refusals of a content security policy come as console errors; a missing icon does too.
    if (line.type() === "error" && !where.endsWith("/favicon.ico")) page.faults.push(`${line.text()} ${where}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(page.faults, [], "the page logged errors");
  });
  await page.goto(`${server.url}/`);
  await reachState(page, "open");
  await page.locator("#events li", { hasText: "connection_established" }).waitFor();
  return page;
};

const reachState = (page, state) => page.locator(`#state[data-state="${state}"]`).waitFor();
const rowsOf = (page, type) => page.locator(`#events li[data-type="${type}"]`);
const answerOf = async (page) => {
  const answer = page.locator("#broadcast-answer:not([data-outcome=none])");
  return JSON.parse(await answer.innerText());
};

/** Proves what the event list holds of `type` now: a marker sent later is on top of it. */
const countAfterMarker = async (page, server, type) => {
  const marker = `marker-${Math.random()}`;
  await server.broadcast({ type: "custom:marker", data: { marker } });
  await page.locator("#events li:first-child", { hasText: marker }).waitFor();
  return rowsOf(page, type).count();
};

test("the page reaches state open and shows the client id the server knows", async (t) => {
  const server = await Server.start(t);

  const page = await openConsole(t, server);

  const welcome = await rowsOf(page, "connection_established").innerText();
  const clientId = await page.locator("#client-id").innerText();
  assert.ok(clientId.length > 8 && welcome.includes(clientId), `client id: ${clientId}`);
  assert.equal((await server.call("GET", "/api/ws/status")).answer.totalClients, 1);
});

test("a broadcast POSTed elsewhere appears as one row with its type, time and data", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await server.broadcast({ event: "kpi:update", data: { organization_id: "org_123", health_score: 85 } });

  assert.equal(await countAfterMarker(page, server, "kpi:update"), 1);
  const row = rowsOf(page, "kpi:update");
  assert.match(await row.locator(".event-data").innerText(), /"health_score": 85/);
  assert.match(await row.locator("time").innerText(), /^\d\d:\d\d:\d\d\.\d{3}$/);
  assert.equal(await page.locator('#counters li[data-type="kpi:update"] b').innerText(), "1");
});

test("the form's broadcast is answered in its place and appears among the events exactly once", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.fill("#broadcast-data", '{"activeJobs": 12345}');
  await page.click("#broadcast-button");

  const answer = await answerOf(page);
  assert.equal(answer.success, true);
  assert.equal(answer.recipients_count, 1);
  assert.equal(await countAfterMarker(page, server, "training:update"), 1);
  assert.match(await rowsOf(page, "training:update").innerText(), /"activeJobs": 12345/);
});

test("a broadcast to a room the page has not joined reaches nobody and does not appear", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.selectOption("#broadcast-target", "room");
  await page.fill("#broadcast-name", "dashboard:overview");
  await page.click("#broadcast-button");

  assert.equal((await answerOf(page)).recipients_count, 0);
  assert.equal(await countAfterMarker(page, server, "training:update"), 0);
});

test("a joined room is listed and heard, a left one is not", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);
  const toRoom = { type: "training:update", room: "dashboard:overview", data: { activeJobs: 1 } };

  await page.fill("#room-name", "dashboard:overview");
  await page.press("#room-name", "Enter");
  await page.locator("#rooms li", { hasText: "dashboard:overview" }).waitFor();
  assert.equal((await server.broadcast(toRoom)).recipients_count, 1);
  assert.equal(await rowsOf(page, "training:update").locator(".event-room").innerText(), "dashboard:overview");

  await page.click("#leave-button");
  await page.locator("#rooms-empty").waitFor();
  assert.equal((await server.broadcast(toRoom)).recipients_count, 0);
  assert.equal(await countAfterMarker(page, server, "training:update"), 1);
});

test("a refused room and a bad token are told where they were asked", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.fill("#room-name", "admin:broadcast");
  await page.click("#join-button");
  await page.locator("#room-note", { hasText: "UNAUTHORIZED" }).waitFor();
  await page.fill("#auth-token", "garbage");
  await page.click("#auth-button");

  await page.locator("#auth-note", { hasText: "AUTH_FAILED" }).waitFor();
  await reachState(page, "open");
});

test("a token shows the user and the rooms that come with it", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.fill("#auth-token", sign({ sub: "user-456", org: "org_123" }));
  await page.click("#auth-button");

  for (const room of ["global", "user:user-456", "org:org_123"]) {
    await page.locator("#rooms li", { hasText: room }).waitFor();
  }
  assert.equal(await page.locator("#user").innerText(), "user-456");
  assert.equal(await page.inputValue("#auth-token"), "", "the token does not stay in the form");
});

test("without the admin key the server's refusal is shown, with it the broadcast goes out", async (t) => {
  const key = "client-tests-admin-key-of-32-bytes!";
  const server = await Server.start(t, { ADMIN_API_KEY: key });
  const page = await openConsole(t, server);

  await page.click("#broadcast-button");
  await page.locator("#broadcast-answer[data-outcome=bad]").waitFor();
  assert.equal((await answerOf(page)).success, false);
  await page.fill("#broadcast-key", key);
  await page.click("#broadcast-button");

  await rowsOf(page, "training:update").waitFor();
  await page.locator("#broadcast-answer[data-outcome=good]").waitFor();
  assert.equal((await answerOf(page)).success, true);
  page.faults = page.faults.filter((fault) => !fault.includes("401")); // the browser logs the refused request
});

test("data that is no JSON is refused by the page and nothing is sent", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.fill("#broadcast-data", "{activeJobs: 3}");
  await page.click("#broadcast-button");

  await page.locator("#broadcast-answer", { hasText: "not JSON" }).waitFor();
  assert.equal(await countAfterMarker(page, server, "training:update"), 0);
});

test("markup in data is shown as text", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);
  const markup = '<img src="/nowhere" onerror="window.pwned = true"><script>window.pwned = true</script>';

  await server.broadcast({ type: "training:update", data: { [markup]: markup } });

  assert.equal(await countAfterMarker(page, server, "training:update"), 1);
  assert.ok((await rowsOf(page, "training:update").innerText()).includes("<script>window.pwned"));
  assert.equal(await page.locator("#events img, #events script").count(), 0);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
});

test("the list keeps the newest 500 events and counts them all", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  for (let n = 0; n < 520; n += 1) await server.broadcast({ type: "training:update", data: { n } });
  await page.locator("#events li:first-child", { hasText: '"n": 519' }).waitFor();

  assert.equal(await page.locator("#events li").count(), 500);
  assert.match(await page.locator("#events li:last-child").innerText(), /"n": 20\b/);
  assert.equal(await page.locator('#counters li[data-type="training:update"] b').innerText(), "520");
});

test("a stopped server is told with its close code, and the page finds the next one by itself", async (t) => {
  const first = await Server.start(t);
  const page = await openConsole(t, first);
  await page.fill("#room-name", "dashboard:overview");
  await page.click("#join-button");
  await page.locator("#rooms li").waitFor();
  const oldId = await page.locator("#client-id").innerText();

  await first.stop();
  await page.locator("#state-detail", { hasText: /code 1012 .*next try in \d+ s/ }).waitFor();
  await page.locator("#rooms-empty").waitFor();
  const second = await Server.start(t, { PORT: String(first.port) });

  await reachState(page, "open");
  await page.locator("#rooms li", { hasText: "dashboard:overview" }).waitFor();
  assert.notEqual(await page.locator("#client-id").innerText(), oldId);
  const toRoom = { type: "training:update", room: "dashboard:overview", data: {} };
  assert.equal((await second.broadcast(toRoom)).recipients_count, 1);
  // What the browser logs of its tries while no server was there.
  page.faults = page.faults.filter((fault) => !fault.includes("WebSocket connection"));
});

test("disconnecting by hand stays disconnected until asked", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  await page.click("#link-button");
  await page.locator("#state-detail", { hasText: "code 1000" }).waitFor();
  assert.doesNotMatch(await page.locator("#state-detail").innerText(), /next try/);
  await page.click("#link-button");

  await reachState(page, "open");
});

for (const width of [360, 1280]) {
  test(`at ${width} px nothing stands outside the page`, async (t) => {
    const server = await Server.start(t);
    const page = await openConsole(t, server, { width, height: 800 });

    await server.broadcast({ type: "training:update", data: { long: "x".repeat(2000) } });
    await server.broadcast({ type: `custom:${"y".repeat(50)}`, data: [] });
    await countAfterMarker(page, server, "training:update");

    assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth), width);
  });
}

test("every control has a name and is reached by Tab alone", async (t) => {
  const server = await Server.start(t);
  const page = await openConsole(t, server);

  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("input, select, textarea, button")]
      .filter((control) => ![...(control.labels ?? []), control].some((named) => named.textContent.trim()))
      .map(({ id }) => id),
  );
  const expected = await page.evaluate(() =>
    [...document.querySelectorAll("a, input:enabled, select, textarea, button")]
      .map(({ id, tagName }) => id || tagName),
  );
  const visited = [];
  for (let presses = 0; presses < expected.length; presses += 1) {
    await page.keyboard.press("Tab");
    visited.push(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }

  assert.deepEqual(nameless, []);
  assert.deepEqual(visited, expected);
});
