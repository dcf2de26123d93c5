// What no client should send: broken JSON, broken UTF-8, binary, oversize (S-52 plain, S-53, S-51 plain).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, Server } from "./support.mjs";

const nested = (levels) => "[".repeat(levels) + "]".repeat(levels);

const MALFORMED = [
  "{",
  "[]",
  "42",
  '"x"',
  "null",
  "",
  " ",
  "{}",
  '{"type":5}',
  '{"type":null}',
  '{"type":""}',
  '{"event":"a","type":"b"}',
  '{"event":"join","type":"ping"}',
  '{"type":"ping","payload":{}} {}',
  '{"type":"ping","payload":{},}',
  "{'type':'ping'}",
  '{"type":"ping","payload":"\\ud800',
  '{"type":"__proto__","payload":{}}',
  '{"type":"constructor"}',
  '{"type":"join"}',
  '{"type":"join","payload":{}}',
  '{"type":"join","payload":{"room":42}}',
  '{"type":"join","payload":{"room":""}}',
  nested(10_000),
  "[".repeat(10_000),
  `{"type":"ping","payload":${nested(10_000)}}`,
  '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000),
];

test("every malformed text is INVALID_MESSAGE and the socket stays open", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  for (const text of MALFORMED) {
    const name = text.length > 60 ? `${text.slice(0, 40)}… (${text.length} bytes)` : text || "(empty)";
    await t.test(name, async () => {
      client.send(text);
      await client.nextError("INVALID_MESSAGE");
      await client.expectAlive();
    });
  }
});

const INVALID_UTF8 = [
  ["a lone continuation byte", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a character cut short", [0xe2, 0x82]],
];

const asPing = (bytes) =>
  Buffer.concat([Buffer.from('{"type":"ping","id":"'), Buffer.from(bytes), Buffer.from('"}')]);

for (const [flaw, bytes] of INVALID_UTF8) {
  test(`text with ${flaw} closes that connection with 1007, and no other`, async (t) => {
    const server = await Server.start(t);
    const offender = await Client.connect(t, server);
    const bystander = await Client.connect(t, server);

    offender.socket.send(asPing(bytes), { binary: false });

    assert.equal((await offender.closed()).code, 1007);
    assert.equal(offender.arrived.length, 0, "nothing was answered");
    await bystander.expectAlive();
  });
}

test("a character split between two fragments is whole again", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);
  const bytes = Buffer.from('{"type":"ping","id":"€"}');
  const cut = bytes.indexOf(0x82);

  client.socket.send(bytes.subarray(0, cut), { binary: false, fin: false });
  client.socket.send(bytes.subarray(cut), { binary: false, fin: true });

  assert.equal((await client.next("pong")).id, "€");
});

test("a binary frame that holds JSON is read as text", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  client.socket.send(Buffer.from('{"type":"ping","id":"b-1"}'), { binary: true });

  assert.equal((await client.next("pong")).id, "b-1");
});

/** Bytes that look random and are the same in every run. */
const noise = (length) => {
  let state = 0x2545f491;
  return Buffer.from(Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  }));
};

test("a binary frame that holds anything else is INVALID_MESSAGE and the socket stays open", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);

  const broken = [Buffer.alloc(0), Buffer.from("{"), Buffer.from([0xff, 0xfe])];
  for (const bytes of [noise(1), noise(64), noise(70_000), ...broken]) {
    client.socket.send(bytes, { binary: true });
    await client.nextError("INVALID_MESSAGE");
  }

  await client.expectAlive();
});

const padded = (bytes) => JSON.stringify({ type: "ping", payload: { pad: "x".repeat(bytes) } });

test("a message of 1,000,000 bytes passes, whole and in fragments", async (t) => {
  const server = await Server.start(t);
  const client = await Client.connect(t, server);
  const text = padded(1_000_000 - padded(0).length);
  assert.equal(text.length, 1_000_000);

  await client.ask(text, "pong");
  for (let at = 0; at < text.length; at += 100_000) {
    client.socket.send(text.slice(at, at + 100_000), { fin: at + 100_000 >= text.length });
  }

  await client.next("pong");
});

const LIMITS = { MAX_MESSAGE_SIZE_BYTES: "10000", HARD_MAX_MESSAGE_BYTES: "20000" };

test("a message over the soft limit is MESSAGE_TOO_LARGE and the socket stays open", async (t) => {
  const server = await Server.start(t, LIMITS);
  const client = await Client.connect(t, server);

  client.send(padded(12_000));

  await client.nextError("MESSAGE_TOO_LARGE");
  await client.expectAlive();
});

test("a message over the hard limit closes the connection with 1009", async (t) => {
  const server = await Server.start(t, LIMITS);
  const client = await Client.connect(t, server);
  const bystander = await Client.connect(t, server);

  client.send(padded(30_000));

  assert.equal((await client.closed()).code, 1009);
  await bystander.expectAlive();
});

test("small fragments that add up to more than the hard limit close with 1009 too", async (t) => {
  const server = await Server.start(t, LIMITS);
  const client = await Client.connect(t, server);

  for (let sent = 0; sent < 30; sent += 1) client.socket.send("x".repeat(1000), { fin: false });

  assert.equal((await client.closed()).code, 1009);
});
