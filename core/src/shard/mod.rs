//! A shard: one thread, one engine, one router, and the tick that runs them.
//!
//! [`crate::broker`] starts one per entry of the placement with [`thread::start`]. A shard shares nothing
//! with the others but the links between them, and takes orders only through its [`control::Control`].

mod act;
mod arrivals;
mod catch_up;
mod clock;
pub(crate) mod control;
mod departure;
mod intake;
mod pace;
pub(crate) mod thread;
mod tick;

use std::sync::Arc;

use ringmq_ring::{EngineAddress, Waker};

use crate::users::Authenticator;

pub(crate) use departure::Running;

/// What a shard works with: the shards of the broker, by shard, the own one included, and who judges its
/// clients.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    /// End the others' sleep.
    pub(crate) wakers: Arc<[Waker]>,
    /// Take sockets.
    pub(crate) addresses: Arc<[EngineAddress]>,
    /// Which of them still may use the addresses.
    pub(crate) running: Arc<Running>,
    /// `None` where nobody is asked.
    pub(crate) authenticator: Option<Arc<Authenticator>>,
}
