// A thousand upgrades in a busy room: node tests/clients/upgrade_trace.mjs [clients] [at a time]
//
// The room hears 100 numbered events a second. Each client joins it by polling, and has heard some
// numbers so before its WebSocket is opened at all; it leaves when it has heard some by WebSocket.
// What it has heard must be numbers without a gap: nothing lost, doubled or out of order.

import assert from "node:assert/strict";
import { NodeWebSocket, NodeXHR, io } from "socket.io-client";
import { Server, within } from "./support.mjs";
import { authOf } from "./socketio_support.mjs";

const ROOM = "blueprint-busy";
const PER_SECOND = 100;
/** Events a client hears by WebSocket before it leaves. */
const AFTERWARDS = 5;

/** Broadcasts 0, 1, 2, … at a steady pace until told to stop. */
class Counter {
  next = 0;
  #stopped = false;

  constructor(server) {
    this.done = this.#run(server);
  }

  async #run(server) {
    const started = performance.now();
    while (!this.#stopped) {
      const body = { type: "training:update", room: ROOM, data: { n: this.next } };
      this.next += 1;
      await server.broadcast(body);
      const early = started + (this.next * 1000) / PER_SECOND - performance.now();
      if (early > 0) await new Promise((settle) => setTimeout(settle, early));
    }
  }

  stop() {
    this.#stopped = true;
    return this.done;
  }
}

/** The library's own transports, but the WebSocket is opened no sooner than `opened` settles. */
const transportsFrom = (opened) => {
  class LateWebSocket extends NodeWebSocket {
    doOpen() {
      opened.then(() => super.doOpen());
    }
  }
  return [NodeXHR, LateWebSocket];
};

/** One client from its first poll to its last event; returns what it heard and when it upgraded. */
const travel = async (server, counter, number) => {
  let open;
  const transports = transportsFrom(new Promise((settle) => (open = settle)));
  const auth = authOf(`user-${number}`);
  const socket = io(server.url, { forceNew: true, reconnection: false, transports, auth });
  const trace = { number, heard: [], polled: 0, during: 0 };
  // By now none, one or two events are waited for: the upgrade meets the stream at different points.
  const patience = number % 3;
  const finished = new Promise((settle, reject) => {
    const { engine } = socket.io;
    let state = "polling";
    const mayOpen = () => {
      if (state !== "polling" || trace.heard.length < patience || trace.due === undefined) return;
      state = "upgrading";
      trace.polled = trace.heard.length;
      assert.equal(engine.transport.name, "polling");
      open();
    };
    engine.on("upgrade", () => (state = "upgraded"));
    engine.on("upgradeError", reject);
    socket.on("connect_error", reject);
    socket.on("disconnect", (reason) => reject(new Error(`client ${number}: ${reason}`)));
    socket.on("training:update", ({ n }) => {
      trace.heard.push(n);
      mayOpen();
      if (state === "upgrading") trace.during += 1;
      if (state === "upgraded" && (trace.after = (trace.after ?? 0) + 1) === AFTERWARDS) settle();
    });
    socket.on("connect", async () => {
      const joined = await socket.emitWithAck("join", { room: ROOM });
      if (!joined.success) reject(new Error(JSON.stringify(joined)));
      // What is posted from now on must be heard.
      trace.due = counter.next;
      mayOpen();
    });
  });
  const late = () => `client ${number} has heard ${trace.heard}, ${trace.after} by WebSocket${server.printed()}`;
  try {
    await within(finished, late);
  } finally {
    socket.removeAllListeners("disconnect");
    socket.disconnect();
  }
  return trace;
};

const assertWhole = ({ number, heard, due }) => {
  const gap = heard.findIndex((n, index) => n !== heard[0] + index);
  assert.equal(gap, -1, `client ${number} lost, doubled or reordered something at ${gap} of ${heard}`);
  assert.ok(heard[0] <= due, `client ${number} joined before ${due} and first heard ${heard[0]}`);
};

/** Lets `clients` upgrade, some at a time. `scope.after` takes what must be cleaned up. */
export const traceUpgrades = async (scope, { clients = 1000, atOnce = 50 } = {}) => {
  const settings = { WORKERS: "2", LOG_SUBSCRIPTION_EVENTS: "false" };
  const server = await Server.start(scope, settings);
  const started = performance.now();
  const counter = new Counter(server);
  const traces = [];
  try {
    while (traces.length < clients) {
      const group = Array.from({ length: Math.min(atOnce, clients - traces.length) }, (_, n) => n + traces.length);
      traces.push(...(await Promise.all(group.map((number) => travel(server, counter, number)))));
    }
  } finally {
    await counter.stop();
  }
  traces.forEach(assertWhole);
  const upgrades = [...server.output.matchAll(/engine_upgraded .*\bfrom_worker=(\d+) worker=(\d+)/g)];
  const sum = (count) => traces.reduce((total, trace) => total + count(trace), 0);
  return {
    upgraded: upgrades.length,
    crossed: upgrades.filter(([, from, to]) => from !== to).length,
    published: counter.next,
    checked: sum(({ heard }) => heard.length),
    polled: sum(({ polled }) => polled),
    during: sum(({ during }) => during),
    caught: traces.filter(({ during }) => during > 0).length,
    seconds: (performance.now() - started) / 1000,
  };
};

export const told = ({ upgraded, crossed, published, checked, polled, during, caught, seconds }) => [
  `${upgraded} clients upgraded in ${seconds.toFixed(1)} s, ${crossed} of them across worker threads`,
  `${published} events published, ${checked} receipts checked: no gap, no copy, no swap`,
  `${polled} came by polling, ${during} while ${caught} clients were upgrading, the rest by WebSocket`,
];

if (process.argv[1] === import.meta.filename) {
  const [clients, atOnce] = process.argv.slice(2).map(Number);
  const ends = [];
  try {
    for (const line of told(await traceUpgrades({ after: (end) => ends.push(end) }, { clients, atOnce }))) {
      console.log(line);
    }
  } finally {
    for (const end of ends) await end();
  }
}
