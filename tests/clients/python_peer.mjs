// A python-socketio client in a process of its own, driven and read like the clients here.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { PATIENCE, sign, within } from "./support.mjs";

/** A Python that has what requirements.txt names; `tests/run` makes one there. */
const PYTHON = resolve(
  process.env.CLIENT_PYTHON ?? join(import.meta.dirname, "../../target/client-tests-venv/bin/python"),
);
const PROGRAM = join(import.meta.dirname, "python_peer.py");

export class PythonPeer {
  /** Connects `sub` by a token and takes the welcome. Without `transports` the client upgrades. */
  static async connect(t, server, sub, { namespace = "/ws", transports = [] } = {}) {
    const peer = new PythonPeer(server, [server.url, sign({ sub }), namespace, ...transports]);
    t.after(() => peer.child.kill("SIGKILL"));
    await peer.next("connection_established");
    return peer;
  }

  constructor(server, args) {
    this.server = server;
    this.arrived = [];
    this.acks = [];
    this.wakes = new Set();
    this.errors = "";
    this.child = spawn(PYTHON, ["-u", PROGRAM, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stderr.setEncoding("utf8").on("data", (chunk) => (this.errors += chunk));
    this.child.stdin.on("error", () => {}); // its end is told by `close`
    const over = (what) => this.#take({ name: "exit", data: what });
    this.child.once("error", (fault) => over(`${fault}; make it as tests/run does, or set CLIENT_PYTHON`));
    this.child.once("close", (code) => over(code));
    createInterface({ input: this.child.stdout }).on("line", (line) => this.#take(JSON.parse(line)));
  }

  #take(line) {
    if ("ack" in line) this.acks.push(line.ack);
    else this.arrived.push(line);
    for (const wake of this.wakes) wake();
  }

  /** Waits until `list` has something and takes it. */
  async #first(list, what) {
    const started = performance.now();
    while (list.length === 0) {
      const woken = new Promise((settle) => this.wakes.add(settle));
      const late = () => `Python waited for ${what}\n${this.errors}${this.server.printed()}`;
      await within(woken, late, PATIENCE - (performance.now() - started));
      this.wakes.clear();
    }
    return list.shift();
  }

  /** Takes the next event, which must be `name`. */
  async next(name) {
    const event = await this.#first(this.arrived, `\`${name}\``);
    assert.equal(event.name, name, `${JSON.stringify(event)}\n${this.errors}${this.server.printed()}`);
    return event;
  }

  /** Sends a request and returns what was acknowledged. */
  ask(call, data) {
    this.child.stdin.write(`${JSON.stringify({ call, data })}\n`);
    return this.#first(this.acks, `the acknowledgement of \`${call}\``);
  }

  async join(room) {
    assert.equal((await this.ask("join", { room })).success, true);
    await this.next("room_joined");
  }
}
