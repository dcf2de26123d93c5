// The live console: one plain WebSocket to this server, and what it received.
//
// The event list is fed by `socket.onmessage` alone. Nothing that the page itself sends is ever
// written there, so a row is proof that the server delivered it. All text from the network goes
// through `textContent`.

const ROWS_KEPT = 500;
const RETRY_SECONDS = [1, 2, 4, 8, 16, 30];
/** Lines above which a row's data scrolls, and so must be reachable by keyboard. */
const LINES_SHOWN = 12;
const CLOSE_WORDS = {
  1000: "normal close",
  1001: "going away",
  1006: "connection lost",
  1007: "invalid text",
  1009: "message too large",
  1012: "server restart",
  1013: "too slow",
  4401: "token expired",
  4403: "removed by an administrator",
  4429: "too many messages",
};
/** After these the server does not want this client back unasked. */
const FINAL_CODES = new Set([1000, 4403, 4429]);

const $ = (id) => document.getElementById(id);

/** Makes an element with a class and text; the only way this page writes text of others. */
const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const note = (id, outcome, text) => {
  $(id).dataset.outcome = outcome;
  $(id).textContent = text;
};

// ---------------------------------------------------------------- events received

const feed = { counts: new Map(), total: 0, waiting: [], scheduled: false };

const clockTime = (date) =>
  `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`;

const eventRow = ({ frame, at }) => {
  const stamp = new Date(frame.timestamp ?? at);
  const date = Number.isNaN(stamp.getTime()) ? at : stamp;
  const data = JSON.stringify(frame.data ?? null, null, 2);

  const row = element("li", "event");
  row.dataset.type = frame.type;
  const head = element("div", "event-head");
  const time = element("time", "event-time", clockTime(date));
  time.dateTime = date.toISOString();
  head.append(time, element("span", "event-type", frame.type));
  if (frame.room !== undefined) head.append(element("span", "event-room", String(frame.room)));
  const body = element("pre", "event-data", data);
  if (data.split("\n", LINES_SHOWN + 1).length > LINES_SHOWN || data.length > 1000) {
    body.tabIndex = 0;
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", `Data of ${frame.type}`);
  }
  row.append(head, body);
  return row;
};

const drawCounters = () => {
  const mostFirst = [...feed.counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  $("counters").replaceChildren(
    ...mostFirst.map(([type, count]) => {
      const item = element("li");
      item.dataset.type = type;
      item.append(element("span", "", type), " ", element("b", "", String(count)));
      return item;
    }),
  );
  $("event-total").textContent = String(feed.total);
  $("events-empty").hidden = feed.total > 0;
};

const drawFeed = () => {
  feed.scheduled = false;
  const list = $("events");
  list.prepend(...feed.waiting.reverse().map(eventRow));
  feed.waiting = [];
  while (list.childElementCount > ROWS_KEPT) list.lastElementChild.remove();
  drawCounters();
};

const drawSoon = () => {
  if (feed.scheduled) return;
  feed.scheduled = true;
  requestAnimationFrame(drawFeed);
};

const received = (frame) => {
  feed.total += 1;
  feed.counts.set(frame.type, (feed.counts.get(frame.type) ?? 0) + 1);
  feed.waiting.push({ frame, at: new Date() });
  // A background tab draws nothing for hours: what would be cut anyway is not kept.
  if (feed.waiting.length > ROWS_KEPT) feed.waiting.shift();
  drawSoon();
};

const clearFeed = () => {
  feed.counts.clear();
  feed.total = 0;
  feed.waiting = [];
  $("events").replaceChildren();
  drawCounters();
};

// ---------------------------------------------------------------- the connection

const link = { socket: null, failures: 0, retryAt: 0, timer: 0, closedWith: "", requests: 0 };

/** What the user asked for, told to the server again after a reconnect. */
const wanted = { token: "", rooms: new Set() };
const joined = new Set();

const drawState = (state, detail) => {
  $("state").dataset.state = state;
  if ($("state").textContent !== state) $("state").textContent = state;
  $("state-detail").textContent = detail;
  $("link-button").textContent = state === "closed" ? "Connect" : "Disconnect";
};

const drawRooms = () => {
  const names = [...joined].sort();
  $("rooms").replaceChildren(...names.map((name) => element("li", "", name)));
  $("rooms-empty").hidden = names.length > 0;
};

const drawIdentity = (clientId, userId) => {
  $("client-id").textContent = clientId ?? "–";
  $("user").textContent = userId ?? "anonymous";
};

/** Sends one request; its answer comes back with the same `id`. False if there is no connection. */
const request = (type, payload) => {
  if (link.socket?.readyState !== WebSocket.OPEN) return false;
  link.requests += 1;
  link.socket.send(JSON.stringify({ type, payload, id: `${type}-${link.requests}` }));
  return true;
};

const ON_FRAME = {
  connection_established: ({ data }) => {
    // Only now: a server that accepts and drops at once must not be asked every second.
    link.failures = 0;
    drawIdentity(data?.clientId, data?.user_id);
    if (wanted.token) request("auth", { token: wanted.token });
    for (const room of wanted.rooms) request("join", { room });
  },
  "auth:success": ({ data }) => {
    $("user").textContent = String(data?.userId ?? "");
    $("auth-token").value = "";
    note("auth-note", "good", "Authenticated.");
    request("debug:rooms", {});
  },
  "debug:rooms:ack": ({ data }) => {
    if (!Array.isArray(data?.rooms)) return;
    joined.clear();
    for (const room of data.rooms) if (room !== data.socket_id) joined.add(String(room));
    drawRooms();
  },
  room_joined: ({ data }) => {
    joined.add(String(data?.room));
    wanted.rooms.add(String(data?.room));
    drawRooms();
    note("room-note", "good", `Joined ${data?.room}.`);
  },
  room_left: ({ data }) => {
    joined.delete(String(data?.room));
    wanted.rooms.delete(String(data?.room));
    drawRooms();
    note("room-note", "good", `Left ${data?.room}.`);
  },
  error: ({ id, data }) => {
    const about = String(id ?? data?.event ?? "");
    const text = `${data?.code ?? "error"}: ${data?.message ?? ""}`;
    if (about.startsWith("auth")) {
      wanted.token = "";
      note("auth-note", "bad", text);
    } else if (about.startsWith("join") || about.startsWith("leave")) {
      note("room-note", "bad", text);
    }
  },
};

const readFrame = (text) => {
  try {
    const frame = JSON.parse(text);
    if (typeof frame?.type === "string") return frame;
  } catch {
    // Shown as it came, below.
  }
  return { type: "(not a frame)", data: String(text) };
};

const onMessage = ({ data: text }) => {
  const frame = readFrame(text);
  received(frame);
  if (Object.hasOwn(ON_FRAME, frame.type)) ON_FRAME[frame.type](frame);
};

const drawCountdown = () => {
  const seconds = Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000));
  if (seconds > 0) return drawState("closed", `${link.closedWith}, next try in ${seconds} s`);
  connect();
};

const stopRetrying = () => {
  clearInterval(link.timer);
  link.timer = 0;
};

const onClose = ({ code }) => {
  link.socket = null;
  link.closedWith = `code ${code}${CLOSE_WORDS[code] ? ` (${CLOSE_WORDS[code]})` : ""}`;
  joined.clear();
  drawRooms();
  drawIdentity();
  if (code === 4401) wanted.token = "";
  if (FINAL_CODES.has(code)) return drawState("closed", link.closedWith);

  const wait = RETRY_SECONDS[Math.min(link.failures, RETRY_SECONDS.length - 1)];
  link.failures += 1;
  link.retryAt = Date.now() + wait * 1000;
  link.timer = setInterval(drawCountdown, 250);
  drawCountdown();
};

const connect = () => {
  stopRetrying();
  drawState("connecting", "");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws`);
  socket.onopen = () => drawState("open", "");
  socket.onmessage = onMessage;
  socket.onclose = onClose;
  link.socket = socket;
};

// ---------------------------------------------------------------- what the user does

const onLinkButton = () => {
  if (link.socket) return link.socket.close(1000);
  link.failures = 0;
  connect();
};

const onAuthenticate = (submit) => {
  submit.preventDefault();
  wanted.token = $("auth-token").value.trim();
  const sent = request("auth", { token: wanted.token });
  note("auth-note", "", sent ? "Waiting for the server…" : "Will be sent when connected.");
};

const onRoom = (submit) => {
  submit.preventDefault();
  const verb = submit.submitter?.value === "leave" ? "leave" : "join";
  const room = $("room-name").value.trim();
  if (!request(verb, { room })) return note("room-note", "bad", "Not connected.");
  note("room-note", "", "Waiting for the server…");
};

const onTarget = () => {
  const target = $("broadcast-target").value;
  $("broadcast-name").disabled = target === "everyone";
  $("broadcast-name").required = target !== "everyone";
  $("broadcast-name-label").textContent =
    { room: "Room name", user: "User id" }[target] ?? "Name";
};

const answer = (outcome, text) => note("broadcast-answer", outcome, text);

/** The body of `POST /api/ws/broadcast`. Throws when the data field holds no JSON. */
const broadcastBody = () => {
  const body = { type: $("broadcast-type").value.trim(), data: JSON.parse($("broadcast-data").value) };
  const name = $("broadcast-name").value.trim();
  const target = $("broadcast-target").value;
  if (target === "room") body.room = name;
  if (target === "user") body.user_id = name;
  return body;
};

const postBroadcast = async (body) => {
  const headers = { "Content-Type": "application/json" };
  const key = $("broadcast-key").value;
  if (key) headers["X-Admin-Key"] = key;
  const reply = await fetch("/api/ws/broadcast", { method: "POST", headers, body: JSON.stringify(body) });
  const text = await reply.text();
  const outcome = reply.ok ? "good" : "bad";
  try {
    answer(outcome, JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    answer("bad", `HTTP ${reply.status}\n${text}`);
  }
};

const onBroadcast = async (submit) => {
  submit.preventDefault();
  let body;
  try {
    body = broadcastBody();
  } catch (fault) {
    $("broadcast-data").setAttribute("aria-invalid", "true");
    return answer("bad", `The data is not JSON, so nothing was sent: ${fault.message}`);
  }
  $("broadcast-data").removeAttribute("aria-invalid");
  $("broadcast-button").disabled = true;
  answer("none", "Waiting for the server…");
  try {
    await postBroadcast(body);
  } catch (fault) {
    answer("bad", `The server could not be reached: ${fault.message}`);
  } finally {
    $("broadcast-button").disabled = false;
  }
};

$("link-button").addEventListener("click", onLinkButton);
$("auth-form").addEventListener("submit", onAuthenticate);
$("room-form").addEventListener("submit", onRoom);
$("broadcast-target").addEventListener("change", onTarget);
$("broadcast-form").addEventListener("submit", onBroadcast);
$("clear-button").addEventListener("click", clearFeed);
// Firefox keeps a form's choices over a reload.
onTarget();
connect();
