"""The brokers that scripts/compare measures: how each is started on a port and a CPU, and stopped.

Every one is started anew for each run. Nothing here measures, and nothing is ended that was not started here.
"""
import contextlib
import dataclasses
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

START_SECS = 20
STOP_SECS = 30
# Between its first answer and the first look at its memory.
SETTLE_SECS = 0.3

MOSQUITTO = pathlib.Path(__file__).resolve().parent / "mosquitto.conf"


class Failed(Exception):
    """A broker did not start, or did not end as it should."""


@dataclasses.dataclass(frozen=True)
class Broker:
    name: str
    # Words of a command; {port}, {cpu} and {config}, a file of its own, are put in.
    command: tuple
    version: str = ""
    config: str = ""
    is_ours: bool = False
    # The one whose figures the ratios are to.
    is_base: bool = False

    def about(self):
        command = shlex.join(self.command)
        return {"name": self.name, "version": self.version, "command": command, "is_ours": self.is_ours}

    @contextlib.contextmanager
    def running(self, cpu):
        """The broker on a free port and this CPU, as (process, port), until the block ends."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="compare-") as folder:
            config, log = pathlib.Path(folder, "broker.conf"), pathlib.Path(folder, "broker.log")
            config.write_text(self.config.replace("{port}", str(port)))
            places = {"{port}": str(port), "{cpu}": str(cpu), "{config}": str(config)}
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [replaced(word, places) for word in self.command], stdin=subprocess.DEVNULL, stdout=output,
                    stderr=subprocess.STDOUT, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
            try:
                await_port(process, port, self.name, log)
                yield process, port
                if process.poll() is not None:
                    raise Failed(f"{self.name} ended by itself with {process.returncode}: {tail(log)}")
            finally:
                stop(process)
            if self.is_ours and process.returncode != 0:
                raise Failed(f"{self.name} ended with {process.returncode}: {tail(log)}")


def replaced(word, places):
    for place, value in places.items():
        word = word.replace(place, value)
    return word


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def await_port(process, port, name, log):
    """Until it listens."""
    until = time.monotonic() + START_SECS
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as it:
            if it.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    else:
        raise Failed(f"{name} did not start: {tail(log)}")
    time.sleep(SETTLE_SECS)


def stop(process):
    process.terminate()
    try:
        process.wait(STOP_SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(log):
    """The end of what a broker said."""
    return log.read_text(errors="replace")[-600:].strip() or "it said nothing"


def first_line(command):
    """What a command says first; brokers that print their help exit with all kinds of codes."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10)
    return done.stdout.split("\n", 1)[0].strip()


def ringmq(name, path):
    """A build of RingMQ as it comes, on one shard."""
    command = (str(path), "--listen", "127.0.0.1:{port}", "--shards", "1")
    return Broker(name, command, version=first_line([path, "--version"]), is_ours=True)


def mosquitto():
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Failed("Mosquitto is not installed (scripts/test install does it); --only-ours goes without")
    version = first_line([path, "-h"])
    return Broker("Mosquitto", (path, "-c", "{config}"), version=version, config=f"listener {{port}} 127.0.0.1\n{MOSQUITTO.read_text()}", is_base=True)


def peer(text):
    """A broker from NAME=COMMAND."""
    name, _, command = text.partition("=")
    words = tuple(shlex.split(command))
    if not name or not words or "{port}" not in command:
        raise ValueError(f"--peer {text!r}: it has the form NAME='COMMAND with {{port}}'")
    return Broker(name, words)
