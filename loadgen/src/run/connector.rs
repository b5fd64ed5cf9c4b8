//! The pace of connecting: how many at once, how many a second, and what went wrong.
//!
//! The run asks which client to connect next and reports how each ended; nothing here touches a socket.

use std::collections::BTreeMap;
use std::fmt::Write;

use ringmq_codec::ReasonCode;
use ringmq_ring::{CloseCause, ConnectError, ConnectionId};
use serde::{Deserialize, Serialize};

use crate::limits::{FAILURE_REASONS_MAX, SLOT_WAIT};

/// Reasons with their counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failures {
    counts: BTreeMap<String, u64>,
    total: u64,
}

impl Failures {
    /// Counts one failure. Reasons beyond the bound are counted together.
    pub(crate) fn add(&mut self, reason: String) {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(&reason) {
            *count += 1;
        } else if self.counts.len() < FAILURE_REASONS_MAX {
            self.counts.insert(reason, 1);
        } else {
            *self.counts.entry("other reasons".to_owned()).or_default() += 1;
        }
    }

    /// Adds those of another loop.
    pub(crate) fn absorb(&mut self, other: &Failures) {
        self.total += other.total;
        for (reason, count) in &other.counts {
            *self.counts.entry(reason.clone()).or_default() += count;
        }
    }

    /// All failures.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// By reason.
    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// One indented line per reason, the most frequent first, with the way out where one is known.
    pub(crate) fn describe(&self) -> String {
        let mut sorted: Vec<_> = self.counts.iter().collect();
        sorted.sort_by_key(|&(_, count)| std::cmp::Reverse(*count));
        let mut text = String::new();
        for (reason, count) in sorted {
            write!(text, "\n  {count} x {reason}").expect("a String takes any text");
            if let Some(advice) = advice(reason) {
                write!(text, "\n      {advice}").expect("a String takes any text");
            }
        }
        text
    }
}

/// Why the engine says that a connection ended.
pub(crate) fn reason_of_close(cause: CloseCause) -> String {
    match cause {
        CloseCause::PeerClosed => "the broker closed the connection".to_owned(),
        CloseCause::Reset => "the broker reset the connection".to_owned(),
        CloseCause::ConnectFailed(errno) => {
            format!("connect: {}", std::io::Error::from_raw_os_error(errno))
        }
        CloseCause::Error(errno) => format!("socket: {}", std::io::Error::from_raw_os_error(errno)),
    }
}

/// Why the broker refused, in the specification's words.
pub(crate) fn reason_of_code(packet: &str, reason: ReasonCode) -> String {
    format!("{packet} 0x{:02X}: {}", reason as u8, reason.name())
}

/// What can be done about a reason.
fn advice(reason: &str) -> Option<&'static str> {
    const ADVICE: [(&str, &str); 8] = [
        (
            "Connection refused",
            "is a broker listening there? (--broker HOST:PORT)",
        ),
        (
            "Cannot assign requested address",
            "out of source ports: spread over more addresses (--source-addresses)",
        ),
        (
            "Too many open files",
            "loadgen's descriptor limit is too low: raise it (ulimit -n)",
        ),
        (
            "the broker closed",
            "its log should say why: often its descriptor limit (ulimit -n) or its limit on connections",
        ),
        (
            "timed out",
            "the broker does not keep up with accepting: try --connect-rate or a larger listen backlog",
        ),
        (
            "no answer",
            "the broker does not keep up: try --connect-rate, or a longer --timeout",
        ),
        ("protocol version", "choose another with --version-mqtt"),
        (
            "not authorized",
            "the broker wants a user or forbids these topics: allow anonymous clients for the test",
        ),
    ];
    let lower = reason.to_lowercase();
    let known = |(part, _): &&(&str, &str)| lower.contains(&part.to_lowercase());
    ADVICE.iter().find(known).map(|&(_, advice)| advice)
}

/// Paces the connects of a run.
#[derive(Debug)]
pub(crate) struct Connector {
    total: u32,
    next: u32,
    up: u32,
    outstanding: u32,
    outstanding_max: u32,
    rate_per_second: u32,
    ramp_secs: f64,
    start_ns: u64,
    progress_ns: u64,
    /// No free slot of the engine until then.
    full_until_ns: u64,
    pub(crate) failures: Failures,
}

impl Connector {
    /// Connects `total` clients from `start_ns` on.
    pub(crate) fn new(
        total: u32,
        outstanding_max: u32,
        rate_per_second: u32,
        start_ns: u64,
    ) -> Connector {
        Connector {
            total,
            next: 0,
            up: 0,
            outstanding: 0,
            outstanding_max,
            rate_per_second,
            ramp_secs: 0.0,
            start_ns,
            progress_ns: start_ns,
            full_until_ns: 0,
            failures: Failures::default(),
        }
    }

    /// The rate is reached over so many seconds, evenly from zero.
    pub(crate) fn with_ramp(mut self, ramp_secs: f64) -> Connector {
        self.ramp_secs = ramp_secs;
        self
    }

    /// The next client to connect, by its number, if one may be begun now.
    pub(crate) fn poll(&mut self, now_ns: u64) -> Option<u32> {
        let all_begun = self.next == self.total || self.outstanding == self.outstanding_max;
        if all_begun || now_ns < self.full_until_ns {
            return None;
        }
        if self.rate_per_second > 0 && self.next as f64 > self.allowed(now_ns) {
            return None;
        }
        self.next += 1;
        self.outstanding += 1;
        Some(self.next - 1)
    }

    /// Connects that may have been begun by now: the area below the rate, which rises over the ramp.
    fn allowed(&self, now_ns: u64) -> f64 {
        let elapsed = (now_ns - self.start_ns) as f64 / 1e9;
        let rising = elapsed.min(self.ramp_secs);
        let ramped = match self.ramp_secs > 0.0 {
            true => rising * rising / (2.0 * self.ramp_secs),
            false => 0.0,
        };
        f64::from(self.rate_per_second) * (ramped + elapsed - rising)
    }

    /// Whether the client that `poll` gave last could be begun: its connection. When there was no free slot,
    /// as connections closed a moment ago still hold theirs, it is given again a little later.
    pub(crate) fn on_begun(
        &mut self,
        begun: Result<ConnectionId, ConnectError>,
        now_ns: u64,
    ) -> Option<ConnectionId> {
        match begun {
            Ok(connection) => return Some(connection),
            Err(ConnectError::Full) => {
                self.next -= 1;
                self.outstanding -= 1;
                self.full_until_ns = now_ns + SLOT_WAIT.as_nanos() as u64;
            }
            Err(error) => self.on_failed(error.to_string(), now_ns),
        }
        None
    }

    /// When slots may be free again; past unless there was none.
    pub(crate) fn full_until_ns(&self) -> u64 {
        self.full_until_ns
    }

    /// A client begun by `poll` is up.
    pub(crate) fn on_up(&mut self, now_ns: u64) {
        self.outstanding -= 1;
        self.up += 1;
        self.progress_ns = now_ns;
    }

    /// A client begun by `poll` failed.
    pub(crate) fn on_failed(&mut self, reason: String, now_ns: u64) {
        self.outstanding -= 1;
        self.progress_ns = now_ns;
        self.failures.add(reason);
    }

    /// Clients that came up.
    pub(crate) fn up(&self) -> u32 {
        self.up
    }

    /// Clients begun and neither up nor failed.
    pub(crate) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// Whether all were begun and none is under way.
    pub(crate) fn is_done(&self) -> bool {
        self.next == self.total && self.outstanding == 0
    }

    /// When the last client came up or failed.
    pub(crate) fn progress_ns(&self) -> u64 {
        self.progress_ns
    }

    /// Seconds from the start to the last client that came up or failed.
    pub(crate) fn seconds(&self) -> f64 {
        (self.progress_ns - self.start_ns) as f64 / 1e9
    }

    /// Begins another round of `total` connects, keeping the failures.
    pub(crate) fn restart(&mut self, total: u32, now_ns: u64) {
        self.total = total;
        self.next = 0;
        self.up = 0;
        self.start_ns = now_ns;
        self.progress_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outstanding_connects_are_bounded() {
        let mut connector = Connector::new(5, 2, 0, 0);
        assert_eq!(
            (connector.poll(0), connector.poll(0), connector.poll(0)),
            (Some(0), Some(1), None)
        );
        connector.on_up(10);
        connector.on_failed("x".to_owned(), 20);
        assert_eq!(
            (connector.poll(20), connector.poll(20), connector.poll(20)),
            (Some(2), Some(3), None)
        );
        connector.on_up(30);
        assert_eq!(connector.poll(30), Some(4));
        connector.on_up(40);
        assert!(!connector.is_done());
        connector.on_up(50);
        assert!(connector.is_done());
        assert_eq!((connector.up(), connector.failures.total()), (4, 1));
    }

    #[test]
    fn the_rate_is_kept() {
        let mut connector = Connector::new(100, 100, 10, 0);
        let begun = |connector: &mut Connector, now_ns| {
            std::iter::from_fn(|| connector.poll(now_ns)).count()
        };
        assert_eq!(begun(&mut connector, 0), 1);
        assert_eq!(begun(&mut connector, 1_000_000_000), 10);
        assert_eq!(begun(&mut connector, 1_050_000_000), 0);
    }

    #[test]
    fn the_rate_rises_over_the_ramp() {
        let mut connector = Connector::new(1_000, 1_000, 100, 0).with_ramp(2.0);
        let begun = |connector: &mut Connector, now_ns| {
            std::iter::from_fn(|| connector.poll(now_ns)).count()
        };
        assert_eq!(begun(&mut connector, 0), 1);
        assert_eq!(begun(&mut connector, 1_000_000_000), 25);
        assert_eq!(begun(&mut connector, 2_000_000_000), 75);
        assert_eq!(begun(&mut connector, 3_000_000_000), 100);
    }

    #[test]
    fn reasons_are_bounded_and_advised() {
        let mut failures = Failures::default();
        failures.add(reason_of_close(CloseCause::ConnectFailed(111)));
        for reason in 0..100 {
            failures.add(reason.to_string());
        }
        assert!(failures.counts().len() <= FAILURE_REASONS_MAX + 1);
        assert_eq!(failures.counts().values().sum::<u64>(), failures.total());
        assert!(failures.describe().contains("is a broker listening"));
    }
}
