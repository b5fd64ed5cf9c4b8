//! One client: what it has sent, and what it may be sent.

use std::collections::BTreeSet;

use ringmq_codec::packet::Publish;
use ringmq_codec::{PACKET_SIZE_MAX, Packet, PacketType, Property, Version, frame};
use ringmq_router::{ConnectionId, ShardId};

/// A client's side of a connection.
#[derive(Debug, Default)]
pub(crate) struct Client {
    pub(crate) place: Place,
    /// Written and not yet on its way.
    pub(crate) outbox: Vec<u8>,
    /// What was sent, until it holds a whole first packet.
    first: Vec<u8>,
    /// What a whole CONNECT said; `None` before, and after something else.
    pub(crate) version: Option<Version>,
    packet_size_max: Option<u32>,
    names_method: bool,
    wants_no_words: bool,
    aliases_max: u16,
    /// Aliases that the broker has set.
    aliases: BTreeSet<u16>,
    acknowledged: bool,
    pub(crate) is_blocked: bool,
    pub(crate) is_paused: bool,
    pub(crate) is_judged: bool,
}

/// Where a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is none.
    #[default]
    Nowhere,
    /// On its way between two shards.
    Moving,
    /// On this shard.
    At(ShardId, ConnectionId),
}

impl Client {
    pub(crate) fn opened(shard: ShardId, connection: ConnectionId) -> Client {
        Client {
            place: Place::At(shard, connection),
            ..Client::default()
        }
    }

    /// The version to write packets in.
    pub(crate) fn writes(&self) -> Version {
        self.version.unwrap_or(Version::V5)
    }

    /// Learns from the first packet what the broker learns from it.
    pub(crate) fn on_sent(&mut self, bytes: &[u8]) {
        if self.version.is_some() || self.first.len() > 1 << 16 {
            return;
        }
        self.first.extend_from_slice(bytes);
        let Ok(Some(raw)) = frame::split(&self.first, PACKET_SIZE_MAX) else {
            return;
        };
        if let Ok(Packet::Connect(connect)) = Packet::decode(raw, Version::V5) {
            self.version = Some(connect.version);
            for property in connect.properties.iter() {
                match property {
                    Property::MaximumPacketSize(bytes) => self.packet_size_max = Some(bytes),
                    Property::TopicAliasMaximum(maximum) => self.aliases_max = maximum,
                    Property::RequestProblemInformation(wanted) => self.wants_no_words = !wanted,
                    _ => {}
                }
            }
            let is_method = |property| matches!(property, Property::AuthenticationMethod(_));
            self.names_method = connect.properties.iter().any(is_method);
        }
    }

    /// Checks a frame that was put out for the client: whole packets, of its version, that a server may
    /// send now, within the client's maximum packet size.
    pub(crate) fn on_frame(&mut self, frame: &[u8]) {
        assert!(!frame.is_empty(), "an empty frame");
        let mut rest = frame;
        while !rest.is_empty() {
            let raw = frame::split(rest, PACKET_SIZE_MAX).expect("a legal packet");
            let raw = raw.expect("a whole packet");
            let packet_type = self.decode(raw);
            let is_connack = packet_type == PacketType::ConnAck;
            let is_refusal = matches!(packet_type, PacketType::Disconnect | PacketType::ConnAck);
            let is_step = packet_type == PacketType::Auth;
            assert!(!is_step || self.names_method, "AUTH without a method");
            assert!(
                self.acknowledged || is_refusal || is_step,
                "{packet_type:?} before CONNACK"
            );
            assert!(!(self.acknowledged && is_connack), "a second CONNACK");
            self.acknowledged |= is_connack;
            // A refusal has five bytes whatever the client takes.
            let maximum = self.packet_size_max.unwrap_or(u32::MAX).max(5);
            assert!(
                raw.length <= maximum as usize,
                "{packet_type:?} of {} bytes",
                raw.length
            );
            rest = &rest[raw.length..];
        }
    }

    fn decode(&mut self, raw: ringmq_codec::RawPacket<'_>) -> PacketType {
        let versions = match self.version {
            Some(version) => vec![version],
            // Not even a CONNECT: the broker may answer in any.
            None => vec![Version::V5, Version::V311],
        };
        let packet = versions
            .iter()
            .find_map(|&version| Packet::decode(raw, version).ok());
        let packet = packet.unwrap_or_else(|| panic!("{raw:02x?} is not of {:?}", self.version));
        let to_client = !matches!(
            packet,
            Packet::Connect(_) | Packet::Subscribe(_) | Packet::Unsubscribe(_) | Packet::PingReq
        );
        assert!(to_client, "a server sent {packet:?}");
        if let Packet::Publish(publish) = packet {
            self.check_alias(&publish);
        }
        if let Packet::PubAck(it) | Packet::PubRec(it) | Packet::PubRel(it) | Packet::PubComp(it) =
            packet
        {
            let is_silent = it.properties.is_empty();
            assert!(is_silent || !self.wants_no_words, "{packet:?}");
        }
        let is_v5 = self.version.is_none_or(Version::is_v5);
        let disconnects = matches!(packet, Packet::Disconnect(_));
        assert!(is_v5 || !disconnects, "before v5 only clients disconnect");
        packet.packet_type()
    }

    /// An alias is within the client's bound, and stands alone only after it was set.
    fn check_alias(&mut self, publish: &Publish<'_>) {
        let mut aliases = publish
            .properties
            .iter()
            .filter_map(|property| match property {
                Property::TopicAlias(alias) => Some(alias),
                _ => None,
            });
        let alias = aliases.next();
        assert!(alias.is_none_or(|alias| (1..=self.aliases_max).contains(&alias)));
        match (alias, publish.topic) {
            (Some(alias), Some(_)) => {
                self.aliases.insert(alias);
            }
            (Some(alias), None) => assert!(self.aliases.contains(&alias), "alias {alias}"),
            (None, topic) => assert!(topic.is_some(), "no topic"),
        }
    }
}
