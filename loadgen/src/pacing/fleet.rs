//! The timetable of a fleet: every sensor once in an interval, at its phase, up to a jitter later.
//!
//! A reading's time follows from its sensor's number and its own, so nothing is kept per sensor but how
//! many were sent (and the order of phases, when these are random). Readings whose jitter is running wait
//! in a heap; those of a connection that cannot send wait in its own queue and keep the time they were
//! due, as open loop demands. Time is an argument.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use crate::fleet::Phase;
use crate::ids::{PublisherId, StreamId};
use crate::layout::Layout;
use crate::pacing::DueSend;

/// A reading that waits: when it is due, whose it is, its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Reading {
    due_ns: u64,
    sensor: u32,
    sequence: u32,
}

/// The timetable and how far it got.
#[derive(Debug)]
pub(crate) struct FleetLoop {
    layout: Layout,
    interval_ns: u64,
    jitter_ns: u64,
    phase: Phase,
    /// Sensors in the order of their phases; empty when that is their own order.
    order: Vec<u32>,
    start_ns: u64,
    end_ns: u64,
    /// Readings looked at so far, counted in the order of the timetable without jitter.
    cursor: u64,
    jittering: BinaryHeap<Reverse<Reading>>,
    held_up: HashMap<PublisherId, VecDeque<Reading>>,
    released: VecDeque<PublisherId>,
    sent: Vec<u32>,
}

/// A number that looks random, the same for the same input.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The part of `whole` that a scattered number stands for.
fn part_of(whole: u64, scattered: u64) -> u64 {
    ((u128::from(whole) * u128::from(scattered)) >> 64) as u64
}

impl FleetLoop {
    /// A fleet that speaks every `interval_secs`, `jitter` of it later at most.
    pub(crate) fn new(layout: Layout, interval_secs: f64, jitter: f64, phase: Phase) -> FleetLoop {
        let interval_ns = (interval_secs * 1e9) as u64;
        let mut order = Vec::new();
        if phase == Phase::Random {
            order.extend(0..layout.streams);
            order.sort_unstable_by_key(|&sensor| scatter(u64::from(sensor)));
        }
        FleetLoop {
            layout,
            interval_ns,
            jitter_ns: (interval_ns as f64 * jitter) as u64,
            phase,
            order,
            start_ns: 0,
            end_ns: 0,
            cursor: 0,
            jittering: BinaryHeap::new(),
            held_up: HashMap::new(),
            released: VecDeque::new(),
            sent: vec![0; layout.streams as usize],
        }
    }

    /// Begins at `start_ns`, for `duration_ns`.
    pub(crate) fn begin(&mut self, start_ns: u64, duration_ns: u64) {
        self.start_ns = start_ns;
        self.end_ns = start_ns + duration_ns;
    }

    /// The sensor at a place of the order of phases, and its phase.
    fn at(&self, place: u64) -> (u32, u64) {
        let sensor = self
            .order
            .get(place as usize)
            .copied()
            .unwrap_or(place as u32);
        let phase_ns = match self.phase {
            Phase::Even => {
                (u128::from(place) * u128::from(self.interval_ns) / u128::from(self.layout.streams))
                    as u64
            }
            Phase::Together => 0,
            Phase::Random => part_of(self.interval_ns, scatter(u64::from(sensor))),
        };
        (sensor, phase_ns)
    }

    /// When a reading would be due without jitter.
    fn nominal_ns(&self, cursor: u64) -> u64 {
        let sensors = u64::from(self.layout.streams);
        let (_, phase_ns) = self.at(cursor % sensors);
        self.start_ns + cursor / sensors * self.interval_ns + phase_ns
    }

    /// The reading the cursor stands at.
    fn reading(&self) -> Reading {
        let sensors = u64::from(self.layout.streams);
        let (sensor, _) = self.at(self.cursor % sensors);
        let round = self.cursor / sensors;
        let scattered = scatter(u64::from(sensor) << 32 | (round & 0xFFFF_FFFF));
        let nominal_ns = self.nominal_ns(self.cursor);
        // Every reading is made before the end, and the last ones spread over the time until then: all that the
        // jitter leads past it would otherwise be due at once, when there is no time left to send so many.
        let jitter_ns = self.jitter_ns.min(self.end_ns - nominal_ns);
        Reading {
            due_ns: nominal_ns + part_of(jitter_ns, scattered),
            sensor,
            sequence: round as u32,
        }
    }

    /// When the next send is due or the cursor moves on; `None` after the last one.
    pub(crate) fn next_due_ns(&self) -> Option<u64> {
        let nominal_ns = self.nominal_ns(self.cursor);
        let next_ns = (nominal_ns < self.end_ns).then_some(nominal_ns);
        let jittered_ns = self.jittering.peek().map(|Reverse(reading)| reading.due_ns);
        [next_ns, jittered_ns].into_iter().flatten().min()
    }

    /// The next send that is due and that its publisher can make, which the caller then makes.
    pub(crate) fn poll(
        &mut self,
        now_ns: u64,
        is_open: impl Fn(PublisherId) -> bool,
    ) -> Option<DueSend> {
        while let Some(&publisher) = self.released.front() {
            let queue = self.held_up.get_mut(&publisher);
            let is_over = queue.as_ref().is_none_or(|queue| queue.is_empty());
            if !is_over && is_open(publisher) {
                let reading = queue.and_then(VecDeque::pop_front)?;
                return Some(self.take(publisher, reading));
            }
            if is_over {
                self.held_up.remove(&publisher);
            }
            self.released.pop_front();
        }
        while let Some(reading) = self.next_due(now_ns) {
            let publisher = self.layout.publisher_of(StreamId(reading.sensor));
            if self.held_up.is_empty() || !self.held_up.contains_key(&publisher) {
                if is_open(publisher) {
                    return Some(self.take(publisher, reading));
                }
                self.held_up.insert(publisher, VecDeque::new());
            }
            if let Some(queue) = self.held_up.get_mut(&publisher) {
                queue.push_back(reading);
            }
        }
        None
    }

    /// The next reading whose time has come.
    fn next_due(&mut self, now_ns: u64) -> Option<Reading> {
        loop {
            let nominal_ns = self.nominal_ns(self.cursor);
            if nominal_ns > now_ns || nominal_ns >= self.end_ns {
                break;
            }
            let reading = self.reading();
            self.cursor += 1;
            if self.jitter_ns == 0 {
                return Some(reading);
            }
            self.jittering.push(Reverse(reading));
        }
        match self.jittering.peek() {
            Some(Reverse(reading)) if reading.due_ns <= now_ns => {
                self.jittering.pop().map(|Reverse(reading)| reading)
            }
            _ => None,
        }
    }

    fn take(&mut self, publisher: PublisherId, reading: Reading) -> DueSend {
        self.sent[reading.sensor as usize] += 1;
        DueSend {
            publisher,
            stream: StreamId(reading.sensor),
            sequence: u64::from(reading.sequence),
            due_ns: reading.due_ns,
        }
    }

    /// A publisher that could not send can again.
    pub(crate) fn on_release(&mut self, publisher: PublisherId) {
        if self.held_up.contains_key(&publisher) {
            self.released.push_back(publisher);
        }
    }

    /// Messages sent of one stream.
    pub(crate) fn published(&self, stream: StreamId) -> u64 {
        u64::from(self.sent[stream.at()])
    }

    /// Sends of the whole timetable that were not made, of the publishers that are `owned`.
    pub(crate) fn unsent(&self, owned: impl Fn(PublisherId) -> bool) -> u64 {
        let duration_ns = self.end_ns - self.start_ns;
        let unsent = |place: u64| {
            let (sensor, phase_ns) = self.at(place);
            let stream = StreamId(sensor);
            let total = duration_ns
                .saturating_sub(phase_ns)
                .div_ceil(self.interval_ns);
            match owned(self.layout.publisher_of(stream)) {
                true => total.saturating_sub(self.published(stream)),
                false => 0,
            }
        };
        (0..u64::from(self.layout.streams)).map(unsent).sum()
    }

    /// Bytes that are kept for all sensors.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let words = self.order.capacity() + self.sent.capacity();
        words * size_of::<u32>() + self.jittering.capacity() * size_of::<Reading>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn fleet(jitter: f64, phase: Phase) -> FleetLoop {
        let layout = Layout {
            streams: 50,
            publishers: 5,
            subscribers: 1,
            groups: 1,
            shares: 0,
        };
        let mut fleet = FleetLoop::new(layout, 10.0, jitter, phase);
        fleet.begin(7 * SECOND, 30 * SECOND);
        fleet
    }

    /// All sends, as a loop that wakes when something is due makes them.
    fn run(fleet: &mut FleetLoop, is_open: impl Fn(PublisherId, u64) -> bool) -> Vec<DueSend> {
        let mut sends = Vec::new();
        while let Some(now_ns) = fleet.next_due_ns() {
            while let Some(send) = fleet.poll(now_ns, |publisher| is_open(publisher, now_ns)) {
                assert!(send.due_ns <= now_ns);
                sends.push(send);
            }
        }
        sends
    }

    #[test]
    fn every_sensor_speaks_once_in_an_interval() {
        for phase in [Phase::Even, Phase::Random, Phase::Together] {
            for jitter in [0.0, 0.3, 1.0] {
                let mut fleet = fleet(jitter, phase);
                let sends = run(&mut fleet, |_, _| true);
                assert_eq!(sends.len(), 150, "{phase:?} {jitter}");
                assert_eq!(fleet.unsent(|_| true), 0);
                assert!(sends.windows(2).all(|two| two[0].due_ns <= two[1].due_ns));
                for sensor in (0..50).map(StreamId) {
                    let own: Vec<_> = sends.iter().filter(|s| s.stream == sensor).collect();
                    let sequences: Vec<u64> = own.iter().map(|send| send.sequence).collect();
                    assert_eq!(sequences, [0, 1, 2]);
                    assert_eq!(fleet.published(sensor), 3);
                }
            }
        }
    }

    #[test]
    fn the_last_readings_are_spread_over_the_time_that_is_left() {
        let layout = Layout {
            streams: 30_000,
            publishers: 5,
            subscribers: 1,
            groups: 1,
            shares: 0,
        };
        let mut fleet = FleetLoop::new(layout, 10.0, 0.2, Phase::Even);
        fleet.begin(0, 30 * SECOND);
        let sends = run(&mut fleet, |_, _| true);
        assert_eq!(sends.len(), 90_000);
        // 3,000 a second, of which the jitter moves 3,000 past the end.
        let last = |ns| {
            sends
                .iter()
                .filter(|s| s.due_ns >= 30 * SECOND - ns)
                .count()
        };
        assert!(last(SECOND / 1_000) < 100, "{}", last(SECOND / 1_000));
        assert!(last(SECOND / 10) < 2_000, "{}", last(SECOND / 10));
    }

    #[test]
    fn phases_are_as_asked_for() {
        let dues = |phase| -> Vec<u64> {
            let sends = run(&mut fleet(0.0, phase), |_, _| true);
            sends.iter().map(|send| send.due_ns - 7 * SECOND).collect()
        };
        let even = dues(Phase::Even);
        assert!((0..150).all(|n| even[n as usize] == n * SECOND / 5));
        assert!(
            dues(Phase::Together)
                .iter()
                .all(|due| due % (10 * SECOND) == 0)
        );
        let random = dues(Phase::Random);
        let early = random.iter().filter(|&&due| due < 5 * SECOND).count();
        assert!((10..40).contains(&early), "{early}");
    }

    #[test]
    fn a_connection_that_is_held_up_makes_up_in_order() {
        for jitter in [0.0, 1.0] {
            let mut fleet = fleet(jitter, Phase::Even);
            let others = run(&mut fleet, |publisher, _| publisher.0 != 2);
            assert_eq!(others.len(), 120);
            assert_eq!(fleet.unsent(|_| true), 30);
            assert_eq!(fleet.unsent(|publisher| publisher.0 != 2), 0);
            fleet.on_release(PublisherId(2));
            let made_up: Vec<_> =
                std::iter::from_fn(|| fleet.poll(40 * SECOND, |_| true)).collect();
            assert_eq!(made_up.len(), 30);
            assert!(made_up.windows(2).all(|two| two[0].due_ns <= two[1].due_ns));
            assert_eq!(fleet.unsent(|_| true), 0);
        }
    }
}
