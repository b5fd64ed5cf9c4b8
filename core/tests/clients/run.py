"""Runs the real-client programs against a broker. Usage: run.py BROKER_BINARY CACHE_DIR [SHARDS ...]

Makes one virtual environment per paho-mqtt version and one folder for MQTT.js in CACHE_DIR. The path of `mosquitto` as the binary runs the
programs against Mosquitto, which tells a wrong program from a wrong broker.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import venv

from broker import Broker

PAHO_VERSIONS = ["1.6.1", "2.1.0"]
SCRAMP = "scramp==1.5.0"
HERE = os.path.dirname(os.path.abspath(__file__))


def interpreter(cache, version, *more):
    """The Python of an environment with that paho-mqtt and more packages, made at first use."""
    folder = os.path.join(cache, "-".join(["paho", version, *more]))
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(os.path.join(folder, "ready")):
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"paho-mqtt=={version}", *more], check=True)
        open(os.path.join(folder, "ready"), "w").close()
    return python


def mqttjs(cache):
    """The environment in which node finds MQTT.js, installed at first use and whenever its versions change."""
    folder = os.path.join(cache, "mqttjs")
    ready = os.path.join(folder, "ready.json")
    with open(os.path.join(HERE, "mqttjs", "package-lock.json")) as lock:
        wanted = lock.read()
    if not os.path.exists(ready) or open(ready).read() != wanted:
        os.makedirs(folder, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, "mqttjs", file), folder)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, check=True)
        with open(ready, "w") as file:
            file.write(wanted)
    return {**os.environ, "NODE_PATH": os.path.join(folder, "node_modules")}


class Program:
    """A command, the broker's settings and options for it, and its environment."""

    def __init__(self, *command, config=None, options=(), environment=None):
        self.command, self.config, self.options, self.environment = command, config, options, environment


def run_program(binary, program, shards):
    """One program against a broker of its own; its output and whether it passed."""
    config = os.path.join(HERE, program.config) if program.config else None
    with Broker(binary, shards, config, program.options) as broker:
        done = subprocess.run([*program.command, broker.host, str(broker.port), f"[{shards} shards]"], cwd=HERE,
                              env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
        failed = done.returncode != 0
        return done.stdout + (f"the broker said:\n{broker.output()}" if failed else ""), failed


def main():
    binary, cache = (os.path.abspath(argument) for argument in sys.argv[1:3])
    shard_counts = [int(count) for count in sys.argv[3:]] or [1, 2, 4]
    programs = [Program(sys.executable, "mosquitto_programs.py")]
    programs += [Program(interpreter(cache, version), "paho_programs.py") for version in PAHO_VERSIONS]
    v5 = {"config": "v5.toml", "options": ["--allow-anonymous"]}
    programs.append(Program(interpreter(cache, PAHO_VERSIONS[-1]), "paho_v5_programs.py", **v5))
    programs.append(Program(interpreter(cache, PAHO_VERSIONS[-1], SCRAMP), "users_programs.py", config="users.toml"))
    programs.append(Program("node", "mqttjs/programs.js", **v5, environment=mqttjs(cache)))
    runs = [(binary, program, shards) for shards in shard_counts for program in programs]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=3) as pool:
        for output, wrong in pool.map(lambda run: run_program(*run), runs):
            print(output, end="", flush=True)
            lines = output.splitlines()
            passed += sum(line.startswith("ok ") for line in lines)
            failed += sum(line.startswith("FAIL ") for line in lines) or wrong
    print(f"real clients: {passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
