//! Which CPU each shard is pinned to.
//!
//! One shard per physical core of the CPUs the process was given (taskset, cpusets and containers count),
//! unless the operator says otherwise. Asked once at start-up; a shard never moves afterwards.

mod topology;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;

use crate::config::{CpuList, Shards};
use topology::{Cpu, KernelTopology, Topology};

/// A CPU as the kernel numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(pub u16);

/// One entry per shard, in shard order: the CPU it is pinned to, or `None` to let the kernel choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    shards: Vec<Option<CpuId>>,
}

/// The CPUs asked for cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlacementError {
    /// The machine has no such CPU, or it is switched off.
    NoSuchCpu {
        /// The CPU.
        cpu: CpuId,
        /// Those it has.
        online: Vec<CpuId>,
    },
    /// The process may not run there.
    NotAllowed {
        /// The CPU.
        cpu: CpuId,
        /// Where it may.
        allowed: Vec<CpuId>,
    },
    /// No CPU that the process may use is switched on.
    NoneOnline {
        /// Where it may run.
        allowed: Vec<CpuId>,
    },
    /// The kernel does not say where the process may run.
    Affinity(io::Error),
}

impl Placement {
    /// Places shards on this machine's CPUs.
    pub fn choose(shards: Shards, cpus: &CpuList) -> Result<Placement, PlacementError> {
        place(&KernelTopology, shards, cpus)
    }

    /// Shards that are not pinned; for tests.
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

fn place(
    topology: &impl Topology,
    shards: Shards,
    cpus: &CpuList,
) -> Result<Placement, PlacementError> {
    let online = topology.online();
    let allowed = topology.allowed().map_err(PlacementError::Affinity)?;
    let mut usable = online.clone();
    usable.retain(|cpu| allowed.contains(&cpu.id));
    if let CpuList::Only(listed) = cpus {
        let ids = |cpus: &[Cpu]| cpus.iter().map(|cpu| cpu.id).collect::<Vec<_>>();
        for cpu in listed {
            if !ids(&online).contains(cpu) {
                let (cpu, online) = (*cpu, ids(&online));
                return Err(PlacementError::NoSuchCpu { cpu, online });
            }
            if !ids(&usable).contains(cpu) {
                let (cpu, allowed) = (*cpu, ids(&usable));
                return Err(PlacementError::NotAllowed { cpu, allowed });
            }
        }
        usable.retain(|cpu| listed.contains(&cpu.id));
    }
    if usable.is_empty() {
        return Err(PlacementError::NoneOnline { allowed });
    }
    let (order, cores) = core_by_core(usable);
    let count = match shards {
        Shards::Auto => cores.min(usize::from(ringmq_router::limits::SHARDS_MAX)),
        Shards::Count(count) => usize::from(count),
    };
    Ok(Placement {
        shards: order.into_iter().map(Some).cycle().take(count).collect(),
    })
}

/// The CPUs in the order they are to be used, and how many physical cores they are on: first one of each
/// core, core by core, then the second of each, and so on, so that shards share a core as late as possible.
fn core_by_core(mut cpus: Vec<Cpu>) -> (Vec<CpuId>, usize) {
    cpus.sort_unstable_by_key(|cpu| (cpu.core, cpu.id));
    let mut cores: Vec<Vec<CpuId>> = Vec::new();
    for siblings in cpus.chunk_by(|a, b| a.core == b.core) {
        cores.push(siblings.iter().map(|cpu| cpu.id).collect());
    }
    let threads_max = cores.iter().map(Vec::len).max().unwrap_or(0);
    let nth = |n: usize| cores.iter().filter_map(move |core| core.get(n).copied());
    let order = (0..threads_max).flat_map(nth).collect();
    (order, cores.len())
}

/// A sorted list of CPUs the way people write it: `0,2-5`.
pub(crate) fn ranges(cpus: &[CpuId]) -> String {
    let runs = cpus.chunk_by(|a, b| a.0 + 1 == b.0);
    let texts = runs.map(|run| match run {
        [one] => one.0.to_string(),
        [first, .., last] => format!("{}-{}", first.0, last.0),
        [] => String::new(),
    });
    texts.collect::<Vec<_>>().join(",")
}

impl fmt::Display for PlacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlacementError::NoSuchCpu { cpu, online } => write!(
                f,
                "there is no CPU {} on this machine; it has {}",
                cpu.0,
                ranges(online)
            ),
            PlacementError::NotAllowed { cpu, allowed } => write!(
                f,
                "this process may not run on CPU {}: its affinity (taskset, cpuset or container) allows {}",
                cpu.0,
                ranges(allowed)
            ),
            PlacementError::NoneOnline { allowed } => write!(
                f,
                "none of the CPUs this process may use ({}) is switched on",
                ranges(allowed)
            ),
            PlacementError::Affinity(error) => {
                write!(f, "cannot tell which CPUs this process may use: {error}")
            }
        }
    }
}

impl std::error::Error for PlacementError {}
