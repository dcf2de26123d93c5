// socket.io-client and python-socketio in one room: the same bytes for both (S-42).

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { PythonPeer } from "./python_peer.mjs";
import { SocketIo, TRANSPORTS, update } from "./socketio_support.mjs";
import { Server, expectSilence } from "./support.mjs";

const ROOM = "blueprint-1";

const spelled = (bytes) => ({ type: "Buffer", base64: bytes.toString("base64") });

for (const [label, transports] of TRANSPORTS) {
  test(`${label}: bytes go from JavaScript to Python and back as they were`, async (t) => {
    const server = await Server.start(t);
    const script = await SocketIo.connect(t, server, "ann", { transports });
    await script.settled(transports);
    const python = await PythonPeer.connect(t, server, "bob", { transports });
    for (const client of [script, python]) await client.join(ROOM);

    for (const size of [10 * 1024, 0, 1, 300_000]) {
      const [image, mask] = [randomBytes(size), randomBytes(33)];
      const there = update(ROOM, { image, layers: [{ mask }, "früh"] });
      assert.equal((await script.ask("blueprint_update", there)).success, true);
      const { data, transport } = await python.next("blueprint_update");
      assert.equal(transport, transports.at(-1));
      assert.equal(data.userId, "ann");
      const content = { image: spelled(image), layers: [{ mask: spelled(mask) }, "früh"] };
      assert.deepEqual(data.changes.content, content);

      assert.equal((await python.ask("blueprint_update", update(ROOM, content))).success, true);
      const back = (await script.next("blueprint_update")).data;
      assert.equal(back.userId, "bob");
      assert.deepEqual(back.changes.content, { image, layers: [{ mask }, "früh"] });
    }
    await expectSilence(server, script, python);
  });
}
