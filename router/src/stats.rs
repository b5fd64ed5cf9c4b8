//! Counters and gauges of one shard; [`Stats::merge`] makes them the broker's.

use crate::DropLedger;

/// Memory by category, bytes, as the router accounts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct MemoryUse {
    pub connections: u64,
    pub sessions: u64,
    pub queues: u64,
    pub retained: u64,
    pub index: u64,
    pub interest: u64,
    pub buffers: u64,
}

/// What a shard has counted since it started (`_total`), and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Stats {
    pub bytes_received_total: u64,
    pub bytes_sent_total: u64,
    pub packets_received_total: u64,
    pub packets_sent_total: u64,
    pub publishes_received_total: u64,
    pub publishes_sent_total: u64,
    pub connections_opened_total: u64,
    pub connects_accepted_total: u64,
    pub handed_over_total: u64,
    pub takeovers_total: u64,
    pub resumes_total: u64,
    /// Resumes that had messages in flight to send again.
    pub resumes_inflight_total: u64,
    pub sessions_expired_total: u64,
    pub wills_published_total: u64,
    /// Messages sent to another shard (once per destination).
    pub crossings_total: u64,
    pub pauses_total: u64,
    pub links_full_total: u64,
    pub retained_replays_total: u64,
    /// Retained messages not replayed because they went, or are on their way, to the subscriber live.
    pub retained_suppressed_total: u64,
    pub drops: DropLedger,
    pub connections: u64,
    pub sessions: u64,
    pub sessions_offline: u64,
    pub subscriptions: u64,
    pub retained_messages: u64,
    pub queued_messages: u64,
    pub inflight_messages: u64,
    pub memory: MemoryUse,
}
