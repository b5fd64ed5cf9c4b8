//! Which CPU each shard is pinned to.

use std::io;

/// A CPU as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(pub u16);

/// One entry per shard, in shard order: the CPU it is pinned to, or `None` to let the kernel choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    shards: Vec<Option<CpuId>>,
}

impl Placement {
    /// Shards that are not pinned; for tests and for machines whose CPUs are not for us to choose.
    pub fn unpinned(shards: u8) -> Placement {
        Placement {
            shards: vec![None; usize::from(shards)],
        }
    }

    /// One shard per entry, pinned to it.
    pub fn pinned(cpus: Vec<CpuId>) -> Placement {
        Placement {
            shards: cpus.into_iter().map(Some).collect(),
        }
    }

    /// The CPU of each shard, in shard order.
    pub fn shards(&self) -> &[Option<CpuId>] {
        &self.shards
    }
}

/// Pins the calling thread to one CPU.
pub fn pin_current_thread(cpu: CpuId) -> io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(usize::from(cpu.0));
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}
