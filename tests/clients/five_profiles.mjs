// One server, five profiles: node tests/clients/five_profiles.mjs
//
// Connects one real client of each profile to one port, POSTs a broadcast without a target, then one
// for each kind of target, and prints who got each. Fails if those are not exactly the right ones.

import assert from "node:assert/strict";
import { claim, connectFlow, subscribe } from "./profiles_support.mjs";
import { POLLING, SocketIo, authOf } from "./socketio_support.mjs";
import { Client, Server, expectSilence } from "./support.mjs";

const ORG = "org_123";

/** Starts a server with one client of each profile, by the profile's name. */
export const gather = async (scope) => {
  const server = await Server.start(scope);
  const auth = authOf("ann", { org: ORG });
  const clients = {
    flow: await connectFlow(scope, server),
    project: await SocketIo.connect(scope, server, "ann", { namespace: "/ws", auth }),
    collab: await SocketIo.connect(scope, server, "bob", POLLING),
    intraday: await claim(scope, server, ORG),
    plain: await Client.verified(scope, server, "cem", { org: ORG }),
  };
  await subscribe(clients.project, ["kpi"], { department_id: "dept_456", queue_name: "support" });
  await subscribe(clients.intraday, ["kpi", "alerts"]);
  await clients.collab.join("blueprint-123");
  await clients.plain.ask({ type: "join", payload: { room: "blueprint-123" } }, "room_joined");
  return { server, clients };
};

/** How each client came, for the print. */
const WAYS = {
  flow: "socket.io-client, io(URL + '/events'), x-tenant-key of demo1",
  project: `socket.io-client, io(URL + '/ws'), token of ann in ${ORG}, kpi of dept_456/support`,
  collab: "socket.io-client, io(URL), polling, token of bob, in blueprint-123",
  intraday: `socket.io-client, io(URL, { path: '/ws' }), authenticate ${ORG}, kpi and alerts`,
  plain: `ws, ws://…/ws, Bearer token of cem in ${ORG}, in blueprint-123 of ${ORG}`,
};

const PROFILES = Object.keys(WAYS);

/** What is posted, and whom it is for. */
const rounds = ({ collab, plain }) => {
  const part = { organization_id: ORG, department_id: "dept_456" };
  const to = (target, event = "training:update") => ({ event, target });
  return [
    [{ event: "system:broadcast" }, PROFILES],
    [to({ organization_id: ORG }, "kpi:update"), ["intraday"]],
    [to({ ...part, queue_name: "support" }, "kpi:update"), ["project", "intraday"]],
    [to({ ...part, queue_name: "sales" }, "kpi:update"), ["intraday"]],
    [to({ organization_id: "org_999" }, "kpi:update"), []],
    [to({ organization_id: ORG }, "alert:triggered"), ["intraday"]],
    [to({ tenant_id: "demo1" }, "lead_event"), ["flow"]],
    [to({ tenant_id: "demo2" }, "lead_event"), []],
    [to({ room: "blueprint-123" }), ["collab", "plain"]],
    [to({ room: "blueprint-123", organization_id: ORG }), ["plain"]],
    [to({ room: "global" }), ["project", "collab", "plain"]],
    [to({ user_ids: ["ann", "cem"] }, "notification"), ["project", "plain"]],
    // The claim of an id is not the user's.
    [to({ user_ids: ["user_123"] }, "notification"), []],
    [to({ socket_ids: [collab.socket.id, plain.welcome.data.clientId] }), ["collab", "plain"]],
    [to({ organization_id: ORG }, "system:notification"), ["project", "intraday", "plain"]],
    [to({ organization_id: ORG }), ["project", "intraday", "plain"]],
  ];
};

/** What a client saw of an event, whatever its dialect. */
const seenBy = async (client, event) => (await client.next(event)).data;

/** Plays every round; calls `tell` with what was posted, the count that was answered, and what was seen. */
export const play = async ({ server, clients }, tell) => {
  let posted = 0;
  for (const [{ event, target }, names] of rounds(clients)) {
    const data = { n: (posted += 1), message: "früh <b>" };
    const { recipients_count } = await server.broadcast({ event, data, target });
    const seen = [];
    for (const name of names) {
      const told = await seenBy(clients[name], event);
      // A notification is completed (contract X-16), anything else as it was posted.
      if (event === "notification") assert.deepEqual([told.n, told.message], [data.n, data.message]);
      else assert.deepEqual(told, data);
      seen.push([name, told]);
    }
    assert.equal(recipients_count, names.length, `${event} to ${JSON.stringify(target)}`);
    await expectSilence(server, ...Object.values(clients));
    tell({ event, target, recipients_count, seen });
  }
  return posted;
};

const print = ({ event, target, recipients_count, seen }) => {
  if (target === undefined) {
    console.log(`\nPOST ${event} without a target: recipients_count ${recipients_count}`);
    for (const [name, data] of seen) console.log(`  ${name.padEnd(10)}${JSON.stringify(data)}`);
    console.log(`\n${"event".padEnd(21)}${"count".padEnd(7)}${"received by".padEnd(30)}target`);
    return;
  }
  const names = seen.map(([name]) => name).join(", ") || "nobody";
  const columns = [event.padEnd(21), String(recipients_count).padEnd(7), names.padEnd(30)];
  console.log(`${columns.join("")}${JSON.stringify(target)}`);
};

if (process.argv[1] === import.meta.filename) {
  const ends = [];
  try {
    const world = await gather({ after: (end) => ends.push(end) });
    for (const [name, way] of Object.entries(WAYS)) console.log(`${name.padEnd(10)}${way}`);
    const posted = await play(world, print);
    console.log(`\n${posted} broadcasts, each received by exactly those it was for, once`);
  } finally {
    for (const end of ends) await end();
  }
}
