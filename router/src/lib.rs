//! The broker as a pure state machine: one [`Shard`] takes an [`Input`] with the time it happened and
//! appends what follows from it to [`Outputs`].
//!
//! `core` runs shards on pinned threads over io_uring; the simulation runs them over a fake network in
//! one thread, replayed from a seed. That works because nothing here makes a syscall, reads a clock,
//! spawns a thread or draws randomness that was not given as an input, and because shards share nothing:
//! they know of each other only through [`link::LinkMessage`]s.
#![forbid(unsafe_code)]

mod acknowledge;
mod alarm;
mod auth;
mod authentication;
#[doc(hidden)]
pub mod bench;
mod census;
mod chunks;
mod command;
mod connack;
mod connect;
mod connection;
mod deliver;
mod disconnect;
mod drain;
mod drops;
mod forwarded;
mod gate;
mod home;
mod ids;
mod inbound;
mod index;
mod input;
mod interest;
mod keyed_list;
pub mod limits;
pub mod link;
mod link_in;
mod link_out;
mod live_topics;
mod log;
mod matrix;
mod message;
mod outgoing;
mod output;
mod own_frame;
mod pause;
mod pingreq;
mod placement;
mod puback;
mod publish;
mod publish_frame;
mod random;
mod reason_string;
mod received;
mod replay;
mod retained;
mod run;
mod send;
mod session;
mod session_end;
mod sessions;
mod settings;
mod shard;
mod shared;
mod slab;
mod split_table;
mod stats;
mod subscribe;
mod subscription_identifier;
mod subscriptions;
mod sys;
mod timer;
mod topic_alias;
mod unsubscribe;
mod will;
mod window;

pub use authentication::{Authentication, Claim, Grant, Memory, Password, Verdict};
pub use drops::{DropLedger, DropReason};
pub use ids::{CommandId, ConnectionId, ListenerId, LogPosition, Millis, ShardCount, ShardId};
pub use input::{CloseCause, Command, Input};
pub use output::{
    Answer, CloseReason, Disconnection, FrameRange, LogEvent, Output, Outputs, TargetRange, Wait,
};
pub use settings::{AuthenticationMode, Settings};
pub use shard::{Shard, ShardConfig};
pub use shared::SharedStrategy;
pub use stats::{MemoryUse, Stats};
