//! The sharded io_uring core of the RingMQ broker: shards pinned to CPU cores, message rings between
//! them, configuration and start-up. The `ringmq` binary is a thin command line over this.
//!
//! Protocol decisions are not made here: they belong to `ringmq-router`. Bytes are moved by `ringmq-ring`.
//!
//! Under `--cfg loom` only the links between shards are built: the model checker runs them alone.

#[cfg(not(loom))]
mod announce;
#[cfg(not(loom))]
pub mod broker;
#[cfg(not(loom))]
pub mod cli;
#[cfg(not(loom))]
pub mod config;
#[cfg(not(loom))]
pub mod descriptors;
#[cfg(not(loom))]
pub mod exit;
pub mod limits;
mod link;
#[cfg(not(loom))]
pub mod listener;
#[cfg(not(loom))]
pub mod logging;
#[cfg(not(loom))]
pub mod placement;
#[cfg(not(loom))]
mod shard;
#[cfg(not(loom))]
mod signals;
#[cfg(not(loom))]
pub mod start;
#[cfg(not(loom))]
pub mod users;
