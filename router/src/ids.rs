//! Newtypes for everything that is counted or named by a number.

/// Milliseconds since the broker started; monotonic, given by the caller with every input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

/// One of the broker's shards, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u8);

/// How many shards the broker has: 1 to [`crate::limits::SHARDS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardCount(pub u8);

/// A connection of one shard: dense index, and the generation that tells a reused index apart.
/// Chosen by whoever runs the shard, at [`crate::Input::Opened`] or [`crate::Input::HandedOver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    /// Position in the shard's connection table; small numbers are reused first.
    pub index: u32,
    /// Differs between two connections that had the same index.
    pub generation: u32,
}

/// The listener a connection came in through, in the order of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u16);

/// Names a command of the control plane, so that its answer finds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommandId(pub u64);

/// A position in a shard's durable log; grows by one per appended record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition(pub u64);

/// A session of one shard: position in its session table, reused after the session's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SessionIndex(pub(crate) u32);

impl ShardCount {
    /// The shards in order.
    pub fn iter(self) -> impl Iterator<Item = ShardId> {
        (0..self.0).map(ShardId)
    }
}
