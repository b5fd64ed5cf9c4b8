//! `$SYS`: the broker's counters as retained messages, with Mosquitto's names.
//!
//! Every shard sends its counters to shard 0, which adds them up and publishes.

use crate::{ShardCount, ShardId, Stats};

/// What shard 0 knows of all shards.
#[derive(Debug)]
pub(crate) struct Sys {
    latest: Vec<Stats>,
}

impl Sys {
    pub(crate) fn new(shards: ShardCount) -> Sys {
        Sys {
            latest: vec![Stats::default(); usize::from(shards.0)],
        }
    }

    /// Another shard's counters.
    pub(crate) fn note(&mut self, from: ShardId, stats: Stats) {
        self.latest[usize::from(from.0)] = stats;
    }
}
