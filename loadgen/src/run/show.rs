//! Telling the main thread how the run goes.

use crate::limits::PROGRESS_EVERY;
use crate::progress::{Progress, Rates};
use crate::run::Run;
use crate::run::phase::{Phase, SECOND_NS};

impl Run {
    /// Tells how it goes.
    pub(super) fn show(&mut self, now_ns: u64) {
        let elapsed_ns = now_ns - self.ticker.shown_ns;
        let is_loaded = matches!(self.phase, Phase::WarmingUp | Phase::Measuring);
        let every_ns = if is_loaded {
            SECOND_NS
        } else {
            PROGRESS_EVERY.as_nanos() as u64
        };
        if elapsed_ns < every_ns {
            return;
        }
        let per_second = |count: u64| count as f64 * SECOND_NS as f64 / elapsed_ns as f64;
        let rates = is_loaded.then(|| Rates {
            published_per_second: per_second(self.counters.published - self.ticker.shown_published),
            delivered_per_second: per_second(self.counters.received - self.ticker.shown_received),
            latency: self.latency.end_interval(),
            connections: self.clients.ready(),
            errors: self.lost.total() + self.counters.refused + self.counters.protocol_errors,
        });
        self.ticker.shown_ns = now_ns;
        self.ticker.shown_published = self.counters.published;
        self.ticker.shown_received = self.counters.received;
        let (phase, done, total) = self.progress(now_ns);
        // The one who watches may have gone; the run goes on.
        let _ = self.updates.send(Progress {
            member: self.member,
            phase,
            done,
            total,
            rates,
        });
    }

    fn progress(&self, now_ns: u64) -> (&'static str, u64, u64) {
        let clients = u64::from(self.clients.len());
        let in_phase_ms = (now_ns - self.ticker.phase_began_ns) / 1_000_000;
        let ms = |seconds: f64| (seconds * 1e3) as u64;
        match self.phase {
            Phase::Connecting => ("connecting", u64::from(self.connector.up()), clients),
            Phase::SettlingBefore => ("reading $SYS", 0, 1),
            Phase::AwaitingStart => ("waiting", 0, 1),
            Phase::Acknowledging => ("storing", self.counters.published, self.expected),
            Phase::Returning => ("returning", u64::from(self.connector.up()), clients),
            Phase::Forgetting => ("clearing up", u64::from(self.connector.up()), clients),
            Phase::WarmingUp => ("warming up", in_phase_ms, ms(self.plan.phases.warmup)),
            Phase::Measuring => ("measuring", in_phase_ms, ms(self.plan.phases.duration)),
            Phase::Draining => ("draining", self.audit.counts().delivered, self.expected),
            Phase::SettlingAfter => ("reading $SYS", 1, 1),
            Phase::Asking => ("asking", u64::from(self.counters.answered), clients),
            Phase::Leaving | Phase::Done => ("leaving", u64::from(self.ticker.cursor), clients),
        }
    }
}
