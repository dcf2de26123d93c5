// The peer of the bench's part `deflate`: `ws` on Node.js with permessage-deflate from 1 KiB on and its own defaults.
//
//   node ws_peer.mjs DIRECTORY_OF_WS
//
// Every WebSocket is in the one room. The body of a POST goes to all of them as it came, one `send` each, as any
// program with `ws` does it; the answer counts them. Ends when its standard input does.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const { WebSocketServer } = createRequire(import.meta.url)(process.argv[2]);

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const text = Buffer.concat(parts).toString("utf8");
    for (const client of sockets.clients) client.send(text);
    const answer = JSON.stringify({ success: true, recipients_count: sockets.clients.size });
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(answer) });
    response.end(answer);
  });
});
// While others are measured the publisher asks nothing.
server.keepAliveTimeout = 0;
const sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 1024 } });

server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
process.stdin.on("end", () => process.exit(0)).resume();
