"""The asyncio client of python-socketio, which has transports of its own."""

import asyncio
import os
import unittest

import socketio
from python_support import PATIENCE, TRANSPORTS, Server, sign, update

ROOM = "blueprint-1"


class AsyncClients(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # The tests block their loop on purpose, which it would report.
        asyncio.get_running_loop().slow_callback_duration = PATIENCE

    async def connect(self, server, sub, transports, namespace="/"):
        """A client, and a queue of everything it is told."""
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        arrived = asyncio.Queue()
        client.on("*", lambda name, *args: arrived.put_nowait((name, args)), namespace=namespace)
        await client.connect(
            server.url,
            auth={"token": sign(sub=sub)},
            transports=transports,
            namespaces=[namespace],
            wait_timeout=PATIENCE,
        )
        self.addAsyncCleanup(client.shutdown)
        name, _ = await asyncio.wait_for(arrived.get(), PATIENCE)
        self.assertEqual(name, "connection_established")

        async def told(expected):
            name, args = await asyncio.wait_for(arrived.get(), PATIENCE)
            self.assertEqual(name, expected, args)
            return args[0]

        async def ask(name, data):
            return await client.call(name, data, namespace=namespace, timeout=PATIENCE)

        return client, told, ask

    async def test_a_visit_with_bytes_and_a_burst_works_over_every_transport(self):
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                server = Server(self)
                ann, ann_told, ann_ask = await self.connect(server, "ann", transports, "/ws")
                bob, bob_told, bob_ask = await self.connect(server, "bob", transports, "/ws")
                for client, told, ask in ((ann, ann_told, ann_ask), (bob, bob_told, bob_ask)):
                    self.assertEqual(client.transport(), arrives)
                    self.assertTrue((await ask("join", {"room": ROOM}))["success"])
                    await told("room_joined")

                content = {"image": os.urandom(10 * 1024), "empty": b""}
                self.assertTrue((await ann_ask("blueprint_update", update(ROOM, content)))["success"])
                self.assertEqual((await bob_told("blueprint_update"))["changes"]["content"], content)

                # The loop is blocked meanwhile, so that the events pile up for the polls.
                for n in range(40):
                    server.broadcast(type="training:update", room=ROOM, data={"n": n})
                for told in (ann_told, bob_told):
                    for n in range(40):
                        self.assertEqual(await told("training:update"), {"n": n})

                for client in (ann, bob):
                    await client.disconnect()
                await asyncio.to_thread(server.expect_connections, 0)

    async def test_a_refused_token_raises(self):
        server = Server(self)
        for _, transports, _ in TRANSPORTS:
            client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
            with self.assertRaisesRegex(socketio.exceptions.ConnectionError, "failed to connect: /"):
                auth = {"token": "garbage"}
                await client.connect(server.url, auth=auth, transports=transports, wait_timeout=PATIENCE)
            await client.shutdown()
        await asyncio.to_thread(server.expect_connections, 0)
