"""Every property of MQTT 5.0, end to end, with paho-mqtt 2.x. Usage: paho_v5_programs.py HOST PORT LABEL

The broker runs with the settings in v5.toml. A client that must *not* hear something is shown so by a
marker published afterwards by the same publisher: the marker is the next thing it hears.
"""

import itertools
import os
import sys
import time
import traceback
from types import SimpleNamespace

import paho.mqtt

from paho_v5_client import Client, told

NUMBERS = itertools.count()


def name(text):
    return f"{text}-{next(NUMBERS)}"


def pair(broker, topic, **options):
    subscriber = Client(broker, name("sub")).connect().subscribe(topic, **options)
    return subscriber, Client(broker, name("pub")).connect()


def goodbye(*clients):
    for client in clients:
        client.disconnect()


def message_properties_arrive_as_sent(broker):
    topic = name("v5/properties")
    subscriber, publisher = pair(broker, topic, qos=2)
    sent = {
        "PayloadFormatIndicator": 1,
        "ContentType": "text/plain; charset=utf-8",
        "ResponseTopic": "v5/answers/here",
        "CorrelationData": bytes(range(256)),
        "UserProperty": [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("größe", "µ")],
    }
    for qos in (0, 1, 2):
        publisher.publish(topic, f"grüße {qos}", qos, **sent)
        subscriber.hears(topic, f"grüße {qos}", qos=qos, **sent)
    publisher.publish(topic, "plain")
    plain = {key: None for key in sent}
    subscriber.hears(topic, "plain", **plain)
    goodbye(subscriber, publisher)


def properties_survive_queue_and_retained_store(broker):
    topic, client_id = name("v5/kept"), name("sleeper")
    sent = {"ContentType": "a/b", "UserProperty": [("x", "1"), ("x", "2")], "ResponseTopic": "r", "CorrelationData": b"c"}
    Client(broker, client_id).connect(clean=False).subscribe(topic).disconnect()
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(topic, "kept", retain=True, **sent)
    back = Client(broker, client_id).connect(clean=False, session_present=True)
    back.hears(topic, "kept", retain=False, **sent)
    late = Client(broker, name("late")).connect().subscribe(topic)
    late.hears(topic, "kept", retain=True, **sent)
    publisher.publish(topic, "", retain=True)
    goodbye(back, late, publisher)


def request_and_response(broker):
    requests = name("v5/requests")
    server = Client(broker, name("server")).connect().subscribe(requests, qos=2)
    askers = [Client(broker, name("asker")).connect() for _ in range(3)]
    for number, asker in enumerate(askers):
        answers = name("v5/answers")
        asker.subscribe(answers)
        asker.answers = answers
        asker.publish(requests, f"{number} + 1", 2, ResponseTopic=answers, CorrelationData=f"c{number}".encode())
    for _ in askers:
        request = server.heard.get(timeout=30)
        number = int(request.payload.split()[0])
        asked = request.properties
        server.publish(asked.ResponseTopic, str(number + 1), CorrelationData=asked.CorrelationData)
    for number, asker in enumerate(askers):
        asker.hears(asker.answers, str(number + 1), CorrelationData=f"c{number}".encode())
    goodbye(server, *askers)


def expired_messages_are_not_delivered(broker):
    topic, client_id = name("v5/expiry"), name("sleeper")
    Client(broker, client_id).connect(clean=False).subscribe(topic).disconnect()
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(topic, "short", MessageExpiryInterval=1)
    publisher.publish(topic, "long", MessageExpiryInterval=100)
    publisher.publish(topic, "for ever")
    time.sleep(2.1)
    back = Client(broker, client_id).connect(clean=False, session_present=True)
    left = back.hears(topic, "long").properties.MessageExpiryInterval
    assert 1 <= left <= 98, f"{left} seconds are left"
    back.hears(topic, "for ever", MessageExpiryInterval=None)
    goodbye(back, publisher)


def expired_retained_message_is_gone(broker):
    topic = name("v5/retained")
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(topic, "short", retain=True, code=0x10, MessageExpiryInterval=1)
    time.sleep(2.1)
    late = Client(broker, name("late")).connect().subscribe(topic)
    publisher.publish(topic, "marker")
    late.hears(topic, "marker")
    goodbye(late, publisher)


def receive_maximum_holds_the_broker_back(broker):
    topic = name("v5/window")
    subscriber = Client(broker, name("sub"), manual_ack=True).connect(ReceiveMaximum=2).subscribe(topic)
    assert told(subscriber.connack, "ReceiveMaximum") == 20
    publisher = Client(broker, name("pub")).connect()
    for number in range(6):
        publisher.publish(topic, str(number))
    heard = [subscriber.hears(topic, str(number)) for number in range(2)]
    # Behind the answer to this one anything that was sent before it would have come.
    subscriber.subscribe(name("v5/marker"))
    assert subscriber.heard.empty(), "more than the window holds"
    for number in range(2, 6):
        oldest = heard.pop(0)
        subscriber.paho.ack(oldest.mid, oldest.qos)
        heard.append(subscriber.hears(topic, str(number)))
    goodbye(subscriber, publisher)


def maximum_packet_size_in_both_directions(broker):
    topic = name("v5/size")
    small = Client(broker, name("small")).connect(MaximumPacketSize=200).subscribe(topic)
    large = Client(broker, name("large")).connect().subscribe(topic)
    assert told(large.connack, "MaximumPacketSize") == 100_000
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(topic, "x" * 1_000)
    publisher.publish(topic, "marker")
    small.hears(topic, "marker")
    large.hears(topic, "x" * 1_000)
    large.hears(topic, "marker")
    publisher.paho.publish(topic, "x" * 100_000, 1)
    code, props = publisher.event("disconnected")
    assert code == 0x95 and told(props, "ReasonString"), (code, props)
    goodbye(small, large)


def session_expiry_as_asked_and_as_changed(broker):
    topic, publisher = name("v5/session"), Client(broker, name("pub")).connect()
    asked = [
        (True, {"SessionExpiryInterval": 3600}, {}),
        (True, {"SessionExpiryInterval": 3600}, {"SessionExpiryInterval": 3600}),
        (False, {"SessionExpiryInterval": 0}, {}),
        (False, {"SessionExpiryInterval": 3600}, {"SessionExpiryInterval": 0}),
    ]
    for kept, at_connect, at_disconnect in asked:
        client_id = name("session")
        first = Client(broker, client_id).connect(**at_connect).subscribe(topic)
        first.disconnect(**at_disconnect)
        back = Client(broker, client_id).connect(clean=False, session_present=kept)
        back.disconnect(SessionExpiryInterval=0)
    client_id = name("session")
    Client(broker, client_id).connect(SessionExpiryInterval=1).subscribe(topic).disconnect()
    time.sleep(3)
    Client(broker, client_id).connect(clean=False, session_present=False).disconnect()
    goodbye(publisher)


def will_with_all_its_properties(broker):
    topic = name("v5/will")
    watcher = Client(broker, name("watch")).connect().subscribe(topic)
    sent = {
        "PayloadFormatIndicator": 1,
        "ContentType": "text/plain",
        "ResponseTopic": "v5/response",
        "CorrelationData": b"\x00\x01",
        "UserProperty": [("z", "1"), ("a", "2")],
    }
    rude = Client(broker, name("rude"), (topic, "gone", 1, False), {**sent, "MessageExpiryInterval": 60}).connect()
    rude.drop()
    message = watcher.hears(topic, "gone", qos=1, retain=False, **sent)
    assert 1 <= message.properties.MessageExpiryInterval <= 60
    goodbye(watcher)


def will_delay_is_cancelled_by_a_resume(broker):
    topic, client_id = name("v5/delay"), name("device")
    watcher = Client(broker, name("watch")).connect().subscribe(topic)
    will = (topic, "gone", 1, False)
    Client(broker, client_id, will, {"WillDelayInterval": 5}).connect(clean=False).drop()
    back = Client(broker, client_id, (topic, "gone again", 1, False), {"WillDelayInterval": 1})
    back.connect(clean=False, session_present=True)
    time.sleep(7)
    marker = Client(broker, name("marker")).connect()
    marker.publish(topic, "marker")
    watcher.hears(topic, "marker")
    back.drop()
    watcher.hears(topic, "gone again")
    goodbye(watcher, marker)


def will_delay_ends_with_the_session(broker):
    topic = name("v5/delay")
    watcher = Client(broker, name("watch")).connect().subscribe(topic)
    device = Client(broker, name("device"), (topic, "gone", 1, False), {"WillDelayInterval": 3600})
    device.connect(SessionExpiryInterval=1).drop()
    watcher.hears(topic, "gone")
    goodbye(watcher)


def disconnect_with_will(broker):
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

    topic = name("v5/goodbye")
    watcher = Client(broker, name("watch")).connect().subscribe(topic)
    client = Client(broker, name("client"), (topic, "so long", 1, False)).connect()
    client.paho.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, identifier=0x04))
    watcher.hears(topic, "so long")
    goodbye(watcher)


def assigned_client_identifier(broker):
    first, second = Client(broker, "").connect(), Client(broker, "").connect()
    names = [told(client.connack, "AssignedClientIdentifier") for client in (first, second)]
    assert all(names) and names[0] != names[1], names
    named = Client(broker, name("named")).connect()
    assert told(named.connack, "AssignedClientIdentifier") is None
    topic = name("v5/assigned")
    second.subscribe(topic)
    first.publish(topic, "hello")
    second.hears(topic, "hello")
    goodbye(first, second, named)


def server_keep_alive(broker):
    long, short = Client(broker, name("long")), Client(broker, name("short"))
    long.connect(keepalive=300)
    assert told(long.connack, "ServerKeepAlive") == 60, vars(long.connack)
    short.connect(keepalive=30)
    assert told(short.connack, "ServerKeepAlive") is None
    goodbye(long, short)


def reason_codes_are_truthful(broker):
    topic = name("v5/reasons")
    client = Client(broker, name("client")).connect()
    client.publish(topic, "nobody", 1, code=0x10)
    client.publish(topic, "nobody", 2, code=0x00)  # paho tells the code of PUBCOMP
    props = client.publish("$SYS/broker/version", "no", 1, code=0x87)
    assert told(props, "ReasonString"), "no reason string"
    silent = Client(broker, name("silent")).connect(RequestProblemInformation=0)
    props = silent.publish("$SYS/broker/version", "no", 1, code=0x87)
    assert told(props, "ReasonString") is None, props
    goodbye(silent)
    client.unsubscribe(topic, [0x11])
    client.subscribe(topic)
    client.publish(topic, "somebody")
    client.hears(topic, "somebody")
    client.unsubscribe(topic, [0x00])
    goodbye(client)


def takeover_is_told(broker):
    client_id = name("twin")
    first = Client(broker, client_id).connect()
    second = Client(broker, client_id).connect()
    code, props = first.event("disconnected")
    assert code == 0x8E and told(props, "ReasonString"), (code, props)
    goodbye(second)


def no_local(broker):
    topic = name("v5/local")
    client = Client(broker, name("client")).connect().subscribe(topic, noLocal=True)
    other = Client(broker, name("other")).connect().subscribe(topic)
    client.publish(topic, "mine")
    other.hears(topic, "mine")
    other.publish(topic, "other's")
    client.hears(topic, "other's")
    goodbye(client, other)


def retain_as_published(broker):
    topic = name("v5/rap")
    as_published, publisher = pair(broker, topic, retainAsPublished=True)
    plain = Client(broker, name("plain")).connect().subscribe(topic)
    publisher.publish(topic, "kept", retain=True)
    as_published.hears(topic, "kept", retain=True)
    plain.hears(topic, "kept", retain=False)
    publisher.publish(topic, "", retain=True)
    goodbye(as_published, plain, publisher)


def retain_handling(broker):
    topic = name("v5/handling")
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(topic, "kept", retain=True, code=0x10)
    client = Client(broker, name("client")).connect()
    for handling, comes in ((2, False), (1, False), (0, True), (0, True)):
        client.subscribe(topic, retainHandling=handling)
        if comes:
            client.hears(topic, "kept", retain=True)
        publisher.publish(topic, "marker")
        client.hears(topic, "marker", retain=False)
    client.unsubscribe(topic, [0])
    client.subscribe(topic, retainHandling=1)
    client.hears(topic, "kept", retain=True)
    publisher.publish(topic, "", retain=True)
    goodbye(client, publisher)


def subscription_identifiers(broker):
    topic = name("v5/identifiers")
    client = Client(broker, name("client")).connect()
    client.subscribe(f"{topic}/#", identifier=1).subscribe(f"{topic}/+", identifier=268_435_455).subscribe(f"{topic}/a")
    publisher = Client(broker, name("pub")).connect()
    publisher.publish(f"{topic}/a", "both")
    message = client.hears(f"{topic}/a", "both")
    assert sorted(message.properties.SubscriptionIdentifier) == [1, 268_435_455], message.properties
    publisher.publish(f"{topic}/a/b", "one", retain=True)
    client.hears(f"{topic}/a/b", "one", SubscriptionIdentifier=[1])
    late = Client(broker, name("late")).connect().subscribe(f"{topic}/#", identifier=7)
    late.hears(f"{topic}/a/b", "one", retain=True, SubscriptionIdentifier=[7])
    publisher.publish(f"{topic}/a/b", "", retain=True)
    goodbye(client, publisher, late)


def topic_aliases_from_the_client(broker):
    topic = name("v5/alias")
    subscriber, publisher = pair(broker, f"{topic}/#")
    assert told(publisher.connack, "TopicAliasMaximum") >= 2
    publisher.publish(f"{topic}/one", "1", TopicAlias=1)
    publisher.publish(f"{topic}/two", "2", TopicAlias=2)
    publisher.publish("", "3", 2, TopicAlias=1)
    publisher.publish("", "4", 0, TopicAlias=2)
    publisher.publish(f"{topic}/three", "5", TopicAlias=1)
    publisher.publish("", "6", TopicAlias=1)
    for level, payload in (("one", "1"), ("two", "2"), ("one", "3"), ("two", "4"), ("three", "5"), ("three", "6")):
        subscriber.hears(f"{topic}/{level}", payload, TopicAlias=None)
    goodbye(subscriber, publisher)


def topic_aliases_to_the_client(broker):
    topic = name("v5/alias/to/the/client")
    subscriber = Client(broker, name("sub")).connect(TopicAliasMaximum=5).subscribe(topic)
    publisher = Client(broker, name("pub")).connect()
    aliases = {}
    for number in range(10):
        publisher.publish(topic, str(number))
        # paho leaves it to the program to look the alias up.
        message = subscriber.heard.get(timeout=30)
        alias = told(message.properties, "TopicAlias")
        assert alias is None or 1 <= alias <= 5, alias
        if message.topic and alias:
            aliases[alias] = message.topic
        assert (message.topic or aliases[alias], message.payload) == (topic, str(number).encode())
    assert aliases, "no alias was given to a topic that repeats"
    goodbye(subscriber, publisher)


def shared_subscriptions(broker):
    topic, group = name("v5/shared"), name("workers")
    workers = [Client(broker, name("worker")).connect().subscribe(f"$share/{group}/{topic}/+") for _ in range(3)]
    publisher = Client(broker, name("pub")).connect()
    for number in range(30):
        publisher.publish(f"{topic}/{number}", str(number))
    shares = [[worker.heard.get(timeout=30).payload for _ in range(10)] for worker in workers]
    assert sorted(int(payload) for share in shares for payload in share) == list(range(30))
    for worker in workers[1:]:
        worker.disconnect()
    for number in range(5):
        publisher.publish(f"{topic}/x", str(number))
        workers[0].hears(f"{topic}/x", str(number))
    goodbye(workers[0], publisher)


def response_information(broker):
    client_id = name("asker")
    asker = Client(broker, client_id).connect(RequestResponseInformation=1)
    assert told(asker.connack, "ResponseInformation") == f"response/{client_id}"
    other = Client(broker, name("other")).connect()
    assert told(other.connack, "ResponseInformation") is None
    goodbye(asker, other)


def users_and_passwords(broker):
    carl = Client(broker, name("carl"))
    carl.paho.username_pw_set("carl", "password")
    goodbye(carl.connect())
    for user, password in (("carl", "passwort"), ("nobody", "password")):
        stranger = Client(broker, name("stranger"))
        stranger.paho.username_pw_set(user, password)
        stranger.connect(code=0x86)


PROGRAMS = [
    message_properties_arrive_as_sent,
    properties_survive_queue_and_retained_store,
    request_and_response,
    expired_messages_are_not_delivered,
    expired_retained_message_is_gone,
    receive_maximum_holds_the_broker_back,
    maximum_packet_size_in_both_directions,
    session_expiry_as_asked_and_as_changed,
    will_with_all_its_properties,
    will_delay_is_cancelled_by_a_resume,
    will_delay_ends_with_the_session,
    disconnect_with_will,
    assigned_client_identifier,
    server_keep_alive,
    reason_codes_are_truthful,
    takeover_is_told,
    no_local,
    retain_as_published,
    retain_handling,
    subscription_identifiers,
    topic_aliases_from_the_client,
    topic_aliases_to_the_client,
    shared_subscriptions,
    response_information,
    users_and_passwords,
]


def main():
    broker = SimpleNamespace(host=sys.argv[1], port=int(sys.argv[2]))
    failed = 0
    for program in PROGRAMS:
        label = f"{sys.argv[3]} paho-mqtt {paho.mqtt.__version__} MQTT 5: {program.__name__}"
        try:
            program(broker)
            print(f"ok   {label}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {label}\n{traceback.format_exc()}", flush=True)
    sys.stdout.flush()
    # paho's network threads are daemons of clients that were cut on purpose: leave without joining them.
    os._exit(1 if failed else 0)


main()
