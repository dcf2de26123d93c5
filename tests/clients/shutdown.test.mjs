// A graceful stop as clients see it: told first, then closed with 1012 (contract X-30, S-63 plain).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Server } from "./support.mjs";

test("on SIGTERM every client is told, then closed with 1012, and the exit code is 0", async (t) => {
  const server = await Server.start(t);
  const clients = [];
  for (let n = 0; n < 5; n += 1) {
    clients.push(await Client.connect(t, server), await Client.verified(t, server, `user-${n}`));
  }

  const exit = server.stop();

  for (const client of clients) {
    await client.next("system:maintenance");
    assert.equal((await client.closed()).code, 1012);
    assert.equal(client.arrived.length, 0, "nothing follows the notice");
  }
  assert.equal(await exit, 0, server.printed());
});

test("a server without clients stops with exit code 0", async (t) => {
  const server = await Server.start(t);

  assert.equal(await server.stop(), 0, server.printed());
});

test("what was broadcast before SIGTERM still arrives before the notice", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  for (let n = 0; n < 200; n += 1) await server.broadcast({ type: "training:update", data: { n } });
  const exit = server.stop();

  for (let n = 0; n < 200; n += 1) assert.equal((await client.next("training:update")).data.n, n);
  await client.next("system:maintenance");
  assert.equal((await client.closed()).code, 1012);
  assert.equal(await exit, 0, server.printed());
});
