//! CPU time and memory of the broker's process, from `/proc`.
//!
//! The run samples it at the edges of the measured phase. It only reads; what cannot be read is an error
//! once, before the run, not in the middle of it.

use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

/// Clock ticks of `/proc/PID/stat` a second: fixed at 100 for user space on every Linux architecture.
const TICK_NS: u64 = 10_000_000;

/// A process, or this thread, whose resources are watched.
#[derive(Clone, Debug)]
pub(crate) struct BrokerProcess {
    folder: PathBuf,
}

/// What the process has used up to now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProcessSample {
    /// User and system time of its threads, in nanoseconds; of those that are still there, where the kernel
    /// keeps scheduler statistics.
    pub(crate) cpu_ns: u64,
    /// The same in steps of 10 ms, of threads that have ended as well.
    pub(crate) cpu_ticks_ns: u64,
    /// Resident set in bytes.
    pub(crate) rss_bytes: u64,
}

impl ProcessSample {
    /// CPU time used since an earlier sample, in nanoseconds. The finer account holds unless threads have
    /// ended and taken theirs along.
    pub(crate) fn cpu_ns_since(&self, before: &ProcessSample) -> u64 {
        let fine = self.cpu_ns.saturating_sub(before.cpu_ns);
        let coarse = self.cpu_ticks_ns.saturating_sub(before.cpu_ticks_ns);
        if fine + 2 * TICK_NS < coarse {
            coarse
        } else {
            fine
        }
    }
}

impl BrokerProcess {
    /// The process with this id.
    pub(crate) fn new(pid: u32) -> BrokerProcess {
        BrokerProcess {
            folder: PathBuf::from(format!("/proc/{pid}")),
        }
    }

    /// Reads CPU time and memory. CPU time is exact to the nanosecond where the kernel keeps scheduler
    /// statistics, else to 10 ms.
    pub(crate) fn sample(&self) -> io::Result<ProcessSample> {
        let stat = fs::read_to_string(self.folder.join("stat"))?;
        let ticks = ticks_of_stat(&stat).ok_or_else(|| malformed("stat"))?;
        let status = fs::read_to_string(self.folder.join("status"))?;
        let rss_bytes = rss_bytes_of_status(&status).ok_or_else(|| malformed("status"))?;
        Ok(ProcessSample {
            cpu_ns: self.scheduled_ns().unwrap_or(ticks * TICK_NS),
            cpu_ticks_ns: ticks * TICK_NS,
            rss_bytes,
        })
    }

    /// CPU time summed over the threads' scheduler statistics; `None` where there are none.
    fn scheduled_ns(&self) -> Option<u64> {
        let mut sum = 0;
        for thread in self.threads().ok()? {
            // A thread may end between the listing and the look.
            if let Ok(text) = fs::read_to_string(thread.join("schedstat")) {
                sum += nanoseconds_of_schedstat(&text)?;
            }
        }
        (sum > 0).then_some(sum)
    }

    /// The folders of its threads.
    pub(crate) fn threads(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.folder.join("task"))?;
        entries.map(|entry| Ok(entry?.path())).collect()
    }
}

/// CPU time of the calling thread in nanoseconds; 0 where the kernel does not tell.
pub(crate) fn own_cpu_ns() -> u64 {
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| nanoseconds_of_schedstat(&text))
        .unwrap_or(0)
}

fn malformed(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("/proc: {name} has another form"),
    )
}

/// Fields 14 and 15 (utime, stime), counted behind the process name, which may hold anything.
fn ticks_of_stat(text: &str) -> Option<u64> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The line `VmRSS:  1234 kB`.
fn rss_bytes_of_status(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// Field 1: time spent on a CPU.
pub(crate) fn nanoseconds_of_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_any_name() {
        let text = "42 (a (b) c) d) S 1 42 42 0 -1 4194560 100 0 0 0 250 75 9 9 20 0 4 0 100 0 0";
        assert_eq!(ticks_of_stat(text), Some(325));
        assert_eq!(ticks_of_stat("42 (x) S 1"), None);
        assert_eq!(ticks_of_stat(""), None);
    }

    #[test]
    fn status_and_schedstat_are_read() {
        let status = "Name:\tx\nVmHWM:\t   99 kB\nVmRSS:\t   12 kB\nThreads:\t1\n";
        assert_eq!(rss_bytes_of_status(status), Some(12 * 1024));
        assert_eq!(rss_bytes_of_status("Name:\tkernel thread\n"), None);
        assert_eq!(
            nanoseconds_of_schedstat("123456789 42 7\n"),
            Some(123_456_789)
        );
        assert_eq!(nanoseconds_of_schedstat(""), None);
    }

    #[test]
    fn this_process_has_memory_and_uses_time() {
        let process = BrokerProcess::new(std::process::id());
        let before = process.sample().unwrap();
        assert!(before.rss_bytes > 100_000);
        let mut sum = 0u64;
        while process.sample().unwrap().cpu_ns < before.cpu_ns + 20_000_000 {
            sum = (0..100_000u64).fold(sum, |sum, n| std::hint::black_box(sum ^ n));
        }
    }

    #[test]
    fn time_of_ended_threads_is_not_forgotten() {
        let sample = |fine, ticks| ProcessSample {
            cpu_ns: fine,
            cpu_ticks_ns: ticks * TICK_NS,
            rss_bytes: 0,
        };
        let before = sample(500_000_000, 50);
        assert_eq!(sample(501_234_567, 50).cpu_ns_since(&before), 1_234_567);
        assert_eq!(sample(300_000_000, 60).cpu_ns_since(&before), 100_000_000);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(BrokerProcess::new(u32::MAX).sample().is_err());
    }
}
