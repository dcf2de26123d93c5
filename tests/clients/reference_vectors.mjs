// Writes what the reference parsers make of packets, for our codec to be compared with:
//
//   node tests/clients/reference_vectors.mjs
//
// writes tests/corpus/reference/engineio.jsonl and socketio.jsonl, one vector a line: what is on the
// wire, and what the reference hears. The first part of each was written by the reference's own
// encoder, the rest was damaged afterwards. The same seed writes the same files.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodePacket, decodePayload, encodePayload } from "engine.io-parser";
import { Decoder, Encoder, PacketType } from "socket.io-parser";
import { random, spelled } from "./random_values.mjs";

const FOLDER = join(import.meta.dirname, "../corpus/reference");

const { below, pick, times, bytes, value } = random(20_260_501);

/** One to three edits: characters less, tokens more, a character replaced. */
const damaged = (text, tokens) => {
  let chars = Array.from(text);
  for (let left = 1 + below(3); left > 0; left -= 1) {
    const at = below(Math.min(chars.length, 16) + 1);
    chars.splice(at, below(3), ...(below(3) > 0 ? [pick(tokens)] : []));
  }
  return chars.join("");
};

// ---------------------------------------------------------------- Engine.IO

const WORDS = ["", "probe", "2[\"e\"]", "é", "0{\"token\":\"t\"}", "😀"];
const engineioPacket = () =>
  below(4) === 0
    ? { type: "message", data: bytes() }
    : { type: pick(["open", "close", "ping", "pong", "message", "message", "upgrade", "noop"]), data: pick(WORDS) };

const heardPacket = ({ type, data }) =>
  Buffer.isBuffer(data) ? { type, base64: data.toString("base64") } : { type, text: data ?? "" };

const engineio = () => {
  let wire;
  encodePayload(times(1 + below(5), engineioPacket), (payload) => (wire = payload));
  return wire;
};
const ENGINEIO_TOKENS = ["\u001e", "\u001e\u001e", "0", "2", "4", "6", "7", "9", "b", "bAQI=", "bAQI", "x", " ", "é", "4é"];

const engineioVectors = [
  ...times(120, engineio),
  ...times(130, () => damaged(engineio(), ENGINEIO_TOKENS)),
].map((wire) => ({ wire, heard: decodePayload(wire, "nodebuffer").map(heardPacket) }));

// ---------------------------------------------------------------- Socket.IO

const NAMESPACES = ["/", "/", "/ws", "/events", "/a b", "/é", "/ws?x=1"];
const id = () => pick([undefined, undefined, 0, 7, 12, 999, 2 ** 31, 2 ** 53 - 1]);
const NAMES = ["e", "message", "error", "naïve", "__proto__", "constructor", "a\u001eb", "\"", 5, -0.5];

const socketioPacket = () => {
  const nsp = pick(NAMESPACES);
  const binary = below(2) === 0;
  switch (below(8)) {
    case 0:
      return { type: PacketType.CONNECT, nsp, data: pick([undefined, {}, { token: "t" }]) };
    case 1:
      return { type: PacketType.DISCONNECT, nsp };
    case 2:
      return { type: PacketType.ACK, nsp, id: id() ?? 1, data: times(below(3), () => value(2, binary)) };
    default:
      return { type: PacketType.EVENT, nsp, id: id(), data: [pick(NAMES), ...times(below(3), () => value(2, binary))] };
  }
};
const SOCKETIO_TOKENS = ["0", "1", "2", "3", "4", "5", "6", "51-", "52-", "11-", "-", "/", "/ws,", ",", "[", "]", "{", "}", "\"", "null", "connect", "7", "{\"_placeholder\":true,\"num\":1}", "\\", "é"];

/** What the decoder says after each of the messages; an error ends it. */
const heardFrames = (frames) => {
  const decoder = new Decoder();
  let heard = null;
  decoder.on("decoded", ({ type, nsp, id, data }) => (heard = { type, nsp, id, data: spelled(data) }));
  try {
    for (const frame of frames) decoder.add(frame);
  } catch (error) {
    return { refused: error.message };
  }
  return heard ?? { awaiting: true };
};

const socketio = () => new Encoder().encode(socketioPacket());
const socketioVectors = [
  ...times(150, socketio),
  ...times(250, () => {
    const [text, ...attachments] = socketio();
    return [damaged(text, SOCKETIO_TOKENS), ...attachments];
  }),
].map((frames) => ({
  frames: frames.map((frame) => (Buffer.isBuffer(frame) ? { base64: frame.toString("base64") } : frame)),
  heard: heardFrames(frames),
}));

// ---------------------------------------------------------------- files

if (decodePacket("4x", "nodebuffer").data !== "x") throw new Error("not the parser that was expected");
mkdirSync(FOLDER, { recursive: true });
for (const [name, vectors] of Object.entries({ engineio: engineioVectors, socketio: socketioVectors })) {
  writeFileSync(join(FOLDER, `${name}.jsonl`), vectors.map((vector) => `${JSON.stringify(vector)}\n`).join(""));
}
