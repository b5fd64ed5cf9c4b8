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
use ringmq_router::ShardId;

use crate::placement::CpuId;
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
    /// The CPU that each is pinned to.
    pub(crate) cpus: Arc<[Option<CpuId>]>,
    /// Which of them still may use the addresses.
    pub(crate) running: Arc<Running>,
    /// `None` where nobody is asked.
    pub(crate) authenticator: Option<Arc<Authenticator>>,
}

/// Whether others of the shards on these CPUs are on that of this one.
fn share_cpu(cpus: &[Option<CpuId>], shard: ShardId) -> bool {
    let own = cpus[usize::from(shard.0)];
    own.is_some() && cpus.iter().filter(|cpu| **cpu == own).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shards_pinned_to_the_same_cpu_share_it() {
        let share = |cpus: &[Option<u16>]| -> Vec<bool> {
            let cpus: Vec<_> = cpus.iter().map(|cpu| cpu.map(CpuId)).collect();
            let shards = (0..cpus.len() as u8).map(ShardId);
            shards.map(|shard| share_cpu(&cpus, shard)).collect()
        };
        assert_eq!(share(&[Some(0), Some(1), Some(0)]), [true, false, true]);
        assert_eq!(share(&[Some(0)]), [false]);
        assert_eq!(share(&[None, None]), [false, false]);
    }
}
