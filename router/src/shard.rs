//! The shard: owns its connections, sessions, index and retained messages, and is the one pump through
//! which every change passes. Called by `core`'s tick and by the simulation.

use std::sync::Arc;

use crate::{Input, Millis, Outputs, Settings, ShardCount, ShardId, Stats};

/// What a shard is told at its birth.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Which shard it is.
    pub id: ShardId,
    /// How many there are.
    pub shards: ShardCount,
    /// Key of all hashes that must agree between shards (client to shard, topic to home, fingerprints):
    /// the same for all shards, unknown to clients.
    pub hash_seed: u64,
    /// Seed of this shard's own randomness (assigned client identifiers).
    pub random_seed: u64,
    /// The configuration.
    pub settings: Arc<Settings>,
}

/// One shard of the broker.
#[derive(Debug)]
pub struct Shard {
    config: ShardConfig,
}

impl Shard {
    /// A shard without connections and sessions.
    pub fn new(config: ShardConfig) -> Shard {
        Shard { config }
    }

    /// Handles one input at time `now` (never smaller than before) and appends what follows from it.
    pub fn handle(&mut self, now: Millis, input: Input<'_>, outputs: &mut Outputs) {
        let _ = (now, input, outputs, &self.config);
        todo!()
    }

    /// Counters and gauges as of now.
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// The shard a client lives on.
    pub fn home_of_client(&self, client_id: &str) -> ShardId {
        let _ = client_id;
        todo!()
    }
}
