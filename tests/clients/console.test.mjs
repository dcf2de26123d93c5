// The console page at `/` in a real browser: headless Chromium against a real server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { PATIENCE, SECRET, Server, sign } from "./support.mjs";

const FLAGS = [
  "--no-sandbox", // Chromium's sandbox refuses to run as root
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const PROFILES = ["flow", "project", "collab", "intraday", "plain"];
/** A server as it comes, with the well-known development secret. */
const DEFAULTS = { JWT_SECRET: undefined };

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
});
after(() => browser?.close());

/** The page of a server; every error it logs fails the test, but for those that match `allowed`. */
const openPage = async (t, server, { width = 1280, height = 900, allowed, clock = false } = {}) => {
  const context = await browser.newContext({ viewport: { width, height } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("console", (line) => {
    const where = line.location().url;
    // The refusals of a content security policy come as console errors; a missing icon does too.
    if (line.type() !== "error" || where.endsWith("/favicon.ico")) return;
    if (!allowed?.test(line.text())) faults.push(`${line.text()} ${where}`);
  });
  if (clock) await page.clock.install();
  page.sent = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => page.sent.push(payload)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, [], "the page logged errors");
  });
  await page.goto(`${server.url}/`);
  return page;
};

/** The page of a server that lets all five in, once each knows its rooms. */
const openConsole = async (t, server, options) => {
  const page = await openPage(t, server, options);
  await settled(page);
  return page;
};

const settled = async (page) => {
  for (const name of PROFILES) await reach(page, name, "connected");
  for (const name of PROFILES) await chip(page, name, OWN_ROOM[name]).waitFor();
};
/** The last room of each to come, as the page's own requests are answered in order. */
const OWN_ROOM = {
  flow: "tenant:demo1",
  project: "user:ann",
  collab: "user:ann",
  intraday: "kpi:org:org_123",
  plain: "org:org_123",
};

const panel = (page, name) => page.locator(`#panel-${name}`);
const part = (page, name, of) => panel(page, name).locator(`[data-part="${of}"]`);
const reach = (page, name, state) => panel(page, name).locator(`.pill[data-state="${state}"]`).waitFor();
const chip = (page, name, room) => part(page, name, "rooms").getByText(room, { exact: true });
const rows = (page, name, event) => part(page, name, "list").locator(`[data-name="${event}"]`);
const told = (page, name, where, text) => part(page, name, where).filter({ hasText: text }).waitFor();
const press = (page, name, button) => panel(page, name).getByRole("button", { name: button, exact: true }).click();
const roomsOf = async (page, name) => (await part(page, name, "rooms").locator("li").allInnerTexts()).sort();
const socketOf = (page, name) => part(page, name, "id").innerText();

/** Sends the form to a target; returns the answer, which is good. */
const send = async (page, { type, data, target = "everyone", name, department = "", queue = "" }) => {
  await page.fill("#broadcast-type", type);
  await page.fill("#broadcast-data", typeof data === "string" ? data : JSON.stringify(data));
  await page.selectOption("#broadcast-target", target);
  if (name !== undefined) await page.fill("#broadcast-name", name);
  if (target === "organization") {
    await page.fill("#broadcast-department", department);
    await page.fill("#broadcast-queue", queue);
  }
  const answered = page.waitForResponse("**/api/ws/broadcast");
  await page.click("#broadcast-button");
  const answer = await (await answered).json();
  assert.equal(answer.success, true, JSON.stringify(answer));
  const shown = page.locator("#broadcast-summary[data-outcome=good]");
  await shown.filter({ hasText: new RegExp(`^recipients_count ${answer.recipients_count}$`) }).waitFor();
  assert.equal(JSON.parse(await page.locator("#broadcast-answer").innerText()).message_id, answer.message_id);
  return answer;
};

/** How often each panel shows `event` now. Proven by a marker to everyone, sent later, on top of each list. */
const counts = async (page, server, event) => {
  const marker = `marker-${Math.random()}`;
  await server.broadcast({ type: "custom:marker", data: { marker } });
  const found = {};
  for (const name of PROFILES) {
    await part(page, name, "list").locator("li:first-child", { hasText: marker }).waitFor();
    found[name] = await rows(page, name, event).count();
  }
  return found;
};
const only = (...names) => Object.fromEntries(PROFILES.map((name) => [name, names.includes(name) ? 1 : 0]));

test("all five connect to a server in its default settings, as who they are, in their rooms", async (t) => {
  const server = await Server.start(t, DEFAULTS);

  const page = await openConsole(t, server);

  assert.equal(await page.locator("#tally").innerText(), "5 of 5 connected");
  const who = {};
  for (const name of PROFILES) who[name] = await part(page, name, "who").innerText();
  const ann = "ann · org_123";
  assert.deepEqual(who, { flow: "tenant demo1", project: ann, collab: ann, intraday: ann, plain: ann });
  assert.deepEqual(await roomsOf(page, "flow"), ["tenant:demo1"]);
  assert.deepEqual(await roomsOf(page, "collab"), ["global", "user:ann"]);
  assert.deepEqual(await roomsOf(page, "plain"), ["global", "org:org_123", "user:ann"]);
  for (const [name, welcome] of [["flow", "connected"], ["intraday", "connected"], ["plain", "connection_established"]]) {
    assert.equal(await rows(page, name, welcome).count(), 1, name);
  }
  assert.equal((await server.call("GET", "/api/ws/status")).answer.totalClients, 5);
});

test("one POST of the form without a target is shown once in each of the five", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  const { recipients_count } = await send(page, { type: "system:notification", data: { message: "hello" } });

  assert.equal(recipients_count, 5);
  assert.deepEqual(await counts(page, server, "system:notification"), only(...PROFILES));
  for (const name of PROFILES) {
    const row = rows(page, name, "system:notification");
    assert.equal(await row.locator(".event-data").innerText(), '{"message":"hello"}');
    assert.match(await row.locator("time").innerText(), /^\d\d:\d\d:\d\d\.\d{3}$/);
  }
});

test("an organization's numbers are shown in the intraday panel only", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  const data = { organization_id: "org_123", health_score: 85 };

  const ours = await send(page, { type: "kpi:update", data, target: "organization", name: "org_123" });
  assert.equal(ours.recipients_count, 1);
  assert.deepEqual(await counts(page, server, "kpi:update"), only("intraday"));

  const theirs = await send(page, { type: "kpi:update", data, target: "organization", name: "org_9" });
  assert.equal(theirs.recipients_count, 0);
  assert.deepEqual(await counts(page, server, "kpi:update"), only("intraday"));
});

test("a user, a socket and a room are reached and nobody else", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  // Whoever only claims to be ann gets nothing of hers (contract X-10).
  await send(page, { type: "custom:user", data: {}, target: "user", name: "ann" });
  assert.deepEqual(await counts(page, server, "custom:user"), only("project", "collab", "plain"));
  await send(page, { type: "custom:socket", data: {}, target: "socket", name: await socketOf(page, "flow") });
  assert.deepEqual(await counts(page, server, "custom:socket"), only("flow"));
  await send(page, { type: "custom:room", data: {}, target: "room", name: "global" });
  assert.deepEqual(await counts(page, server, "custom:room"), only("project", "collab", "plain"));
  assert.equal(await rows(page, "plain", "custom:room").locator(".chip").innerText(), "global");
});

test("the intraday panel hears the part of the organization it subscribed to", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  const intraday = panel(page, "intraday");
  const kpi = (queue) =>
    send(page, { type: "kpi:update", data: { organization_id: "org_123" }, target: "organization", name: "org_123", department: "d1", queue });

  await press(page, "intraday", "Unsubscribe all");
  await chip(page, "intraday", "kpi:org:org_123").waitFor({ state: "detached" });
  assert.deepEqual(await roomsOf(page, "intraday"), ["org:org_123"]);
  assert.equal((await kpi("q1")).recipients_count, 0);

  for (const other of ["backlog", "attendance", "alerts", "notifications"]) {
    await intraday.getByLabel(other, { exact: true }).uncheck();
  }
  await intraday.getByLabel("Department").fill("d1");
  await intraday.getByLabel("Queue").fill("q1");
  await press(page, "intraday", "Subscribe");
  await chip(page, "intraday", "kpi:org:org_123:dept:d1:queue:q1").waitFor();
  assert.equal((await kpi("q2")).recipients_count, 0);
  assert.equal((await kpi("q1")).recipients_count, 1);
  assert.deepEqual(await counts(page, server, "kpi:update"), only("intraday"));
});

for (const name of ["project", "collab", "plain"]) {
  test(`a room joined in the ${name} panel is listed and heard, a left one is not`, async (t) => {
    const server = await Server.start(t, DEFAULTS);
    const page = await openConsole(t, server);
    const toRoom = { type: "custom:room", data: {}, target: "room", name: "dashboard:overview" };
    const room = panel(page, name).getByLabel(`Room for ${name}`);

    await room.fill("dashboard:overview");
    await room.press("Enter");
    await chip(page, name, "dashboard:overview").waitFor();
    assert.equal((await send(page, toRoom)).recipients_count, 1);
    await press(page, name, "Leave");
    await chip(page, name, "dashboard:overview").waitFor({ state: "detached" });
    assert.equal((await send(page, toRoom)).recipients_count, 0);
    assert.deepEqual(await counts(page, server, "custom:room"), only(name));

    await room.fill("admin:broadcast");
    await press(page, name, "Join");
    await told(page, name, "note", "UNAUTHORIZED");
  });
}

test("a wrong tenant key shows the refusal as it came, and the others stay connected", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  await page.fill("#tenant-key", "no-such-key");
  await press(page, "flow", "Disconnect flow");
  await press(page, "flow", "Connect flow");

  await reach(page, "flow", "refused");
  await told(page, "flow", "detail", /^Tenant authentication failed: /);
  const refusal = JSON.parse(await rows(page, "flow", "connect_error").locator(".event-data").innerText());
  assert.equal(refusal.data.code, "AUTH_FAILED");
  assert.equal(await page.locator("#tally").innerText(), "4 of 5 connected");
});

test("a server with another secret refuses the page's tokens, and takes the right secret or a pasted token", async (t) => {
  const server = await Server.start(t);
  const page = await openPage(t, server);

  for (const name of ["project", "collab"]) {
    await reach(page, name, "refused");
    assert.equal(await part(page, name, "detail").innerText(), "Authentication failed");
  }
  await reach(page, "plain", "connected");
  await told(page, "plain", "note", "AUTH_FAILED");
  await told(page, "plain", "who", "anonymous");

  await page.fill("#secret", SECRET);
  await page.click("#apply");
  await settled(page);

  await page.fill("#secret", "");
  await page.click("#apply");
  await told(page, "project", "detail", "there is no secret to sign with");
  await told(page, "plain", "note", "there is no secret to sign with");
  await page.fill("#token", sign({ sub: "bea", org: "org_9" }));
  await page.click("#apply");
  await told(page, "project", "who", "bea · org_9");
  await told(page, "plain", "who", "bea · org_9");
});

test("a server that takes no bare ids tells the intraday panel so, and takes a pasted token", async (t) => {
  const server = await Server.start(t, { ...DEFAULTS, REQUIRE_JWT: "true" });
  const page = await openPage(t, server);

  await told(page, "intraday", "note", "AUTH_FAILED");
  const answer = JSON.parse(await rows(page, "intraday", "authenticate ack").locator(".event-data").innerText());
  assert.equal(answer.success, false);

  await page.fill("#token", sign({ sub: "bea", org: "org_9" }, { secret: "switchboard-development-secret" }));
  await page.click("#apply");
  await told(page, "intraday", "who", "bea · org_9");
  await chip(page, "intraday", "kpi:org:org_9").waitFor();
});

test("who is sent away is shown as closed and does not come back by itself", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  for (const [name, words] of [["collab", "disconnected by the server"], ["plain", "code 4403"]]) {
    await server.call("DELETE", `/api/ws/connections/${await socketOf(page, name)}`);
    await reach(page, name, "closed");
    await told(page, name, "detail", words);
    assert.doesNotMatch(await part(page, name, "detail").innerText(), /next try/);
    assert.deepEqual(await roomsOf(page, name), []);
  }
  assert.equal(await page.locator("#tally").innerText(), "3 of 5 connected");

  await page.click("#connect-all");
  await settled(page);
});

test("a stopped server is shown, and all five find the next one and their rooms by themselves", async (t) => {
  const first = await Server.start(t, DEFAULTS);
  // What the browser logs of its tries while no server was there.
  const page = await openConsole(t, first, { allowed: /WebSocket connection/ });
  await panel(page, "plain").getByLabel("Room for plain").fill("dashboard:overview");
  await press(page, "plain", "Join");
  await chip(page, "plain", "dashboard:overview").waitFor();
  const oldId = await socketOf(page, "plain");

  await first.stop();
  await told(page, "plain", "detail", /next try in \d+ s/);
  for (const name of PROFILES) await told(page, name, "detail", /^code \d+ .*next try in \d+ s$/);
  assert.equal(await page.locator("#tally").innerText(), "0 of 5 connected");
  const second = await Server.start(t, { ...DEFAULTS, PORT: String(first.port) });

  await settled(page);
  await chip(page, "plain", "dashboard:overview").waitFor();
  assert.notEqual(await socketOf(page, "plain"), oldId);
  const toRoom = { type: "training:update", room: "dashboard:overview", data: {} };
  assert.equal((await second.broadcast(toRoom)).recipients_count, 1);
});

test("a server that sends no ping any more is left, and found again when it is back", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server, { clock: true, allowed: /WebSocket connection/ });
  const oldId = await socketOf(page, "collab");

  server.child.kill("SIGSTOP");
  await page.clock.fastForward(86_000); // an interval of 25 s and a timeout of 60 s
  for (const name of ["flow", "project", "collab", "intraday"]) await told(page, name, "detail", /^no ping, next try/);
  server.child.kill("SIGCONT");

  await settled(page);
  assert.notEqual(await socketOf(page, "collab"), oldId);
});

test("disconnecting by hand stays disconnected until asked", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  await page.click("#disconnect-all");
  for (const name of PROFILES) await told(page, name, "detail", /^disconnected by hand$/);
  assert.equal(await page.locator("#tally").innerText(), "0 of 5 connected");
  await page.click("#connect-all");

  await settled(page);
});

test("text is shown exactly as the form and the server had it", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  const data = '{"big":12345678901234567890,"zeros":1.50,"data":{"}":"\\",]"},"e":1e400}';

  await send(page, { type: "custom:exact", data });

  assert.deepEqual(await counts(page, server, "custom:exact"), only(...PROFILES));
  for (const name of PROFILES) {
    assert.equal(await rows(page, name, "custom:exact").locator(".event-data").innerText(), data, name);
  }
});

test("the plain client cuts a member out of a frame as it stands", async (t) => {
  const page = await openConsole(t, await Server.start(t, DEFAULTS));
  const cases = [
    ['{"data":1.0}', "1.0"],
    ['{ "a" : {"data":1} , "data" : [ {"data":2}, "]}" ] }', '[ {"data":2}, "]}" ]'],
    ['{"x":"\\"data\\":1","data":"a,b"}', '"a,b"'],
    ['{"d\\u0061ta":null,"z":0}', "null"],
    ['{"x":["data",":",3]}', undefined],
    ["{}", undefined],
  ];

  for (const [text, expected] of cases) {
    const cut = await page.evaluate(async (text) => (await import("/static/plain.js")).memberText(text, "data"), text);
    assert.equal(cut, expected, text);
  }
});

test("markup in names, rooms and data is shown as text", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  const markup = '<img src="/nowhere" onerror="window.pwned = true"><script>window.pwned = true</script>';
  const room = "<b>room</b>";
  await panel(page, "plain").getByLabel("Room for plain").fill(room);
  await press(page, "plain", "Join");
  await chip(page, "plain", room).waitFor();

  await send(page, { type: "custom:markup", data: { [markup]: markup } });
  await send(page, { type: "custom:room", data: {}, target: "room", name: room });

  assert.deepEqual(await counts(page, server, "custom:markup"), only(...PROFILES));
  for (const name of PROFILES) {
    assert.ok((await rows(page, name, "custom:markup").innerText()).includes("<script>window.pwned"), name);
  }
  assert.equal(await rows(page, "plain", "custom:room").locator(".chip").innerText(), room);
  assert.equal(await page.locator("#panels img, #panels script, #panels b").count(), 0);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
});

test("each list keeps the newest 100 and counts them all, and a huge text is cut", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  for (const name of PROFILES) await panel(page, name).getByRole("button", { name: `Clear what ${name} received` }).click();

  for (let n = 0; n < 120; n += 1) await server.broadcast({ type: "custom:many", data: { n } });
  await server.broadcast({ type: "custom:huge", data: { huge: `${"x".repeat(900_000)}\\"` } });

  for (const name of PROFILES) {
    const list = part(page, name, "list");
    await list.locator("li:first-child[data-name='custom:huge']", { hasText: /… \(9\d{5} characters in all\)$/ }).waitFor();
    assert.equal(await list.locator("li").count(), 100);
    assert.match(await list.locator("li:last-child").innerText(), /"n":21\b/);
    assert.equal(await part(page, name, "total").innerText(), "121");
    assert.ok((await list.locator("li:first-child .event-data").innerText()).length < 5000);
  }
});

test("a broadcast that asks for acknowledgements gets one of each socket", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);
  const ask = { event: "system:notification", data: { message: "?" }, requires_ack: true };

  const { message_id, recipients_count } = await server.broadcast(ask);

  assert.equal(recipients_count, 5);
  await counts(page, server, "system:notification");
  const acks = page.sent.map((frame) => /^43(\/[^,]*,)?\d+\[\]$/.exec(frame)).filter(Boolean);
  assert.deepEqual(acks.map(([, namespace = "/"]) => namespace).sort(), ["/", "/", "/events,", "/ws,"]);
  const plain = page.sent.filter((frame) => frame.startsWith("{")).map((frame) => JSON.parse(frame));
  assert.deepEqual(plain.at(-1), { type: "ack", payload: { message_id } });
});

test("without the admin key the server's refusal is shown, with it the broadcast goes out", async (t) => {
  const key = "client-tests-admin-key-of-32-bytes!";
  const server = await Server.start(t, { ...DEFAULTS, ADMIN_API_KEY: key });
  const page = await openConsole(t, server, { allowed: /401/ }); // the browser logs the refused request

  await page.click("#broadcast-button");
  await page.locator("#broadcast-summary[data-outcome=bad]", { hasText: "HTTP 401" }).waitFor();
  assert.equal(JSON.parse(await page.locator("#broadcast-answer").innerText()).success, false);
  await page.fill("#broadcast-key", key);

  assert.equal((await send(page, { type: "custom:allowed", data: {} })).recipients_count, 5);
  for (const name of PROFILES) await rows(page, name, "custom:allowed").waitFor();
});

test("data that is no JSON is refused by the page and nothing is sent", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  for (const bad of ["{message: 3}", '1,"target":{}']) {
    await page.fill("#broadcast-data", bad);
    await page.click("#broadcast-button");
    await page.locator("#broadcast-summary", { hasText: "not JSON" }).waitFor();
  }

  assert.deepEqual(await counts(page, server, "system:notification"), only());
});

test("the page keeps nothing in the browser", async (t) => {
  const page = await openConsole(t, await Server.start(t, DEFAULTS));

  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);

  assert.deepEqual(kept, [0, 0, ""]);
  assert.deepEqual(await page.context().cookies(), []);
});

for (const width of [360, 400, 1280]) {
  test(`at ${width} px nothing stands outside the page`, async (t) => {
    const server = await Server.start(t, DEFAULTS);
    const page = await openConsole(t, server, { width, height: 800 });

    await server.broadcast({ type: "training:update", data: { long: "x".repeat(2000) } });
    await server.broadcast({ type: `custom:${"y".repeat(50)}`, data: [] });
    await counts(page, server, "training:update");

    assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth), width);
  });
}

test("at 1280 by 900 px all five panels are in sight at once", async (t) => {
  const page = await openConsole(t, await Server.start(t, DEFAULTS));

  for (const name of PROFILES) {
    const { y, height } = await panel(page, name).boundingBox();
    assert.ok(y >= 0 && y + height <= 900, `${name}: ${y} to ${y + height}`);
    const list = await part(page, name, "list").boundingBox();
    assert.ok(list.height >= 100 && list.y + list.height <= y + height, `${name}'s list: ${JSON.stringify(list)}`);
  }
});

test("every control has a name and is reached by Tab alone", async (t) => {
  const server = await Server.start(t, DEFAULTS);
  const page = await openConsole(t, server);

  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("input, select, textarea, button")]
      .filter((control) => {
        const named = [...(control.labels ?? []), control].some((one) => one.textContent.trim());
        return !named && !control.getAttribute("aria-label");
      })
      .map((control) => control.outerHTML),
  );
  const unreached = await page.evaluate(() => {
    const controls = document.querySelectorAll("a, input:enabled, select, textarea, button, summary, [data-part=list]");
    window.unreached = new Set([...controls].filter((control) => control.checkVisibility()));
    document.addEventListener("focusin", ({ target }) => window.unreached.delete(target));
    return window.unreached.size;
  });
  // Rows with long text are stops, too.
  for (let presses = 0; presses < 2 * unreached; presses += 1) await page.keyboard.press("Tab");

  assert.deepEqual(nameless, []);
  assert.ok(unreached > 40, `${unreached} controls`);
  assert.deepEqual(await page.evaluate(() => [...window.unreached].map((control) => control.outerHTML)), []);
});
