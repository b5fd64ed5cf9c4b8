//! Counters of one engine. They only count; nothing in the engine decides by them.

/// What an engine has done since it was made. All counts, but for the last two fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// SENDs submitted.
    pub sends: u64,
    /// SENDs of which a part went out, and the rest was queued.
    pub sends_short: u64,
    /// Times a connection became blocked.
    pub blocked: u64,
    /// Receives that brought bytes.
    pub receives: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes given to the kernel by sends.
    pub sent_bytes: u64,
    /// Receives that found no free receive buffer and were armed again.
    pub receive_buffers_exhausted: u64,
    /// Connections accepted.
    pub accepts: u64,
    /// Accepts that failed.
    pub accept_errors: u64,
    /// Idle connections promoted to multishot receive.
    pub promotions: u64,
    /// Busy connections put back to multishot poll.
    pub demotions: u64,
    /// Requests to let TCP's acknowledgements wait.
    pub ack_delays: u64,
    /// Of those, how many the kernel refused: all of them before Linux 6.7.
    pub ack_delays_refused: u64,
    /// Connections closed, by either side.
    pub closes: u64,
    /// Connections given to another engine.
    pub hand_overs: u64,
    /// System calls into io_uring.
    pub enters: u64,
    /// Connections held now.
    pub connections: u64,
    /// Bytes held in output queues now.
    pub queued_bytes: u64,
}
