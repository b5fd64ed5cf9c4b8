"""The tutorial programs with Mosquitto's command-line clients. Usage: mosquitto_programs.py HOST PORT LABEL"""

import itertools
import subprocess
import sys
import traceback

HOST, PORT, LABEL = sys.argv[1], sys.argv[2], sys.argv[3]
PATIENCE_SECS = 30
NUMBERS = itertools.count()


def name(text):
    return f"{text}-{next(NUMBERS)}"


def command(tool, version, *arguments):
    """Line-buffered, as a terminal would have it: the tests read the output while the tool runs."""
    return ["stdbuf", "-oL", tool, "-h", HOST, "-p", PORT, "-V", version, *arguments]


def publish(version, *arguments):
    subprocess.run(command("mosquitto_pub", version, *arguments), check=True, timeout=PATIENCE_SECS)


class Subscriber:
    """mosquitto_sub that ends after `count` messages; made only once its SUBACK is there."""

    def __init__(self, version, topic_filters, count, *arguments):
        filters = [word for topic_filter in topic_filters for word in ("-t", topic_filter)]
        self.process = subprocess.Popen(
            command("mosquitto_sub", version, *filters, "-d", "-C", str(count), "-W", str(PATIENCE_SECS),
                    "-F", "MESSAGE %t %r %q %p", *arguments),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines = []
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("Subscribed"):
                return
        raise AssertionError("no SUBACK:\n" + "".join(self.lines))

    def messages(self):
        """Reads on where the constructor stopped: `communicate` would miss what the stream has buffered since."""
        self.lines.extend(self.process.stdout)
        self.process.wait(PATIENCE_SECS)
        return [line.removeprefix("MESSAGE ").rstrip("\n") for line in self.lines if line.startswith("MESSAGE ")]


def three_hear_it_one_does_not(version):
    hearing = [Subscriber(version, [f], 1, "-q", "1") for f in ("home/+/temp", "home/#", "home/kitchen/+")]
    deaf = Subscriber(version, ["home/door"], 1, "-q", "1")
    publish(version, "-t", "home/kitchen/temp", "-m", "21.5", "-q", "1")
    publish(version, "-t", "home/door", "-m", "open", "-q", "1")
    for subscriber in hearing:
        assert subscriber.messages() == ["home/kitchen/temp 0 1 21.5"]
    assert deaf.messages() == ["home/door 0 1 open"]


def retained_is_seen_late_and_cleared(version):
    topic = name("mosq/retained")
    publish(version, "-t", topic, "-m", "on", "-r", "-q", "2")
    assert Subscriber(version, [topic], 1, "-q", "2").messages() == [f"{topic} 1 2 on"]
    publish(version, "-t", topic, "-n", "-r", "-q", "1")
    late = Subscriber(version, [topic], 1, "-q", "1")
    publish(version, "-t", topic, "-m", "marker", "-q", "1")
    assert late.messages() == [f"{topic} 0 1 marker"]


def session_queues_while_away(version):
    topic, client_id = name("mosq/away"), name("mosq-sleeper")
    keep = ["-i", client_id, "-c", "-q", "1"]
    filters = ["-t", topic]
    subprocess.run(command("mosquitto_sub", version, *filters, "-E", *keep), check=True, timeout=PATIENCE_SECS)
    publish(version, "-t", topic, "-m", "one", "-q", "1")
    publish(version, "-t", topic, "-m", "two", "-q", "1")
    out = subprocess.run(command("mosquitto_sub", version, *filters, "-C", "2", "-W", str(PATIENCE_SECS), *keep),
                         check=True, timeout=PATIENCE_SECS + 5, capture_output=True, text=True)
    assert out.stdout.split() == ["one", "two"], out


def request_and_response(version):
    if version != "5":
        return
    request, response = name("mosq/request"), name("mosq/response")
    server = Subscriber(version, [request], 1, "-q", "1")
    client = subprocess.Popen(
        command("mosquitto_rr", version, "-t", request, "-e", response, "-m", "question", "-q", "1", "-W", str(PATIENCE_SECS)),
        stdout=subprocess.PIPE, text=True)
    assert server.messages() == [f"{request} 0 1 question"]
    publish(version, "-t", response, "-m", "answer", "-q", "1")
    out, _ = client.communicate(timeout=PATIENCE_SECS + 5)
    assert out.strip() == "answer", out


def lines_from_a_pipe(version):
    topic = name("mosq/lines")
    subscriber = Subscriber(version, [topic], 500, "-q", "1")
    lines = [f"line-{n}" for n in range(500)]
    subprocess.run(command("mosquitto_pub", version, "-t", topic, "-l", "-q", "1"),
                   input="\n".join(lines) + "\n", text=True, check=True, timeout=PATIENCE_SECS)
    assert subscriber.messages() == [f"{topic} 0 1 {line}" for line in lines]


def members_share_messages(version):
    topic, stop, group = name("mosq/shared"), name("mosq/stop"), name("workers")
    members = [Subscriber(version, [f"$share/{group}/{topic}", stop], 4, "-q", "1") for _ in range(3)]
    lines = [f"line-{n}" for n in range(9)]
    subprocess.run(command("mosquitto_pub", version, "-t", topic, "-l", "-q", "1"),
                   input="\n".join(lines) + "\n", text=True, check=True, timeout=PATIENCE_SECS)
    publish(version, "-t", stop, "-m", "all", "-q", "1")
    heard = []
    for member in members:
        *shared, last = member.messages()
        assert last == f"{stop} 0 1 all", last
        heard.extend(shared)
    assert sorted(heard) == [f"{topic} 0 1 {line}" for line in lines], heard


def broker_statistics(version):
    out = subprocess.run(command("mosquitto_sub", version, "-t", "$SYS/broker/version", "-C", "1", "-W", str(PATIENCE_SECS)),
                         timeout=PATIENCE_SECS + 5, capture_output=True, text=True, check=True)
    assert out.stdout.strip(), "$SYS/broker/version is empty"


PROGRAMS = [
    three_hear_it_one_does_not,
    retained_is_seen_late_and_cleared,
    session_queues_while_away,
    request_and_response,
    lines_from_a_pipe,
    members_share_messages,
    broker_statistics,
]


def main():
    failed = 0
    for version, program in itertools.product(("31", "311", "5"), PROGRAMS):
        version = {"31": "mqttv31", "311": "mqttv311", "5": "5"}[version]
        label = f"{LABEL} mosquitto clients MQTT {version}: {program.__name__}"
        try:
            program(version)
            print(f"ok   {label}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {label}\n{traceback.format_exc()}", flush=True)
    sys.exit(1 if failed else 0)


main()
