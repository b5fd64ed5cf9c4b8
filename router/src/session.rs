//! A session: what the broker owes a client beyond one connection.
//!
//! Sixteen hot bytes of it stand apart: a QoS 0 fan-out reads those and nothing else. A session never moves
//! between shards, so all of its state is plain.

use ringmq_codec::{PacketId, Version};

use crate::inbound::Inbound;
use crate::outgoing::{InFlight, Outgoing, Queued, Stage};
use crate::subscriptions::Subscriptions;
use crate::topic_alias::SentAliases;
use crate::will::Will;
use crate::{ConnectionId, Millis};

/// What a fan-out needs of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hot {
    /// Meaningful while connected.
    pub(crate) connection: ConnectionId,
    /// Longest packet the client takes, bytes.
    pub(crate) packet_size_max: u32,
    pub(crate) version: Version,
    flags: u8,
}

/// One fact about a session in its [`Hot`] part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Flag {
    /// It has a connection.
    Connected = 1,
    /// Its peer does not take bytes now.
    Blocked = 2,
    /// Messages wait for it, so that later ones must wait behind them.
    Queued = 4,
    /// Retained messages are being replayed to it.
    Replaying = 8,
    /// The control plane watches it.
    Traced = 16,
    /// It waits for its turn to take queued messages.
    Draining = 32,
    /// Its connection may be told topic aliases.
    Aliases = 64,
    /// It is a member of a shared subscription.
    Member = 128,
}

impl Hot {
    /// Of a session without a connection.
    pub(crate) const AWAY: Hot = Hot {
        connection: ConnectionId {
            index: u32::MAX,
            generation: 0,
        },
        packet_size_max: u32::MAX,
        version: Version::V311,
        flags: 0,
    };

    #[inline]
    pub(crate) fn is(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    pub(crate) fn set(&mut self, flag: Flag, on: bool) {
        if on {
            self.flags |= flag as u8;
        } else {
            self.flags &= !(flag as u8);
        }
    }

    /// Whether a QoS 0 message may go straight to the connection.
    #[inline]
    pub(crate) fn is_direct(&self) -> bool {
        const LOOKED_AT: u8 = Flag::Connected as u8 | Flag::Blocked as u8 | Flag::Queued as u8;
        self.flags & LOOKED_AT == Flag::Connected as u8
    }

    /// The same for a message that is sent as it is to everyone.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        const LOOKED_AT: u8 =
            Flag::Connected as u8 | Flag::Blocked as u8 | Flag::Queued as u8 | Flag::Aliases as u8;
        self.flags & LOOKED_AT == Flag::Connected as u8
    }

    /// A connection that takes bytes.
    pub(crate) fn takes_bytes(&self) -> bool {
        self.is(Flag::Connected) && !self.is(Flag::Blocked)
    }

    /// The connection, while there is one.
    pub(crate) fn live_connection(&self) -> Option<ConnectionId> {
        self.is(Flag::Connected).then_some(self.connection)
    }
}

/// One session. What few sessions have is boxed.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client_id: Box<str>,
    /// Different for each session there ever was.
    pub(crate) generation: u32,
    /// How long it lives without a connection, seconds.
    pub(crate) expiry_secs: u32,
    /// When its last connection ended; meaningful while it has none.
    pub(crate) away_since: Millis,
    /// Where the search for a free packet identifier towards the client goes on.
    pub(crate) next_packet_id: PacketId,
    /// Unacknowledged messages its connection takes at once.
    pub(crate) window_max: u16,
    pub(crate) subscriptions: Subscriptions,
    /// What waits for the client or its acknowledgement.
    pub(crate) outgoing: Option<Box<Outgoing>>,
    /// What the client waits for.
    pub(crate) inbound: Option<Box<Inbound>>,
    rare: Option<Box<Rare>>,
}

// What a million of them cost.
const _: () = assert!(size_of::<Session>() <= 80);

/// What few sessions have.
#[derive(Debug, Default)]
struct Rare {
    will: Option<Box<Will>>,
    /// What its connection was told, if the client takes aliases.
    sent_aliases: Option<Box<SentAliases>>,
}

impl Session {
    /// A session of a client that has none.
    pub(crate) fn new(client_id: &str, generation: u32) -> Session {
        Session {
            client_id: client_id.into(),
            generation,
            expiry_secs: 0,
            away_since: Millis(0),
            next_packet_id: PacketId::FIRST,
            window_max: 0,
            subscriptions: Subscriptions::default(),
            outgoing: None,
            inbound: None,
            rare: None,
        }
    }

    /// What the client leaves for the case that it goes without saying so.
    pub(crate) fn will(&self) -> Option<&Will> {
        self.rare.as_ref()?.will.as_deref()
    }

    /// The same, to be changed.
    pub(crate) fn will_mut(&mut self) -> Option<&mut Will> {
        self.rare.as_mut()?.will.as_deref_mut()
    }

    /// Replaces the will; returns the one there was.
    pub(crate) fn replace_will(&mut self, will: Option<Box<Will>>) -> Option<Box<Will>> {
        self.change_rare(will.is_some(), |rare| {
            std::mem::replace(&mut rare.will, will)
        })
    }

    /// What its connection was told.
    pub(crate) fn sent_aliases(&mut self) -> Option<&mut SentAliases> {
        self.rare.as_mut()?.sent_aliases.as_deref_mut()
    }

    /// Begins anew with what a connection is told; `None` when that is nothing.
    pub(crate) fn set_sent_aliases(&mut self, aliases: Option<Box<SentAliases>>) {
        self.change_rare(aliases.is_some(), |rare| {
            rare.sent_aliases = aliases;
            None::<()>
        });
    }

    /// Changes what is rare: makes room if something `comes`, and gives the room back when nothing is left.
    fn change_rare<T>(
        &mut self,
        comes: bool,
        change: impl FnOnce(&mut Rare) -> Option<T>,
    ) -> Option<T> {
        if comes {
            self.rare.get_or_insert_default();
        }
        let rare = self.rare.as_mut()?;
        let changed = change(rare);
        if rare.will.is_none() && rare.sent_aliases.is_none() {
            self.rare = None;
        }
        changed
    }

    /// When its life without a connection is over; meaningful while it has none.
    pub(crate) fn ends(&self) -> Option<Millis> {
        let expiry = u64::from(self.expiry_secs) * 1_000;
        (self.expiry_secs != u32::MAX).then_some(Millis(self.away_since.0 + expiry))
    }

    /// Whether another unacknowledged message may be sent.
    pub(crate) fn has_room(&self) -> bool {
        self.outgoing
            .as_ref()
            .is_none_or(|outgoing| outgoing.outstanding() < usize::from(self.window_max))
    }

    /// Adds a message that is about to be sent to the window, and gives it an identifier.
    #[inline]
    pub(crate) fn put_in_flight(&mut self, message: Queued) -> PacketId {
        let outgoing = self.outgoing.get_or_insert_default();
        let packet_id = outgoing.take_packet_id(&mut self.next_packet_id);
        outgoing.push_in_flight(InFlight {
            packet_id,
            stage: Stage::Published(message.message),
            qos: message.qos,
            retain: message.retain,
            identifiers: message.identifiers,
            sent: true,
        });
        packet_id
    }

    /// Memory the session owns beside its place in the table, without queues, bytes.
    pub(crate) fn owned_bytes(&self) -> u64 {
        let inbound = self.inbound.as_ref().map_or(0, |inbound| inbound.bytes());
        let rare = self.rare.as_ref().map_or(0, |it| it.bytes());
        self.client_id.len() as u64 + self.subscriptions.bytes() + inbound + rare
    }
}

impl Rare {
    fn bytes(&self) -> u64 {
        let will = self.will.as_ref().map_or(0, |will| will.bytes());
        let aliases = self.sent_aliases.as_ref().map_or(0, |it| it.bytes());
        size_of::<Rare>() as u64 + will + aliases
    }
}
