"""A python-socketio client for the tests in JavaScript: python_peer.py URL TOKEN NAMESPACE TRANSPORT…

Prints every event it is told as a line of JSON, `{"name", "data", "transport"}`, and calls what it
reads as one, `{"call", "data"}`, printing `{"ack"}`. Bytes are {"type": "Buffer", "base64": …} both
ways. Ends when its input does.
"""

import base64
import json
import sys

import socketio
from python_support import PATIENCE, in_order


def spelled(data):
    """JSON's words for `data`."""
    if isinstance(data, bytes):
        return {"type": "Buffer", "base64": base64.b64encode(data).decode()}
    if isinstance(data, list):
        return [spelled(one) for one in data]
    if isinstance(data, dict):
        return {key: spelled(one) for key, one in data.items()}
    return data


def meant(data):
    """What JSON's words mean."""
    if isinstance(data, dict) and data.get("type") == "Buffer":
        return base64.b64decode(data["base64"])
    if isinstance(data, list):
        return [meant(one) for one in data]
    if isinstance(data, dict):
        return {key: meant(one) for key, one in data.items()}
    return data


def tell(**line):
    # In one piece: two threads may tell something.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(url, token, namespace, *transports):
    client = in_order(socketio.Client(reconnection=False))

    @client.on("*", namespace=namespace)
    def _event(name, data=None):
        tell(name=name, data=spelled(data), transport=client.transport())

    @client.on("disconnect", namespace=namespace)
    def _disconnect(reason):
        tell(name="disconnect", data=reason)

    client.connect(
        url,
        auth={"token": token},
        transports=list(transports) or None,
        namespaces=[namespace],
        wait_timeout=PATIENCE,
    )
    for line in sys.stdin:
        asked = json.loads(line)
        tell(ack=client.call(asked["call"], meant(asked["data"]), namespace=namespace, timeout=PATIENCE))
    client.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:])
