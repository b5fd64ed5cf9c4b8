//! The keyed hashes of the index. Clients choose topics, so every hash of client text takes the seed they
//! do not know.

use std::hash::{BuildHasher, Hasher};

use crate::link::Fingerprint;

/// Makes [`Fingerprint`]s: equal on all shards that were given the same seed.
#[derive(Clone, Debug)]
pub(crate) struct TopicHash {
    state: foldhash::quality::FixedState,
    /// Bits of the hash that are kept.
    mask: u64,
}

impl TopicHash {
    pub(super) fn new(seed: u64) -> TopicHash {
        TopicHash::with_bits(seed, Fingerprint::BITS)
    }

    /// Narrower fingerprints than the broker's, so that a test can meet collisions.
    pub(super) fn with_bits(seed: u64, bits: u32) -> TopicHash {
        assert!(bits <= Fingerprint::BITS);
        TopicHash {
            state: foldhash::quality::FixedState::with_seed(seed),
            mask: (1 << bits) - 1,
        }
    }

    pub(crate) fn fingerprint(&self, text: &str) -> Fingerprint {
        let mut hasher = self.state.build_hasher();
        hasher.write(text.as_bytes());
        Fingerprint(hasher.finish() & self.mask)
    }
}

/// A fingerprint as a hash for `hashbrown`, which takes the place in the table from the low bits and a tag
/// from the topmost ones: the fingerprint's own highest byte is repeated there.
pub(super) fn table_hash(fingerprint: Fingerprint) -> u64 {
    fingerprint.0 | (fingerprint.0 << 8) & (0xFF << Fingerprint::BITS)
}
