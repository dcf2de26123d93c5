// Socket.IO clients as applications use them: socket.io-client, and what it told, in order.
//
// Everything a client is told is one record in one list: events, and the client's own `connect`,
// `connect_error` and `disconnect`. Taking them one by one proves order and completeness at once.

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { PATIENCE, sign, within } from "./support.mjs";

/** The ways to travel that a client can be told to use. */
export const TRANSPORTS = [
  ["polling only", ["polling"]],
  ["WebSocket only", ["websocket"]],
  ["default transports", ["polling", "websocket"]],
];
export const [POLLING, WEBSOCKET, DEFAULT] = TRANSPORTS.map(([, transports]) => ({ transports }));

/** Every namespace on every engine path, with the welcome it gives. */
export const PLACES = [
  { namespace: "/", path: "/socket.io", welcome: "connection_established" },
  { namespace: "/ws", path: "/socket.io", welcome: "connection_established" },
  { namespace: "/events", path: "/socket.io", welcome: "connected" },
  { namespace: "/", path: "/ws", welcome: "connected" },
  { namespace: "/ws", path: "/ws", welcome: "connection_established" },
  { namespace: "/events", path: "/ws", welcome: "connected" },
];

/** A key of the first demo tenant (contract X-22). */
export const TENANT_KEY = "demo-tenant-key-1";

/** What any namespace takes: a token, and for `/events` a tenant's key. */
export const authOf = (sub, claims = {}) => ({ token: sign({ sub, ...claims }), tenantKey: TENANT_KEY });

/** One socket of socket.io-client, and what it was told. */
export class SocketIo {
  /** Connects `sub` by a token and takes `connect` and the welcome, kept as `welcome`. */
  static async connect(t, server, sub, { namespace = "/", path = "/socket.io", ...options } = {}) {
    const client = SocketIo.open(t, server, { namespace, path, auth: authOf(sub), ...options });
    await client.enter(namespace, path);
    return client;
  }

  /** Begins to connect; the options are socket.io-client's, and `namespace`. */
  static open(t, server, { namespace = "/", ...options } = {}) {
    const socket = io(server.url + namespace, { forceNew: true, reconnection: false, ...options });
    return new SocketIo(t, server, socket);
  }

  constructor(t, server, socket) {
    this.server = server;
    this.socket = socket;
    this.arrived = [];
    this.wake = () => {};
    const record = (name, args) => {
      const acknowledge = typeof args.at(-1) === "function" ? args.pop() : undefined;
      this.arrived.push({ name, args, data: args[0], acknowledge });
      this.wake();
    };
    socket.onAny((name, ...args) => record(name, args));
    for (const own of ["connect", "connect_error", "disconnect"]) {
      socket.on(own, (...args) => record(own, args));
    }
    t.after(() => this.drop());
  }

  /** Takes `connect` and the welcome of the place. */
  async enter(namespace = "/", path = "/socket.io") {
    await this.next("connect");
    const place = PLACES.find((one) => one.namespace === namespace && one.path === path);
    this.welcome = (await this.next(place.welcome)).data;
  }

  /** Takes the next record, which must be of `name`. */
  async next(name) {
    const record = await this.nextAny(name);
    assert.equal(record.name, name, `the next event is another one: ${shown(record)}`);
    return record;
  }

  /** Takes the next record, whatever it is; `name` is what was waited for. */
  async nextAny(name = "anything") {
    const what = () => `waited for \`${name}\`${this.server.printed()}`;
    const late = performance.now() + PATIENCE;
    while (this.arrived.length === 0) {
      const woken = new Promise((settle) => (this.wake = settle));
      await within(woken, what, late - performance.now());
    }
    return this.arrived.shift();
  }

  /** Takes the next event, which must be an error with this code and of this shape (contract X-24). */
  async nextError(code) {
    const { data } = await this.next("error");
    assert.equal(data.code, code, JSON.stringify(data));
    assert.equal(typeof data.message, "string");
    assertTime(data.timestamp);
    return data;
  }

  /** Takes the end of the connection, which must have this reason; returns the client's details. */
  async ended(reason) {
    const { args } = await this.next("disconnect");
    assert.equal(args[0], reason, `${args[1]?.description}${this.server.printed()}`);
    return args[1];
  }

  /** Ends the client at once. Asked politely, one in the middle of an upgrade would wait for its end. */
  drop() {
    this.socket.disconnect();
    this.socket.io.engine?._onClose("forced close");
  }

  emit(name, ...args) {
    this.socket.emit(name, ...args);
  }

  /** Sends a request and returns what was acknowledged. */
  ask(name, ...args) {
    const answer = this.socket.emitWithAck(name, ...args);
    return within(answer, () => `no acknowledgement of \`${name}\`${this.server.printed()}`);
  }

  /** Joins `room`: an acknowledgement and an event. */
  async join(room) {
    const ack = await this.ask("join", { room });
    assert.equal(ack.success, true, JSON.stringify(ack));
    assert.equal((await this.next("room_joined")).data.room, room);
    return ack;
  }

  /** The rooms this socket is in, sorted, without the one named like the socket itself. */
  async rooms() {
    const { rooms } = await this.ask("debug:rooms", {});
    return rooms.filter((room) => room !== this.socket.id).sort();
  }

  /** Proves that the connection still serves requests. */
  async expectAlive() {
    assert.equal((await this.ask("client:ping")).pong, true);
    assert.equal(this.socket.connected, true);
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  /** Waits until the connection has left polling for the WebSocket. */
  async upgraded() {
    const engine = this.socket.io.engine;
    if (this.transport === "websocket") return;
    const upgrade = new Promise((settle) => engine.once("upgrade", settle));
    await within(upgrade, () => `no upgrade${this.server.printed()}`);
  }

  /** Waits until the client travels as `transports` promise. */
  async settled(transports) {
    if (transports.includes("websocket")) await this.upgraded();
    assert.equal(this.transport, transports.at(-1));
  }
}

const shown = ({ name, args }) => {
  const text = args[0] instanceof Error ? args[0].message : JSON.stringify(args);
  return `${name} ${text.slice(0, 500)}`;
};

export const assertTime = (text) => {
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
};

/** An acknowledgement that says no (contract section 7, `err`), with or without details. */
export const assertRefused = ({ details, ...ack }, code) => {
  const { message } = ack;
  assert.equal(typeof message, "string", JSON.stringify(ack));
  assert.deepEqual(ack, { status: "error", success: false, code, message, error: { code, message } });
};

/** An update of `room` as editors send it. */
export const update = (room, content, more = {}) => {
  return { roomId: room, blueprintId: "b-1", changes: { section: "walls", action: "update", content }, ...more };
};

/** Waits until the server counts as many connections. */
export const expectConnections = async (server, count) => {
  const late = performance.now() + PATIENCE;
  for (;;) {
    const { answer } = await server.call("GET", "/health");
    if (answer.connections === count) return;
    assert.ok(performance.now() < late, `${answer.connections} connections, not ${count}${server.printed()}`);
  }
};
