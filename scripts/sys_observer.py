"""A client that remembers what a broker publishes below $SYS/broker: for scripts/million.

Speaks as much MQTT 3.1.1 as that takes. One thread reads; whoever asks gets the last values.
"""

import socket
import struct
import threading


class SysObserver:
    """Subscribes to `$SYS/broker/#`; `values` maps what follows `$SYS/broker/` to the last number."""

    def __init__(self, port):
        self.values = {}
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        connect = _text("MQTT") + bytes([4, 2, 0, 0]) + _text("sys-observer")
        subscribe = struct.pack(">H", 1) + _text("$SYS/broker/#") + b"\0"
        self._socket.sendall(_packet(0x10, connect) + _packet(0x82, subscribe))
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def get(self, name):
        """The last value of a topic, or None."""
        return self.values.get(name)

    def forget(self):
        """Drops all values: those that come back were published after this."""
        self.values = {}

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _read(self):
        stream = self._socket.makefile("rb")
        try:
            while head := stream.read(1):
                body = stream.read(_length(stream))
                if head[0] >> 4 == 3:
                    end = 2 + struct.unpack(">H", body[:2])[0]
                    name = body[2:end].decode().removeprefix("$SYS/broker/")
                    if body[end:].isdigit():
                        self.values[name] = int(body[end:])
        except (OSError, ValueError, IndexError):
            pass  # The broker is gone, or we are: the last values stay.


def _text(value):
    return struct.pack(">H", len(value)) + value.encode()


def _packet(first, body):
    assert len(body) < 128, "one byte of length is enough here"
    return bytes([first, len(body)]) + body


def _length(stream):
    length = shift = 0
    while True:
        byte = stream.read(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return length
