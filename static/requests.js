// Requests that wait for their answer, by number.

/** Bounded by the connection: whatever still waits when it ends is answered with `undefined`. */
export class Requests {
  #waiting = new Map();
  #last = 0;

  /** A new number, and the promise of its answer. */
  begin(name) {
    const id = (this.#last += 1);
    const answer = new Promise((settle) => this.#waiting.set(id, { name, settle }));
    return { id, answer };
  }

  /** Hands over an answer; returns the name of what was asked, or undefined if nobody asked. */
  settle(id, data) {
    const request = this.#waiting.get(id);
    this.#waiting.delete(id);
    request?.settle(data);
    return request?.name;
  }

  end() {
    for (const { settle } of this.#waiting.values()) settle(undefined);
    this.#waiting.clear();
  }
}
