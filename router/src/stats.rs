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
    /// Payloads only.
    pub publish_bytes_received_total: u64,
    /// Payloads only.
    pub publish_bytes_sent_total: u64,
    pub connections_opened_total: u64,
    pub connects_accepted_total: u64,
    /// Clients that were not let in for what they said of themselves, and connected ones that were closed for it.
    pub authentications_denied_total: u64,
    /// Clients that were turned away because too many others were being judged.
    pub authentications_overloaded_total: u64,
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
    /// Those of them that are shared.
    pub shared_subscriptions: u64,
    pub retained_messages: u64,
    pub queued_messages: u64,
    pub inflight_messages: u64,
    /// Messages held for queues and in-flight windows; one for several sessions counts once.
    pub stored_messages: u64,
    pub memory: MemoryUse,
}

impl MemoryUse {
    /// Adds another shard's.
    pub fn merge(&mut self, other: &MemoryUse) {
        self.connections += other.connections;
        self.sessions += other.sessions;
        self.queues += other.queues;
        self.retained += other.retained;
        self.index += other.index;
        self.interest += other.interest;
        self.buffers += other.buffers;
    }

    /// All categories, bytes.
    pub fn total(&self) -> u64 {
        let held = self.connections + self.sessions + self.queues + self.retained;
        held + self.index + self.interest + self.buffers
    }
}

impl Stats {
    /// Adds another shard's.
    pub fn merge(&mut self, other: &Stats) {
        self.bytes_received_total += other.bytes_received_total;
        self.bytes_sent_total += other.bytes_sent_total;
        self.packets_received_total += other.packets_received_total;
        self.packets_sent_total += other.packets_sent_total;
        self.publishes_received_total += other.publishes_received_total;
        self.publishes_sent_total += other.publishes_sent_total;
        self.publish_bytes_received_total += other.publish_bytes_received_total;
        self.publish_bytes_sent_total += other.publish_bytes_sent_total;
        self.connections_opened_total += other.connections_opened_total;
        self.connects_accepted_total += other.connects_accepted_total;
        self.authentications_denied_total += other.authentications_denied_total;
        self.authentications_overloaded_total += other.authentications_overloaded_total;
        self.handed_over_total += other.handed_over_total;
        self.takeovers_total += other.takeovers_total;
        self.resumes_total += other.resumes_total;
        self.resumes_inflight_total += other.resumes_inflight_total;
        self.sessions_expired_total += other.sessions_expired_total;
        self.wills_published_total += other.wills_published_total;
        self.crossings_total += other.crossings_total;
        self.pauses_total += other.pauses_total;
        self.links_full_total += other.links_full_total;
        self.retained_replays_total += other.retained_replays_total;
        self.retained_suppressed_total += other.retained_suppressed_total;
        self.drops.merge(&other.drops);
        self.connections += other.connections;
        self.sessions += other.sessions;
        self.sessions_offline += other.sessions_offline;
        self.subscriptions += other.subscriptions;
        self.shared_subscriptions += other.shared_subscriptions;
        self.retained_messages += other.retained_messages;
        self.queued_messages += other.queued_messages;
        self.inflight_messages += other.inflight_messages;
        self.stored_messages += other.stored_messages;
        self.memory.merge(&other.memory);
    }
}
