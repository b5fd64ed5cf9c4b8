//! From topic to what was found for it the last time: sensors publish the same topics again and again.
//!
//! An entry names the one filter that matched, or holds the merged list of several. It is good as long as
//! nothing that went into it changed: changes of exact filters drop the topic's entry, changes of wildcard
//! filters make older entries invalid by number, which is found out when one is met. A topic is taken in
//! when it is asked for the second time, so topics that come once cost neither memory nor allocation.

use hashbrown::HashTable;

use super::asked_once::AskedOnce;
use super::fingerprint::table_hash;
use super::merge::IdentifierTable;
use super::{FilterIndex, GroupIndex, Subscriber};
use crate::limits::{TOPIC_CACHE_BYTES_MAX, TOPIC_CACHE_ENTRIES_MAX};
use crate::link::Fingerprint;
use crate::slab::Slab;

#[derive(Debug, Default)]
pub(super) struct TopicCache {
    entries: Slab<Entry>,
    /// Entry names by fingerprint.
    table: HashTable<u32>,
    /// Memory of topics and lists, bytes.
    heap_bytes: u64,
    asked_once: AskedOnce,
    /// The entry looked at last for eviction.
    hand: u32,
}

#[derive(Debug)]
struct Entry {
    topic: Box<str>,
    fingerprint: Fingerprint,
    cached: Cached,
    /// The number of the wildcard filters' state it was made from.
    generation: u64,
    /// Asked for since the hand passed.
    used: bool,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) local: Local,
    /// Other shards with interest.
    pub(super) shards: u64,
    /// Shared subscriptions.
    pub(super) groups: Box<[GroupIndex]>,
}

/// What was found on this shard.
#[derive(Debug)]
pub(super) enum Local {
    /// At most one filter: its list is read where it is.
    Filter(Option<FilterIndex>),
    /// Several filters: their subscribers, merged, and the identifiers of those who named any.
    Merged(Box<[Subscriber]>, Option<Box<IdentifierTable>>),
}

/// Numbers of the state of the wildcard filters; they only grow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Generations {
    /// Changes when a wildcard filter comes or goes, or the shards that want it change.
    pub(super) filters: u64,
    /// Changes also when a subscriber of a wildcard filter comes, goes or changes.
    pub(super) subscribers: u64,
}

impl Generations {
    fn of(self, local: &Local) -> u64 {
        match local {
            Local::Filter(_) => self.filters,
            Local::Merged(..) => self.subscribers,
        }
    }
}

/// What the cache knows of a topic.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup {
    /// Everything; to be read by [`TopicCache::get`].
    Hit(u32),
    /// Nothing of use, but it was asked for before: worth taking in.
    Repeated,
    /// Nothing.
    Unknown,
}

impl TopicCache {
    /// Looks a topic up; an entry that is no longer good is dropped.
    pub(super) fn look_up(
        &mut self,
        topic: &str,
        fingerprint: Fingerprint,
        generations: Generations,
    ) -> Lookup {
        let entries = &mut self.entries;
        let found = self.table.find(table_hash(fingerprint), |&index| {
            let entry = &entries[index];
            entry.fingerprint == fingerprint && *entry.topic == *topic
        });
        if let Some(&index) = found {
            let entry = &mut entries[index];
            if entry.generation == generations.of(&entry.cached.local) {
                entry.used = true;
                return Lookup::Hit(index);
            }
            self.remove(index);
            return Lookup::Repeated;
        }
        if self.asked_once.note(fingerprint) {
            Lookup::Repeated
        } else {
            Lookup::Unknown
        }
    }

    pub(super) fn get(&self, index: u32) -> &Cached {
        &self.entries[index].cached
    }

    /// Takes in what was found for a topic that is not held.
    pub(super) fn insert(
        &mut self,
        topic: &str,
        fingerprint: Fingerprint,
        generations: Generations,
        cached: Cached,
    ) {
        let generation = generations.of(&cached.local);
        let entry = Entry {
            topic: topic.into(),
            fingerprint,
            cached,
            generation,
            used: false,
        };
        self.heap_bytes += entry.heap_bytes();
        while self.entries.len() >= TOPIC_CACHE_ENTRIES_MAX as usize
            || self.entries.len() > 0 && self.heap_bytes > TOPIC_CACHE_BYTES_MAX
        {
            self.evict();
        }
        let index = self.entries.insert(entry);
        let TopicCache { entries, table, .. } = self;
        table.insert_unique(table_hash(fingerprint), index, |&other| {
            table_hash(entries[other].fingerprint)
        });
    }

    /// Drops the entries of all topics with this fingerprint.
    pub(super) fn forget(&mut self, fingerprint: Fingerprint) {
        let hash = table_hash(fingerprint);
        let is_it = |entries: &Slab<Entry>, index: u32| entries[index].fingerprint == fingerprint;
        while let Some(&index) = self.table.find(hash, |&index| is_it(&self.entries, index)) {
            self.remove(index);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        let tables = self.table.allocation_size() + self.asked_once.bytes();
        self.entries.bytes() + self.heap_bytes + tables as u64
    }

    /// Drops the first entry behind the hand that was not used since the hand passed it.
    fn evict(&mut self) {
        loop {
            self.hand = if self.hand + 1 < self.entries.places() {
                self.hand + 1
            } else {
                0
            };
            match self.entries.get_mut(self.hand) {
                Some(entry) if entry.used => entry.used = false,
                Some(_) => return self.remove(self.hand),
                None => {}
            }
        }
    }

    fn remove(&mut self, index: u32) {
        let entry = self.entries.remove(index);
        self.heap_bytes -= entry.heap_bytes();
        let hash = table_hash(entry.fingerprint);
        if let Ok(found) = self.table.find_entry(hash, |&other| other == index) {
            found.remove();
        }
    }
}

impl Entry {
    fn heap_bytes(&self) -> u64 {
        let list = match &self.cached.local {
            Local::Filter(_) => 0,
            Local::Merged(list, identifiers) => {
                let identifiers = identifiers.as_ref();
                size_of_val(&**list) + identifiers.map_or(0, |table| table.bytes())
            }
        };
        (self.topic.len() + list + size_of_val(&*self.cached.groups)) as u64
    }
}
