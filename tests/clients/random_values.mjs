// Values as applications send them, the same for the same seed.

/** mulberry32: small, and the same everywhere. */
const dice = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};

const TEXTS = ["", "a", "é", "日本語", "😀", 'a"b\\c/', "\n\t\u0000\u001e", "placeholder", "num", "__proto__x", "\u2028", "5"];

/** Makes a generator: `below`, `pick`, `times`, `bytes` and `value`. */
export const random = (seed) => {
  const roll = dice(seed);
  const below = (n) => Math.floor(roll() * n);
  const pick = (list) => list[below(list.length)];
  const times = (n, make) => Array.from({ length: n }, make);
  const bytes = () => Buffer.from(times(below(9), () => below(256)));
  /** Any JSON, so deep at most, with bytes in it if `binary`. */
  const value = (depth, binary) => {
    const nested = depth > 0 ? ["list", "map"] : [];
    switch (pick(["text", "text", "number", "literal", ...(binary ? ["bytes"] : []), ...nested])) {
      case "text":
        return pick(TEXTS);
      case "number":
        return pick([0, -1, 1.5, 1e21, 2 ** 31, -0.25, 123456789]);
      case "literal":
        return pick([null, true, false]);
      case "bytes":
        return bytes();
      case "list":
        return times(below(4), () => value(depth - 1, binary));
      default:
        return Object.fromEntries(times(below(4), () => [pick(TEXTS), value(depth - 1, binary)]));
    }
  };
  return { below, pick, times, bytes, value };
};

/** The value with its bytes as a plain client reads them (contract D-37). */
export const spelled = (value) => {
  if (Buffer.isBuffer(value)) return { type: "Buffer", base64: value.toString("base64") };
  if (Array.isArray(value)) return value.map(spelled);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spelled(inner)]));
};
