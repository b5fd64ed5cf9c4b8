//! The connection table: what a shard knows of each transport connection.
//!
//! Every input about a connection goes through it, so that an input about one that is gone is met here
//! and nowhere else. What outlives a connection is its session's and must not be kept here.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use ringmq_codec::Version;

use crate::chunks::Chunks;
use crate::ids::SessionIndex;
use crate::topic_alias::ReceivedAliases;
use crate::{ConnectionId, ListenerId, Memory, Millis};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its CONNECT has not come whole.
    AwaitingConnect,
    /// Its CONNECT waits, put aside in the exchange, until it is known who the client is.
    Authenticating,
    /// Its CONNECT was accepted.
    Connected(SessionIndex),
}

/// Why a connection is not read, as a bit set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pauses(u8);

impl Pauses {
    /// It publishes towards a shard whose ring is full.
    pub(crate) const LINK: Pauses = Pauses(1);
    /// Too many of its publishes wait for acceptance.
    pub(crate) const GATE: Pauses = Pauses(2);
    /// Its CONNECT is being judged.
    pub(crate) const VERDICT: Pauses = Pauses(4);
    /// It asks and does not take the answers.
    pub(crate) const REPLIES: Pauses = Pauses(8);

    pub(crate) fn insert(&mut self, pause: Pauses) {
        self.0 |= pause.0;
    }

    pub(crate) fn remove(&mut self, pause: Pauses) {
        self.0 &= !pause.0;
    }

    pub(crate) fn contains(self, pause: Pauses) -> bool {
        self.0 & pause.0 != 0
    }

    pub(crate) fn any(self) -> bool {
        self.0 != 0
    }
}

/// Bytes that wait; boxed whole, as few connections have any.
#[derive(Debug)]
pub(crate) struct Stash {
    pub(crate) bytes: Vec<u8>,
}

/// How it is found out who the client is, from the question on. Boxed, and gone with the CONNACK unless the
/// client named an authentication method.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The CONNECT that waits, whole; empty once it was accepted.
    pub(crate) connect: Box<[u8]>,
    /// The Authentication Method of the CONNECT; `None` when user name and password tell.
    pub(crate) method: Option<Box<str>>,
    pub(crate) stage: Stage,
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// A question is open.
    Judged,
    /// The client must say more.
    Client(Memory),
    /// Nobody's: the client was let in, and may begin again.
    Over(Memory),
}

/// A peer's address in half the room of a `SocketAddr`: that of IPv6 is boxed.
#[derive(Debug)]
enum Peer {
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
}

/// What few connections have; boxed whole.
#[derive(Debug, Default)]
struct Rare {
    exchange: Option<Box<Exchange>>,
    received_aliases: Option<Box<ReceivedAliases>>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    generation: u32,
    pub(crate) phase: Phase,
    /// What the CONNECT named; v3.1.1 before it.
    pub(crate) version: Version,
    pub(crate) pauses: Pauses,
    /// Told to the transport and not taken back yet.
    pub(crate) pause_is_out: bool,
    /// In force; zero is off.
    pub(crate) keep_alive_secs: u16,
    pub(crate) listener: ListenerId,
    /// Longest packet the client takes, bytes.
    pub(crate) packet_size_max: u32,
    /// Whether the client takes reason strings; not before its CONNECT was read.
    pub(crate) wants_problem_information: bool,
    /// The Topic Alias Maximum that its CONNACK named.
    pub(crate) topic_aliases_max: u16,
    /// The Receive Maximum that its CONNACK named.
    pub(crate) receive_max: u16,
    /// QoS 1 and 2 publishes received on this connection and not acknowledged to the end.
    pub(crate) receiving: u16,
    /// Bytes of answers put out since its peer stopped taking bytes.
    pub(crate) reply_bytes: u32,
    /// When the last packet came, or reading went on after a pause; before the CONNECT, the opening.
    pub(crate) active: Millis,
    /// Bytes that are no whole packet yet, or came while the connection was not read.
    pub(crate) buffer: Option<Box<Stash>>,
    rare: Option<Box<Rare>>,
    peer: Peer,
}

// What a million of them cost.
const _: () = assert!(size_of::<Option<Connection>>() <= 80);

impl Connection {
    /// The session, once the CONNECT was accepted.
    pub(crate) fn session(&self) -> Option<SessionIndex> {
        match self.phase {
            Phase::Connected(session) => Some(session),
            _ => None,
        }
    }

    /// The other end.
    pub(crate) fn peer(&self) -> SocketAddr {
        match &self.peer {
            Peer::V4(peer) => SocketAddr::V4(*peer),
            Peer::V6(peer) => SocketAddr::V6(**peer),
        }
    }

    /// How it is found out who the client is, while that matters.
    pub(crate) fn exchange(&self) -> Option<&Exchange> {
        self.rare.as_ref()?.exchange.as_deref()
    }

    /// The same, to be changed.
    pub(crate) fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        self.rare.as_mut()?.exchange.as_deref_mut()
    }

    /// Begins it, or puts it back.
    pub(crate) fn set_exchange(&mut self, exchange: Box<Exchange>) {
        self.rare.get_or_insert_default().exchange = Some(exchange);
    }

    /// Ends it.
    pub(crate) fn take_exchange(&mut self) -> Option<Box<Exchange>> {
        let rare = self.rare.as_mut()?;
        let exchange = rare.exchange.take();
        if rare.received_aliases.is_none() {
            self.rare = None;
        }
        exchange
    }

    /// The topic aliases the client has set.
    pub(crate) fn received_aliases(&mut self) -> &mut ReceivedAliases {
        let rare = self.rare.get_or_insert_default();
        rare.received_aliases.get_or_insert_default()
    }

    /// Memory beside its place in the table, bytes.
    pub(crate) fn owned_bytes(&self) -> u64 {
        let stash = self.buffer.as_ref();
        let stash = stash.map_or(0, |it| size_of::<Stash>() + it.bytes.capacity());
        let peer = match &self.peer {
            Peer::V4(_) => 0,
            Peer::V6(peer) => size_of_val(&**peer),
        };
        let rare = self.rare.as_ref().map_or(0, |it| it.bytes());
        (stash + peer) as u64 + rare
    }

    /// Keeps bytes until more come, or until they may be read.
    pub(crate) fn keep(&mut self, bytes: &[u8]) {
        match &mut self.buffer {
            Some(stash) => stash.bytes.extend_from_slice(bytes),
            None => {
                let bytes = bytes.to_vec();
                self.buffer = Some(Box::new(Stash { bytes }));
            }
        }
    }

    /// Whether received bytes must wait.
    pub(crate) fn is_stopped(&self) -> bool {
        self.pauses.any()
    }
}

impl Rare {
    fn bytes(&self) -> u64 {
        let exchange = self.exchange.as_ref();
        let exchange = exchange.map_or(0, |it| size_of::<Exchange>() + it.connect.len());
        let aliases = self.received_aliases.as_ref();
        (size_of::<Rare>() + exchange) as u64 + aliases.map_or(0, |it| it.bytes())
    }
}

/// All connections of a shard.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Chunks<Connection>,
    open: u64,
}

impl Connections {
    /// A connection of which nothing is known yet.
    pub(crate) fn open(
        &mut self,
        id: ConnectionId,
        listener: ListenerId,
        peer: SocketAddr,
        now: Millis,
    ) {
        self.open += 1;
        let connection = Connection {
            generation: id.generation,
            phase: Phase::AwaitingConnect,
            version: Version::V311,
            pauses: Pauses::default(),
            pause_is_out: false,
            keep_alive_secs: 0,
            listener,
            packet_size_max: u32::MAX,
            wants_problem_information: false,
            topic_aliases_max: 0,
            receive_max: u16::MAX,
            receiving: 0,
            reply_bytes: 0,
            active: now,
            buffer: None,
            rare: None,
            peer: match peer {
                SocketAddr::V4(peer) => Peer::V4(peer),
                SocketAddr::V6(peer) => Peer::V6(Box::new(peer)),
            },
        };
        let before = self.slots.set(id.index, connection);
        debug_assert!(before.is_none(), "the index is in use");
    }

    /// The connection that has the index now.
    pub(crate) fn id_at(&self, index: u32) -> Option<ConnectionId> {
        let generation = self.slots.get(index)?.generation;
        Some(ConnectionId { index, generation })
    }

    /// The connection, unless it is gone.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        let connection = self.slots.get(id.index)?;
        (connection.generation == id.generation).then_some(connection)
    }

    /// The connection, to be changed, unless it is gone.
    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let connection = self.slots.get_mut(id.index)?;
        (connection.generation == id.generation).then_some(connection)
    }

    /// Forgets the connection.
    pub(crate) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        self.get(id)?;
        self.open -= 1;
        self.slots.take(id.index)
    }

    /// All that are open, in the order of their index.
    pub(crate) fn ids(&self) -> Vec<ConnectionId> {
        let ids = self.slots.iter().map(|(index, connection)| ConnectionId {
            index,
            generation: connection.generation,
        });
        ids.collect()
    }

    /// How many are open.
    pub(crate) fn len(&self) -> u64 {
        self.open
    }

    /// Memory of the table, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.slots.bytes()
    }

    /// Places of the table, used or not.
    pub(crate) fn places(&self) -> u32 {
        self.slots.places()
    }

    /// The connection at a place, if there is one.
    pub(crate) fn at(&self, place: u32) -> Option<&Connection> {
        self.slots.get(place)
    }
}
