//! What the other shards want of exact topics: fingerprint to set of shards, in 8 bytes while the set is
//! one shard, which it nearly always is.
//!
//! Only false positives are possible: two texts with one fingerprint. Each shard announces a fingerprint
//! once and withdraws it when none of its filters has it any more.

use hashbrown::HashTable;

use super::fingerprint::table_hash;
use crate::ShardId;
use crate::link::Fingerprint;

#[derive(Debug, Default)]
pub(super) struct RemoteExact {
    entries: HashTable<Entry>,
    /// Sets of the fingerprints that several shards want.
    sets: HashTable<(Fingerprint, u64)>,
}

/// A fingerprint, and in the byte above it the shard, or [`SEVERAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry(u64);

const SEVERAL: u8 = 0xFF;

impl Entry {
    fn new(fingerprint: Fingerprint, shard: u8) -> Entry {
        Entry(fingerprint.0 | u64::from(shard) << Fingerprint::BITS)
    }

    fn fingerprint(self) -> Fingerprint {
        Fingerprint(self.0 & ((1 << Fingerprint::BITS) - 1))
    }

    fn shard(self) -> u8 {
        (self.0 >> Fingerprint::BITS) as u8
    }
}

impl RemoteExact {
    /// The shards that want topics with this fingerprint, as a bit set.
    pub(super) fn shards(&self, fingerprint: Fingerprint) -> u64 {
        let hash = table_hash(fingerprint);
        match self
            .entries
            .find(hash, |entry| entry.fingerprint() == fingerprint)
        {
            None => 0,
            Some(entry) if entry.shard() == SEVERAL => self.set(fingerprint),
            Some(entry) => 1 << entry.shard(),
        }
    }

    pub(super) fn add(&mut self, from: ShardId, fingerprint: Fingerprint) {
        let before = self.shards(fingerprint);
        self.replace(fingerprint, before, before | 1 << from.0);
    }

    pub(super) fn remove(&mut self, from: ShardId, fingerprint: Fingerprint) {
        let before = self.shards(fingerprint);
        self.replace(fingerprint, before, before & !(1 << from.0));
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        (self.entries.allocation_size() + self.sets.allocation_size()) as u64
    }

    fn set(&self, fingerprint: Fingerprint) -> u64 {
        let found = self
            .sets
            .find(table_hash(fingerprint), |entry| entry.0 == fingerprint);
        found.expect("the entry says that there is a set").1
    }

    fn replace(&mut self, fingerprint: Fingerprint, before: u64, after: u64) {
        if before == after {
            return;
        }
        let hash = table_hash(fingerprint);
        if before.count_ones() > 1
            && let Ok(found) = self.sets.find_entry(hash, |entry| entry.0 == fingerprint)
        {
            found.remove();
        }
        let found = self
            .entries
            .find_entry(hash, |entry| entry.fingerprint() == fingerprint);
        if after == 0 {
            if let Ok(found) = found {
                found.remove();
                self.shrink();
            }
            return;
        }
        let several = after.count_ones() > 1;
        if several {
            self.sets
                .insert_unique(hash, (fingerprint, after), |entry| table_hash(entry.0));
        }
        let shard = if several {
            SEVERAL
        } else {
            after.trailing_zeros() as u8
        };
        let entry = Entry::new(fingerprint, shard);
        match self
            .entries
            .find_mut(hash, |entry| entry.fingerprint() == fingerprint)
        {
            Some(found) => *found = entry,
            None => {
                let rehash = |entry: &Entry| table_hash(entry.fingerprint());
                self.entries.insert_unique(hash, entry, rehash);
            }
        }
    }

    /// Gives memory back after most of the interest was withdrawn.
    fn shrink(&mut self) {
        let len = self.entries.len();
        if self.entries.capacity() > 64 && len < self.entries.capacity() / 8 {
            self.entries
                .shrink_to(len * 2, |entry| table_hash(entry.fingerprint()));
        }
    }
}
