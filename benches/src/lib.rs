//! What the criterion benches and the instruction counts share: packets as bytes, topics, shards without
//! sockets, and a link between two shards. Whoever measures only adds the loop.
//!
//! Everything here is steady: fixed seeds, fixed names, no clock, so that two runs do the same work.

/// The links of `core`, built here from their own source: they need nothing else of that crate, and a bench
/// that depended on it would wait for the whole broker to be built.
#[path = "../../core/src/link/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the benches use a part of it")]
mod link;

pub mod links;
pub mod packets;
pub mod shards;
pub mod topics;
