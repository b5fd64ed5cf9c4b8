"""A client of MQTT 5.0 over paho-mqtt 2.x that records what it hears with all properties.

Waiting is always for something to happen, bounded by PATIENCE_SECS; nothing is judged by time.
"""

import queue
import socket

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE_SECS = 30


def properties(packet, values):
    """Properties of a packet by the specification's names; `UserProperty` may be a list of pairs."""
    made = Properties(getattr(PacketTypes, packet))
    for name, value in values.items():
        setattr(made, name, value)
    return made


def told(received, name):
    """The value of a property in a packet that came; None when it is not there."""
    return getattr(received, name, None) if received is not None else None


class Client:
    def __init__(self, broker, client_id, will=None, will_properties=None, manual_ack=False):
        self.broker = broker
        self.events, self.heard = queue.Queue(), queue.Queue()
        self.connack = None
        self.paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5,
                                manual_ack=manual_ack, reconnect_on_failure=False)
        if will:
            self.paho.will_set(*will, properties=properties("WILLMESSAGE", will_properties or {}))
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = lambda c, u, flags, code, props: self.events.put(("disconnected", code.value, props))
        self.paho.on_subscribe = lambda c, u, mid, codes, props: self.events.put(("subscribed", [it.value for it in codes], props))
        self.paho.on_unsubscribe = lambda c, u, mid, codes, props: self.events.put(("unsubscribed", [it.value for it in codes], props))
        self.paho.on_publish = lambda c, u, mid, code, props: self.events.put(("published", code.value, props))
        self.paho.on_message = lambda c, u, message: self.heard.put(message)

    def _on_connect(self, client, userdata, flags, code, props):
        self.connack = props
        self.events.put(("connected", code.value, flags.session_present))

    def connect(self, clean=True, keepalive=60, session_present=False, code=0, **values):
        values.setdefault("SessionExpiryInterval", 0 if clean else 3600)
        self.paho.connect(self.broker.host, self.broker.port, keepalive=keepalive, clean_start=clean,
                          properties=properties("CONNECT", values))
        self.paho.loop_start()
        got = self.event("connected")
        assert got == (code, session_present), f"CONNACK {got}"
        return self

    def event(self, name):
        """What came with the next event, which is this one."""
        got = self.events.get(timeout=PATIENCE_SECS)
        assert got[0] == name, f"waited for {name!r}, got {got}"
        return got[1:]

    def subscribe(self, topic_filter, qos=1, codes=None, identifier=None, **options):
        values = {} if identifier is None else {"SubscriptionIdentifier": identifier}
        self.paho.subscribe(topic_filter, options=SubscribeOptions(qos=qos, **options),
                            properties=properties("SUBSCRIBE", values))
        got = self.event("subscribed")
        assert got[0] == ([qos] if codes is None else codes), f"SUBACK {got}"
        return self

    def unsubscribe(self, topic_filter, codes):
        self.paho.unsubscribe(topic_filter)
        got = self.event("unsubscribed")
        assert got[0] == codes, f"UNSUBACK {got}"

    def publish(self, topic, payload, qos=1, retain=False, code=0, **values):
        """Publishes and waits for the acknowledgement; returns its properties."""
        self.paho.publish(topic, payload, qos, retain, properties=properties("PUBLISH", values))
        got, props = self.event("published")
        assert got == code, f"published with {got:#04x}, not {code:#04x}"
        return props

    def hears(self, topic, payload, **expected):
        """The next message is this one, with these properties among others; `retain` and `qos` count too."""
        message = self.heard.get(timeout=PATIENCE_SECS)
        assert (message.topic, message.payload.decode()) == (topic, payload), f"got {message.topic}: {message.payload}"
        for name, value in expected.items():
            got = getattr(message, name) if name in ("retain", "qos") else told(message.properties, name)
            assert got == value, f"{name} is {got!r}, not {value!r}"
        return message

    def disconnect(self, **values):
        self.paho.disconnect(properties=properties("DISCONNECT", values))
        self.event("disconnected")
        self.paho.loop_stop()

    def drop(self):
        """Cuts the connection without DISCONNECT, as a power failure does."""
        self.paho.loop_stop()
        connection = self.paho.socket()
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()
