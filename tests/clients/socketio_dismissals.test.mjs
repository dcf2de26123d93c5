// Who is sent away: kicked by an admin (S-61), or signed out of the browser's cookie (S-08).

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, PATIENCE, Server, bearer } from "./support.mjs";
import { SocketIo, TRANSPORTS, expectConnections } from "./socketio_support.mjs";

/** A client that would come back by itself, soon, if it were not told to stay away. */
const RETURNING = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };

const kick = (server, id) => server.call("DELETE", `/api/ws/connections/${id}`);

const session = (server, method, headers) =>
  fetch(`${server.url}/auth/session`, { method, headers, signal: AbortSignal.timeout(PATIENCE) });

/** The cookie of `sub`, as a browser sends it back. */
const signIn = async (server, sub) => {
  const answer = await session(server, "POST", bearer({ sub }));
  assert.equal(answer.status, 204);
  const [cookie, ...attributes] = answer.headers.get("set-cookie").split("; ");
  assert.match(cookie, /^ws_session=[\w-]{22,}$/);
  for (const own of ["HttpOnly", "SameSite=Lax", "Path=/"]) assert.ok(attributes.includes(own), own);
  return cookie;
};

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: a kick ends as \`io server disconnect\`, and connect() works`, async (t) => {
    const server = await Server.start(t);
    const client = await SocketIo.connect(t, server, "ann", { transports, ...RETURNING });
    await client.settled(transports);
    const { id } = client.socket;

    assert.deepEqual(await kick(server, id), { status: 200, answer: { success: true } });
    assert.equal((await kick(server, id)).status, 404);

    await client.ended("io server disconnect");
    assert.equal(client.socket.active, false, "who was sent away does not come back by itself");
    await expectConnections(server, 0);
    client.socket.connect();
    await client.enter();
    assert.notEqual(client.socket.id, id);
    await client.expectAlive();
  });

  test(`${label}: of two namespaces on one connection, the other stays`, async (t) => {
    const server = await Server.start(t);
    const root = await SocketIo.connect(t, server, "ann", { transports, ...RETURNING });
    const ws = new SocketIo(t, server, root.socket.io.socket("/ws", { auth: root.socket.auth }));
    await ws.enter("/ws");

    assert.equal((await kick(server, root.socket.id)).status, 200);
    await root.ended("io server disconnect");
    await ws.expectAlive();

    root.socket.connect();
    await root.enter();
    await root.expectAlive();
    await expectConnections(server, 1);
  });

  test(`${label}: a cookie signs in without \`auth\`, and signing out ends it`, async (t) => {
    const server = await Server.start(t);
    const cookie = await signIn(server, "ann");
    const client = SocketIo.open(t, server, { transports, extraHeaders: { cookie }, ...RETURNING });
    await client.enter();
    assert.deepEqual(await client.rooms(), ["global", "user:ann"]);

    assert.equal((await session(server, "DELETE", { cookie })).status, 204);
    await client.ended("io server disconnect");
    assert.equal(client.socket.active, false);
    client.socket.connect();
    const { data: refusal } = await client.next("connect_error");
    assert.equal(refusal.message, "Authentication failed");
    assert.equal(refusal.data.code, "AUTH_FAILED");
  });

  test(`${label}: a foreign page gets nowhere with the cookie`, async (t) => {
    const server = await Server.start(t);
    const cookie = await signIn(server, "ann");
    const extraHeaders = { cookie, origin: "http://evil.example" };
    const client = SocketIo.open(t, server, { transports, extraHeaders });
    await client.next("connect_error");
    await expectConnections(server, 0);
    assert.equal((await session(server, "DELETE", extraHeaders)).status, 403);
  });
}

test("plain clients are closed with 4403 when kicked and with 4401 when signed out", async (t) => {
  const server = await Server.start(t);
  const kicked = await Client.connect(t, server);
  assert.equal((await kick(server, kicked.welcome.data.clientId)).status, 200);
  assert.deepEqual(await kicked.closed(), { code: 4403, reason: "kicked" });

  const cookie = await signIn(server, "ann");
  const signedIn = await Client.connect(t, server, { headers: { cookie } });
  await signedIn.next("auth:success");
  assert.equal((await session(server, "DELETE", { cookie })).status, 204);
  assert.deepEqual(await signedIn.closed(), { code: 4401, reason: "signed out" });
});
