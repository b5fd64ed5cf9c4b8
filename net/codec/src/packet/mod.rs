//! The 15 control packets in their typed form, for all three versions.
//!
//! `decode` borrows from the input; `encode` appends to the caller's buffer. One file per packet
//! (or per family of packets with one layout).

use crate::{
    DecodeError, PacketId, Properties, Qos, RawPacket, ReasonCode, SubscriptionOptions,
    TopicFilter, TopicName, Version,
};

/// A control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Packet<'a> {
    Connect(Connect<'a>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    PubAck(Ack<'a>),
    PubRec(Ack<'a>),
    PubRel(Ack<'a>),
    PubComp(Ack<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(SubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

/// CONNECT. It names its own version, whatever version `decode` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Connect<'a> {
    pub version: Version,
    /// Clean Session of v3, Clean Start of v5.
    pub clean_start: bool,
    /// Zero switches keep-alive off.
    pub keep_alive_secs: u16,
    pub client_id: &'a str,
    pub will: Option<Will<'a>>,
    pub user_name: Option<&'a str>,
    pub password: Option<&'a [u8]>,
    pub properties: Properties<'a>,
}

/// The will inside a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Will<'a> {
    pub topic: TopicName<'a>,
    pub payload: &'a [u8],
    pub qos: Qos,
    pub retain: bool,
    pub properties: Properties<'a>,
}

/// CONNACK. For v3 `encode` writes the return code that stands for `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct ConnAck<'a> {
    pub session_present: bool,
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

/// PUBLISH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Publish<'a> {
    pub dup: bool,
    pub qos: Qos,
    pub retain: bool,
    /// `None` for the empty topic of a v5 publish that uses a topic alias.
    pub topic: Option<TopicName<'a>>,
    /// Present exactly when `qos` is above 0.
    pub packet_id: Option<PacketId>,
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP share one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Ack<'a> {
    pub packet_id: PacketId,
    /// `Success` in v3, which has no reason codes here.
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

/// SUBSCRIBE. At least one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: SubscribeFilters<'a>,
}

/// The validated payload of a SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeFilters<'a> {
    bytes: &'a [u8],
}

impl<'a> SubscribeFilters<'a> {
    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = (TopicFilter<'a>, SubscriptionOptions)> + Clone {
        let _ = self.bytes;
        std::iter::empty()
    }
}

/// Appends a SUBSCRIBE made from a list, without building [`SubscribeFilters`] first.
pub fn encode_subscribe(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: &[(TopicFilter<'_>, SubscriptionOptions)],
    out: &mut Vec<u8>,
) {
    let _ = (version, packet_id, properties, filters, out);
    todo!()
}

/// UNSUBSCRIBE. At least one filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: UnsubscribeFilters<'a>,
}

/// The validated payload of an UNSUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubscribeFilters<'a> {
    bytes: &'a [u8],
}

impl<'a> UnsubscribeFilters<'a> {
    /// In the order of the wire.
    pub fn iter(self) -> impl Iterator<Item = TopicFilter<'a>> + Clone {
        let _ = self.bytes;
        std::iter::empty()
    }
}

/// Appends an UNSUBSCRIBE made from a list.
pub fn encode_unsubscribe(
    version: Version,
    packet_id: PacketId,
    properties: Properties<'_>,
    filters: &[TopicFilter<'_>],
    out: &mut Vec<u8>,
) {
    let _ = (version, packet_id, properties, filters, out);
    todo!()
}

/// SUBACK and UNSUBACK: one reason per filter. An UNSUBACK of v3 has none on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct SubAck<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub reasons: ReasonCodes<'a>,
}

/// A list of reason codes, each one known to be legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonCodes<'a> {
    /// As decoded from the wire, validated.
    Wire(WireReasonCodes<'a>),
    /// As given by the sender; for v3 `encode` writes 0x80 for every failure.
    List(&'a [ReasonCode]),
}

/// Reason codes as they stood on the wire, validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireReasonCodes<'a>(&'a [u8]);

impl<'a> ReasonCodes<'a> {
    /// In the order of the filters.
    pub fn iter(self) -> impl Iterator<Item = ReasonCode> + 'a {
        std::iter::empty()
    }
}

/// DISCONNECT. For v3 `encode` writes the two bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Disconnect<'a> {
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

/// AUTH, v5 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Auth<'a> {
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

impl<'a> Packet<'a> {
    /// Takes a whole packet apart for the connection's version (which CONNECT ignores: it names its own).
    /// Accepts packets of either direction; whether a client may send it is the caller's rule.
    pub fn decode(raw: RawPacket<'a>, version: Version) -> Result<Packet<'a>, DecodeError> {
        let _ = (raw, version);
        todo!()
    }

    /// Appends the packet as `version` has it, fixed header included.
    pub fn encode(&self, version: Version, out: &mut Vec<u8>) {
        let _ = (version, out);
        todo!()
    }
}
