//! The drop ledger: every message that was accepted and not delivered, counted by reason.

/// Why a message was dropped for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// The session's queue holds its maximum of messages.
    QueueMessages,
    /// The session's queue holds its maximum of bytes.
    QueueBytes,
    /// QoS 0 for a session that is away: the specification lets it go, no client expects it.
    OfflineQos0,
    /// It expired while it waited.
    Expired,
    /// Longer than the client's maximum packet size.
    PacketTooLarge,
    /// It waited for a session that ended.
    SessionEnded,
    /// The connection ended before a QoS 0 message queued for it was sent.
    ConnectionEnded,
    /// The retained store is full.
    RetainedFull,
}

impl DropReason {
    /// All reasons, in the order of the ledger.
    pub const ALL: [DropReason; 8] = [
        DropReason::QueueMessages,
        DropReason::QueueBytes,
        DropReason::OfflineQos0,
        DropReason::Expired,
        DropReason::PacketTooLarge,
        DropReason::SessionEnded,
        DropReason::ConnectionEnded,
        DropReason::RetainedFull,
    ];

    /// Its name in `$SYS/broker/drops/...` and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            DropReason::QueueMessages => "queue-messages",
            DropReason::QueueBytes => "queue-bytes",
            DropReason::OfflineQos0 => "offline-qos0",
            DropReason::Expired => "expired",
            DropReason::PacketTooLarge => "packet-too-large",
            DropReason::SessionEnded => "session-ended",
            DropReason::ConnectionEnded => "connection-ended",
            DropReason::RetainedFull => "retained-full",
        }
    }
}

/// Messages dropped so far, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropLedger([u64; DropReason::ALL.len()]);

impl DropLedger {
    /// Counts `messages` drops.
    pub fn add(&mut self, reason: DropReason, messages: u64) {
        self.0[reason as usize] += messages;
    }

    /// Drops for one reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// All drops.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds another shard's ledger.
    pub fn merge(&mut self, other: &DropLedger) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
