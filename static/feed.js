// The last messages of one socket, newest first.
//
// A row is made from what arrived on the socket and from nothing else, so it is proof that the server
// delivered it. Bounded by rows and by characters of each.

import { element } from "./dom.js";

const ROWS_KEPT = 100;
const CHARACTERS_SHOWN = 4000;
/** Above this a row's text scrolls, and so must be reachable by keyboard. */
const CHARACTERS_IN_SIGHT = 200;

const clockTime = (date) =>
  `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`;

const cut = (text, limit) =>
  text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters in all)`;

const eventRow = ({ name, text, room, attachments, reply, at }) => {
  const row = element("li", reply ? "event reply" : "event");
  row.dataset.name = name;
  const time = element("time", "event-time", clockTime(at));
  time.dateTime = at.toISOString();
  const head = element("div", "event-head");
  head.append(element("span", "event-name", name));
  if (room !== undefined) head.append(element("span", "chip", room));
  if (attachments > 0) head.append(element("span", "muted", `+ ${attachments} binary`));
  head.append(time);
  row.append(head);
  if (text === "") return row;
  const body = element("pre", "event-data", text);
  if (text.length > CHARACTERS_IN_SIGHT) {
    body.tabIndex = 0;
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", `Data of ${name}`);
  }
  row.append(body);
  return row;
};

export class Feed {
  #list;
  #total;
  #empty;
  #count = 0;
  #waiting = [];
  #scheduled = false;

  constructor({ list, total, empty }) {
    this.#list = list;
    this.#total = total;
    this.#empty = empty;
  }

  add({ name, text, room, attachments = 0, reply = false }) {
    this.#count += 1;
    this.#waiting.push({
      name: cut(String(name), 160),
      text: cut(text, CHARACTERS_SHOWN),
      room: room === undefined ? undefined : cut(String(room), 160),
      attachments,
      reply,
      at: new Date(),
    });
    // A background tab draws nothing for hours: what would be cut anyway is not kept.
    if (this.#waiting.length > ROWS_KEPT) this.#waiting.shift();
    this.#drawSoon();
  }

  clear() {
    this.#count = 0;
    this.#waiting = [];
    this.#list.replaceChildren();
    this.#drawSoon();
  }

  #drawSoon() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#scheduled = false;
    this.#list.prepend(...this.#waiting.reverse().map(eventRow));
    this.#waiting = [];
    while (this.#list.childElementCount > ROWS_KEPT) this.#list.lastElementChild.remove();
    this.#total.textContent = String(this.#count);
    this.#empty.hidden = this.#count > 0;
  }
}
