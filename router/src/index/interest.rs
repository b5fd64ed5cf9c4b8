//! What the other shards want of exact topics: fingerprint to set of shards, in 8 bytes while the set is
//! one shard, which it nearly always is.
//!
//! Only false positives are possible: two texts with one fingerprint. Each shard announces a fingerprint
//! once and withdraws it when none of its filters has it any more.

use super::fingerprint::table_hash;
use crate::ShardId;
use crate::link::Fingerprint;
use crate::split_table::SplitTable;

#[derive(Debug, Default)]
pub(super) struct RemoteExact {
    entries: SplitTable<Entry>,
    /// Sets of the fingerprints that several shards want.
    sets: SplitTable<(Fingerprint, u64)>,
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
        self.entries.bytes() + self.sets.bytes()
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
        let is_it = |entry: &Entry| entry.fingerprint() == fingerprint;
        let rehash = |entry: &Entry| table_hash(entry.fingerprint());
        let rehash_set = |entry: &(Fingerprint, u64)| table_hash(entry.0);
        if before.count_ones() > 1 {
            self.sets
                .remove(hash, |entry| entry.0 == fingerprint, rehash_set);
        }
        if after == 0 {
            return self.entries.remove(hash, is_it, rehash);
        }
        let several = after.count_ones() > 1;
        if several {
            self.sets
                .insert_unique(hash, (fingerprint, after), rehash_set);
        }
        let shard = if several {
            SEVERAL
        } else {
            after.trailing_zeros() as u8
        };
        let entry = Entry::new(fingerprint, shard);
        match self.entries.find_mut(hash, is_it) {
            Some(found) => *found = entry,
            None => self.entries.insert_unique(hash, entry, rehash),
        }
    }
}
