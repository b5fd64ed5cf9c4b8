//! Cutting the measured phase into intervals of a second.
//!
//! The phases say when it begins and ends; each tick in between looks whether a second is over. What is
//! recorded while draining makes a last interval, so that all intervals together hold every latency.

use crate::record::Interval;
use crate::run::Run;
use crate::run::outcome::Edge;
use crate::run::phase::SECOND_NS;

/// The intervals so far, and where the one under way began.
#[derive(Debug, Default)]
pub(crate) struct Intervals {
    done: Vec<Interval>,
    began: Edge,
    errors: u64,
    /// Start of the measured phase.
    start_ns: u64,
}

impl Run {
    /// Begins the first interval.
    pub(super) fn begin_intervals(&mut self, edge: Edge) {
        self.intervals = Intervals {
            done: Vec::new(),
            began: edge,
            errors: self.errors(),
            start_ns: edge.at_ns,
        };
    }

    /// Ends the interval when its second is over.
    pub(super) fn step_intervals(&mut self, now_ns: u64) {
        if now_ns >= self.intervals.began.at_ns + SECOND_NS {
            let edge = self.edge(now_ns);
            self.end_interval(edge);
        }
    }

    /// Ends the interval under way and begins the next.
    pub(super) fn end_interval(&mut self, edge: Edge) {
        let errors = self.errors();
        let latency = self.latency.end_slice();
        let connections = u64::from(self.clients.ready());
        let Intervals {
            done,
            began,
            errors: errors_before,
            start_ns,
        } = &mut self.intervals;
        let cpu = began.broker.zip(edge.broker);
        done.push(Interval {
            start_millis: (began.at_ns - *start_ns) / 1_000_000,
            length_millis: (edge.at_ns - began.at_ns) / 1_000_000,
            latency,
            published: edge.published - began.published,
            delivered: edge.received - began.received,
            errors: errors - *errors_before,
            connections,
            broker_cpu_micros: cpu
                .map(|(before, after)| after.cpu_ns.saturating_sub(before.cpu_ns) / 1_000),
            broker_rss_bytes: edge.broker.map(|broker| broker.rss_bytes),
            loadgen_cpu_micros: (edge.own_cpu_ns - began.own_cpu_ns) / 1_000,
        });
        *began = edge;
        *errors_before = errors;
    }

    /// Ends the last one and gives them all.
    pub(super) fn take_intervals(&mut self) -> Vec<Interval> {
        if self.latency.has_slice() {
            let edge = self.edge(self.clock.now_ns());
            self.end_interval(edge);
        }
        std::mem::take(&mut self.intervals.done)
    }

    fn errors(&self) -> u64 {
        self.counters.refused + self.counters.protocol_errors + self.lost.total()
    }
}
