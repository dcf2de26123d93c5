// What the server writes, read by the reference's parsers alone: no client, only their decoders.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { decodePacket, decodePayload, encodePacket } from "engine.io-parser";
import { Decoder, Encoder, PacketType } from "socket.io-parser";
import WebSocket from "ws";
import { random, spelled } from "./random_values.mjs";
import { update } from "./socketio_support.mjs";
import { Client, Server, sign, within } from "./support.mjs";

const ROOM = "blueprint-1";
const ROUNDS = 60;
const ENGINE = "/socket.io/?EIO=4&transport=";

/** What both transports share: packets in, through the reference's decoder, one by one. */
class Peer {
  constructor(server) {
    this.server = server;
    this.heard = [];
    this.wake = () => {};
    this.decoder = new Decoder();
    this.decoder.on("decoded", (packet) => {
      this.heard.push(packet);
      this.wake();
    });
  }

  /** Hears one packet of Engine.IO; a ping is answered. */
  hear({ type, data }) {
    if (type === "ping") return this.write({ type: "pong" });
    assert.equal(type, "message", `${type} ${data}`);
    return this.decoder.add(data);
  }

  async say(packet) {
    for (const data of new Encoder().encode(packet)) await this.write({ type: "message", data });
  }

  async next(type) {
    while (this.heard.length === 0) await this.more();
    const packet = this.heard.shift();
    assert.equal(packet.type, type, JSON.stringify(packet));
    return packet;
  }

  /** Connects to the root namespace and joins the room. */
  async enter() {
    await this.say({ type: PacketType.CONNECT, nsp: "/", data: { token: sign({ sub: "ann" }) } });
    const connected = await this.next(PacketType.CONNECT);
    assert.deepEqual(Object.keys(connected.data), ["sid"]);
    assert.equal((await this.next(PacketType.EVENT)).data[0], "connection_established");
    await this.say({ type: PacketType.EVENT, nsp: "/", id: 7, data: ["join", { room: ROOM }] });
    assert.equal((await this.next(PacketType.EVENT)).data[0], "room_joined");
    assert.equal((await this.next(PacketType.ACK)).id, 7);
  }
}

class OverWebSocket extends Peer {
  static async open(t, server) {
    const peer = new OverWebSocket(server);
    peer.socket = new WebSocket(server.url.replace("http", "ws") + ENGINE + "websocket");
    t.after(() => peer.socket.terminate());
    const first = once(peer.socket, "message");
    const [open] = await within(first, () => `no open packet${server.printed()}`);
    assert.equal(decodePacket(open.toString(), "nodebuffer").type, "open");
    peer.socket.on("message", (data, isBinary) => {
      peer.hear(decodePacket(isBinary ? data : data.toString(), "nodebuffer"));
    });
    return peer;
  }

  write(packet) {
    encodePacket(packet, true, (encoded) => this.socket.send(encoded));
  }

  more() {
    const woken = new Promise((settle) => (this.wake = settle));
    return within(woken, () => `nothing more${this.server.printed()}`);
  }
}

class OverPolling extends Peer {
  static async open(_, server) {
    const peer = new OverPolling(server);
    peer.path = server.url + ENGINE + "polling";
    const [open] = await peer.poll();
    assert.equal(open.type, "open");
    peer.path += `&sid=${JSON.parse(open.data).sid}`;
    return peer;
  }

  async poll() {
    const reply = await within(fetch(this.path), () => `no answer to a poll${this.server.printed()}`);
    assert.equal(reply.status, 200);
    return decodePayload(await reply.text(), "nodebuffer");
  }

  async write(packet) {
    const body = await new Promise((settle) => encodePacket(packet, false, settle));
    const reply = await fetch(this.path, { method: "POST", body });
    assert.equal(await reply.text(), "ok");
  }

  async more() {
    for (const packet of await this.poll()) await this.hear(packet);
  }
}

for (const [label, Transport, seed] of [["a WebSocket", OverWebSocket, 1], ["polls", OverPolling, 2]]) {
  test(`the reference's parsers read what goes out over ${label}`, async (t) => {
    const server = await Server.start(t);
    const peer = await Transport.open(t, server);
    await peer.enter();
    const from = await Client.verified(t, server, "bob");
    await from.ask({ type: "join", payload: { room: ROOM } }, "room_joined");
    const { value } = random(seed);

    for (let round = 0; round < ROUNDS; round += 1) {
      const content = { round, value: value(3, true) };
      await from.ask(
        { type: "blueprint_update", payload: update(ROOM, spelled(content)) },
        "blueprint_update:ack",
      );
      const { nsp, data } = await peer.next(PacketType.EVENT);
      assert.deepEqual([nsp, data[0], data.length], ["/", "blueprint_update", 2]);
      assert.deepEqual(data[1].changes.content, content);
    }
  });
}
