// Four clients of three libraries see one broadcast, and many, the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOM, gather } from "./transcript.mjs";

test("one broadcast is the same event with the same data to all four clients", async (t) => {
  const { server, clients } = await gather(t);
  const data = { metricType: "voice_call", calls: 150, cost: 45.5, note: "früh <b>\u2028", none: null, list: [[]] };

  assert.equal((await server.broadcast({ type: "metric_update", room: ROOM, data })).recipients_count, 4);

  for (const { name, next } of clients) {
    const seen = await next("metric_update");
    assert.deepEqual([seen.event, seen.data], ["metric_update", data], name);
  }
  assert.deepEqual(clients.map(({ transport }) => transport()), ["websocket", "polling", "websocket", "websocket"]);
});

/** Broadcasts of both forms and of all kinds: to the room, to everyone, small and large. */
const mixed = (n) =>
  [
    { type: "metric_update", room: ROOM, data: { n } },
    { event: "system:broadcast", data: { n, message: "all" } },
    { event: "training:update", target: { room: ROOM }, data: { n, pad: "p".repeat(n * 50) } },
    { type: "custom:note", data: { n, list: Array.from({ length: n % 7 }, () => ({ ü: "\u{1F600}" })) } },
  ][n % 4];

test("two hundred mixed broadcasts come in the same order to all four clients", async (t) => {
  const { server, clients } = await gather(t);
  const bodies = Array.from({ length: 200 }, (_, n) => mixed(n));

  for (const body of bodies) assert.equal((await server.broadcast(body)).recipients_count, 4);

  for (const { name, next } of clients) {
    for (const { type, event = type, data } of bodies) {
      const seen = await next(event);
      assert.deepEqual([seen.event, seen.data], [event, data], name);
    }
  }
});

test("broadcasts posted at once come in one order, whatever it is, to all four clients", async (t) => {
  const { server, clients } = await gather(t);
  const targets = [{ room: ROOM }, undefined];
  const post = (n) => {
    const data = { n, pad: "p".repeat((n * 37) % 5000) };
    return server.broadcast({ event: "training:update", data, target: targets[n % 2] });
  };

  for (let at = 0; at < 200; at += 20) await Promise.all(Array.from({ length: 20 }, (_, n) => post(at + n)));

  const orders = [];
  for (const { next } of clients) {
    const order = [];
    while (order.length < 200) order.push((await next("training:update")).data.n);
    orders.push(order);
  }
  for (const order of orders) assert.deepEqual(order, orders[0]);
  assert.equal(new Set(orders[0]).size, 200);
});
