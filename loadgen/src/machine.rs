//! Preparing the machine for a run: CPU, timers, descriptor limit.

use std::num::NonZeroU64;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};

/// How late the kernel may wake this thread, in nanoseconds. Its default, 50 us, would show in the latency.
const TIMER_SLACK_NS: u64 = 1_000;

/// Pins the calling thread, and those it starts from now on, to one CPU.
pub(crate) fn pin(cpu: usize) -> Result<(), String> {
    if cpu >= CpuSet::MAX_CPU {
        return Err(format!("--cpu {cpu}: there is no such CPU"));
    }
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(None, &cpus).map_err(|e| format!("--cpu {cpu}: {e}"))
}

/// Raises the soft descriptor limit to the hard one: tables of sockets are bounded by it. A failure shows
/// later, where the limit hurts.
pub(crate) fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: limit.maximum,
                maximum: limit.maximum,
            },
        );
    }
}

/// Has the kernel wake the calling thread on time. Without it sends are a little later, which is counted.
pub(crate) fn sharpen_timers() {
    let _ = set_current_timer_slack(NonZeroU64::new(TIMER_SLACK_NS));
}
