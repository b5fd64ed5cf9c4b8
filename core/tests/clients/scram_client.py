"""A client that authenticates by SCRAM-SHA-256 over MQTT 5 packets of its own; the proofs are scramp's.

Only what the programs need: CONNECT, AUTH, PUBLISH and SUBSCRIBE with QoS 0, and what comes back.
"""

import socket
import struct

from scramp import ScramClient

PATIENCE_SECS = 30
CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK, DISCONNECT, AUTH = 1, 2, 3, 8, 9, 14, 15
METHOD, DATA = 0x15, 0x16
CONTINUE, AGAIN = 0x18, 0x19


def text(value):
    bytes_of = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(bytes_of)) + bytes_of


def number(value):
    """A variable byte integer."""
    out = bytearray()
    while True:
        value, low = divmod(value, 128)
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def properties(method, data):
    both = bytes([METHOD]) + text(method) + (bytes([DATA]) + text(data) if data is not None else b"")
    return number(len(both)) + both


class Refused(Exception):
    """The broker said no; with its reason code."""


class ScramConnection:
    def __init__(self, broker, client_id):
        self.socket = socket.create_connection((broker.host, broker.port), timeout=PATIENCE_SECS)
        self.client_id = client_id
        self.heard = []

    def send(self, kind, body, flags=0):
        self.socket.sendall(bytes([kind << 4 | flags]) + number(len(body)) + body)

    def exactly(self, count):
        got = b""
        while len(got) < count:
            more = self.socket.recv(count - len(got))
            if not more:
                raise AssertionError("the broker has closed without a word")
            got += more
        return got

    def receive(self):
        """The next packet that is no PUBLISH: its kind and body."""
        while True:
            kind = self.exactly(1)[0] >> 4
            length = shift = 0
            while True:
                byte = self.exactly(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            body = self.exactly(length)
            if kind != PUBLISH:
                return kind, body
            topic = struct.unpack(">H", body[:2])[0]
            self.heard.append(body[2 + topic + 1 :].decode())

    @staticmethod
    def data_of(body):
        """The Authentication Data in the properties of a CONNACK or AUTH, whose other properties are known.
        `body` begins with the length of the properties.
        """
        fixed = {0x11: 4, 0x21: 2, 0x22: 2, 0x27: 4, 0x13: 2, 0x29: 1, 0x2A: 1, 0x28: 1, 0x24: 1, 0x25: 1}
        found = {}
        at = next(at for at, byte in enumerate(body) if byte < 128) + 1
        while at < len(body):
            kind = body[at]
            if kind in fixed:
                at += 1 + fixed[kind]
                continue
            length = struct.unpack(">H", body[at + 1 : at + 3])[0]
            found[kind] = body[at + 3 : at + 3 + length]
            at += 3 + length
        assert found[METHOD] == b"SCRAM-SHA-256", found
        return found.get(DATA, b"").decode()

    def connect(self, user, password, method="SCRAM-SHA-256"):
        client = ScramClient(["SCRAM-SHA-256"], user, password)
        fixed = text("MQTT") + bytes([5, 2]) + struct.pack(">H", 60)
        first = client.get_client_first()
        self.send(CONNECT, fixed + properties(method, first) + text(self.client_id))
        client.set_server_final(self.exchange(client, CONNACK, 1))
        return self

    def again(self, user, password, meanwhile=lambda: None):
        """Re-authenticates; `meanwhile` runs between the two steps."""
        client = ScramClient(["SCRAM-SHA-256"], user, password)
        self.send(AUTH, bytes([AGAIN]) + properties("SCRAM-SHA-256", client.get_client_first()))
        client.set_server_final(self.exchange(client, AUTH, 0, meanwhile))

    def exchange(self, client, last, code_at, meanwhile=lambda: None):
        """Answers the challenge; returns the server's final message."""
        kind, body = self.receive()
        if kind != AUTH:
            raise Refused(body[1 if kind == CONNACK else 0])
        assert body[0] == CONTINUE, body
        client.set_server_first(self.data_of(body[1:]))
        meanwhile()
        self.send(AUTH, bytes([CONTINUE]) + properties("SCRAM-SHA-256", client.get_client_final()))
        kind, body = self.receive()
        code = body[code_at] if kind == last else body[0 if kind == DISCONNECT else 1]
        if kind != last or code != 0:
            raise Refused(code)
        return self.data_of(body[code_at + 1 :])

    def subscribe(self, topic):
        self.send(SUBSCRIBE, struct.pack(">H", 1) + b"\0" + text(topic) + b"\0", flags=2)
        kind, body = self.receive()
        assert (kind, body[-1]) == (SUBACK, 0), (kind, body)

    def publish(self, topic, payload):
        self.send(PUBLISH, text(topic) + b"\0" + payload.encode())

    def is_closed(self):
        return self.socket.recv(1) == b""
