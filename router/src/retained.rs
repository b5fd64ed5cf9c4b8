//! The retained messages whose home is this shard, in topic order.
//!
//! The home side of retained messages sets and clears them as publishes arrive and scans them for
//! replays. Nothing here knows of subscribers, and no call walks the whole store.

mod seek;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::Bound;

use ringmq_codec::{TopicFilter, TopicName};

use crate::link::RetainedItem;
use crate::{DropReason, Millis};

use seek::{Step, step};

/// The store.
#[derive(Debug, Default)]
pub(crate) struct RetainedStore {
    items: BTreeSet<Held>,
    /// Memory of the items, bytes.
    bytes: u64,
    /// Items that expire some time.
    expiring: usize,
    /// Where the next sweep begins.
    swept: Vec<u8>,
}

/// A message in its place: compared by the bytes of its topic.
#[derive(Debug)]
struct Held(RetainedItem);

/// Memory of an item beside topic, properties and payload, bytes: the tree's nodes are two thirds full,
/// and the message has its reference count.
const ITEM_OVERHEAD_BYTES: u64 = (size_of::<Held>() * 3 / 2 + 2 * size_of::<usize>()) as u64;

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
    /// Bytes of messages; one message is handed out whatever its size.
    pub(crate) bytes_max: u64,
    /// Topics looked at, matching or not; at least one.
    pub(crate) topics_max: u32,
}

impl RetainedStore {
    /// Makes `item` the topic's retained message. Without room for it the topic ends with none: an older
    /// value would pass for the current one.
    pub(crate) fn set(
        &mut self,
        item: RetainedItem,
        bounds: RetainedBounds,
    ) -> Result<(), DropReason> {
        let held = Held(item);
        self.take(held.topic());
        let full = self.items.len() >= bounds.messages_max as usize
            || self.bytes + held.bytes() > bounds.bytes_max;
        if full {
            return Err(DropReason::RetainedFull);
        }
        self.bytes += held.bytes();
        self.expiring += usize::from(held.0.message.expires.is_some());
        self.items.insert(held);
        Ok(())
    }

    /// Removes the topic's retained message; false when there was none.
    pub(crate) fn clear(&mut self, topic: TopicName<'_>) -> bool {
        self.take(topic.as_str().as_bytes())
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
        mut each: impl FnMut(&RetainedItem),
    ) -> Option<Box<str>> {
        let filter = filter.as_str().as_bytes();
        let after = after.map(str::as_bytes);
        let mut from = after.unwrap_or_default().to_vec();
        let mut includes_from = after.is_none();
        let mut target = Vec::new();
        let mut last = after;
        let (mut topics, mut bytes) = (0, 0);
        'seek: loop {
            let bound = if includes_from {
                Bound::Included
            } else {
                Bound::Excluded
            };
            for held in self
                .items
                .range::<[u8], _>((bound(from.as_slice()), Bound::Unbounded))
            {
                if topics == bounds.topics_max {
                    return last.map(text_of);
                }
                match step(filter, held.topic(), &mut target) {
                    Step::Match if !held.is_expired(now) => {
                        let size = held.0.message.bytes.len() as u64;
                        if bytes > 0 && bytes + size > bounds.bytes_max {
                            return last.map(text_of);
                        }
                        bytes += size;
                        each(&held.0);
                    }
                    Step::Match | Step::Next => {}
                    Step::Seek => {
                        std::mem::swap(&mut from, &mut target);
                        includes_from = true;
                        topics += 1;
                        last = Some(held.topic());
                        continue 'seek;
                    }
                    Step::End => return None,
                }
                topics += 1;
                last = Some(held.topic());
            }
            return None;
        }
    }

    /// Removes expired messages among the next `topics_max` topics; a later call goes on from there.
    pub(crate) fn sweep(&mut self, now: Millis, topics_max: u32) {
        if self.expiring == 0 {
            return;
        }
        let mut rest = self
            .items
            .range::<[u8], _>((Bound::Included(&*self.swept), Bound::Unbounded));
        let mut expired = Vec::new();
        for held in rest.by_ref().take(topics_max as usize) {
            if held.is_expired(now) {
                expired.push(held.topic().to_vec());
            }
        }
        self.swept = rest
            .next()
            .map(|held| held.topic().to_vec())
            .unwrap_or_default();
        for topic in expired {
            self.take(&topic);
        }
    }

    /// Whether there is a message for the topic, which may be an expired one.
    pub(crate) fn has(&self, topic: &str) -> bool {
        self.items.contains(topic.as_bytes())
    }

    /// Messages held, expired ones that were not met yet included.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn take(&mut self, topic: &[u8]) -> bool {
        let Some(held) = self.items.take(topic) else {
            return false;
        };
        self.bytes -= held.bytes();
        self.expiring -= usize::from(held.0.message.expires.is_some());
        true
    }
}

impl Held {
    fn topic(&self) -> &[u8] {
        &self.0.message.bytes[..usize::from(self.0.message.topic_len)]
    }

    fn bytes(&self) -> u64 {
        self.0.message.bytes.len() as u64 + ITEM_OVERHEAD_BYTES
    }

    fn is_expired(&self, now: Millis) -> bool {
        self.0.message.expires.is_some_and(|expires| expires <= now)
    }
}

impl Borrow<[u8]> for Held {
    fn borrow(&self) -> &[u8] {
        self.topic()
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Held) -> Ordering {
        self.topic().cmp(other.topic())
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.topic() == other.topic()
    }
}

impl Eq for Held {}

fn text_of(topic: &[u8]) -> Box<str> {
    std::str::from_utf8(topic).expect("topics are UTF-8").into()
}

#[cfg(test)]
mod tests;
