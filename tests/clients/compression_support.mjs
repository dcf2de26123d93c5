// Clients that negotiate compression and clients that do not, in one room, and what they are sent.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { webSocket } from "./raw_frames.mjs";
import { Client, bearer } from "./support.mjs";
import { PLACES, SocketIo, WEBSOCKET } from "./socketio_support.mjs";

export const ROOM = "public:dashboard";
export const OFFERED = "permessage-deflate";
/** For a client that offers nothing. */
export const NOTHING = { perMessageDeflate: false };
/** From the first byte on, as well as the server may. */
export const ALL = { perMessageDeflate: { threshold: 0 } };

/** A little more than 50 KB of JSON that says much the same again and again. */
export const FIFTY = {
  rows: Array.from({ length: 510 }, (_, n) => {
    return { id: `row-${n}`, queue: "support", waiting: n % 7, state: "within_target", at: "2026-11-20T09:00:00Z" };
  }),
  note: "größer als ein Fenster: 𝄞",
};
export const SIZE = Buffer.byteLength(JSON.stringify(FIFTY));
assert.ok(SIZE > 50_000 && SIZE < 52_000, `${SIZE}`);

/** Plain clients in the room, one for each of the options of `ws`. */
export const plainClients = (t, server, ...options) => {
  return Promise.all(
    options.map(async (own) => {
      const client = await Client.connect(t, server, { headers: bearer({ sub: "ann" }), options: own });
      await client.next("auth:success");
      await client.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
      return client;
    }),
  );
};

/** A Socket.IO client in the room, on a WebSocket. */
export const socketIoClient = async (t, server, options = {}, place = PLACES[0]) => {
  const { namespace, path } = place;
  const transport = options.transports ? {} : WEBSOCKET;
  const client = await SocketIo.connect(t, server, "bob", { namespace, path, ...transport, ...options });
  await client.upgraded();
  await client.join(ROOM);
  return client;
};

/** The name of what was negotiated, if anything was, and its parameters. */
export const extensions = (client) => webSocket(client).extensions;
export const parameters = (client) => webSocket(client)._extensions[OFFERED].params;

export const broadcast = (server, data, { room = ROOM } = {}) => server.broadcast({ type: "custom:n", room, data });
export const next = async (client) => (await client.next("custom:n")).data;

/** An event that is a packet of `size` bytes to Socket.IO clients on `/`. */
export const sized = (size) => "x".repeat(size - '42["custom:n",""]'.length);

/** Repeats itself at distances that no window but the largest covers, and that every window covers. */
export const FAR = (() => {
  const block = randomBytes(12_000).toString("base64");
  return { near: "abcdefgh".repeat(300), once: block, twice: block };
})();
