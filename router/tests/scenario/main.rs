//! Scenarios: scripts of packets in and packets out, run against shards that are linked directly.
//!
//! A test is one call of `check` with a script (its language is described in `script`). What holds for
//! one shard and matters across shards is checked for both.
#![allow(clippy::unwrap_used, reason = "a test")]

mod acknowledgements;
mod backpressure;
mod broker;
mod connect;
mod control;
mod packets;
mod publish;
mod queue;
mod retained;
mod script;
mod session;
mod subscribe;
mod will;
