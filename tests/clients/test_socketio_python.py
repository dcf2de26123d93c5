"""python-socketio as applications use it, on every transport (S-14, S-42)."""

import os
import threading

import requests
import socketio
from python_support import PATIENCE, TENANT_KEY, TRANSPORTS, Client, ClientTest, in_seconds, sign, update

ROOM = "blueprint-1"
# The namespace and path of a client, and whether it needs a token there.
PLACES = [("/", "socket.io"), ("/ws", "socket.io"), ("/events", "socket.io"), ("/ws", "ws"), ("/", "ws")]


class Visits(ClientTest):
    def test_every_transport_reaches_every_namespace_and_is_welcomed(self):
        server = self.server()
        for label, transports, arrives in TRANSPORTS:
            for namespace, path in PLACES:
                with self.subTest(transport=label, namespace=namespace, path=path):
                    client = self.client(server, transports=transports, namespace=namespace, path=path)
                    self.assertEqual(client.transport, arrives)
                    client.expect_alive()
                    self.assertEqual(client.ask("debug:rooms", {})["socket_id"], client.id)
                    self.expect_silence(server, client)
                    client.disconnect()
        server.expect_connections(0)

    def test_a_whole_visit_works_the_same_over_every_transport(self):
        for label, transports, arrives in TRANSPORTS:
            with self.subTest(transport=label):
                server = self.server()
                ann = self.client(server, "ann", transports, namespace="/ws")
                bob = self.client(server, "bob", transports, namespace="/ws")
                for client in (ann, bob):
                    self.assertEqual(client.transport, arrives)
                    client.join(ROOM)
                self.assertEqual(ann.rooms(), [ROOM, "global", "user:ann"])

                for n in range(20):
                    data = {"n": n, "note": "früh <b>\u2028"}
                    answer = server.broadcast(type="training:update", room=ROOM, data=data)
                    self.assertEqual(answer["recipients_count"], 2)
                for client in (ann, bob):
                    for n in range(20):
                        self.assertEqual(client.next("training:update"), {"n": n, "note": "früh <b>\u2028"})

                ack = ann.ask("blueprint_update", update(ROOM, 1.5))
                self.assertEqual(ack, {"status": "success", "success": True})
                told = bob.next("blueprint_update")
                self.assertEqual((told["userId"], told["changes"]["content"]), ("ann", 1.5))
                self.expect_silence(server, ann, bob)

                self.assertTrue(bob.ask("leave", {"room": ROOM})["success"])
                bob.next("room_left")
                self.assertEqual(bob.ask("leave", {"room": ROOM})["code"], "ROOM_NOT_FOUND")
                bob.emit("nonsense", {})
                self.assertEqual(bob.next("error")["code"], "INVALID_MESSAGE")

                for client in (ann, bob):
                    client.disconnect()
                server.expect_connections(0)

    def test_keep_alives_are_answered_under_their_names(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = self.client(server, transports=transports)
            for asked, answered in (("ping", "pong"), ("client:ping", "client:pong"), ("heartbeat", "heartbeat")):
                client.emit(asked)
                client.next(answered)
            self.assertEqual(client.ask("ping")["status"], "pong")
            client.next("pong")

    def test_one_client_is_on_several_namespaces_at_once(self):
        server = self.server()
        heard = {namespace: threading.Event() for namespace in ("/", "/ws", "/events")}
        sio = socketio.Client(reconnection=False, handle_sigint=False)
        self.addCleanup(sio.shutdown)
        for namespace, event in heard.items():
            sio.on("custom:hello", lambda data, event=event: event.set(), namespace=namespace)

        auth = {"token": sign(sub="ann"), "tenantKey": TENANT_KEY}
        sio.connect(server.url, auth=auth, namespaces=list(heard), wait_timeout=PATIENCE)
        server.expect_connections(1)
        self.assertEqual(server.broadcast(type="custom:hello", data={})["recipients_count"], 3)

        for namespace, event in heard.items():
            self.assertTrue(event.wait(PATIENCE), f"{namespace} has heard nothing{server.printed()}")

    def test_the_path_of_the_url_is_no_namespace_to_this_client(self):
        server = self.server()
        client = Client(self, server)
        server.url += "/ws"

        client.connect(sign(sub="ann"))

        self.assertEqual(client.sio.namespaces.keys(), {"/"})

    def test_socketio_path_ws_lets_the_anonymous_in_who_authenticate_later(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = Client(self, server).connect(None, transports, path="ws")
            self.assertEqual(client.welcome["socket_id"], client.id)
            self.assertEqual(client.rooms(), [])
            self.assertTrue(client.ask("authenticate", {"token": sign(sub="ann")})["success"])
            self.assertEqual(client.rooms(), ["user:ann"])

    def test_a_broadcast_that_requires_it_is_acknowledged_by_the_handler(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = self.client(server, transports=transports)
            for acknowledgement in ("received", None, {"seen": b"\x00\x01"}):
                client.acknowledgement = acknowledgement
                server.broadcast(event="system:notification", data={"message": "hi"}, requires_ack=True)
                self.assertEqual(client.next("system:notification"), {"message": "hi"})
                client.expect_alive()
            client.disconnect()


class Refusals(ClientTest):
    def test_a_refused_token_raises_and_a_good_one_on_the_same_client_does_not(self):
        server = self.server()
        words = {
            "/": "Authentication failed",
            "/ws": "Authentication failed",
            "/events": "Tenant authentication failed: ",
        }
        for _, transports, _ in TRANSPORTS:
            for namespace, message in words.items():
                for token in ("garbage", None, sign(sub="ann", exp=in_seconds(-1))):
                    client = Client(self, server, namespace)
                    with self.assertRaises(socketio.exceptions.ConnectionError) as raised:
                        client.connect(token, transports)
                    self.assertIn(f"One or more namespaces failed to connect: {namespace}", str(raised.exception))
                    error = client.next("connect_error")
                    self.assertTrue(error["message"].startswith(message), error)
                    self.assertEqual(error["data"]["code"], "AUTH_FAILED")

                    client.connect(sign(sub="ann"), transports)
                    client.expect_alive()
                    self.expect_silence(server, client)
                    client.disconnect()
        server.expect_connections(0)

    def test_a_namespace_that_is_none_raises(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            client = Client(self, server, "/nope")
            with self.assertRaisesRegex(socketio.exceptions.ConnectionError, "/nope"):
                client.connect(sign(sub="ann"), transports)
            self.assertEqual(client.next("connect_error"), {"message": "Invalid namespace"})


class Bursts(ClientTest):
    def test_a_polling_client_survives_more_packets_than_it_takes_at_once(self):
        """It gives up a connection that answers a poll with more than 16."""
        server = self.server()
        session = GatedSession()
        client = self.client(server, transports=["polling"], http_session=session)
        client.join(ROOM)

        session.gate.clear()
        for n in range(40):
            server.broadcast(type="training:update", room=ROOM, data={"n": n, "pad": "p" * 100})
        session.gate.set()

        for n in range(40):
            self.assertEqual(client.next("training:update")["n"], n)
        client.expect_alive()
        self.expect_silence(server, client)
        self.assertEqual(client.transport, "polling")
        self.assertGreaterEqual(session.largest, 10, "no poll had to be filled")
        self.assertLessEqual(session.largest, 16)

    def test_attachments_count_as_packets_too(self):
        server = self.server()
        session = GatedSession()
        reader = self.client(server, "bob", transports=["polling"], http_session=session)
        sender = self.client(server, "ann", transports=["websocket"])
        for client in (reader, sender):
            client.join(ROOM)

        sent = [[os.urandom(20 + n) for _ in range(n % 11)] for n in range(30)]
        session.gate.clear()
        for content in sent:
            self.assertTrue(sender.ask("blueprint_update", update(ROOM, content))["success"])
        session.gate.set()

        for content in sent:
            self.assertEqual(reader.next("blueprint_update")["changes"]["content"], content)
        self.expect_silence(server, reader, sender)
        self.assertLessEqual(session.largest, 16)

    def test_requests_in_one_push_are_answered_each_and_in_order(self):
        server = self.server()
        client = self.client(server, transports=["polling"])
        for n in range(40):
            client.emit("join", {"room": f"room-{n}"})
        for n in range(40):
            self.assertEqual(client.next("room_joined")["room"], f"room-{n}")
        self.expect_silence(server, client)

    def test_large_events_reach_a_client_that_accepts_compression(self):
        server = self.server()
        session = GatedSession()
        client = self.client(server, transports=["polling"], http_session=session)
        text = "früh " * 20_000
        server.broadcast(type="training:update", data={"text": text})
        self.assertEqual(client.next("training:update"), {"text": text})
        self.assertIn("gzip", session.encodings)


class GatedSession(requests.Session):
    """Polls that wait while the gate is shut, so that events pile up; it notes what came."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.largest = 0
        self.encodings = set()

    def request(self, method, url, **options):
        if method == "GET":
            self.gate.wait(PATIENCE)
        answer = super().request(method, url, **options)
        if method == "GET":
            self.largest = max(self.largest, len(answer.text.split("\x1e")))
            self.encodings.add(answer.headers.get("Content-Encoding"))
        return answer


class Bytes(ClientTest):
    def test_bytes_arrive_as_they_were_between_all_transports(self):
        server = self.server()
        clients = [self.client(server, "ann", transports) for _, transports, _ in TRANSPORTS]
        for client in clients:
            client.join(ROOM)
        for sender in clients:
            content = {"image": os.urandom(10 * 1024), "layers": [b"", None, {"mask": os.urandom(33)}]}
            self.assertTrue(sender.ask("blueprint_update", update(ROOM, content))["success"])
            for reader in clients:
                if reader is not sender:
                    self.assertEqual(reader.next("blueprint_update")["changes"]["content"], content)
        self.expect_silence(server, *clients)

    def test_a_million_bytes_pass(self):
        server = self.server()
        for _, transports, _ in TRANSPORTS:
            sender, reader = (self.client(server, sub, transports) for sub in ("ann", "bob"))
            for client in (sender, reader):
                client.join(ROOM)
            for content in (os.urandom(1_000_000), "x" * 1_000_000):
                self.assertTrue(sender.ask("blueprint_update", update(ROOM, content))["success"])
                self.assertTrue(reader.next("blueprint_update")["changes"]["content"] == content)
            sender.emit("blueprint_update", update(ROOM, "x" * 1_100_000))
            self.assertEqual(sender.next("error")["code"], "MESSAGE_TOO_LARGE")
            self.expect_silence(server, sender, reader)
            for client in (sender, reader):
                client.disconnect()
