"""Starts the broker under test on a free loopback port and stops it again, by process handle."""

import os
import signal
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A running broker; `with Broker(binary, shards, config, options) as broker:` stops it at the end."""

    def __init__(self, binary, shards, config=None, options=()):
        self.host, self.port = "127.0.0.1", free_port()
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log", delete=False)
        if os.path.basename(binary) == "mosquitto":
            settings = tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False)
            settings.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
            settings.close()
            command = [binary, "-c", settings.name]
        else:
            command = [binary, "--shards", str(shards), "--listen", f"127.0.0.1:{self.port}"]
            command += [*(["--config", config] if config else []), *options]
        # Paths in the settings begin where the settings are.
        folder = os.path.dirname(config) if config else None
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, cwd=folder)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the broker did not start:\n{self.output()}")
                time.sleep(0.02)

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        if code != 0 and kind is None:
            raise SystemExit(f"the broker ended with {code}:\n{self.output()}")

    def output(self):
        self.log.flush()
        with open(self.log.name) as log:
            return log.read()
