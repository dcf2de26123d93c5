// Clients of guides 000 and 004, connected as their guides do it; support.mjs and
// socketio_support.mjs have those of the others.

import assert from "node:assert/strict";
import { SocketIo, TENANT_KEY } from "./socketio_support.mjs";

/** Guide 000: `/events`, a tenant's key in a header. */
export const connectFlow = async (t, server, { key = TENANT_KEY, ...options } = {}) => {
  const extraHeaders = { "x-tenant-key": key };
  const client = SocketIo.open(t, server, { namespace: "/events", extraHeaders, ...options });
  await client.enter("/events");
  return client;
};

/** Guide 004: path `/ws`, without credentials. */
export const connectIntraday = async (t, server, options = {}) => {
  const client = SocketIo.open(t, server, { path: "/ws", reconnectionAttempts: 5, ...options });
  await client.enter("/", "/ws");
  return client;
};

/** The same, and who says it is `user_id` of `organization_id`. */
export const claim = async (t, server, organization_id, { user_id = "user_123", ...options } = {}) => {
  const client = await connectIntraday(t, server, options);
  const ack = await client.ask("authenticate", { user_id, organization_id });
  assert.equal(ack.success, true, JSON.stringify(ack));
  return client;
};

/** Subscribes to channels and returns what was acknowledged. */
export const subscribe = async (client, channels, scope = {}) => {
  const ack = await client.ask("subscribe", { channels, ...scope });
  assert.equal(ack.success, true, JSON.stringify(ack));
  return ack;
};
