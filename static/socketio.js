// A Socket.IO 4 client, as much of one as the console needs: WebSocket only, one namespace on a
// connection of its own. Binary attachments are counted, not read.

import { Line, closeWords } from "./line.js";
import { Requests } from "./requests.js";

const ENGINE = { OPEN: "0", CLOSE: "1", PING: "2", PONG: "3", MESSAGE: "4" };
const [CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK] = "0123456";

/** `<type>[<attachments>-][/namespace,][<ack id>][JSON]` */
const PACKET = /^([0-6])(?:(\d+)-)?(?:(\/[^,]*),?)?(\d*)([^]*)$/;
/** An event's name, first in its array. */
const NAME = /^\s*\[\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*,?/;

/** Takes a packet apart; throws if it is none. `data` is the JSON of `text`, if there is any. */
const readPacket = (message) => {
  const match = PACKET.exec(message);
  if (!match) throw new Error("no packet");
  const [, type, attachments = "0", namespace = "/", id, text] = match;
  const data = text === "" ? undefined : JSON.parse(text);
  return { type, attachments: Number(attachments), namespace, id, text, data };
};

/** The arguments' JSON as it came, without the array around it. */
const inner = (text, start) => text.slice(start, text.lastIndexOf("]")).trim();

/**
 * One socket in one namespace. `auth` makes what CONNECT shows, anew for every connection. `on`:
 * - `state(state, detail)`: connecting, connected, refused or closed;
 * - `entered()`: the namespace let the socket in;
 * - `row({name, text, attachments, reply})`: an event, a refusal or an acknowledgement came.
 */
export class SocketIo {
  #namespace;
  #auth;
  #on;
  #line;
  #requests = new Requests();
  #lostBy = "";
  #handshake = null;
  #watchdog = 0;

  constructor({ path, namespace, auth, on }) {
    this.#namespace = namespace;
    this.#auth = auth;
    this.#on = on;
    this.#line = new Line(`${path}?EIO=4&transport=websocket`, {
      opening: () => on.state("connecting", ""),
      opened: () => {},
      received: (data) => this.#received(data),
      lost: (code, why) => this.#lost(why ?? closeWords(code)),
      waiting: (seconds) => on.state("closed", `${this.#lostBy}, next try in ${seconds} s`),
    });
  }

  connect() {
    this.#forget();
    this.#line.settle();
    this.#line.open();
  }

  /** Leaves the namespace and ends the connection; it stays ended. */
  disconnect() {
    this.#packet(DISCONNECT);
    this.#end("closed", "disconnected by hand");
  }

  /** Sends an event that asks for an acknowledgement; `undefined` if the connection ended first. */
  ask(name, payload) {
    const { id, answer } = this.#requests.begin(name);
    if (!this.#packet(EVENT, JSON.stringify([name, payload]), id)) this.#requests.settle(id, undefined);
    return answer;
  }

  #packet(type, json = "", id = "") {
    const place = this.#namespace === "/" ? "" : `${this.#namespace},`;
    return this.#line.send(`${ENGINE.MESSAGE}${type}${place}${id}${json}`);
  }

  #received(data) {
    if (typeof data !== "string") return;
    try {
      this.#engine(data[0], data.slice(1));
    } catch {
      this.#line.drop(1002, "not the Socket.IO protocol");
    }
  }

  #engine(type, text) {
    if (type === ENGINE.OPEN) this.#opened(JSON.parse(text));
    if (type === ENGINE.CLOSE) this.#line.drop(1000, "closed by the server");
    if (type === ENGINE.PING) {
      this.#line.send(ENGINE.PONG + text);
      this.#watch();
    }
    if (type === ENGINE.MESSAGE) this.#read(readPacket(text));
  }

  async #opened(handshake) {
    this.#handshake = handshake;
    this.#watch();
    try {
      const auth = await this.#auth();
      // Making a token takes a moment, in which this connection may have gone.
      if (this.#handshake === handshake) this.#packet(CONNECT, JSON.stringify(auth));
    } catch (fault) {
      if (this.#handshake === handshake) this.#end("refused", `not asked: ${fault.message}`);
    }
  }

  /** A server that sends no ping for this long is gone, whatever TCP believes. */
  #watch() {
    clearTimeout(this.#watchdog);
    const { pingInterval, pingTimeout } = this.#handshake;
    this.#watchdog = setTimeout(() => this.#line.drop(1006, "no ping"), pingInterval + pingTimeout);
  }

  #read({ type, attachments, namespace, id, text, data }) {
    if (namespace !== this.#namespace) return;
    if (type === CONNECT) {
      this.#line.settle();
      this.#on.state("connected", "");
      this.#on.entered();
    } else if (type === CONNECT_ERROR) {
      this.#on.row({ name: "connect_error", text, attachments });
      this.#end("refused", String(data?.message));
    } else if (type === DISCONNECT) {
      this.#end("closed", "disconnected by the server");
    } else if (type === EVENT || type === BINARY_EVENT) {
      this.#event({ attachments, id, text, data });
    } else if (type === ACK || type === BINARY_ACK) {
      const name = this.#requests.settle(Number(id), data?.[0]);
      this.#on.row({ name: `${name ?? "unasked"} ack`, text: inner(text, 1), attachments, reply: true });
    }
  }

  #event({ attachments, id, text, data }) {
    const name = NAME.exec(text);
    if (!Array.isArray(data) || !name) throw new Error("no event");
    this.#on.row({ name: JSON.parse(name[1]), text: inner(text, name[0].length), attachments });
    if (id !== "") this.#packet(ACK, "[]", id);
  }

  #lost(why) {
    this.#forget();
    this.#lostBy = why;
    this.#on.state("closed", why);
    return true;
  }

  /** Ends the connection so that it is not opened again. */
  #end(state, detail) {
    this.#line.close();
    this.#forget();
    this.#on.state(state, detail);
  }

  #forget() {
    clearTimeout(this.#watchdog);
    this.#handshake = null;
    this.#requests.end();
  }
}
