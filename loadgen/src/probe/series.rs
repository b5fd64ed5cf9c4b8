//! From the samples of the probes to a figure: what the broker used while all CPUs were at their best.
//!
//! Pure: `mod.rs` takes the samples, this looks at them after the run. An interval between two samples counts
//! if the CPUs were quick at both ends and at the samples before and after, for disturbances begin and end between
//! samples. One that lies between two of them as a whole is overlooked; those that matter last for several.

use serde::{Deserialize, Serialize};

use crate::limits::{
    OTHER_THREADS_SHARE_MAX, PROBE_QUICK_QUANTILE, PROBE_QUICK_RANK_MIN, PROBE_QUICK_WITHIN,
    PROBE_SLOTS_MISSED_MAX, UNDISTURBED_MIN, UNDISTURBED_SHARE_MIN,
};

/// What a probe saw at one moment. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Which of the times at which probes are due.
    pub(super) slot: u64,
    pub(super) at_ns: u64,
    /// CPU time of the fixed work.
    pub(super) probe_ns: u64,
    /// What the broker's threads on this CPU have used up to now.
    pub(super) cpu_ns: u64,
    /// What loadgen had received by now.
    pub(super) delivered: u64,
}

/// The samples of one CPU, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Series(Vec<Sample>);

impl Series {
    pub(super) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets what was before and after.
    pub(super) fn keep_between(&mut self, begin_ns: u64, end_ns: u64) {
        let range = begin_ns..=end_ns;
        self.0.retain(|sample| range.contains(&sample.at_ns));
    }

    /// The time of a probe when the CPU is at its best: not the least, which may be a fluke, but near it. `None`
    /// of too few.
    fn quick_ns(&self) -> Option<u64> {
        let mut times: Vec<u64> = self.0.iter().map(|sample| sample.probe_ns).collect();
        times.sort_unstable();
        let rank = (times.len() as f64 * PROBE_QUICK_QUANTILE) as usize;
        times.get(rank.max(PROBE_QUICK_RANK_MIN)).copied()
    }

    /// CPU time used between the first and the last sample.
    fn used_ns(&self) -> u64 {
        let ends = self.0.first().zip(self.0.last());
        ends.map_or(0, |(first, last)| last.cpu_ns.saturating_sub(first.cpu_ns))
    }
}

/// The broker while nobody disturbed its CPUs and loadgen's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Undisturbed {
    /// `None` where too little was undisturbed, or nothing was delivered meanwhile.
    pub(crate) cpu_us_per_delivery: Option<f64>,
    /// Share of the time.
    pub(crate) share: f64,
    /// What a probe takes when the CPU is at its best, in microseconds; of several CPUs the slowest.
    pub(crate) quick_us: f64,
}

/// One moment at which all CPUs were probed.
struct Moment {
    slot: u64,
    at_ns: u64,
    is_quick: bool,
    cpu_ns: u64,
    delivered: u64,
}

impl Undisturbed {
    /// Sums up the series of all CPUs; `None` when they are too short.
    pub(super) fn of(all: &[Series]) -> Option<Undisturbed> {
        let quick: Vec<u64> = all.iter().map(Series::quick_ns).collect::<Option<_>>()?;
        let moments = moments(all, &quick);
        let (first, last) = (moments.first()?, moments.last()?);
        let whole_ns = last.at_ns.checked_sub(first.at_ns).filter(|&ns| ns > 0)?;
        let (mut time_ns, mut cpu_ns, mut delivered) = (0, 0, 0);
        for (at, pair) in moments.windows(2).enumerate() {
            let (before, after) = (&pair[0], &pair[1]);
            let missed = after.slot - before.slot - 1;
            let around = &moments[at.saturating_sub(1)..moments.len().min(at + 3)];
            if around.iter().all(|it| it.is_quick) && missed <= PROBE_SLOTS_MISSED_MAX {
                time_ns += after.at_ns - before.at_ns;
                cpu_ns += after.cpu_ns.saturating_sub(before.cpu_ns);
                delivered += after.delivered - before.delivered;
            }
        }
        let share = time_ns as f64 / whole_ns as f64;
        let is_enough = u128::from(time_ns) >= UNDISTURBED_MIN.as_nanos()
            && share >= UNDISTURBED_SHARE_MIN
            && delivered > 0;
        Some(Undisturbed {
            cpu_us_per_delivery: is_enough.then(|| cpu_ns as f64 / delivered as f64 / 1e3),
            share,
            quick_us: quick.iter().copied().max()? as f64 / 1e3,
        })
    }
}

/// The moments that all series have. Deliveries are counted for all CPUs together, so the first series tells.
fn moments(all: &[Series], quick: &[u64]) -> Vec<Moment> {
    let Some((first, others)) = all.split_first() else {
        return Vec::new();
    };
    let bound = |quick_ns: u64| (quick_ns as f64 * (1.0 + PROBE_QUICK_WITHIN)) as u64;
    let mut found = Vec::with_capacity(first.len());
    for sample in &first.0 {
        let same_slot = |series: &Series| {
            let at = series.0.binary_search_by_key(&sample.slot, |it| it.slot);
            at.ok().map(|at| series.0[at])
        };
        let Some(theirs) = others.iter().map(same_slot).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let probes = std::iter::once(sample).chain(&theirs).zip(quick);
        found.push(Moment {
            slot: sample.slot,
            at_ns: sample.at_ns,
            is_quick: { probes }.all(|(it, &quick_ns)| it.probe_ns <= bound(quick_ns)),
            cpu_ns: sample.cpu_ns + theirs.iter().map(|it| it.cpu_ns).sum::<u64>(),
            delivered: sample.delivered,
        });
    }
    found
}

/// Whether threads that no probe looks at used much of the broker's CPU time: `unprobed_ns`.
pub(super) fn misses_much(all: &[Series], unprobed_ns: u64) -> bool {
    let probed_ns: u64 = all.iter().map(Series::used_ns).sum();
    unprobed_ns as f64 > OTHER_THREADS_SHARE_MAX * (probed_ns + unprobed_ns) as f64
}

#[cfg(test)]
mod tests;
