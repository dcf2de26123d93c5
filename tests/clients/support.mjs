// What every client test stands on: one server per test, plain clients, tokens, REST calls.
//
// Nothing here waits for time to pass. A timeout is only the bound after which a wait for an event
// fails, with what the server printed. Silence is proven by a marker: a broadcast to everyone that
// must be the very next frame.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import WebSocket from "ws";

export const SECRET = "client-tests-secret-of-more-than-32-bytes";
/** Milliseconds until a wait for one event fails. Generous: the machine may be building beside us. */
export const PATIENCE = 20_000;

const BINARY = resolve(
  process.env.SWITCHBOARD_BIN ?? join(import.meta.dirname, "../../target/debug/switchboard"),
);

/** Settles as `promise` does, or fails with `what` after `limit` milliseconds. */
export const within = (promise, what, limit = PATIENCE) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what()}: nothing within ${limit} ms`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** Asks again and again until the answer is as it is to become, and returns it. */
export const until = async (ask, isThere) => {
  const late = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    assert.ok(performance.now() < late, `still ${JSON.stringify(answer)}`);
  }
};

// ---------------------------------------------------------------- server

/** An example built beside the server. */
export const example = (name) => join(dirname(BINARY), "examples", name);

const running = new Set();
const killAll = () => {
  for (const child of running) child.kill("SIGKILL");
};
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** One server process. Its working directory is empty and its environment holds only what is named here. */
export class Server {
  /** Starts a server on a free port; the test `t` ends it. `env` adds to or replaces settings. */
  static async start(t, env = {}, binary = BINARY) {
    const server = new Server(env, binary);
    t.after(() => server.kill());
    await server.listening();
    return server;
  }

  constructor(env, binary) {
    this.binary = binary;
    this.output = "";
    this.home = mkdtempSync(join(tmpdir(), "switchboard-client-test-"));
    this.child = spawn(binary, [], {
      cwd: this.home,
      env: {
        PATH: process.env.PATH,
        HOME: this.home,
        PORT: "0",
        JWT_SECRET: SECRET,
        CONNECTION_RATE_PER_IP: "0",
        LOG_FILE: "",
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(this.child);
    this.gone = new Promise((settle) => {
      this.child.once("error", (fault) => settle({ fault }));
      this.child.once("exit", (code, signal) => settle({ code, signal }));
    }).finally(() => running.delete(this.child));
    this.ready = new Promise((settle) => {
      let stdout = "";
      this.child.stdout.setEncoding("utf8").on("data", (chunk) => {
        this.output += chunk;
        if (this.url !== undefined) return;
        stdout += chunk;
        this.url = /^listening on (http:\/\/\S+)\r?\n/m.exec(stdout)?.[1];
        if (this.url !== undefined) settle();
      });
    });
    this.child.stderr.setEncoding("utf8").on("data", (chunk) => (this.output += chunk));
  }

  async listening() {
    const died = this.gone.then((end) => {
      throw new Error(`${this.binary} ended before it listened: ${JSON.stringify(end)}${this.printed()}`);
    });
    died.catch(() => {});
    const what = () => `no listening line${this.printed()}`;
    await within(Promise.race([this.ready, died]), what);
    this.port = Number(new URL(this.url).port);
  }

  /** What the server printed, for the message of a failure. */
  printed() {
    return `\n--- the server printed:\n${this.output.slice(-4000)}\n---`;
  }

  /** Asks for a graceful stop and returns the exit code. */
  async stop() {
    this.child.kill("SIGTERM");
    const end = await within(this.gone, () => `the server did not end after SIGTERM${this.printed()}`);
    return end.code;
  }

  async kill() {
    this.child.kill("SIGKILL");
    await this.gone;
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Resident memory of the server process in KiB. */
  residentKib() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]);
  }

  /** One REST call; returns the status and the JSON answer. */
  async call(method, path, { body, headers = {} } = {}) {
    const reply = await fetch(this.url + path, {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    return { status: reply.status, answer: await reply.json() };
  }

  /** A broadcast that must be accepted; returns the answer. */
  async broadcast(body) {
    const { status, answer } = await this.call("POST", "/api/ws/broadcast", { body });
    assert.equal(status, 200, `broadcast ${JSON.stringify(body)} was refused: ${JSON.stringify(answer)}`);
    assert.equal(answer.success, true);
    assert.match(answer.message_id, /./);
    assert.ok(!Number.isNaN(Date.parse(answer.sent_at)), `sent_at is no time: ${answer.sent_at}`);
    return answer;
  }
}

// ---------------------------------------------------------------- client

/** A plain WebSocket client that reads frames strictly in the order of arrival. */
export class Client {
  /** Connects as wscat does and takes the welcome frame, kept as `welcome`. */
  static async connect(t, server, { path = "/ws", headers = {}, options = {} } = {}) {
    const client = new Client(server, path, headers, options);
    t.after(() => client.socket.terminate());
    await within(client.opened, () => `${path} did not open${server.printed()}`);
    client.welcome = await client.next(path.startsWith("/events") ? "connected" : "connection_established");
    return client;
  }

  /** Connects and proves the user `sub` by a token at the upgrade. */
  static async verified(t, server, sub, claims = {}) {
    const client = await Client.connect(t, server, { headers: bearer({ sub, ...claims }) });
    await client.next("auth:success");
    return client;
  }

  constructor(server, path, headers, options) {
    this.server = server;
    this.arrived = [];
    this.wake = () => {};
    /** Replaced by a test that counts frames instead of reading them one by one. */
    this.onFrame = (text) => this.arrived.push(text);
    this.socket = new WebSocket(server.url.replace("http", "ws") + path, { headers, ...options });
    this.opened = new Promise((settle, reject) => {
      this.socket.once("open", settle);
      this.socket.once("error", reject);
    });
    this.opened.catch(() => {});
    this.socket.on("error", () => {}); // a cut connection is told by `close`
    this.socket.on("message", (bytes, isBinary) => {
      this.onFrame(isBinary ? `(binary frame of ${bytes.length} bytes)` : bytes.toString("utf8"));
      this.wake();
    });
    this.ended = new Promise((settle) => {
      this.socket.once("close", (code, reason) => {
        settle({ code, reason: reason.toString() });
      });
    });
  }

  send(message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Takes the next frame, which must be of `type`. */
  async next(type) {
    const frame = readFrame(await this.#take(type));
    assert.equal(frame.type, type, `the next frame is another one: ${JSON.stringify(frame)}`);
    return frame;
  }

  /** Takes the next frame, which must be an error with this code. */
  async nextError(code) {
    const frame = await this.next("error");
    assert.equal(frame.data.code, code, JSON.stringify(frame));
    return frame;
  }

  /** Sends one request and takes its answer, which must be the next frame. */
  ask(message, answerType) {
    this.send(message);
    return this.next(answerType);
  }

  /** Proves that the connection still serves requests. */
  async expectAlive() {
    await this.ask({ type: "ping", payload: {} }, "pong");
  }

  /** The rooms this socket is in, sorted, without the one named like the socket itself. */
  async rooms() {
    const { data } = await this.ask({ type: "debug:rooms", payload: {} }, "debug:rooms:ack");
    return data.rooms.filter((room) => room !== data.socket_id).sort();
  }

  /** Waits for the end of the connection: `{code, reason}`. */
  closed() {
    return within(this.ended, () => `the connection did not close${this.server.printed()}`);
  }

  async #take(type) {
    if (this.arrived.length === 0) {
      const woken = new Promise((settle) => (this.wake = settle));
      await within(Promise.race([woken, this.ended]), () => `waited for \`${type}\`${this.server.printed()}`);
    }
    if (this.arrived.length > 0) return this.arrived.shift();
    const { code, reason } = await this.closed();
    throw new Error(`waited for \`${type}\`, but the connection was closed: ${code} ${reason}`);
  }
}

/** Parses one frame and checks what is true of every frame (contract 0.2). */
const readFrame = (text) => {
  const frame = JSON.parse(text);
  assert.equal(frame.event, frame.type, `type and event differ: ${text}`);
  assert.match(frame.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, text);
  assert.ok("data" in frame, `no data: ${text}`);
  if (frame.type === "error") {
    assert.equal(frame.error.code, frame.data.code, text);
    assert.equal(frame.error.message, frame.data.message, text);
    assert.ok(typeof frame.error.timestamp === "string" && typeof frame.data.timestamp === "string", text);
  }
  return frame;
};

let markers = 0;

/** Proves that none of these clients was sent anything but what it has read so far. */
export const expectSilence = async (server, ...clients) => {
  markers += 1;
  await server.broadcast({ type: "custom:marker", data: { marker: markers } });
  for (const client of clients) {
    assert.deepEqual((await client.next("custom:marker")).data, { marker: markers });
  }
};

// ---------------------------------------------------------------- tokens

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** Signs an HS256 token: an hour long unless `claims` say otherwise; `undefined` removes a claim. */
export const sign = (claims, { secret = SECRET, alg = "HS256" } = {}) => {
  const text = `${part({ alg, typ: "JWT" })}.${part({ exp: inSeconds(3600), ...claims })}`;
  const signature = alg === "none" ? "" : createHmac("sha256", secret).update(text).digest("base64url");
  return `${text}.${signature}`;
};

export const bearer = (claims) => ({ Authorization: `Bearer ${sign(claims)}` });

/** Tokens that must be refused, each with the reason in its name. */
export const BAD_TOKENS = [
  ["no token at all", "garbage"],
  ["an empty one", ""],
  ["signed with another secret", sign({ sub: "mallory" }, { secret: "another-secret-of-more-than-32-bytes!" })],
  ["unsigned", sign({ sub: "mallory" }, { alg: "none" })],
  ["expired a second ago", sign({ sub: "mallory", exp: inSeconds(-1) })],
  ["without a user", sign({ sub: undefined })],
  ["without an end", sign({ sub: "mallory", exp: undefined })],
];
