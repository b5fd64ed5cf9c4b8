//! Summing up: from the state of a run to what it found, and what the reader should be warned of.

use crate::histogram::LatencyRecorder;
use crate::limits::{LATE_SHARE_WARN, OWN_CPU_WARN};
use crate::run::outcome::Outcome;
use crate::run::{Pacing, Run};

impl Run {
    /// Ends the run.
    pub(super) fn finish(mut self) -> Outcome {
        self.warn_of_figures();
        let unacknowledged = self.unacknowledged();
        let unsent = self.unsent();
        let written_off = match &self.pacing {
            Pacing::Closed(pacing) => pacing.written_off(),
            _ => 0,
        };
        let probes = self.probes.take();
        Outcome {
            probed: probes.map(|probes| probes.finish(&self.begin, &self.end)),
            intervals: self.take_intervals(),
            latency: self.latency.finish(),
            connect_seconds: self.arrivals.connect_seconds,
            connections: self.arrivals.connections,
            connect_latency: self.arrivals.connect_latency.finish(),
            return_latency: self.arrivals.return_latency.finish(),
            return_seconds: self.arrivals.return_seconds,
            sessions_lost: self.counters.sessions_lost,
            changes_missed: self.changes.as_ref().map_or(0, |changes| changes.missed),
            change_latency: match self.changes {
                Some(changes) => changes.latency.finish(),
                None => LatencyRecorder::new().finish(),
            },
            connect_failures: self.connector.failures,
            lost_connections: self.lost,
            answered: self.plan.asks_at_end.then_some(self.counters.answered),
            begin: self.begin,
            end: self.end,
            published: self.counters.published,
            expected: self.expected,
            audit: self.audit.counts(),
            portrait: (self.plan.observes_sys && self.share.index == 0)
                .then(|| self.sys.portrait().clone()),
            drops: self.drops,
            late_sends: self.counters.late_sends,
            late_max_ns: self.counters.late_max_ns,
            unsent,
            written_off,
            unacknowledged,
            refused: self.counters.refused,
            protocol_errors: self.counters.protocol_errors,
            broker_before: self.broker_before,
            broker_connected: self.arrivals.broker,
            broker_rss_peak: self.broker_rss_peak,
            warnings: self.warnings,
        }
    }

    /// Open loop: publishes that were due and are not sent.
    fn unsent(&self) -> u64 {
        let is_own = |publisher| self.share.owns_publisher(publisher);
        match &self.pacing {
            Pacing::Open(pacing) => pacing.unsent(is_own),
            Pacing::Fleet(pacing) => pacing.unsent(is_own),
            Pacing::Closed(_) | Pacing::Silent => 0,
        }
    }

    fn warn_of_figures(&mut self) {
        let counters = self.counters;
        let late_share = counters.late_sends as f64 / counters.published.max(1) as f64;
        if late_share > LATE_SHARE_WARN {
            self.warn(format!(
                "{:.1} % of the sends were more than 1 ms late (by up to {:.1} ms): loadgen, its CPU or a full socket held them up; the latency includes it",
                100.0 * late_share,
                counters.late_max_ns as f64 / 1e6
            ));
        }
        let elapsed_ns = self.end.at_ns.saturating_sub(self.begin.at_ns).max(1);
        let own_share = (self.end.own_cpu_ns - self.begin.own_cpu_ns) as f64 / elapsed_ns as f64;
        if own_share > OWN_CPU_WARN {
            self.warn(format!(
                "loadgen used {:.0} % of its CPU: the figures may be its own limit, not the broker's",
                100.0 * own_share
            ));
        }
        let unsent = self.unsent();
        if unsent > 0 {
            self.warn(format!(
                "{unsent} publishes were due and could not be sent before the end: the broker took no more"
            ));
        }
        if let Pacing::Closed(pacing) = &self.pacing
            && pacing.written_off() > 0
        {
            let written_off = pacing.written_off();
            self.warn(format!(
                "{written_off} messages did not complete within {} s; their places in the window were given to others",
                self.plan.connect.timeout
            ));
        }
        if counters.lower_qos_granted > 0 {
            self.warn(format!(
                "{} subscriptions were granted a lower QoS than asked for",
                counters.lower_qos_granted
            ));
        }
        if counters.refused > 0 {
            self.warn(format!(
                "the broker refused {} publishes by reason code",
                counters.refused
            ));
        }
    }
}
