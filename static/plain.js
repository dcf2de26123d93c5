// A plain JSON WebSocket client with the same face as the Socket.IO one.

import { Line, closeWords } from "./line.js";
import { Requests } from "./requests.js";

/** After these the server does not want this client back unasked. */
const FINAL_CODES = new Set([1000, 4403, 4429]);

/**
 * The text of one member of a JSON object, exactly as it stands there: parsing and printing again
 * would change numbers. Undefined if there is none; `object` must be valid JSON.
 */
export const memberText = (object, key) => {
  let depth = 0;
  let last = "";
  let start = -1;
  for (const { 0: token, index } of object.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g)) {
    const ends = depth === 1 && (token === "," || token === "}");
    if (ends && start >= 0) return object.slice(start, index).trim();
    if (depth === 1 && token === ":" && start < 0 && JSON.parse(last) === key) start = index + 1;
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    last = token;
  }
  return undefined;
};

const readFrame = (text) => {
  try {
    const frame = JSON.parse(text);
    if (typeof frame?.type === "string") return frame;
  } catch {
    // Shown as it came, below.
  }
  return undefined;
};

/** `on` is that of the Socket.IO client; a row may also name the `room` of its frame. */
export class Plain {
  #on;
  #line;
  #requests = new Requests();
  #lostBy = "";

  constructor({ path, on }) {
    this.#on = on;
    this.#line = new Line(path, {
      opening: () => on.state("connecting", ""),
      opened: () => {},
      received: (data) => this.#received(data),
      lost: (code) => this.#lost(code),
      waiting: (seconds) => on.state("closed", `${this.#lostBy}, next try in ${seconds} s`),
    });
  }

  connect() {
    this.#requests.end();
    this.#line.settle();
    this.#line.open();
  }

  disconnect() {
    this.#line.close();
    this.#requests.end();
    this.#on.state("closed", "disconnected by hand");
  }

  /** Sends a message and returns the data of its answer; `undefined` if the connection ended first. */
  ask(type, payload) {
    const { id, answer } = this.#requests.begin(type);
    if (!this.#line.send(JSON.stringify({ type, payload, id }))) this.#requests.settle(id, undefined);
    return answer;
  }

  #received(text) {
    if (typeof text !== "string") return;
    const frame = readFrame(text);
    if (!frame) return this.#on.row({ name: "(not a frame)", text });
    const asked = typeof frame.id === "number" && this.#requests.settle(frame.id, answerOf(frame));
    const body = memberText(text, "data") ?? "";
    this.#on.row({ name: frame.type, text: body, room: frame.room, reply: Boolean(asked) });
    if (frame.requires_ack === true) {
      this.#line.send(JSON.stringify({ type: "ack", payload: { message_id: frame.message_id } }));
    }
    if (frame.type !== "connection_established") return;
    this.#line.settle();
    this.#on.state("connected", "");
    this.#on.entered();
  }

  #lost(code) {
    this.#requests.end();
    this.#lostBy = closeWords(code);
    this.#on.state("closed", this.#lostBy);
    return !FINAL_CODES.has(code);
  }
}

/** A refusal in the form of a refused acknowledgement, so that who asked reads one form. */
const answerOf = ({ type, data }) => (type === "error" ? { ...data, success: false } : data);
