//! What the machine and the process's affinity offer. Behind a trait, so that placement is tested on
//! machines nobody here has, and the source can be replaced.

use std::io;

use super::CpuId;

/// One CPU, as the scheduler sees it: a hardware thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpu {
    /// Its number.
    pub(super) id: CpuId,
    /// Its physical core; equal for hardware threads that share one, and neighbours on one memory node sort
    /// together.
    pub(super) core: CoreId,
}

/// A physical core: memory node, package, and number within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CoreId(pub(super) usize, pub(super) usize, pub(super) usize);

/// Where CPUs come from.
pub(super) trait Topology {
    /// The CPUs that are switched on, by ascending number.
    fn online(&self) -> Vec<Cpu>;
    /// The CPUs this process may run on, by ascending number. Never empty.
    fn allowed(&self) -> io::Result<Vec<CpuId>>;
}

/// This machine, read from sysfs, and the affinity of the calling thread.
pub(super) struct KernelTopology;

impl Topology for KernelTopology {
    fn online(&self) -> Vec<Cpu> {
        let mut cpus = match glommio::CpuSet::online() {
            Ok(set) => set.iter().filter_map(located).collect(),
            // Without sysfs (some containers) every CPU counts as a core of its own.
            Err(_) => self.allowed().map(unrelated).unwrap_or_default(),
        };
        cpus.sort_unstable_by_key(|cpu| cpu.id);
        cpus
    }

    fn allowed(&self) -> io::Result<Vec<CpuId>> {
        let set = rustix::thread::sched_getaffinity(None)?;
        let numbers = 0..rustix::thread::CpuSet::MAX_CPU;
        let allowed = numbers.filter(|number| set.is_set(*number));
        Ok(allowed.filter_map(cpu_id).collect())
    }
}

fn located(location: &glommio::CpuLocation) -> Option<Cpu> {
    let core = CoreId(location.numa_node, location.package, location.core);
    cpu_id(location.cpu).map(|id| Cpu { id, core })
}

fn unrelated(cpus: Vec<CpuId>) -> Vec<Cpu> {
    let cores = cpus.into_iter().map(|id| Cpu {
        id,
        core: CoreId(0, 0, usize::from(id.0)),
    });
    cores.collect()
}

fn cpu_id(number: usize) -> Option<CpuId> {
    u16::try_from(number).ok().map(CpuId)
}
