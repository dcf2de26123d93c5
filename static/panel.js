// One profile's part of the page: its socket, who that is, its rooms and what it received.

import { element, say } from "./dom.js";
import { Feed } from "./feed.js";

export class Panel {
  #profile;
  #credentials;
  #onState;
  #client;
  #feed;
  #parts = {};
  #state = "closed";
  /**
   * What the user asked for, told to the server again after a reconnect: a request by its text. What is
   * refused goes, so the server's bound of rooms is its bound.
   */
  #wanted = new Map();

  /** `credentials()` reads the form; `onState()` is told of every change of `state` and `socketId`. */
  constructor(profile, credentials, onState) {
    this.#profile = profile;
    this.#credentials = credentials;
    this.#onState = onState;
    this.#build();
    this.#feed = new Feed(this.#parts);
    this.#client = profile.client(credentials, {
      state: (state, detail) => this.#show(state, detail),
      entered: () => this.#enter(),
      row: (row) => this.#feed.add(row),
    });
    this.#show("closed", "");
  }

  get name() {
    return this.#profile.name;
  }

  get isConnected() {
    return this.#state === "connected";
  }

  /** Connected, or about to be; not while it waits for its next try. */
  get isUp() {
    return this.#state === "connected" || this.#state === "connecting";
  }

  get socketId() {
    return this.#parts.id.textContent;
  }

  connect() {
    this.#client.connect();
  }

  disconnect() {
    this.#client.disconnect();
  }

  #build() {
    const { name, title, way, join } = this.#profile;
    const section = document.getElementById(`panel-${name}`);
    section.append(document.getElementById("panel-template").content.cloneNode(true));
    for (const part of section.querySelectorAll("[data-part]")) this.#parts[part.dataset.part] = part;
    const { heading, list, button, clear, rooms } = this.#parts;
    heading.textContent = title;
    heading.id = `heading-${name}`;
    section.setAttribute("aria-labelledby", heading.id);
    this.#parts.way.textContent = way;
    list.setAttribute("aria-label", `Received by ${name}, newest first`);
    rooms.setAttribute("aria-label", `Rooms of ${name}`);
    clear.setAttribute("aria-label", `Clear what ${name} received`);
    clear.addEventListener("click", () => this.#feed.clear());
    button.addEventListener("click", () => (this.isUp ? this.disconnect() : this.connect()));
    if (join) this.#buildRooms();
    if (name === "intraday") this.#buildChannels();
  }

  #controls(template, onSubmit) {
    this.#parts.controls.append(document.getElementById(template).content.cloneNode(true));
    const form = this.#parts.controls.querySelector("form");
    form.addEventListener("submit", (submit) => {
      submit.preventDefault();
      onSubmit(submit.submitter?.value);
    });
    return form;
  }

  #buildRooms() {
    const { name, join, leave } = this.#profile;
    const form = this.#controls("room-template", (verb) => {
      const room = form.elements.room.value.trim();
      if (verb === "leave") this.#unwanted(leave(room), join(room));
      else this.#want(join(room));
    });
    form.elements.room.setAttribute("aria-label", `Room for ${name}`);
  }

  #buildChannels() {
    const form = this.#controls("channels-template", (verb) => {
      if (verb === "leave") this.#unwanted(["unsubscribe", {}]);
      else this.#want(subscription(form));
    });
    this.#keep(subscription(form));
  }

  #show(state, detail) {
    const { pill, button } = this.#parts;
    this.#state = state;
    pill.dataset.state = state;
    if (pill.textContent !== state) pill.textContent = state;
    this.#parts.detail.textContent = detail;
    const verb = this.isUp ? "Disconnect" : "Connect";
    button.textContent = verb;
    button.setAttribute("aria-label", `${verb} ${this.name}`);
    if (state !== "connected") {
      this.#describe({});
      say(this.#parts.note, "", "");
    }
    this.#onState();
  }

  /** What the server lets this socket know of itself. */
  #describe({ socket_id, user_id, organization_id, tenant_id, rooms = [] }) {
    const who = [tenant_id && `tenant ${tenant_id}`, user_id, organization_id].filter(Boolean).join(" · ");
    this.#parts.who.textContent = socket_id ? who || "anonymous" : "–";
    this.#parts.id.textContent = socket_id ?? "–";
    const names = rooms.filter((room) => room !== socket_id).sort();
    this.#parts.rooms.replaceChildren(...names.map((name) => element("li", "chip", name)));
    this.#parts.none.hidden = names.length > 0;
    this.#onState();
  }

  async #enter() {
    try {
      const answer = await this.#profile.enter?.(this.#client, this.#credentials());
      if (answer?.success === false) return this.#refused(answer);
      for (const request of [...this.#wanted.values()]) {
        if ((await this.#request(request)) === undefined) return;
      }
    } catch (fault) {
      say(this.#parts.note, "bad", `Not asked: ${fault.message}`);
    } finally {
      await this.#refresh();
    }
  }

  async #refresh() {
    const answer = await this.#client.ask("debug:rooms", {});
    if (answer?.socket_id !== undefined && this.isConnected) this.#describe(answer);
  }

  #keep(request) {
    this.#wanted.set(JSON.stringify(request), request);
  }

  async #want(request) {
    this.#keep(request);
    await this.#request(request);
    await this.#refresh();
  }

  /** Asks for an end: of one wanted request, or of all. */
  async #unwanted(request, ended) {
    if (ended) this.#wanted.delete(JSON.stringify(ended));
    else this.#wanted.clear();
    await this.#request(request);
    await this.#refresh();
  }

  async #request([name, payload]) {
    say(this.#parts.note, "", "Waiting for the server…");
    const answer = await this.#client.ask(name, payload);
    if (answer === undefined) {
      say(this.#parts.note, "bad", "Not connected.");
    } else if (answer?.success === false) {
      this.#wanted.delete(JSON.stringify([name, payload]));
      this.#refused(answer);
    } else {
      say(this.#parts.note, "good", `${name}: done.`);
    }
    return answer;
  }

  #refused({ code, message }) {
    say(this.#parts.note, "bad", `${code}: ${message}`);
  }
}

/** The channels form as guide 004's request. */
const subscription = (form) => {
  const channels = [...form.elements.channel].filter((box) => box.checked).map((box) => box.value);
  const [department, queue] = ["department", "queue"].map((field) => form.elements[field].value.trim());
  return [
    "subscribe",
    { channels, ...(department && { department_id: department }), ...(queue && { queue_name: queue }) },
  ];
};
