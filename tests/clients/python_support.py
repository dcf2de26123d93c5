"""What every Python test stands on: one server per test, python-socketio clients, tokens, REST calls.

Nothing here waits for time to pass. A timeout is only the bound after which a wait for an event
fails, with what the server printed. Silence is proven by a marker that must come next.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import socketio

SECRET = "client-tests-secret-of-more-than-32-bytes"
# Seconds until a wait for one event fails. Generous: the machine may be building beside us.
PATIENCE = 20.0
BINARY = os.environ.get("SWITCHBOARD_BIN") or str(
    Path(__file__).resolve().parents[2] / "target/debug/switchboard"
)
# Beside the machine's own port range, so that a second server can have the port of the first.
OWN_PORTS = (10_000, 30_000)

# The ways to travel that a client can be told to use, and where it arrives.
TRANSPORTS = [
    ("polling only", ["polling"], "polling"),
    ("WebSocket only", ["websocket"], "websocket"),
    ("upgrade", None, "websocket"),
]

# The event that welcomes a client at (namespace, path).
# A key of the first demo tenant.
TENANT_KEY = "demo-tenant-key-1"
WELCOMES = {
    ("/", "socket.io"): "connection_established",
    ("/ws", "socket.io"): "connection_established",
    ("/", "ws"): "connected",
    ("/ws", "ws"): "connection_established",
    ("/events", "socket.io"): "connected",
    ("/events", "ws"): "connected",
}


def sign(**claims):
    """Signs an HS256 token: an hour long unless `claims` say otherwise."""

    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    claims = {"exp": in_seconds(3600), **claims}
    text = b".".join(part(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + part(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def in_seconds(seconds):
    return int(time.time()) + seconds


def own_port():
    """A port that nobody is given by chance."""
    while True:
        port = random.randrange(*OWN_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Server:
    """One server process. Its working directory is empty and its environment holds only this."""

    def __init__(self, test, **env):
        home = tempfile.TemporaryDirectory(prefix="switchboard-client-test-")
        test.addCleanup(home.cleanup)
        own = {
            "PATH": os.environ["PATH"],
            "HOME": home.name,
            "PORT": "0",
            "JWT_SECRET": SECRET,
            "CONNECTION_RATE_PER_IP": "0",
            "LOG_FILE": "",
            # A polling client that leaves while a push of its is under way says no goodbye, and
            # waits for its last poll: pings end both.
            "PING_INTERVAL_MS": "2000",
            "PING_TIMEOUT_MS": "5000",
        }
        self.process = subprocess.Popen(
            [BINARY],
            cwd=home.name,
            env={**own, **{key: str(value) for key, value in env.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.lines = []
        self.ready = threading.Event()
        self.url = None
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        test.addCleanup(self.kill)
        if not self.ready.wait(PATIENCE) or self.url is None:
            raise AssertionError(f"{BINARY} did not listen{self.printed()}")

    def _read(self):
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line)
                found = re.match(r"listening on (http://\S+)", line)
                if found and self.url is None:
                    self.url = found.group(1)
                    self.ready.set()
        self.ready.set()

    def printed(self):
        """What the server printed, for the message of a failure."""
        return "\n--- the server printed:\n" + "".join(self.lines)[-4000:] + "\n---"

    def stop(self):
        """Asks for a graceful stop and returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def call(self, method, path, body=None, more_headers=None):
        """One REST call; returns the status and the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(more_headers or {})}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    def broadcast(self, **body):
        status, answer = self.call("POST", "/api/ws/broadcast", body)
        assert status == 200 and answer["success"], answer
        return answer

    def expect_connections(self, count):
        """Waits until the server counts as many connections."""
        late = time.monotonic() + PATIENCE
        while True:
            connections = self.call("GET", "/health")[1]["connections"]
            if connections == count:
                return
            assert time.monotonic() < late, f"{connections} connections, not {count}{self.printed()}"


def in_order(client):
    """Lets a client handle what it reads one after the other, and its end last. By itself, the
    synchronous one starts a thread for each message, and threads overtake one another."""
    start, handle, leave = (
        client.eio.start_background_task,
        client.eio.handlers["message"],
        client.eio.handlers["disconnect"],
    )
    messages = queue.Queue()

    def work():
        while True:
            message = messages.get()
            message.set() if isinstance(message, threading.Event) else handle(*message)

    def start_or_queue(target, *args, **options):
        return messages.put(args) if target == handle else start(target, *args, **options)

    def leave_last(*args):
        if threading.current_thread() is not worker:
            handled = threading.Event()
            messages.put(handled)
            handled.wait(PATIENCE)
        return leave(*args)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    client.eio.start_background_task = start_or_queue
    client.eio.handlers["disconnect"] = leave_last
    return client


class Client:
    """One python-socketio client on one namespace, and everything it was told, in order."""

    def __init__(self, test, server, namespace="/", **options):
        self.test, self.server, self.namespace = test, server, namespace
        self.arrived = queue.Queue()
        # What an event that asks for an acknowledgement is answered.
        self.acknowledgement = None
        options = {"reconnection": False, "handle_sigint": False, **options}
        self.sio = in_order(socketio.Client(**options))
        self.sio.on("*", self._event, namespace=namespace)
        for name in ("connect", "connect_error", "disconnect"):
            self.sio.on(name, self._own(name), namespace=namespace)
        test.addCleanup(self.sio.shutdown)

    def _event(self, name, *args):
        self.arrived.put((name, args))
        return self.acknowledgement

    def _own(self, name):
        return lambda *args: self.arrived.put((name, args))

    def connect(self, token=None, transports=None, path="socket.io"):
        # A tenant's key counts on `/events` only, which knows no tokens.
        auth = None if token is None else {"token": token, "tenantKey": TENANT_KEY}
        self.sio.connect(
            self.server.url,
            auth=auth,
            transports=transports,
            namespaces=[self.namespace],
            socketio_path=path,
            wait_timeout=PATIENCE,
        )
        self.next("connect")
        self.welcome = self.next(WELCOMES[self.namespace, path])
        return self

    def next(self, name, passing=None):
        """Takes what comes next, but for `passing`; it must be `name`. Returns its first argument."""
        came, late = passing, time.monotonic() + PATIENCE
        try:
            while came == passing:
                came, args = self.arrived.get(timeout=max(0, late - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f"waited for `{name}`{self.server.printed()}") from None
        self.test.assertEqual(came, name, f"{args!r}{self.server.printed()}")
        return args[0] if args else None

    def disconnect(self):
        self.sio.disconnect()
        self.next("disconnect")

    def emit(self, name, data=None):
        self.sio.emit(name, data, namespace=self.namespace)

    def ask(self, name, data=None):
        """Sends a request and returns what was acknowledged."""
        return self.sio.call(name, data, namespace=self.namespace, timeout=PATIENCE)

    def join(self, room):
        self.test.assertTrue(self.ask("join", {"room": room})["success"])
        self.test.assertEqual(self.next("room_joined")["room"], room)

    @property
    def id(self):
        return self.sio.get_sid(self.namespace)

    @property
    def transport(self):
        return self.sio.transport()

    def rooms(self):
        """The rooms this socket is in, sorted, without the one named like the socket itself."""
        return sorted(room for room in self.ask("debug:rooms", {})["rooms"] if room != self.id)

    def expect_alive(self):
        self.test.assertTrue(self.ask("client:ping")["pong"])


def update(room, content):
    """An update of `room` as editors send it."""
    return {"roomId": room, "blueprintId": "b-1", "changes": {"action": "update", "content": content}}


class ClientTest(unittest.TestCase):
    """A test of clients against a server of its own."""

    maxDiff = 4000
    markers = 0

    def server(self, **env):
        return Server(self, **env)

    def client(self, server, sub="ann", transports=None, path="socket.io", namespace="/", **options):
        """A client that `sub` has connected by a token."""
        client = Client(self, server, namespace, **options)
        return client.connect(sign(sub=sub), transports, path)

    def expect_silence(self, server, *clients):
        """Proves that none of these clients was sent anything but what it has taken so far."""
        ClientTest.markers += 1
        server.broadcast(type="custom:marker", data={"marker": ClientTest.markers})
        for client in clients:
            self.assertEqual(client.next("custom:marker"), {"marker": ClientTest.markers})
