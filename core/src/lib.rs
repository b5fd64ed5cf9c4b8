//! The sharded io_uring core of the RingMQ broker: shards pinned to CPU cores, message rings between
//! them, configuration and start-up. The `ringmq` binary is a thin command line over this.
//!
//! Protocol decisions are not made here: they belong to `ringmq-router`. Bytes are moved by `ringmq-ring`.

pub mod broker;
pub mod limits;
pub mod logging;
pub mod placement;
