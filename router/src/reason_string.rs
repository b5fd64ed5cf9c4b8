//! Reason strings: what a reason code means here, in words for whoever reads the client's log, and the
//! server reference beside the codes that send a client elsewhere.
//!
//! Answers that report no plain success go out through [`Shard::send_with_reason`]. No answer grows beyond
//! what the client takes, and clients that want no problem information get none.

use ringmq_codec::{Packet, PacketType, Properties, Property, ReasonCode, Version};

use crate::{ConnectionId, Outputs, Shard};

/// The words for a reason code in a packet.
fn reason_string(packet: PacketType, reason: ReasonCode) -> &'static str {
    use PacketType as P;
    use ReasonCode as R;
    match (packet, reason) {
        (P::ConnAck, R::ClientIdentifierNotValid) => {
            "the client identifier is missing where it must not be, or too long"
        }
        (P::ConnAck, R::BadAuthenticationMethod) => "the broker has no such authentication method",
        (P::ConnAck, R::QuotaExceeded) => "the broker holds as many sessions as it may",
        (P::ConnAck, R::PacketTooLarge) => "the maximum packet size leaves no room for CONNACK",
        (P::ConnAck, R::PayloadFormatInvalid) => "the will is said to be UTF-8 and is not",
        (P::ConnAck, R::TopicNameInvalid) => "the topic of the will has too many levels",
        (P::PubAck | P::PubRec, R::NoMatchingSubscribers) => "no subscription matches the topic",
        (P::PubAck | P::PubRec, R::NotAuthorized) => "the client may not publish to this topic",
        (P::PubAck | P::PubRec, R::QuotaExceeded) => "the queues of all subscribers are full",
        (_, R::PayloadFormatInvalid) => "the payload is said to be UTF-8 and is not",
        (P::PubRel | P::PubComp, R::PacketIdentifierNotFound) => {
            "no QoS 2 message with this packet identifier is under way"
        }
        (P::SubAck, R::QuotaExceeded) => "the session has as many subscriptions as it may",
        (P::SubAck, R::TopicFilterInvalid) => "the topic filter has too many levels",
        (P::SubAck, R::NotAuthorized) => "the client may not subscribe to this topic filter",
        (P::UnsubAck, R::NoSubscriptionExisted) => "the session had no such subscription",
        (P::Disconnect, R::KeepAliveTimeout) => "nothing came for 1.5 times the keep-alive",
        (P::Disconnect, R::SessionTakenOver) => {
            "another connection came with the same client identifier"
        }
        (P::Disconnect, R::ReceiveMaximumExceeded) => {
            "more QoS 1 and 2 publishes than CONNACK's Receive Maximum"
        }
        (P::Disconnect, R::TopicAliasInvalid) => {
            "a topic alias of 0 or over CONNACK's Topic Alias Maximum"
        }
        (P::Disconnect, R::PacketTooLarge) => {
            "a packet over the Maximum Packet Size, of either side's"
        }
        (P::Disconnect, R::TopicNameInvalid) => "the topic has too many levels",
        (P::Disconnect, R::AdministrativeAction) => "the operator closed the connection",
        (_, R::MalformedPacket) => "a packet that cannot be read",
        (_, R::ProtocolError) => "a packet that may not come here, or not in this form",
        (_, R::UseAnotherServer) => "use another server for the time being",
        (_, R::ServerMoved) => "use another server from now on",
        _ => reason.name(),
    }
}

/// Whether the code says that all went well.
fn is_plain_success(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::Success | ReasonCode::GrantedQos1 | ReasonCode::GrantedQos2
    )
}

/// Of the reasons in one SUBACK or UNSUBACK the first that is put into words.
pub(crate) fn reason_to_tell(reasons: &[ReasonCode]) -> ReasonCode {
    let mut told = reasons.iter().copied().filter(|it| !is_plain_success(*it));
    told.next().unwrap_or(ReasonCode::Success)
}

impl Shard {
    /// Sends an answer with this reason, which stands in it, put into words as far as the client takes them.
    /// [v5 MQTT-3.1.2-29] [v5 MQTT-3.2.2-19] [v5 MQTT-3.4.2-2] [v5 MQTT-3.5.2-2] [v5 MQTT-3.6.2-2]
    /// [v5 MQTT-3.7.2-2] [v5 MQTT-3.9.2-1] [v5 MQTT-3.11.2-1] [v5 MQTT-3.14.2-3]
    pub(crate) fn send_with_reason(
        &mut self,
        to: ConnectionId,
        packet: &Packet<'_>,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        if is_plain_success(reason) {
            return self.send(to, packet, outputs);
        }
        let Some(connection) = self.connections.get(to) else {
            return;
        };
        if !connection.version.is_v5() {
            return self.send(to, packet, outputs);
        }
        let len_max = connection.packet_size_max as usize;
        let words = connection
            .wants_problem_information
            .then(|| reason_string(packet.packet_type(), reason));
        let mut properties = std::mem::take(&mut self.reason_properties);
        let mut fits = false;
        // If both do not fit, a client that is sent elsewhere needs the reference more.
        for words in [words, None] {
            properties.clear();
            if let Some(reference) = self.server_reference(reason) {
                properties.push(Property::ServerReference(reference));
            }
            if let Some(words) = words {
                properties.push(Property::ReasonString(words));
            }
            let explained = with_properties(packet, properties.as_properties());
            fits = encoded_len(&explained, &mut outputs.bytes) <= len_max;
            if fits {
                break;
            }
        }
        if !fits {
            properties.clear();
        }
        let explained = with_properties(packet, properties.as_properties());
        self.send(to, &explained, outputs);
        self.reason_properties = properties;
    }

    /// Where a client that is sent elsewhere is to go, if that is set. [v5 4.11]
    fn server_reference(&self, reason: ReasonCode) -> Option<&str> {
        let is_sent_elsewhere = matches!(
            reason,
            ReasonCode::UseAnotherServer | ReasonCode::ServerMoved
        );
        let reference = &*self.settings.server_reference;
        (is_sent_elsewhere && !reference.is_empty()).then_some(reference)
    }

    /// What clients of a broker that stops are told: where to go instead, if that is set, or `otherwise`.
    pub(crate) fn stopping_reason(&self, otherwise: ReasonCode) -> ReasonCode {
        let settings = &self.settings;
        match (settings.server_reference.is_empty(), settings.server_moved) {
            (true, _) => otherwise,
            (false, true) => ReasonCode::ServerMoved,
            (false, false) => ReasonCode::UseAnotherServer,
        }
    }
}

/// The answer with these properties.
fn with_properties<'a>(packet: &Packet<'a>, properties: Properties<'a>) -> Packet<'a> {
    let mut packet = *packet;
    match &mut packet {
        Packet::ConnAck(connack) => connack.properties = properties,
        Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubRel(ack) | Packet::PubComp(ack) => {
            ack.properties = properties;
        }
        Packet::SubAck(suback) | Packet::UnsubAck(suback) => suback.properties = properties,
        Packet::Disconnect(disconnect) => disconnect.properties = properties,
        _ => {}
    }
    packet
}

/// Length of the packet in v5, bytes; `out` is as it was afterwards.
fn encoded_len(packet: &Packet<'_>, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    packet.encode(Version::V5, out);
    let len = out.len() - start;
    out.truncate(start);
    len
}
