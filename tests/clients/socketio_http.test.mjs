// Engine.IO as HTTP sees it: refusals, CORS and compression (S-15, S-66, protocol.md 1.2, 1.9, 1.10).

import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Server, sign, within } from "./support.mjs";
import {
  DEFAULT, POLLING, SocketIo, TRANSPORTS, WEBSOCKET, authOf, expectConnections,
} from "./socketio_support.mjs";

/** One HTTP exchange in full: `{status, headers, bytes, text}`. */
const exchange = (server, method, path, { headers = {}, body } = {}) => {
  const answer = new Promise((settle, reject) => {
    const outward = request(server.url + path, { method, headers, agent: false }, (reply) => {
      const chunks = [];
      reply.on("data", (chunk) => chunks.push(chunk));
      reply.on("end", () => {
        const bytes = Buffer.concat(chunks);
        settle({ status: reply.statusCode, headers: reply.headers, bytes, text: bytes.toString() });
      });
    });
    outward.on("error", reject);
    outward.end(body);
  });
  return within(answer, () => `${method} ${path} was not answered${server.printed()}`);
};

const ENGINE = ["/socket.io/", "/socket.io", "/ws/", "/ws"];

/** A polling session by hand. */
class Polls {
  static async open(server, { engine = "/socket.io/", headers = {} } = {}) {
    const polls = new Polls();
    Object.assign(polls, { server, headers });
    const path = `${engine}?EIO=4&transport=polling`;
    polls.handshake = await exchange(server, "GET", path, { headers });
    const { sid } = JSON.parse(polls.handshake.text.slice(1));
    polls.path = `${path}&sid=${sid}`;
    return polls;
  }

  get = (headers = {}) => exchange(this.server, "GET", this.path, { headers: { ...this.headers, ...headers } });
  post = (body, headers = {}) =>
    exchange(this.server, "POST", this.path, { headers: { ...this.headers, ...headers }, body });

  /** Connects to the root namespace and takes the welcome. */
  async connect() {
    assert.equal((await this.post(`40{"token":"${sign({ sub: "ann" })}"}`)).text, "ok");
    assert.match((await this.get()).text, /^40\{"sid":"[^"]+"\}\x1e42\["connection_established",/);
  }
}

test("a handshake has exactly the five keys, in the reference's order and the server's values", async (t) => {
  const server = await Server.start(t, { PING_INTERVAL_MS: "1234", PING_TIMEOUT_MS: "5678" });

  for (const engine of ENGINE) {
    const { status, headers, text } = (await Polls.open(server, { engine })).handshake;
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "text/plain; charset=UTF-8");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["set-cookie"], undefined);
    assert.match(
      text,
      /^0\{"sid":"[\w-]{20,}","upgrades":\["websocket"\],"pingInterval":1234,"pingTimeout":5678,"maxPayload":1000000\}$/,
    );
  }
});

/** What is refused, with the reference's code and words. */
const REFUSED = [
  ["GET", "EIO=3&transport=polling", 5, "Unsupported protocol version"],
  ["GET", "EIO=5&transport=polling", 5, "Unsupported protocol version"],
  ["GET", "EIO=4", 0, "Transport unknown"],
  ["GET", "EIO=4&transport=webtransport", 0, "Transport unknown"],
  ["GET", "EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown"],
  ["POST", "EIO=4&transport=polling&sid=nobody", 1, "Session ID unknown"],
  ["POST", "EIO=4&transport=polling", 2, "Bad handshake method"],
  ["GET", "EIO=4&transport=websocket", 3, "Bad request"],
];

test("what is no handshake is refused with 400 and the code and words of the protocol", async (t) => {
  const server = await Server.start(t);

  for (const engine of ENGINE) {
    for (const [method, query, code, message] of REFUSED) {
      const { status, headers, text } = await exchange(server, method, `${engine}?${query}`);
      assert.equal(status, 400, query);
      assert.match(headers["content-type"], /^application\/json/);
      assert.deepEqual(JSON.parse(text), { code, message }, query);
    }
  }
  await expectConnections(server, 0);
});

test("a session is known on the path that issued it only", async (t) => {
  const server = await Server.start(t);
  const polls = await Polls.open(server);

  const foreign = await exchange(server, "GET", polls.path.replace("/socket.io/", "/ws/"));

  assert.equal(JSON.parse(foreign.text).code, 1);
  await polls.connect();
});

test("after the upgrade, requests that still poll are refused and harm nothing", async (t) => {
  const server = await Server.start(t);
  const client = await SocketIo.connect(t, server, "ann", DEFAULT);
  await client.upgraded();
  await client.expectAlive(); // so the server knows of the upgrade, too
  const path = `/socket.io/?EIO=4&transport=polling&sid=${client.socket.io.engine.id}`;

  for (const method of ["GET", "POST"]) {
    const { status, text } = await exchange(server, method, path, method === "POST" ? { body: "42[]" } : {});
    assert.equal(status, 400);
    assert.equal(JSON.parse(text).code, 3);
  }

  await client.expectAlive();
});

const FRIEND = "http://app.example";
const FOE = "http://evil.example";
const CORS = { CORS_ORIGINS: `http://localhost:3000,${FRIEND}` };

const assertOpenTo = ({ headers }, origin) => {
  assert.equal(headers["access-control-allow-origin"], origin);
  assert.equal(headers["access-control-allow-credentials"], "true");
  assert.match(headers.vary ?? "", /origin/i);
};

test("a preflight from a listed page is answered with what it asked for, another's is not", async (t) => {
  const server = await Server.start(t, CORS);
  const asked = "content-type,authorization,x-tenant-key,x-auth-token,x-admin-key";
  const preflight = (engine, origin, method) => {
    const headers = { Origin: origin, "Access-Control-Request-Method": method };
    headers["Access-Control-Request-Headers"] = asked;
    return exchange(server, "OPTIONS", `${engine}?EIO=4&transport=polling&sid=nobody`, { headers });
  };

  for (const engine of ENGINE) {
    for (const method of ["GET", "POST"]) {
      const allowed = await preflight(engine, FRIEND, method);
      assert.ok([200, 204].includes(allowed.status), `status ${allowed.status}`);
      assertOpenTo(allowed, FRIEND);
      const methods = allowed.headers["access-control-allow-methods"].split(/, ?/);
      assert.ok(methods.includes(method), methods.join());
      const names = allowed.headers["access-control-allow-headers"].toLowerCase().split(/, ?/);
      for (const name of asked.split(",")) assert.ok(names.includes(name), `${name} is not in ${names}`);

      const refused = await preflight(engine, FOE, method);
      assert.equal(refused.headers["access-control-allow-origin"], undefined);
    }
  }
});

test("a listed page may read every answer of its polls, errors too", async (t) => {
  const server = await Server.start(t, CORS);

  for (const origin of ["http://localhost:3000", FRIEND, server.url]) {
    const polls = await Polls.open(server, { headers: { Origin: origin } });
    assertOpenTo(polls.handshake, origin);
    assertOpenTo(await polls.post(`40{"token":"${sign({ sub: "ann" })}"}`), origin);
    const poll = await polls.get();
    assertOpenTo(poll, origin);
    assert.match(poll.text, /^40\{/);
    const headers = { Origin: origin };
    const error = await exchange(server, "GET", "/socket.io/?EIO=3&transport=polling", { headers });
    assert.equal(error.status, 400);
    assertOpenTo(error, origin);
  }
});

test("another page is refused with 403 and code 4 on every transport", async (t) => {
  const server = await Server.start(t, CORS);
  const friendly = await Polls.open(server, { headers: { Origin: FRIEND } });

  for (const engine of ENGINE) {
    const { status, headers, text } = await exchange(server, "GET", `${engine}?EIO=4&transport=polling`, {
      headers: { Origin: FOE },
    });
    assert.equal(status, 403);
    assert.equal(JSON.parse(text).code, 4);
    assert.equal(headers["access-control-allow-origin"], undefined);
  }
  const stolen = await friendly.get({ Origin: FOE });
  assert.equal(stolen.status, 403);
  await friendly.connect();

  for (const [{ transports }, words] of [[POLLING, "xhr poll error"], [WEBSOCKET, "websocket error"]]) {
    const client = SocketIo.open(t, server, { transports, auth: authOf("eve"), extraHeaders: { Origin: FOE } });
    assert.equal((await client.next("connect_error")).data.message, words);
  }
  for (const [, transports] of TRANSPORTS) {
    const extraHeaders = { Origin: FRIEND };
    const client = await SocketIo.connect(t, server, "ann", { transports, extraHeaders });
    await client.settled(transports);
    await client.expectAlive();
  }
});

/** A poll's answer, with what it says of its compression taken off. */
const unpacked = ({ headers, bytes }) => {
  return (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
};

const note = (length) => ({ type: "training:update", data: { note: "n".repeat(length) } });

test("a poll of 1024 bytes or more is compressed for who accepts gzip, and for nobody else", async (t) => {
  const server = await Server.start(t);
  const polls = await Polls.open(server);
  await polls.connect();
  const rounds = [
    [2000, "gzip", true],
    [2000, "gzip, deflate, br", true],
    [2000, "*;q=0, gzip;q=0.5", true],
    [100_000, "gzip", true],
    [500, "gzip", false],
    [2000, undefined, false],
    [2000, "identity", false],
    [2000, "gzip;q=0", false],
    [2000, "br", false],
  ];

  for (const [length, accepted, isCompressed] of rounds) {
    const body = note(length);
    await server.broadcast(body);
    const poll = await polls.get(accepted === undefined ? {} : { "Accept-Encoding": accepted });

    assert.equal(poll.headers["content-encoding"], isCompressed ? "gzip" : undefined, `${length} for ${accepted}`);
    assert.equal(poll.headers["content-type"], "text/plain; charset=UTF-8");
    assert.equal(Number(poll.headers["content-length"]), poll.bytes.length);
    if (isCompressed) assert.ok(poll.bytes.length < length / 2, `${poll.bytes.length} bytes`);
    assert.equal(unpacked(poll), `42${JSON.stringify([body.type, body.data])}`);
  }
});

test("the threshold is a setting, and compression can be turned off", async (t) => {
  for (const [settings, isCompressed] of [
    [{ COMPRESSION_THRESHOLD_BYTES: "100" }, true],
    [{ COMPRESSION_THRESHOLD_BYTES: "100000" }, false],
    [{ COMPRESSION_ENABLED: "false" }, false],
  ]) {
    const server = await Server.start(t, settings);
    const polls = await Polls.open(server);
    await polls.connect();
    await server.broadcast(note(3000));
    const poll = await polls.get({ "Accept-Encoding": "gzip" });
    assert.equal(poll.headers["content-encoding"], isCompressed ? "gzip" : undefined, JSON.stringify(settings));
  }
});

test("an answer to a poll has at most 16 packets, and the rest follow in order", async (t) => {
  const server = await Server.start(t);
  const polls = await Polls.open(server);
  await polls.connect();
  for (let n = 0; n < 40; n += 1) await server.broadcast({ type: "training:update", data: { n } });

  const seen = [];
  while (seen.length < 40) {
    const packets = (await polls.get()).text.split("\x1e");
    assert.ok(packets.length <= 16, `${packets.length} packets`);
    seen.push(...packets);
  }

  assert.deepEqual(seen, Array.from({ length: 40 }, (_, n) => `42["training:update",{"n":${n}}]`));
});
