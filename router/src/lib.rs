//! The broker as a pure state machine: one [`Shard`] takes an [`Input`] with the time it happened and
//! appends what follows from it to [`Outputs`].
//!
//! `core` runs shards on pinned threads over io_uring; the simulation runs them over a fake network in
//! one thread, replayed from a seed. That works because nothing here makes a syscall, reads a clock,
//! spawns a thread or draws randomness that was not given as an input, and because shards share nothing:
//! they know of each other only through [`link::LinkMessage`]s.
#![forbid(unsafe_code)]

mod drops;
mod ids;
#[allow(dead_code, reason = "until the shard calls it")]
mod index;
mod input;
pub mod limits;
pub mod link;
#[allow(dead_code, reason = "until the shard calls it")]
mod message;
mod output;
#[allow(dead_code, reason = "until the shard calls it")]
mod retained;
mod settings;
mod shard;
#[allow(dead_code, reason = "until the shard calls it")]
mod slab;
mod stats;
#[allow(dead_code, reason = "until the shard calls it")]
mod timer;

pub use drops::{DropLedger, DropReason};
pub use ids::{CommandId, ConnectionId, ListenerId, LogPosition, Millis, ShardCount, ShardId};
pub use input::{Authentication, CloseCause, Command, Input, Verdict};
pub use output::{
    Answer, CloseReason, Disconnection, FrameRange, LogEvent, Output, Outputs, TargetRange,
};
pub use settings::{AuthenticationMode, Settings};
pub use shard::{Shard, ShardConfig};
pub use stats::{MemoryUse, Stats};
