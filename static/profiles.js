// The five ways to connect, as a table (the README's "Connect with Socket.IO").

import { Plain } from "./plain.js";
import { SocketIo } from "./socketio.js";
import { sign } from "./token.js";

/** The token that was pasted, or one signed for the user. */
const token = async ({ pasted, user, organization, secret }) =>
  pasted || sign({ sub: user, ...(organization && { org: organization }) }, secret);

const withToken = async (credentials) => ({ token: await token(credentials) });

/**
 * - `client(show, on)`: the socket; `show()` reads the credentials at the moment they are needed;
 * - `enter(client, credentials)`: what it must say once it is let in; returns the answer;
 * - `join`, `leave`: the guide's own requests for a room, if its clients ask for rooms by name.
 */
export const PROFILES = [
  {
    name: "flow",
    title: "Flow",
    way: "Socket.IO /events · tenant key",
    client: (show, on) => {
      const auth = async () => ({ tenantKey: show().tenantKey });
      return new SocketIo({ path: "/socket.io/", namespace: "/events", auth, on });
    },
  },
  {
    name: "project",
    title: "Project",
    way: "Socket.IO /ws · JWT",
    client: (show, on) =>
      new SocketIo({ path: "/socket.io/", namespace: "/ws", auth: () => withToken(show()), on }),
    join: (room) => ["subscribe", { room }],
    leave: (room) => ["unsubscribe", { room }],
  },
  {
    name: "collab",
    title: "Collab",
    way: "Socket.IO / · JWT",
    client: (show, on) =>
      new SocketIo({ path: "/socket.io/", namespace: "/", auth: () => withToken(show()), on }),
    join: (room) => ["join_room", { roomId: room }],
    leave: (room) => ["leave_room", { roomId: room }],
  },
  {
    name: "intraday",
    title: "Intraday",
    way: "Socket.IO path /ws/ · ids, or a pasted JWT",
    client: (show, on) => new SocketIo({ path: "/ws/", namespace: "/", auth: async () => ({}), on }),
    enter: (client, { user, organization, pasted }) =>
      client.ask("authenticate", pasted ? { token: pasted } : { user_id: user, organization_id: organization }),
  },
  {
    name: "plain",
    title: "Plain",
    way: "WebSocket /ws · JWT in an auth message",
    client: (_, on) => new Plain({ path: "/ws", on }),
    enter: async (client, credentials) => client.ask("auth", await withToken(credentials)),
    join: (room) => ["join", { room }],
    leave: (room) => ["leave", { room }],
  },
];
