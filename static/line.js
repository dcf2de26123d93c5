// A WebSocket to this server that is opened again, ever more slowly, until it is closed by hand.

const RETRY_SECONDS = [1, 2, 4, 8, 16, 30];

/**
 * Tells its owner, by `on`:
 * - `opening()`: a connection is being made;
 * - `opened()`: the WebSocket is open;
 * - `received(data)`: one message, a string or an ArrayBuffer;
 * - `lost(code, why)`: it ended and nobody here asked for it; true if it shall be opened again;
 * - `waiting(seconds)`: the seconds until it is.
 */
export class Line {
  #path;
  #on;
  #socket = null;
  #failures = 0;
  #timer = 0;

  constructor(path, on) {
    this.#path = path;
    this.#on = on;
  }

  open() {
    this.close();
    this.#on.opening();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.#path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#on.opened();
    socket.onmessage = ({ data }) => this.#on.received(data);
    socket.onclose = ({ code }) => this.drop(code);
    this.#socket = socket;
  }

  /**
   * The server has let this client in: the next trouble starts with a short wait again. Not when the
   * WebSocket opens, or a server that accepts and drops at once would be asked every second.
   */
  settle() {
    this.#failures = 0;
  }

  /** False if there is no connection to send by. */
  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Ends the connection for good, as the user or the server asked. */
  close() {
    clearInterval(this.#timer);
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(1000);
  }

  /** Ends the connection as a failure: it is opened again after a while if the owner wants it. */
  drop(code, why) {
    this.close();
    if (!this.#on.lost(code, why)) return;
    const wait = RETRY_SECONDS[Math.min(this.#failures, RETRY_SECONDS.length - 1)];
    this.#failures += 1;
    const end = Date.now() + wait * 1000;
    const count = () => {
      const seconds = Math.ceil((end - Date.now()) / 1000);
      if (seconds > 0) return this.#on.waiting(seconds);
      this.open();
    };
    this.#timer = setInterval(count, 250);
    count();
  }
}

/** What close codes mean here (README, "Close codes"). */
const CLOSE_WORDS = {
  1000: "normal close",
  1001: "going away",
  1006: "connection lost",
  1007: "invalid text",
  1009: "message too large",
  1012: "server restart",
  1013: "too slow",
  4401: "credentials",
  4403: "removed by an administrator",
  4429: "too many messages",
};

export const closeWords = (code) => `code ${code}${CLOSE_WORDS[code] ? ` (${CLOSE_WORDS[code]})` : ""}`;
