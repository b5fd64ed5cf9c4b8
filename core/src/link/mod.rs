//! Links between shards: bounded rings with one producer and one consumer per ordered pair, one word per
//! shard that says who wants its attention and whether it sleeps, and the [`Port`] that a shard's tick uses.
//!
//! The rings and the parking are checked by loom (`scripts/test` runs it):
//! `RUSTFLAGS='--cfg loom' cargo test -p ringmq --lib link::model`. Under that cfg the rest of the crate
//! is left out.

#[cfg(not(loom))]
mod item;
mod parking;
mod port;
mod ring;
mod sync;

#[cfg(all(test, loom))]
mod model;

#[cfg(not(loom))]
pub(crate) use item::{LinkItem, Ticket};
#[cfg(not(loom))]
pub(crate) use port::{Port, Sleep, mesh, shards_of};
