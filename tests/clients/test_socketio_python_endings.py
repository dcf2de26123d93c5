"""How a connection of python-socketio ends, and when the client comes back by itself (protocol.md 3.1)."""

import signal

from python_support import TRANSPORTS, Client, ClientTest, in_seconds, own_port, sign, update

RETURNING = {"reconnection": True, "reconnection_delay": 0.05, "reconnection_delay_max": 0.2}


class Endings(ClientTest):
    def test_a_server_that_stops_says_so_and_the_client_returns_to_the_next_one(self):
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                port = own_port()
                first = self.server(PORT=port)
                client = self.client(first, transports=transports, **RETURNING)
                client.join("blueprint-1")
                for n in range(40):
                    first.broadcast(type="training:update", room="blueprint-1", data={"n": n})

                self.assertEqual(first.stop(), 0, first.printed())
                for n in range(40):
                    self.assertEqual(client.next("training:update"), {"n": n})
                client.next("system:maintenance")
                self.assertEqual(client.next("disconnect"), "transport error")

                self.expect_return(client, self.server(PORT=port), arrives)

    def test_a_killed_server_is_noticed_and_the_client_returns_to_the_next_one(self):
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                port = own_port()
                first = self.server(PORT=port)
                client = self.client(first, transports=transports, **RETURNING)

                first.process.send_signal(signal.SIGKILL)
                self.assertEqual(client.next("disconnect"), "transport error")

                self.expect_return(client, self.server(PORT=port), arrives)

    def expect_return(self, client, server, arrives):
        client.server = server
        # Attempts may have failed while there was no server.
        client.next("connect", passing="connect_error")
        client.next("connection_established")
        client.expect_alive()
        self.assertEqual(client.transport, arrives)
        self.assertEqual(client.rooms(), ["global", "user:ann"])
        server.expect_connections(1)
        client.sio.disconnect()

    def test_an_expired_token_is_told_and_the_client_stays_away(self):
        server = self.server()
        for label, transports, _ in TRANSPORTS:
            with self.subTest(transport=label):
                client = Client(self, server, **RETURNING)
                client.connect(sign(sub="ann", exp=in_seconds(3)), transports)

                self.assertEqual(client.next("error")["code"], "AUTH_FAILED")
                self.assertEqual(client.next("disconnect"), "server disconnect")

                server.expect_connections(0)
                self.assertFalse(client.sio.connected)

    def test_a_fresh_token_outlives_the_first(self):
        server = self.server()
        exp = in_seconds(3)
        rotated, witness = (Client(self, server).connect(sign(sub="ann", exp=exp)) for _ in range(2))

        self.assertTrue(rotated.ask("authenticate", {"token": sign(sub="ann")})["success"])
        witness.next("error")
        witness.next("disconnect")

        rotated.expect_alive()
        self.expect_silence(server, rotated)

    def test_over_the_hard_limit_the_connection_ends_and_the_client_returns(self):
        server = self.server()
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                client = self.client(server, transports=transports, **RETURNING)
                client.emit("blueprint_update", update("blueprint-1", "x" * 3_000_000))
                self.assertEqual(client.next("disconnect"), "transport error")
                self.expect_return(client, server, arrives)
                server.expect_connections(0)

    def test_pings_keep_an_idle_client_connected(self):
        server = self.server(PING_INTERVAL_MS=200)
        clients = [self.client(server, transports=transports) for _, transports, _ in TRANSPORTS]
        witness = Client(self, server).connect(sign(sub="ann", exp=in_seconds(3)))

        witness.next("error")
        witness.next("disconnect")

        for client in clients:
            client.expect_alive()
        self.expect_silence(server, *clients)
