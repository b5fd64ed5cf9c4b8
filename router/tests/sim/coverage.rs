//! What the runs met: a simulation that never sees a takeover proves nothing about takeovers. Printed
//! at the end; each count must be above zero.

use std::collections::BTreeMap;

use ringmq_router::{DropReason, Stats};

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<&'static str, u64>);

impl Coverage {
    /// Counts one.
    pub(crate) fn hit(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    /// Counts several.
    pub(crate) fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// Adds another run's.
    pub(crate) fn merge(&mut self, other: &Coverage) {
        for (name, count) in &other.0 {
            self.add(name, *count);
        }
    }

    /// Counts what a shard's own statistics tell.
    pub(crate) fn add_stats(&mut self, stats: &Stats) {
        self.add("takeover", stats.takeovers_total);
        self.add("resume", stats.resumes_total);
        self.add(
            "resume with messages in flight",
            stats.resumes_inflight_total,
        );
        self.add("session expiry", stats.sessions_expired_total);
        self.add("will", stats.wills_published_total);
        self.add("crossing", stats.crossings_total);
        self.add("pause", stats.pauses_total);
        self.add("full ring", stats.links_full_total);
        self.add("hand-over", stats.handed_over_total);
        self.add("retained replay", stats.retained_replays_total);
        self.add(
            "retained replay suppressed",
            stats.retained_suppressed_total,
        );
        for reason in DropReason::ALL {
            let name = match reason {
                DropReason::QueueMessages => "drop: queue messages",
                DropReason::QueueBytes => "drop: queue bytes",
                DropReason::OfflineQos0 => "drop: QoS 0 offline",
                DropReason::Expired => "drop: expired",
                DropReason::PacketTooLarge => "drop: packet too large",
                DropReason::SessionEnded => "drop: session ended",
                DropReason::ConnectionEnded => "drop: connection ended",
                DropReason::RetainedFull => "drop: retained full",
            };
            self.add(name, stats.drops.get(reason));
        }
    }

    /// Names whose count is zero.
    pub(crate) fn unmet(&self) -> Vec<&'static str> {
        self.0
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect()
    }
}

/// What the world counts itself; all start at zero so that an unmet one shows.
pub(crate) const COUNTED_BY_WORLD: &[&str] = &[
    "socket blocked",
    "reset",
    "cut inside a packet",
    "half-open connection",
    "keep-alive timeout",
    "silent client whose bytes were not read yet",
    "malformed input",
    "retained replay under way when a publish hits its topic",
    "SUBACK waiting for other shards",
    "CONNECT followed at once by more packets",
    "publisher sends again with DUP",
    "broker sends again with DUP",
    "QoS 2 duplicate suppressed by its receiver",
    "will discarded",
    "will delayed",
    "session without a name",
    "acknowledged: no matching subscribers",
    "acknowledged: quota exceeded",
    "verdict that never comes",
    "verdict on a connection that is gone",
    "CONNECT refused",
    "log durable up to a record",
    "settings changed",
    "client thrown out",
    "shutdown under load",
    "server keep-alive",
    "message that expires put out",
    "session expiry changed at DISCONNECT",
    "storm of connections of one client",
    "hand-over with more bytes on their way",
    "hand-over beside a full ring",
    "receive maximum of 1 used up",
    "retained message as published",
    "retained message not asked for",
    "publish that no local keeps back",
    "drill of a queue at its bound",
    "drill: session ended",
    "several subscription identifiers",
    "copy at a member of a group",
    "copy at another member again",
    "topic alias to the broker",
    "topic alias set by the broker",
    "topic alias from the broker",
];

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, count) in &self.0 {
            writeln!(f, "    {count:>10}  {name}")?;
        }
        Ok(())
    }
}
