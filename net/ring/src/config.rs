//! Settings of one engine, with unit, default and reason.
//!
//! The caller fills an [`EngineConfig`] once per engine; nothing here changes while it runs.

use std::time::Duration;

use crate::error::EngineError;

/// Settings of one [`crate::Engine`].
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Sockets this engine may hold. Default 10,000. More than [`EngineConfig::table_slots_max`] means
    /// several rings, `connections_max / table` rounded up.
    pub connections_max: u32,
    /// Slots of one ring's table of direct descriptors. Default: no bound but the kernel's, which is
    /// RLIMIT_NOFILE and 2^20. Lower values force several rings; meant for tests.
    pub table_slots_max: u32,
    /// Bytes of one receive buffer. Default 16 KiB: what a busy publisher sends between two ticks.
    pub receive_buffer_bytes: u32,
    /// Receive buffers per ring, a power of two up to 32,768. Default 256 (4 MiB, given to the kernel as they
    /// are needed): several ticks of receives. When they run out, receives are armed again and the kernel's own
    /// buffers hold the bytes.
    pub receive_buffers: u16,
    /// Accepts of one listener that are made at once, at most. Default 32: what one tick handles.
    pub accepts_per_round: u16,
    /// Whether listeners accept a connection only when its first bytes are there, or after about a second
    /// (TCP_DEFER_ACCEPT): accepting and receiving then cost one wake-up together. Default: no, since only
    /// clients that speak first gain by it.
    pub accept_after_bytes: bool,
    /// Completions handled by one [`crate::Engine::wait`]. Default 32: one-to-one traffic is cheapest at 20
    /// to 30 connections a tick, receive to send, while their sockets are in the cache; many receives that
    /// feed few sends gain little beyond it. See [`crate::Engine::set_completions_per_tick`].
    pub completions_per_tick: u32,
    /// Entries of each submission queue, a power of two. Default 1,024. A full queue costs one more
    /// enter, no more.
    pub submission_entries: u32,
    /// Entries of each completion queue, a power of two. Default 8,192. Beyond them the kernel keeps a
    /// slower list; nothing is lost.
    pub completion_entries: u32,
    /// How long [`crate::CloseHow::Flush`] waits for queued output. Default 5 s.
    pub linger: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig {
            connections_max: 10_000,
            table_slots_max: u32::MAX,
            receive_buffer_bytes: 16 * 1024,
            receive_buffers: 256,
            accepts_per_round: 32,
            accept_after_bytes: false,
            completions_per_tick: 32,
            submission_entries: 1_024,
            completion_entries: 8_192,
            linger: Duration::from_secs(5),
        }
    }
}

impl EngineConfig {
    /// Refuses settings the kernel or the engine cannot work with.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let refuse = |reason| Err(EngineError::Config { reason });
        if self.connections_max == 0 || self.table_slots_max == 0 {
            return refuse("connections_max and table_slots_max must be at least 1");
        }
        if self.receive_buffer_bytes == 0 {
            return refuse("receive_buffer_bytes must be at least 1");
        }
        if !self.receive_buffers.is_power_of_two() || self.receive_buffers > 1 << 15 {
            return refuse("receive_buffers must be a power of two up to 32,768");
        }
        if self.accepts_per_round == 0 || self.completions_per_tick == 0 {
            return refuse("accepts_per_round and completions_per_tick must be at least 1");
        }
        if !self.submission_entries.is_power_of_two() || self.submission_entries > 1 << 15 {
            return refuse("submission_entries must be a power of two up to 32,768");
        }
        if !self.completion_entries.is_power_of_two()
            || self.completion_entries > 1 << 16
            || self.completion_entries < self.submission_entries
        {
            return refuse(
                "completion_entries must be a power of two up to 65,536, and not below submission_entries",
            );
        }
        Ok(())
    }
}
