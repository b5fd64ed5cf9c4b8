"""Clients with user names and passwords, against a broker that lets nobody else in.
Usage: users_programs.py HOST PORT LABEL
"""

import itertools
import subprocess
import sys
import traceback
import types

import paho.mqtt.client as mqtt
from paho_client import PATIENCE_SECS, Client
from scram_client import Refused, ScramConnection

HOST, PORT, LABEL = sys.argv[1], int(sys.argv[2]), sys.argv[3]
BROKER = types.SimpleNamespace(host=HOST, port=PORT)
NUMBERS = itertools.count()


def name(text):
    return f"{text}-{next(NUMBERS)}"


def refused(action, code):
    try:
        action()
    except Refused as refusal:
        assert refusal.args == (code,), f"refused with {refusal.args[0]:#x}, not {code:#x}"
    else:
        raise AssertionError(f"was let in, not refused with {code:#x}")


def mosquitto_programs_bring_passwords():
    topic = name("mosquitto")
    for version in ("mqttv31", "mqttv311", "5"):
        tool = ["-h", HOST, "-p", str(PORT), "-V", version, "-t", topic]
        pub = ["mosquitto_pub", *tool, "-m", version, "-r", "-q", "1"]
        sub = ["mosquitto_sub", *tool, "-C", "1", "-W", str(PATIENCE_SECS)]
        for user, password in (("anna", "geheim"), ("bert", "secret")):
            login = ["-u", user, "-P", password]
            subprocess.run([*pub, *login], check=True, timeout=PATIENCE_SECS)
            heard = subprocess.run([*sub, *login], check=True, timeout=PATIENCE_SECS, stdout=subprocess.PIPE, text=True)
            assert heard.stdout.strip() == version, heard.stdout
        for login in (["-u", "anna", "-P", "secret"], ["-u", "nobody", "-P", "geheim"], ["-u", "anna"], []):
            done = subprocess.run([*pub, *login], timeout=PATIENCE_SECS, stderr=subprocess.PIPE, text=True)
            told = done.stderr.lower()
            assert done.returncode != 0 and ("not authori" in told or "password" in told), (login, told)


def paho_brings_passwords():
    for version, bad, missing in (("3.1", 4, 5), ("3.1.1", 4, 5), ("5", 0x86, 0x87)):
        client = Client(BROKER, version, name("paho"))
        client.paho.username_pw_set("bert", "secret")
        client.connect()
        client.disconnect()
        for user, password, code in (("bert", "wrong", bad), ("nobody", "secret", bad), (None, None, missing)):
            client = Client(BROKER, version, name("paho"))
            if user:
                client.paho.username_pw_set(user, password)
            codes = []
            client.paho.on_connect = lambda paho, data, flags, code, properties=None: codes.append(
                int(getattr(code, "value", code)))
            client.paho.connect(HOST, PORT)
            while not codes:
                client.paho.loop(timeout=PATIENCE_SECS)
            assert codes[0] == code, f"{version} {user}: {codes}, not {code}"


def scram_lets_users_in():
    for user, password in (("bert", "secret"), ("carl", "\u2168"), ("carl", "IX")):
        client = ScramConnection(BROKER, name("scram")).connect(user, password)
        topic = name("scram-topic")
        client.subscribe(topic)
        client.publish(topic, "one")
        client.again(user, password)
        assert client.heard == ["one"], client.heard


def scram_refuses_others():
    for user, password in (("bert", "wrong"), ("nobody", "secret"), ("anna", "geheim")):
        client = ScramConnection(BROKER, name("scram"))
        refused(lambda: client.connect(user, password), 0x87)
        assert client.is_closed()
    client = ScramConnection(BROKER, name("scram"))
    refused(lambda: client.connect("bert", "secret", method="SCRAM-SHA-1"), 0x8C)
    assert client.is_closed()


def messages_flow_while_a_client_authenticates_again():
    topic = name("flow")
    other = Client(BROKER, "5", name("paho"))
    other.paho.username_pw_set("anna", "geheim")
    other.connect().subscribe(f"{topic}/out")
    client = ScramConnection(BROKER, name("scram")).connect("bert", "secret")
    client.subscribe(f"{topic}/in")

    def meanwhile():
        other.publish(f"{topic}/in", "in", qos=1)
        client.publish(f"{topic}/out", "out")
        other.hears(f"{topic}/out", "out")

    client.again("bert", "secret", meanwhile)
    assert client.heard == ["in"], client.heard
    refused(lambda: client.again("carl", "IX"), 0x87)
    assert client.is_closed()
    other.disconnect()


PROGRAMS = [
    mosquitto_programs_bring_passwords,
    paho_brings_passwords,
    scram_lets_users_in,
    scram_refuses_others,
    messages_flow_while_a_client_authenticates_again,
]


def main():
    failed = 0
    for program in PROGRAMS:
        label = f"{LABEL} users: {program.__name__}"
        try:
            program()
            print(f"ok   {label}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {label}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)


main()
