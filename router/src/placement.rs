//! Which shard a client, and which shard a retained topic lives on: keyed hashes that agree on all shards
//! and that clients cannot foresee.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::link::Fingerprint;
use crate::{ShardCount, ShardId};

/// The rule.
#[derive(Debug)]
pub(crate) struct Placement {
    seed: SharedSeed,
    shards: ShardCount,
}

impl Placement {
    pub(crate) fn new(hash_seed: u64, shards: ShardCount) -> Placement {
        Placement {
            seed: SharedSeed::from_u64(hash_seed),
            shards,
        }
    }

    /// The shard the client's session lives on.
    pub(crate) fn home_of_client(&self, client_id: &str) -> ShardId {
        let mut hasher = FoldHasher::with_seed(0, &self.seed);
        hasher.write(client_id.as_bytes());
        self.pick(hasher.finish())
    }

    /// The shard that keeps the topic's retained message.
    pub(crate) fn home_of_topic(&self, topic: Fingerprint) -> ShardId {
        self.pick(topic.0)
    }

    /// Spreads hashes evenly by their high bits.
    fn pick(&self, hash: u64) -> ShardId {
        ShardId(((u128::from(hash) * u128::from(self.shards.0)) >> 64) as u8)
    }
}

/// A shard as a bit of the sets in links and summaries.
pub(crate) fn bit(shard: ShardId) -> u64 {
    1 << shard.0
}

/// The shards of a bit set, ascending.
pub(crate) fn shards_in(mut set: u64) -> impl Iterator<Item = ShardId> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let shard = ShardId(set.trailing_zeros() as u8);
        set &= set - 1;
        Some(shard)
    })
}
