//! On which CPUs the broker's threads are, and loadgen, and so where probes go.
//!
//! Read once from `/proc` when the load begins. Only threads that are pinned to a single CPU can be probed: of
//! others nobody knows how fast their CPU is, nor are their times exact while they run. Loadgen's own CPU counts
//! because a slow load asks less at a time, which makes the broker's batches small and each message dear.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::broker_process::{BrokerProcess, nanoseconds_of_schedstat};
use crate::limits::{PROBED_CPUS_MAX, PROBED_THREADS_MAX};

/// Why there is no probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NotProbed {
    /// The broker's busy threads are not each pinned to one CPU.
    Unpinned,
    /// They are on more CPUs, or are more, than probes may be.
    TooMany,
    /// The kernel does not let a probe go there or look.
    Refused,
    /// Agents carry the load, and their deliveries are not known in time.
    Agents,
    /// The measured phase is over after a few probes.
    TooShort,
}

impl fmt::Display for NotProbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotProbed::Unpinned => {
                "the broker is not pinned: give each of its busy threads one CPU"
            }
            NotProbed::TooMany => "the broker has too many threads or CPUs for probes",
            NotProbed::Refused => "the kernel lets no probe onto the broker's CPU",
            NotProbed::Agents => "with agents nobody can probe the broker's CPU",
            NotProbed::TooShort => "the measured phase is too short",
        })
    }
}

/// A CPU and the broker's threads on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) cpu: usize,
    threads: Vec<PathBuf>,
}

impl Place {
    /// Opens the accounts of its threads. They stay readable as long as the threads live.
    pub(super) fn open(&self) -> io::Result<Vec<File>> {
        let accounts = self.threads.iter();
        accounts
            .map(|folder| File::open(folder.join("schedstat")))
            .collect()
    }
}

/// The CPUs that a broker has threads pinned to, and the one that the calling thread is pinned to.
#[derive(Debug)]
pub(super) struct Placement {
    broker: BrokerProcess,
    pub(super) places: Vec<Place>,
}

impl Placement {
    /// Looks where the threads are. Whether those that are pinned nowhere matter shows later, by the time they use.
    pub(super) fn of(broker: &BrokerProcess) -> Result<Placement, NotProbed> {
        let threads = broker.threads().map_err(|_| NotProbed::Refused)?;
        if threads.len() > PROBED_THREADS_MAX {
            return Err(NotProbed::TooMany);
        }
        let mut places: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
        for thread in threads {
            // A thread may have ended since.
            let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
            if let Some(cpu) = only_cpu_of_status(&status) {
                places.entry(cpu).or_default().push(thread);
            }
        }
        if places.is_empty() {
            return Err(NotProbed::Unpinned);
        }
        let own = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        if let Some(cpu) = only_cpu_of_status(&own) {
            places.entry(cpu).or_default();
        }
        match places.len() {
            count if count > PROBED_CPUS_MAX => Err(NotProbed::TooMany),
            _ => Ok(Placement {
                broker: broker.clone(),
                places: places
                    .into_iter()
                    .map(|(cpu, threads)| Place { cpu, threads })
                    .collect(),
            }),
        }
    }

    /// CPU time that all other threads of the broker have used up to now, in nanoseconds.
    pub(super) fn unprobed_ns(&self) -> u64 {
        let threads = self.broker.threads().unwrap_or_default();
        let is_probed = |thread: &PathBuf| self.places.iter().any(|it| it.threads.contains(thread));
        let others = threads.iter().filter(|thread| !is_probed(thread));
        let accounts = others.filter_map(|it| fs::read_to_string(it.join("schedstat")).ok());
        accounts
            .filter_map(|text| nanoseconds_of_schedstat(&text))
            .sum()
    }
}

/// The CPU of the line `Cpus_allowed_list: 3`; `None` when there are several.
fn only_cpu_of_status(text: &str) -> Option<usize> {
    let mut lines = text.lines();
    let list = lines.find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::machine;

    #[test]
    fn one_cpu_is_told_from_several() {
        let status =
            |list| format!("Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{list}\nX:\t1\n");
        assert_eq!(only_cpu_of_status(&status("12")), Some(12));
        for list in ["0-1", "0,2", ""] {
            assert_eq!(only_cpu_of_status(&status(list)), None, "{list}");
        }
        assert_eq!(only_cpu_of_status("Name:\tx\n"), None);
    }

    #[test]
    fn a_pinned_thread_of_this_process_is_found() {
        let pinned = std::thread::spawn(|| {
            machine::pin(0).unwrap();
            let own = BrokerProcess::new(std::process::id());
            Placement::of(&own)
        });
        let placement = pinned.join().unwrap().unwrap();
        let place = placement
            .places
            .iter()
            .find(|place| place.cpu == 0)
            .unwrap();
        assert!(!place.threads.is_empty());
    }

    #[test]
    fn the_cpu_of_the_load_is_probed_too() {
        let placement = std::thread::spawn(|| {
            machine::pin(0).unwrap();
            let mut other = Command::new("sleep").arg("60").spawn().unwrap();
            // Elsewhere, where there is an elsewhere.
            let own = usize::from(machine::pin(1).is_ok());
            let placement = Placement::of(&BrokerProcess::new(other.id()));
            other.kill().unwrap();
            other.wait().unwrap();
            (own, placement.unwrap())
        });
        let (own, placement) = placement.join().unwrap();
        let cpus: Vec<usize> = placement.places.iter().map(|place| place.cpu).collect();
        assert!(cpus.contains(&0) && cpus.contains(&own), "{cpus:?}");
        assert_eq!(cpus.len(), 1 + own);
    }

    #[test]
    fn a_process_that_is_gone_is_refused() {
        let placement = Placement::of(&BrokerProcess::new(u32::MAX));
        assert_eq!(placement.unwrap_err(), NotProbed::Refused);
    }
}
