//! A shard as the world holds it: with the inputs that wait for its tick, and its connections.

use std::sync::Arc;

use ringmq_router::link::Handover;
use ringmq_router::{
    CloseCause, Command, ConnectionId, LogPosition, Settings, Shard, ShardId, Verdict,
};

use crate::log::Log;
use crate::socket::SocketId;
use crate::time::Time;
use crate::world::Waiting;

/// An input that waits for a shard's tick.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Accepted.
    Opened(SocketId),
    /// Handed over.
    HandedOver(SocketId, Box<Handover>),
    /// That many bytes came.
    Received(SocketId, usize),
    /// The transport ended.
    Closed(SocketId, CloseCause),
    /// The outbox does not empty.
    Blocked(SocketId),
    /// The outbox is empty.
    Ready(SocketId),
    /// The link from there has a message.
    Link(ShardId),
    /// The link to there is full.
    LinkFull(ShardId),
    /// It has room.
    LinkReady(ShardId),
    /// Time passed.
    Timer,
    /// A CONNECT was judged.
    Authenticated(SocketId, ConnectionId, Verdict),
    /// The log is on disk up to here.
    Durable(LogPosition),
    /// An order of the operator.
    Command(Command),
    /// New settings.
    Settings(Arc<Settings>),
    /// The end.
    Shutdown,
}

/// A shard and what surrounds it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) shard: Shard,
    /// With the time at which each came.
    pub(crate) waiting: Waiting<(Time, Pending)>,
    /// Known before anything else that waits.
    pub(crate) urgent: Waiting<Pending>,
    pub(crate) scheduled: bool,
    /// Connections by index, with the generation of each index.
    slots: Vec<(u32, Option<SocketId>)>,
    /// Sockets with something to send in this tick.
    pub(crate) dirty: Vec<SocketId>,
    pub(crate) log: Log,
    /// In force.
    pub(crate) settings: Arc<Settings>,
    /// It was told to stop.
    pub(crate) stopped: bool,
}

impl Node {
    /// A shard nothing has happened to.
    pub(crate) fn new(shard: Shard, settings: Arc<Settings>) -> Node {
        Node {
            shard,
            waiting: Waiting::new(),
            urgent: Waiting::new(),
            scheduled: false,
            slots: Vec::new(),
            dirty: Vec::new(),
            log: Log::default(),
            settings,
            stopped: false,
        }
    }

    /// The next input.
    pub(crate) fn next(&mut self, is_behind: bool) -> Option<Pending> {
        if let Some(urgent) = self.urgent.pop_front() {
            return Some(urgent);
        }
        self.waiting
            .pop_front_if(|_| !is_behind)
            .map(|(_, pending)| pending)
    }

    /// A connection id for a socket: the smallest free index.
    pub(crate) fn allocate(&mut self, socket: SocketId) -> ConnectionId {
        let free = self.slots.iter().position(|(_, holder)| holder.is_none());
        let index = free.unwrap_or_else(|| {
            self.slots.push((0, None));
            self.slots.len() - 1
        });
        let slot = &mut self.slots[index];
        slot.0 += 1;
        slot.1 = Some(socket);
        ConnectionId {
            index: index as u32,
            generation: slot.0,
        }
    }

    /// The socket of a connection the shard has.
    pub(crate) fn holder(&self, connection: ConnectionId) -> Option<SocketId> {
        let (generation, holder) = self.slots.get(connection.index as usize)?;
        holder.filter(|_| *generation == connection.generation)
    }

    /// The sockets of all connections it has.
    pub(crate) fn holders(&self) -> impl Iterator<Item = SocketId> + '_ {
        self.slots.iter().filter_map(|(_, holder)| *holder)
    }

    pub(crate) fn free(&mut self, connection: ConnectionId) {
        self.slots[connection.index as usize].1 = None;
    }
}
