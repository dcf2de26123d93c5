// One broadcast, four clients: node tests/clients/transcript.mjs
//
// Starts a server, brings socket.io-client by WebSocket and by polling, python-socketio and a plain
// WebSocket client into one room, POSTs one broadcast, and prints what each of them saw.

import { PythonPeer } from "./python_peer.mjs";
import { POLLING, SocketIo, WEBSOCKET } from "./socketio_support.mjs";
import { Client, Server } from "./support.mjs";

export const ROOM = "dashboard:overview";

/** Starts a server with the four in the room; each can take its `next(event)` in one shape. */
export const gather = async (scope) => {
  const server = await Server.start(scope);
  const websocket = await SocketIo.connect(scope, server, "ann", WEBSOCKET);
  const polling = await SocketIo.connect(scope, server, "bob", POLLING);
  const python = await PythonPeer.connect(scope, server, "cem");
  const plain = await Client.verified(scope, server, "dan");
  for (const client of [websocket, polling, python]) await client.join(ROOM);
  await plain.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
  const socketio = (name, client) => ({
    name,
    transport: () => client.transport,
    next: async (event) => ({ event, data: (await client.next(event)).data }),
  });
  let travelled;
  const clients = [
    socketio("socket.io-client", websocket),
    socketio("socket.io-client", polling),
    {
      name: "python-socketio",
      transport: () => travelled,
      next: async (event) => {
        const { data, transport } = await python.next(event);
        travelled = transport;
        return { event, data };
      },
    },
    {
      name: "ws (plain)",
      transport: () => "websocket",
      next: async (type) => {
        const { event, data, room, timestamp } = await plain.next(type);
        return { event, data, room, timestamp };
      },
    },
  ];
  return { server, clients };
};

const tell = async (scope) => {
  const { server, clients } = await gather(scope);
  const body = { type: "metric_update", room: ROOM, data: { metricType: "voice_call", calls: 150, cost: 45.5 } };
  console.log(`POST /api/ws/broadcast ${JSON.stringify(body)}`);
  const { recipients_count } = await server.broadcast(body);
  console.log(`recipients_count ${recipients_count}\n`);
  for (const { name, transport, next } of clients) {
    const seen = await next(body.type);
    console.log(`${name.padEnd(18)}${transport().padEnd(11)}${JSON.stringify(seen)}`);
  }
};

if (process.argv[1] === import.meta.filename) {
  const ends = [];
  try {
    await tell({ after: (end) => ends.push(end) });
  } finally {
    for (const end of ends) await end();
  }
}
