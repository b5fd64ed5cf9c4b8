"""One face over paho-mqtt 1.6 and 2.x: a client that records what it hears and waits for events.

Waiting is always for something to happen, bounded by PATIENCE_SECS; nothing is judged by time.
"""

import queue
import socket
import ssl  # noqa: F401  (paho 1.6 imports it lazily; a missing one shows here)
import threading

import paho.mqtt.client as mqtt

PATIENCE_SECS = 30
PAHO_2 = hasattr(mqtt, "CallbackAPIVersion")
VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}


class Client:
    def __init__(self, broker, version, client_id, clean=True, expiry_secs=0, will=None):
        self.broker, self.version, self.clean = broker, VERSIONS[version], clean
        self.heard = queue.Queue()
        self.events = queue.Queue()
        self.session_present = None
        options = {"client_id": client_id, "protocol": self.version}
        if self.version != mqtt.MQTTv5:
            options["clean_session"] = clean
        self.properties = None
        if self.version == mqtt.MQTTv5:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties

            self.properties = Properties(PacketTypes.CONNECT)
            self.properties.SessionExpiryInterval = expiry_secs if clean else (expiry_secs or 3600)
        if PAHO_2:
            self.paho = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, **options)
        else:
            self.paho = mqtt.Client(**options)
        if will:
            self.paho.will_set(*will)
        self.paho.on_connect = self._on_connect
        self.paho.on_disconnect = self._on_disconnect
        self.paho.on_subscribe = lambda *arguments: self.events.put("subscribed")
        self.paho.on_unsubscribe = lambda *arguments: self.events.put("unsubscribed")
        self.paho.on_message = self._on_message
        self.disconnected = threading.Event()

    def _on_connect(self, client, userdata, flags, code, properties=None):
        self.session_present = bool(flags["session present"])
        self.events.put(("connected", int(getattr(code, "value", code))))

    def _on_disconnect(self, *arguments):
        self.disconnected.set()

    def _on_message(self, client, userdata, message):
        self.heard.put((message.topic, message.payload.decode(), message.qos, bool(message.retain)))

    def connect(self):
        arguments = {}
        if self.version == mqtt.MQTTv5:
            arguments = {"clean_start": self.clean, "properties": self.properties}
        self.paho.connect(self.broker.host, self.broker.port, keepalive=60, **arguments)
        self.paho.loop_start()
        self.expect(("connected", 0))
        return self

    def expect(self, event):
        got = self.events.get(timeout=PATIENCE_SECS)
        assert got == event, f"waited for {event}, got {got}"

    def subscribe(self, topic_filter, qos=0):
        self.paho.subscribe(topic_filter, qos)
        self.expect("subscribed")
        return self

    def unsubscribe(self, topic_filter):
        self.paho.unsubscribe(topic_filter)
        self.expect("unsubscribed")

    def publish(self, topic, payload, qos=0, retain=False):
        info = self.paho.publish(topic, payload, qos, retain)
        info.wait_for_publish(PATIENCE_SECS)
        assert info.is_published(), f"no acknowledgement for a QoS {qos} publish to {topic}"

    def hears(self, topic, payload, qos=None, retain=None):
        """The next message is this one."""
        got = self.heard.get(timeout=PATIENCE_SECS)
        wanted = (topic, payload, got[2] if qos is None else qos, got[3] if retain is None else retain)
        assert got == wanted, f"waited for {wanted}, got {got}"

    def disconnect(self):
        self.paho.disconnect()
        assert self.disconnected.wait(PATIENCE_SECS)
        self.paho.loop_stop()

    def drop(self):
        """Cuts the connection without DISCONNECT, as a power failure does."""
        self.paho.loop_stop()
        connection = self.paho.socket()
        connection.shutdown(socket.SHUT_RDWR)
        connection.close()
