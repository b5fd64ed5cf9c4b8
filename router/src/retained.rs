//! The retained messages whose home is this shard, in topic order.
//!
//! The home side of retained messages sets and clears them as publishes arrive and scans them for
//! replays. Nothing here knows of subscribers, and nothing walks the whole store in one call.

use ringmq_codec::{TopicFilter, TopicName};

use crate::link::RetainedItem;
use crate::{DropReason, Millis};

/// The store.
#[derive(Debug, Default)]
pub(crate) struct RetainedStore {}

/// How much the store may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetainedBounds {
    /// Messages.
    pub(crate) messages_max: u32,
    /// Bytes, overhead included.
    pub(crate) bytes_max: u64,
}

/// How far one call of [`RetainedStore::scan`] may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanBounds {
    /// Bytes of messages; at least one message is handed out.
    pub(crate) bytes_max: u64,
    /// Topics looked at, matching or not.
    pub(crate) topics_max: u32,
}

impl RetainedStore {
    /// Makes `item` the topic's retained message. The item replaced stays when there is no room for the new one.
    pub(crate) fn set(
        &mut self,
        item: RetainedItem,
        bounds: RetainedBounds,
    ) -> Result<(), DropReason> {
        let _ = (item, bounds);
        todo!()
    }

    /// Removes the topic's retained message; false when there was none.
    pub(crate) fn clear(&mut self, topic: TopicName<'_>) -> bool {
        let _ = topic;
        todo!()
    }

    /// Hands out, in topic order, the unexpired messages whose topics match `filter` and come after
    /// `after`, until a bound is met. Returns the position to go on after (a topic looked at, not
    /// necessarily one handed out), or `None` when there is nothing more.
    pub(crate) fn scan(
        &self,
        filter: TopicFilter<'_>,
        after: Option<&str>,
        now: Millis,
        bounds: ScanBounds,
        each: impl FnMut(&RetainedItem),
    ) -> Option<Box<str>> {
        let _ = (filter, after, now, bounds, each);
        todo!()
    }

    /// Removes expired messages among the next `topics_max` topics; a later call goes on from there.
    pub(crate) fn sweep(&mut self, now: Millis, topics_max: u32) {
        let _ = (now, topics_max);
        todo!()
    }

    /// Messages held, expired ones that were not met yet included.
    pub(crate) fn len(&self) -> usize {
        todo!()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        todo!()
    }
}
