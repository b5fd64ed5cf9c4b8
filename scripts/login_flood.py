"""Logs in with wrong passwords as fast as a rate allows: for scripts/password-flood.
Usage: login_flood.py HOST PORT SECONDS PER_SECOND [USER]   (without USER: clients that name no user)

Up to 3,000 attempts are open at once, so that those in the queue do not keep further ones from being made.
Prints what became of them, as JSON.
"""

import collections
import json
import selectors
import socket
import struct
import sys
import time

HOST, PORT, SECONDS, PER_SECOND = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
USER = sys.argv[5] if len(sys.argv) > 5 else None
OPEN_MAX = 3_000
# Closed by a reset, which leaves no socket in TIME_WAIT.
RESET = struct.pack("ii", 1, 0)


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def connect_packet(number):
    login = text(USER) + text(f"wrong-{number}") if USER else b""
    flags = 0xC2 if USER else 0x02
    body = text("MQTT") + bytes([5, flags, 0, 0, 0]) + text(f"flood-{number}") + login
    return bytes([0x10, len(body)]) + body


def main():
    selector = selectors.DefaultSelector()
    became = collections.Counter()
    started = time.monotonic()
    number = 0
    while (now := time.monotonic() - started) < SECONDS:
        while number < now * PER_SECOND and len(selector.get_map()) < OPEN_MAX:
            number += 1
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.setblocking(False)
            # Sources of their own spare the search for a free port.
            client.bind((f"127.0.{number >> 8 & 255}.{number & 255 or 1}", 0))
            client.connect_ex((HOST, PORT))
            selector.register(client, selectors.EVENT_WRITE, number)
        for key, ready in selector.select(0.002):
            client = key.fileobj
            try:
                if ready & selectors.EVENT_WRITE:
                    client.send(connect_packet(key.data))
                    selector.modify(client, selectors.EVENT_READ, key.data)
                    continue
                answer = client.recv(64)
            except OSError as error:
                answer = type(error).__name__
            if isinstance(answer, bytes):
                answer = f"0x{answer[3]:02x}" if len(answer) > 3 else "closed"
            became[answer] += 1
            selector.unregister(client)
            client.close()
    seconds = time.monotonic() - started
    print(json.dumps({"attempts_per_second": number / seconds, "waiting": len(selector.get_map()), **became}))


main()
