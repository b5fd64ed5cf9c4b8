"""The programs that every MQTT tutorial shows, with paho-mqtt. Usage: paho_programs.py HOST PORT LABEL

Works with paho-mqtt 1.6 and 2.x. A client that must *not* hear something is shown so by a marker
published afterwards by the same publisher: the marker is the next thing it hears.
"""

import itertools
import sys
import traceback
from types import SimpleNamespace

import paho.mqtt

from paho_client import Client

NUMBERS = itertools.count()


def name(text):
    return f"{text}-{next(NUMBERS)}"


def three_hear_it_one_does_not(broker, version):
    """[v3.1.1 MQTT-7.0.0-2]"""
    hearing = [
        Client(broker, version, name("sub")).connect().subscribe(f, 1)
        for f in ("home/+/temp", "home/#", "home/kitchen/+")
    ]
    deaf = Client(broker, version, name("sub")).connect().subscribe("home/door", 1)
    publisher = Client(broker, version, name("pub")).connect()
    publisher.publish("home/kitchen/temp", "21.5", 1)
    publisher.publish("home/door", "open", 1)
    for subscriber in hearing:
        subscriber.hears("home/kitchen/temp", "21.5", qos=1, retain=False)
    deaf.hears("home/door", "open", qos=1, retain=False)
    for client in [*hearing, deaf, publisher]:
        client.disconnect()


def plus_is_exactly_one_level(broker, version):
    subscriber = Client(broker, version, name("sub")).connect().subscribe("home/+", 1)
    publisher = Client(broker, version, name("pub")).connect()
    publisher.publish("home", "no", 1)
    publisher.publish("home/kitchen/temp", "no", 1)
    publisher.publish("home/marker", "yes", 1)
    subscriber.hears("home/marker", "yes")
    subscriber.disconnect()
    publisher.disconnect()


def every_qos_goes_both_ways(broker, version):
    subscriber = Client(broker, version, name("sub")).connect()
    publisher = Client(broker, version, name("pub")).connect()
    for granted, sent in itertools.product((0, 1, 2), repeat=2):
        topic = name(f"qos/{granted}/{sent}")
        subscriber.subscribe(topic, granted)
        publisher.publish(topic, "x", sent)
        subscriber.hears(topic, "x", qos=min(granted, sent), retain=False)
    subscriber.disconnect()
    publisher.disconnect()


def retained_is_set_seen_late_and_cleared(broker, version):
    topic = name("retained/lamp")
    publisher = Client(broker, version, name("pub")).connect()
    publisher.publish(topic, "off", 1, retain=True)
    publisher.publish(topic, "on", 1, retain=True)
    late = Client(broker, version, name("late")).connect().subscribe(topic, 1)
    late.hears(topic, "on", qos=1, retain=True)
    publisher.publish(topic, "", 1, retain=True)
    late.hears(topic, "", retain=False)
    later = Client(broker, version, name("later")).connect().subscribe(topic, 1)
    publisher.publish(topic, "marker", 1)
    later.hears(topic, "marker", retain=False)
    for client in (publisher, late, later):
        client.disconnect()


def will_after_a_drop_none_after_disconnect(broker, version):
    topic = name("will/sensor")
    watcher = Client(broker, version, name("watch")).connect().subscribe(topic, 1)
    Client(broker, version, name("polite"), will=(topic, "gone", 1, True)).connect().disconnect()
    marker = Client(broker, version, name("marker")).connect()
    marker.publish(topic, "marker", 1)
    watcher.hears(topic, "marker")
    Client(broker, version, name("rude"), will=(topic, "gone", 1, True)).connect().drop()
    watcher.hears(topic, "gone", qos=1, retain=False)
    late = Client(broker, version, name("late")).connect().subscribe(topic, 1)
    late.hears(topic, "gone", qos=1, retain=True)
    marker.publish(topic, "", 1, retain=True)
    for client in (watcher, marker, late):
        client.disconnect()


def presence_by_retained_status_and_will(broker, version):
    topic = name("presence/device")
    device = Client(broker, version, name("device"), will=(topic, "offline", 1, True)).connect()
    device.publish(topic, "online", 1, retain=True)
    watcher = Client(broker, version, name("watch")).connect().subscribe(topic, 1)
    watcher.hears(topic, "online", retain=True)
    device.drop()
    watcher.hears(topic, "offline", retain=False)
    late = Client(broker, version, name("late")).connect().subscribe(topic, 1)
    late.hears(topic, "offline", retain=True)
    for client in (watcher, late):
        client.disconnect()


def second_client_with_the_same_id_throws_out_the_first(broker, version):
    client_id = name("twin")
    first = Client(broker, version, client_id).connect()
    first.paho.reconnect = lambda: (_ for _ in ()).throw(OSError("stay away"))
    second = Client(broker, version, client_id).connect()
    assert first.disconnected.wait(30), "the first client was not thrown out"
    first.paho._thread_terminate = True
    topic = name("twin/topic")
    second.subscribe(topic, 1)
    second.publish(topic, "alive", 1)
    second.hears(topic, "alive")
    second.disconnect()


def session_queues_while_away_or_forgets(broker, version):
    topic, publisher = name("away"), Client(broker, version, name("pub")).connect()
    for clean in (False, True):
        client_id = name("sleeper")
        Client(broker, version, client_id, clean=clean).connect().subscribe(topic, 2).disconnect()
        publisher.publish(topic, "one", 1)
        publisher.publish(topic, "two", 2)
        back = Client(broker, version, client_id, clean=clean).connect()
        assert back.session_present == (not clean and version != "3.1"), "session present flag"
        if clean:
            back.subscribe(topic, 2)
            publisher.publish(topic, "marker", 1)
            back.hears(topic, "marker")
        else:
            back.hears(topic, "one", qos=1)
            back.hears(topic, "two", qos=2)
        back.disconnect()
    publisher.disconnect()


def unsubscribed_hears_no_more(broker, version):
    topic, marker = name("unsub"), name("marker")
    subscriber = Client(broker, version, name("sub")).connect().subscribe(topic, 1).subscribe(marker, 1)
    publisher = Client(broker, version, name("pub")).connect()
    publisher.publish(topic, "heard", 1)
    subscriber.hears(topic, "heard")
    subscriber.unsubscribe(topic)
    publisher.publish(topic, "not heard", 1)
    publisher.publish(marker, "marker", 1)
    subscriber.hears(marker, "marker")
    subscriber.disconnect()
    publisher.disconnect()


def many_clients_large_messages(broker, version):
    topic = name("large")
    subscribers = [Client(broker, version, name("sub")).connect().subscribe(topic, 1) for _ in range(8)]
    publisher = Client(broker, version, name("pub")).connect()
    payload = "x" * 300_000
    for _ in range(3):
        publisher.publish(topic, payload, 1)
    for subscriber in subscribers:
        for _ in range(3):
            subscriber.hears(topic, payload)
        subscriber.disconnect()
    publisher.disconnect()


PROGRAMS = [
    three_hear_it_one_does_not,
    plus_is_exactly_one_level,
    every_qos_goes_both_ways,
    retained_is_set_seen_late_and_cleared,
    will_after_a_drop_none_after_disconnect,
    presence_by_retained_status_and_will,
    second_client_with_the_same_id_throws_out_the_first,
    session_queues_while_away_or_forgets,
    unsubscribed_hears_no_more,
    many_clients_large_messages,
]


def main():
    broker = SimpleNamespace(host=sys.argv[1], port=int(sys.argv[2]))
    failed = 0
    for version, program in itertools.product(("3.1", "3.1.1", "5"), PROGRAMS):
        label = f"{sys.argv[3]} paho-mqtt {paho.mqtt.__version__} MQTT {version}: {program.__name__}"
        try:
            program(broker, version)
            print(f"ok   {label}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {label}\n{traceback.format_exc()}", flush=True)
    sys.stdout.flush()
    # paho's network threads are daemons of clients that were cut on purpose: leave without joining them.
    import os

    os._exit(1 if failed else 0)


main()
