//! A small blocking MQTT client: one socket, one thread, every wait bounded.
//!
//! It speaks through `ringmq-codec` like the broker does, so it proves how the broker runs and not that
//! the codec is right; clients written by others judge that.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ringmq_codec::packet::{Ack, Connect, Disconnect, Publish, encode_subscribe};
use ringmq_codec::{
    Packet, PacketId, Properties, Qos, ReasonCode, SubscriptionOptions, TopicFilter, TopicName,
    Version, frame,
};

/// Longest wait for anything; generous, since it only decides how long a failure takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A connected client.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    version: Version,
    buffer: Vec<u8>,
    next_id: PacketId,
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
    id: Option<PacketId>,
}

/// What the broker sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    ConnAck {
        session_present: bool,
        reason: ReasonCode,
    },
    Message(Message),
    PubAck(PacketId),
    PubRec(PacketId),
    PubRel(PacketId),
    PubComp(PacketId),
    SubAck(Vec<ReasonCode>),
    PingResp,
    Disconnect(ReasonCode),
    /// The end of the stream.
    Closed,
}

impl Client {
    /// Connects with a clean start, 3.1.1, and waits to be let in.
    pub(crate) fn connect(address: SocketAddr, client_id: &str) -> Client {
        Client::connect_as(address, client_id, Version::V311, true)
    }

    /// Connects and waits to be let in.
    pub(crate) fn connect_as(
        address: SocketAddr,
        client_id: &str,
        version: Version,
        clean_start: bool,
    ) -> Client {
        let mut client = Client::open(address, client_id, version, clean_start);
        client.expect_let_in();
        client
    }

    /// Sends the CONNECT and does not wait for the answer.
    pub(crate) fn open(
        address: SocketAddr,
        client_id: &str,
        version: Version,
        clean_start: bool,
    ) -> Client {
        let mut client = Client::bare(address, version);
        client.send(&Packet::Connect(Connect {
            version,
            clean_start,
            keep_alive_secs: 0,
            client_id,
            will: None,
            user_name: None,
            password: None,
            properties: Properties::EMPTY,
        }));
        client
    }

    /// A connection on which nothing was sent.
    pub(crate) fn bare(address: SocketAddr, version: Version) -> Client {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_nodelay(true).expect("a socket option");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket option");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a socket option");
        Client {
            stream,
            version,
            buffer: Vec::new(),
            next_id: PacketId::FIRST,
        }
    }

    /// Waits for the CONNACK.
    pub(crate) fn expect_let_in(&mut self) {
        match self.receive() {
            Incoming::ConnAck {
                reason: ReasonCode::Success,
                ..
            } => {}
            other => panic!("not let in: {other:?}"),
        }
    }

    /// Subscribes and waits for the SUBACK; messages must not come before it.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: Qos) {
        let filter = TopicFilter::new(filter).expect("a topic filter");
        let mut bytes = Vec::new();
        let options = SubscriptionOptions::v3(qos);
        let filters = [(filter, options)];
        let id = self.id();
        encode_subscribe(self.version, id, Properties::EMPTY, &filters, &mut bytes);
        self.write(&bytes);
        match self.receive() {
            Incoming::SubAck(reasons) => assert!(!reasons[0].is_error(), "{reasons:?}"),
            other => panic!("no SUBACK: {other:?}"),
        }
    }

    /// Publishes; with QoS 1 or 2 the acknowledgement is still to come.
    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8], qos: Qos) -> Option<PacketId> {
        let mut bytes = Vec::new();
        let id = self.encode_publish(topic, payload, qos, &mut bytes);
        self.write(&bytes);
        id
    }

    /// Appends a PUBLISH to bytes for [`Client::write`].
    pub(crate) fn encode_publish(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: Qos,
        bytes: &mut Vec<u8>,
    ) -> Option<PacketId> {
        let packet_id = (qos > Qos::AtMostOnce).then(|| self.id());
        let publish = Publish {
            dup: false,
            qos,
            retain: false,
            topic: Some(TopicName::new(topic).expect("a topic name")),
            packet_id,
            properties: Properties::EMPTY,
            payload,
        };
        Packet::Publish(publish).encode(self.version, bytes);
        packet_id
    }

    /// The next message, acknowledged as its QoS wants; skips acknowledgements of own publishes.
    pub(crate) fn message(&mut self) -> Message {
        loop {
            match self.receive() {
                Incoming::Message(message) => {
                    self.acknowledge(&message);
                    return message;
                }
                Incoming::PubRec(packet_id) => self.send(&Packet::PubRel(ack(packet_id))),
                Incoming::PubRel(packet_id) => self.send(&Packet::PubComp(ack(packet_id))),
                Incoming::PubAck(_) | Incoming::PubComp(_) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// Answers a message as its QoS wants.
    pub(crate) fn acknowledge(&mut self, message: &Message) {
        match (message.qos, message.id) {
            (Qos::AtLeastOnce, Some(id)) => self.send(&Packet::PubAck(ack(id))),
            (Qos::ExactlyOnce, Some(id)) => self.send(&Packet::PubRec(ack(id))),
            _ => {}
        }
    }

    /// Sends PINGREQ.
    pub(crate) fn ping(&mut self) {
        self.send(&Packet::PingReq);
    }

    /// Says goodbye.
    pub(crate) fn disconnect(mut self) {
        self.send(&Packet::Disconnect(Disconnect {
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        }));
    }

    /// The next packet, or the end of the stream.
    pub(crate) fn receive(&mut self) -> Incoming {
        loop {
            if let Some(incoming) = self.take() {
                return incoming;
            }
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Incoming::Closed,
                Ok(count) => self.buffer.extend_from_slice(&chunk[..count]),
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Incoming::Closed,
                Err(e) => panic!("nothing came: {e}"),
            }
        }
    }

    fn take(&mut self) -> Option<Incoming> {
        let raw = frame::split(&self.buffer, frame::PACKET_SIZE_MAX).expect("a packet")?;
        let length = raw.length;
        let packet = Packet::decode(raw, self.version).expect("a packet");
        let incoming = Incoming::from(packet);
        self.buffer.drain(..length);
        Some(incoming)
    }

    /// Sends a packet.
    pub(crate) fn send(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(self.version, &mut bytes);
        self.write(&bytes);
    }

    /// Sends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the broker reads");
    }

    fn id(&mut self) -> PacketId {
        let id = self.next_id;
        self.next_id = id.next();
        id
    }
}

fn ack(packet_id: PacketId) -> Ack<'static> {
    Ack {
        packet_id,
        reason: ReasonCode::Success,
        properties: Properties::EMPTY,
    }
}

impl From<Packet<'_>> for Incoming {
    fn from(packet: Packet<'_>) -> Incoming {
        match packet {
            Packet::ConnAck(connack) => Incoming::ConnAck {
                session_present: connack.session_present,
                reason: connack.reason,
            },
            Packet::Publish(publish) => Incoming::Message(Message {
                topic: publish.topic.map_or("", TopicName::as_str).to_owned(),
                payload: publish.payload.to_vec(),
                qos: publish.qos,
                retain: publish.retain,
                id: publish.packet_id,
            }),
            Packet::PubAck(ack) => Incoming::PubAck(ack.packet_id),
            Packet::PubRec(ack) => Incoming::PubRec(ack.packet_id),
            Packet::PubRel(ack) => Incoming::PubRel(ack.packet_id),
            Packet::PubComp(ack) => Incoming::PubComp(ack.packet_id),
            Packet::SubAck(suback) => Incoming::SubAck(suback.reasons.iter().collect()),
            Packet::PingResp => Incoming::PingResp,
            Packet::Disconnect(disconnect) => Incoming::Disconnect(disconnect.reason),
            other => panic!("not for a client: {other:?}"),
        }
    }
}
