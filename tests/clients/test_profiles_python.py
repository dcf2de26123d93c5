"""Profiles, presence and channels as python-socketio meets them (S-03 to S-09, S-11, S-38, S-46,
S-57)."""

import time

import requests
import socketio
from python_support import PATIENCE, TENANT_KEY, TRANSPORTS, Client, ClientTest, in_seconds, sign

ORG = {"organization_id": "org_123"}


class Flow(ClientTest):
    def connect(self, server, headers, transports=None):
        client = Client(self, server, "/events")
        client.sio.connect(
            server.url, headers=headers, transports=transports, namespaces=["/events"], wait_timeout=PATIENCE
        )
        client.next("connect")
        return client

    def test_s03_a_tenant_s_key_in_the_headers_is_welcomed_in_the_guide_s_words(self):
        server = self.server()
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                client = self.connect(server, {"x-tenant-key": TENANT_KEY}, transports)
                welcome = client.next("connected")
                self.assertEqual(welcome.keys(), {"message", "tenantId", "timestamp"})
                self.assertEqual(welcome["message"], "Connected to TekUp Events Gateway")
                self.assertEqual(welcome["tenantId"], "demo1")
                self.assertRegex(welcome["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
                self.assertEqual(client.transport, arrives)
                self.assertEqual(client.rooms(), ["tenant:demo1"])
                self.expect_silence(server, client)
                client.disconnect()

    def test_s03_a_wrong_key_or_none_raises_and_a_good_one_on_the_same_client_does_not(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            for headers in ({"x-tenant-key": "nope"}, {}, {"Authorization": f"Bearer {sign(sub='ann')}"}):
                client = Client(self, server, "/events")
                options = {"transports": transports, "namespaces": ["/events"], "wait_timeout": PATIENCE}
                with self.assertRaises(socketio.exceptions.ConnectionError):
                    client.sio.connect(server.url, headers=headers, **options)
                error = client.next("connect_error")
                self.assertIn("authentication", error["message"])
                self.assertNotIn("timeout", error["message"])

                client.sio.connect(server.url, headers={"x-tenant-key": TENANT_KEY}, **options)
                client.next("connect")
                self.assertEqual(client.next("connected")["tenantId"], "demo1")
                client.disconnect()
        server.expect_connections(0)


class Tokens(ClientTest):
    def test_s04_the_welcome_tells_the_protocol_and_the_rooms_are_the_user_s(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = self.client(server, "u1", transports, namespace="/ws")
            self.assertEqual(client.welcome["type"], "connection.established")
            self.assertIsInstance(client.welcome["data"]["protocol_version"], str)
            self.assertEqual(client.rooms(), ["global", "user:u1"])
            client.disconnect()

    def test_s05_the_guide_s_lines_connect_and_a_bad_token_raises(self):
        server = self.server()
        sio = socketio.Client(reconnection=False, handle_sigint=False)
        self.addCleanup(sio.shutdown)

        with self.assertRaises(socketio.exceptions.ConnectionError) as raised:
            sio.connect(server.url, auth={"token": "YOUR_JWT_TOKEN"})
        self.assertIn("One or more namespaces failed to connect: /", str(raised.exception))

        sio.connect(server.url, auth={"token": sign(sub="u1")})
        self.assertTrue(sio.call("client:ping", timeout=PATIENCE)["pong"])

    def test_s06_s07_a_client_ends_with_its_token_unless_it_was_rotated(self):
        server = self.server()
        exp = in_seconds(4)
        ending, staying = Client(self, server), Client(self, server)
        staying.connect(sign(sub="u2", exp=exp))
        ending.connect(sign(sub="u1", exp=exp))
        ids = staying.id
        ack = staying.ask("authenticate", {"token": sign(sub="u2")})
        self.assertTrue(ack["success"])

        self.assertEqual(ending.next("error")["code"], "AUTH_FAILED")
        self.assertGreaterEqual(time.time(), exp)
        self.assertEqual(ending.next("disconnect"), socketio.Client.reason.SERVER_DISCONNECT)

        self.expect_silence(server, staying)
        self.assertEqual(staying.id, ids)
        self.assertEqual(staying.rooms(), ["global", "user:u2"])


    def test_s08_a_session_cookie_signs_in_without_a_token(self):
        server = self.server()
        signed_in = requests.post(f"{server.url}/auth/session", json={"token": sign(sub="u1")}, timeout=PATIENCE)
        self.assertEqual(signed_in.status_code, 204)
        cookie = f"ws_session={signed_in.cookies['ws_session']}"
        for _, transports, _ in TRANSPORTS:
            client = Client(self, server)
            client.sio.connect(server.url, headers={"Cookie": cookie}, transports=transports, wait_timeout=PATIENCE)
            client.next("connect")
            self.assertEqual(client.next("connection_established")["data"]["user_id"], "u1")
            client.disconnect()

            for foreign in ({"Cookie": cookie, "Origin": "http://evil.example"}, {"Cookie": "ws_session=guessed"}):
                stranger = Client(self, server)
                with self.assertRaises(socketio.exceptions.ConnectionError):
                    stranger.sio.connect(server.url, headers=foreign, transports=transports, wait_timeout=PATIENCE)
        server.expect_connections(0)


class Intraday(ClientTest):
    def claim(self, server, transports=None, organization="org_123"):
        client = Client(self, server).connect(None, transports, path="ws")
        ack = client.ask("authenticate", {"user_id": "user_123", "organization_id": organization})
        self.assertTrue(ack["success"])
        self.assertEqual((ack["socket_id"], ack["organization_id"]), (client.id, organization))
        return client

    def test_s09_s11_bare_ids_open_the_organization_s_channels_and_nothing_else(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = self.claim(server, transports)
            self.assertEqual(client.rooms(), ["org:org_123"])
            for room in ("user:user_123", "project:1", "global", "blueprint-123"):
                self.assertEqual(client.ask("subscribe", {"room": room})["code"], "UNAUTHORIZED")
            self.assertEqual(client.ask("join_room", {"roomId": "blueprint-123"})["code"], "UNAUTHORIZED")
            foreign = {"channels": ["kpi"], "organization_id": "org_999"}
            self.assertEqual(client.ask("subscribe", foreign)["code"], "UNAUTHORIZED")
            self.assertEqual(client.ask("subscribe", {"channels": ["foo"]})["code"], "SUBSCRIPTION_FAILED")
            self.assertEqual(client.rooms(), ["org:org_123"])
            client.disconnect()

    def test_s46_a_queue_s_subscriber_gets_what_is_for_the_queue_and_no_more(self):
        server = self.server()
        queue = {**ORG, "department_id": "dept_456", "queue_name": "support"}
        clients = [self.claim(server, transports) for _, transports, _ in TRANSPORTS]
        for client in clients:
            self.assertTrue(client.ask("subscribe", {"channels": ["kpi"], **queue})["success"])

        for target, count in (
            (queue, 3),
            ({**ORG, "queue_name": "support"}, 3),
            ({**ORG, "department_id": "dept_456"}, 0),
            (ORG, 0),
            ({**queue, "queue_name": "sales"}, 0),
        ):
            body = {**target, "utilization": {"current_utilization": 81.5}, "health_score": 85, "timestamp": "t"}
            status, answer = server.call("POST", "/api/ws/broadcast/kpi", body)
            self.assertEqual((status, answer["recipients_count"]), (200, count), target)
            for client in clients[:count]:
                self.assertEqual(client.next("kpi:update"), body)
        self.expect_silence(server, *clients)

    def test_s57_a_subscriber_of_all_gets_each_event_with_its_data(self):
        server = self.server()
        client = self.claim(server)
        self.assertTrue(client.ask("subscribe", {"channels": ["all"], **ORG})["success"])
        prefixes = {
            "kpi": ("update", "computed", "alert"),
            "backlog": ("update", "snapshot", "alert"),
            "attendance": ("update", "checkin", "checkout", "alert"),
            "alert": ("triggered", "acknowledged", "resolved", "escalated"),
            "system": ("notification", "broadcast", "maintenance"),
        }
        events = [f"{prefix}:{word}" for prefix, words in prefixes.items() for word in words]
        self.assertEqual(len(events), 17)

        for n, event in enumerate(events):
            data = {"n": n, "note": "früh <b>\u2028", "list": [None, True, 1e21, 2**53 - 1, "", []]}
            self.assertEqual(server.broadcast(event=event, data=data, target=ORG)["recipients_count"], 1)
            self.assertEqual(client.next(event), data)
        self.expect_silence(server, client)


class Presence(ClientTest):
    def test_s38_users_see_each_other_come_and_go(self):
        server = self.server()
        for label, transports, _ in TRANSPORTS:
            with self.subTest(transport=label):
                u1, u2 = (self.client(server, sub, transports) for sub in ("u1", "u2"))
                ack = u1.ask("join_room", {"roomId": "blueprint-123", "userId": "u1", "userName": "John"})
                self.assertEqual([user["userName"] for user in ack["users"]], ["John"])
                self.assertEqual(u1.next("room_joined")["users"], ack["users"])

                ack = u2.ask("join_room", {"roomId": "blueprint-123", "userId": "u1", "userName": "Jane"})
                self.assertEqual([user["userId"] for user in ack["users"]], ["u1", "u2"])
                u2.next("room_joined")
                told = u1.next("user_joined")
                self.assertIsInstance(told.pop("timestamp"), int)
                self.assertEqual(told, {"userId": "u2", "userName": "Jane", "roomId": "blueprint-123"})

                u2.disconnect()
                self.assertEqual(u1.next("user_left")["userId"], "u2")
                self.expect_silence(server, u1)
                u1.disconnect()
                server.expect_connections(0)
