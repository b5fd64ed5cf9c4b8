//! What the broker writes about itself. The message path logs nothing.

use ringmq_router::{LogEvent, ShardId};

/// Writes what a shard's router reported. Called on the shard's thread; costs one level check when disabled.
pub fn log_event(shard: ShardId, event: &LogEvent) {
    tracing::debug!(target: "client", shard = shard.0, ?event);
}
