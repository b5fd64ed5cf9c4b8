//! How fast the CPUs of a run are while it measures, and what the broker used of them when they were fast.
//!
//! A core that another tenant of the machine shares jumps between two speeds, and the broker's CPU time with it.
//! A probe on each CPU that the broker or loadgen is pinned to times the same small `work` over and over and reads
//! right there what the broker has used and what was delivered; `series` makes a figure of the time between quick
//! probes; `placement` says where the probes go. The run starts them with its load and ends them with itself.
//! A probe must neither take part in the load nor fail the run: where it cannot be, the report says why.

mod placement;
mod series;
mod work;

pub(crate) use placement::NotProbed;
pub(crate) use series::Undisturbed;
pub(crate) use work::PROBE_WORK;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::broker_process::{BrokerProcess, nanoseconds_of_schedstat};
use crate::limits::{PROBE_EVERY, PROBES_MAX};
use crate::machine;
use crate::run::Clock;
use crate::run::outcome::Edge;
use crate::run::stage::Stage;
use placement::{Place, Placement};
use series::{Sample, Series};
use work::Work;

/// What the probes of a run found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Probed {
    Found(Undisturbed),
    Not(NotProbed),
}

/// Probes at work, or why there are none.
#[derive(Debug)]
pub(crate) struct Probes {
    at_work: Result<AtWork, NotProbed>,
    is_over: Arc<AtomicBool>,
}

/// One probe for each CPU.
#[derive(Debug)]
struct AtWork {
    placement: Placement,
    /// What other threads of the broker had used before.
    unprobed_ns: u64,
    threads: Vec<JoinHandle<Option<Series>>>,
}

/// What the probes of a run share.
#[derive(Clone)]
struct Round {
    clock: Clock,
    /// When the first probe is due; all CPUs are probed at the same times.
    start_ns: u64,
    stage: Arc<Stage>,
    is_over: Arc<AtomicBool>,
}

impl Probes {
    /// Starts them. What they count of deliveries is what the loops on `stage` report.
    pub(crate) fn start(broker: &BrokerProcess, clock: Clock, stage: &Arc<Stage>) -> Probes {
        let is_over = Arc::new(AtomicBool::new(false));
        let round = Round {
            clock,
            start_ns: clock.now_ns(),
            stage: Arc::clone(stage),
            is_over: Arc::clone(&is_over),
        };
        let placement = match stage.is_led() {
            // The deliveries of other machines are not known here.
            true => Err(NotProbed::Agents),
            false => Placement::of(broker),
        };
        Probes {
            at_work: placement.map(|placement| AtWork::start(placement, &round)),
            is_over,
        }
    }

    /// Ends them and sums up what they found between the edges of the measured phase.
    pub(crate) fn finish(mut self, begin: &Edge, end: &Edge) -> Probed {
        self.is_over.store(true, Relaxed);
        let at_work = std::mem::replace(&mut self.at_work, Err(NotProbed::TooShort));
        let found = at_work.and_then(|at_work| at_work.finish(begin, end));
        found.map_or_else(Probed::Not, Probed::Found)
    }
}

impl Drop for Probes {
    /// A run that fails ends its probes too.
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
    }
}

impl AtWork {
    fn start(placement: Placement, round: &Round) -> AtWork {
        let start = |place: &Place| {
            let (round, place) = (round.clone(), place.clone());
            thread::spawn(move || round.probe(&place))
        };
        AtWork {
            unprobed_ns: placement.unprobed_ns(),
            threads: placement.places.iter().map(start).collect(),
            placement,
        }
    }

    fn finish(self, begin: &Edge, end: &Edge) -> Result<Undisturbed, NotProbed> {
        let unprobed_ns = self.placement.unprobed_ns();
        let mut all = Vec::new();
        for thread in self.threads {
            thread.thread().unpark();
            match thread.join() {
                Ok(series) => all.push(series.ok_or(NotProbed::Refused)?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        if series::misses_much(&all, unprobed_ns.saturating_sub(self.unprobed_ns)) {
            return Err(NotProbed::Unpinned);
        }
        for series in &mut all {
            series.keep_between(begin.at_ns, end.at_ns);
        }
        Undisturbed::of(&all).ok_or(NotProbed::TooShort)
    }
}

impl Round {
    /// Probes one CPU until the round is over; `None` where the kernel does not allow it.
    fn probe(&self, place: &Place) -> Option<Series> {
        machine::pin(place.cpu).ok()?;
        machine::sharpen_timers();
        let threads = place.open().ok()?;
        let every_ns = PROBE_EVERY.as_nanos() as u64;
        let mut work = Work::new();
        let mut series = Series::default();
        let mut slot = 0;
        while self.wait_until(self.start_ns + slot * every_ns) && series.len() < PROBES_MAX {
            let probe_ns = work.time();
            // The broker is off this CPU now, so what it has used is booked to the nanosecond.
            let Some(cpu_ns) = used_ns(&threads) else {
                break;
            };
            let delivered = self.stage.received();
            let at_ns = self.clock.now_ns();
            series.push(Sample {
                slot,
                at_ns,
                probe_ns,
                cpu_ns,
                delivered,
            });
            slot = (at_ns - self.start_ns) / every_ns + 1;
        }
        Some(series)
    }

    /// False when the round is over.
    fn wait_until(&self, due_ns: u64) -> bool {
        loop {
            if self.is_over.load(Relaxed) {
                return false;
            }
            match due_ns.checked_sub(self.clock.now_ns()) {
                None | Some(0) => return true,
                Some(left_ns) => thread::park_timeout(Duration::from_nanos(left_ns)),
            }
        }
    }
}

/// CPU time of the broker's threads on a CPU. Those that have ended count no more.
fn used_ns(threads: &[File]) -> Option<u64> {
    let mut sum = 0;
    let mut buffer = [0; 64];
    for thread in threads {
        if let Ok(length) = thread.read_at(&mut buffer, 0) {
            let text = std::str::from_utf8(&buffer[..length]).ok()?;
            sum += nanoseconds_of_schedstat(text)?;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;

    /// Probes a thread of this process on CPU 0 for a while.
    fn probe_for(millis: u64) -> Probed {
        let (clock, stage) = (Clock::start(), Arc::new(Stage::of(1)));
        let is_over = Arc::new(AtomicBool::new(false));
        let (seen, shown) = (Arc::clone(&is_over), Arc::clone(&stage));
        let worker = thread::spawn(move || {
            machine::pin(0).unwrap();
            let mut received = 0;
            while !seen.load(Relaxed) {
                received += 1;
                shown.show_received(0, received);
            }
        });
        while stage.received() == 0 {
            sleep(Duration::from_millis(1));
        }
        let own = BrokerProcess::new(std::process::id());
        let probes = Probes::start(&own, clock, &stage);
        let begin = Edge::default();
        sleep(Duration::from_millis(millis));
        let end = Edge {
            at_ns: clock.now_ns(),
            ..Edge::default()
        };
        let probed = probes.finish(&begin, &end);
        is_over.store(true, Relaxed);
        worker.join().unwrap();
        probed
    }

    #[test]
    fn a_pinned_thread_is_probed() {
        // Longer where the machine is busy with other things.
        let rounds = [200, 1_000, 5_000, 20_000];
        let found = rounds.into_iter().map(probe_for).find_map(|it| match it {
            Probed::Found(found) => Some(found),
            // Other tests are threads of this process.
            Probed::Not(NotProbed::TooShort | NotProbed::Unpinned) => None,
            Probed::Not(reason) => panic!("{reason}"),
        });
        let found = found.expect("in twenty seconds there are three probes");
        assert!(found.quick_us > 0.0 && (0.0..=1.0).contains(&found.share));
    }

    #[test]
    fn with_agents_there_is_no_probe() {
        let own = BrokerProcess::new(std::process::id());
        let probes = Probes::start(&own, Clock::start(), &Arc::new(Stage::led(1)));
        let edge = Edge::default();
        assert_eq!(probes.finish(&edge, &edge), Probed::Not(NotProbed::Agents));
    }
}
