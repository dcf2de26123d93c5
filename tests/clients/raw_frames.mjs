// What a real client's connection carries: bytes counted at its socket, frames read beside the client.

import { createServer, connect as connectTcp } from "node:net";
import { within } from "./support.mjs";

/** The TCP socket under a client of support.mjs or socketio_support.mjs, whose transport is a WebSocket. */
export const rawSocket = (client) => webSocket(client)._socket;
/** The `ws` under it. */
export const webSocket = (client) => client.socket.io?.engine.transport.ws ?? client.socket;

/** How many bytes came in while `work` was done, and what it gave. */
export const counting = async (client, work) => {
  const raw = rawSocket(client);
  const before = raw.bytesRead;
  const given = await work();
  return [raw.bytesRead - before, given];
};

/** Reads the heads of all frames that come from now on, which must be between two of them. */
export class Frames {
  constructor(client) {
    this.seen = [];
    this.rest = Buffer.alloc(0);
    rawSocket(client).prependListener("data", (chunk) => this.#take(chunk));
  }

  #take(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      const [first, second] = this.rest;
      let [at, length] = [2, second & 0x7f];
      if (this.rest.length >= 4 && length === 126) [at, length] = [4, this.rest.readUInt16BE(2)];
      else if (this.rest.length >= 10 && length === 127) [at, length] = [10, Number(this.rest.readBigUInt64BE(2))];
      else if (this.rest.length < 2 || length > 125) return;
      if (this.rest.length < at + length) return;
      const [fin, rsv1, opcode] = [first >= 0x80, (first & 0x40) !== 0, first & 0x0f];
      this.seen.push({ fin, rsv1, opcode, length });
      this.rest = this.rest.subarray(at + length);
    }
  }

  /** The texts and bytes so far, without pings and pongs of WebSocket and Engine.IO; forgets them. */
  take() {
    return this.seen.splice(0).filter(({ opcode, length }) => opcode < 8 && length > 1);
  }
}

/** A door to `server` that counts what goes through it, for clients whose sockets cannot be seen. */
export class Proxy {
  static async start(t, server) {
    const proxy = new Proxy();
    Object.assign(proxy, { toClient: 0, toServer: 0 });
    const sockets = new Set();
    const listener = createServer((client) => {
      const upstream = connectTcp(server.port, "127.0.0.1");
      for (const one of [client, upstream]) {
        sockets.add(one);
        one.setNoDelay(true);
        one.on("error", () => {}); // its end is told by `close`
      }
      upstream.on("data", (chunk) => (proxy.toClient += chunk.length));
      client.on("data", (chunk) => (proxy.toServer += chunk.length));
      client.pipe(upstream).pipe(client);
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
    });
    t.after(() => {
      for (const one of sockets) one.destroy();
      listener.close();
    });
    const listening = new Promise((settle) => listener.listen(0, "127.0.0.1", settle));
    await within(listening, () => "no port for a proxy");
    proxy.url = `http://127.0.0.1:${listener.address().port}`;
    return proxy;
  }
}
