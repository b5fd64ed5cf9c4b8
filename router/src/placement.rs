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
        // Spread evenly by the high bits.
        ShardId(((u128::from(hasher.finish()) * u128::from(self.shards.0)) >> 64) as u8)
    }

    /// The shard that keeps the topic's retained message.
    pub(crate) fn home_of_topic(&self, topic: Fingerprint) -> ShardId {
        topic.home(self.shards)
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

#[cfg(test)]
mod tests {
    use super::{Placement, bit, shards_in};
    use crate::link::Fingerprint;
    use crate::{ShardCount, ShardId};

    #[test]
    fn topics_are_spread_evenly() {
        let placement = Placement::new(1, ShardCount(7));
        let mut topics = [0_u32; 7];
        for number in 0..7_000_u64 {
            let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - Fingerprint::BITS);
            topics[usize::from(placement.home_of_topic(Fingerprint(hash)).0)] += 1;
        }
        assert!(
            topics.iter().all(|count| (800..1_200).contains(count)),
            "{topics:?}"
        );
    }

    #[test]
    fn clients_are_spread_evenly_and_the_same_on_every_shard() {
        let [one, other] = [1, 1].map(|seed| Placement::new(seed, ShardCount(7)));
        let mut clients = [0_u32; 7];
        for number in 0..7_000 {
            let client = format!("sensor-{number}");
            let home = one.home_of_client(&client);
            assert_eq!(home, other.home_of_client(&client));
            clients[usize::from(home.0)] += 1;
        }
        assert!(clients.iter().all(|count| (800..1_200).contains(count)));
        let rekeyed = Placement::new(2, ShardCount(7));
        let moved = (0..7_000)
            .map(|number| format!("sensor-{number}"))
            .filter(|client| rekeyed.home_of_client(client) != one.home_of_client(client));
        assert!(moved.count() > 5_000);
    }

    #[test]
    fn a_set_of_shards_is_read_in_order() {
        let set = bit(ShardId(63)) | bit(ShardId(0)) | bit(ShardId(5));
        let shards: Vec<u8> = shards_in(set).map(|shard| shard.0).collect();
        assert_eq!(shards, [0, 5, 63]);
    }
}
