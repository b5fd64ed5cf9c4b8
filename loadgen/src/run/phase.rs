//! The phases of a run and what ends each.
//!
//! ```text
//! Connecting -> SettlingBefore -> WarmingUp -> Measuring -> Draining -> SettlingAfter -> Asking -> Leaving -> Done
//!                  (--sys)                                     (--sys)      (idle)
//! ```
//! A tick looks whether the present phase is over, does what is due in it, and says how long to wait.

use std::time::Duration;

use crate::broker_process::own_cpu_ns;
use crate::ids::SubscriberId;
use crate::limits::{SYS_INTERVAL, WAIT_MAX};
use crate::pacing::{ClosedLoop, OpenLoop};
use crate::run::driver::Step;
use crate::run::outbox::Order;
use crate::run::outcome::{Edge, RunError};
use crate::run::{Pacing, Run, ns};
use crate::scenario::Pace;
use crate::sys::Drops;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Phase {
    Connecting,
    /// Reading the drop counters before the load.
    SettlingBefore,
    WarmingUp,
    Measuring,
    /// Waiting for what is still on its way.
    Draining,
    /// Reading the drop counters after the load.
    SettlingAfter,
    /// Asking every connection for a sign of life.
    Asking,
    Leaving,
    Done,
}

/// What happens at intervals.
#[derive(Debug, Default)]
pub(crate) struct Ticker {
    pub(super) phase_began_ns: u64,
    pub(super) shown_ns: u64,
    pub(super) shown_published: u64,
    pub(super) shown_received: u64,
    pub(super) looked_ns: u64,
    /// Keep-alive: how many turns all clients together have had.
    pub(super) turns: u64,
    /// The next client to ask or to let go.
    pub(super) cursor: u32,
}

pub(super) const SECOND_NS: u64 = 1_000_000_000;

impl Run {
    pub(super) fn tick(&mut self) -> Result<Step, RunError> {
        let now_ns = self.clock.now_ns();
        self.keep_alive(now_ns);
        if now_ns - self.ticker.looked_ns >= SECOND_NS {
            self.ticker.looked_ns = now_ns;
            self.look(now_ns)?;
        }
        let is_busy = self.step_phase(now_ns)?;
        self.show(now_ns);
        Ok(match self.phase {
            Phase::Done => Step::Done,
            _ if is_busy => Step::Wait(Duration::ZERO),
            _ => Step::Wait(self.idle_time()),
        })
    }

    /// Does what the phase has to do now; true when it has more to do at once.
    fn step_phase(&mut self, now_ns: u64) -> Result<bool, RunError> {
        let mut is_busy = false;
        match self.phase {
            Phase::Connecting => self.step_connecting(now_ns)?,
            Phase::SettlingBefore => {
                if self.has_settled(now_ns) {
                    self.drops_before = Some(self.sys.current().clone());
                    self.begin_load(now_ns);
                }
            }
            Phase::WarmingUp | Phase::Measuring => is_busy = self.step_load(now_ns),
            Phase::Draining => {
                if self.is_drained(now_ns) {
                    self.end_draining(now_ns);
                }
            }
            Phase::SettlingAfter => {
                if self.has_settled(now_ns) {
                    self.drops = self.drops_of_run();
                    self.enter(Phase::Leaving, now_ns);
                }
            }
            Phase::Asking => is_busy = self.step_asking(now_ns),
            Phase::Leaving => is_busy = self.step_leaving(now_ns),
            Phase::Done => {}
        }
        Ok(is_busy)
    }

    pub(super) fn enter(&mut self, phase: Phase, now_ns: u64) {
        self.phase = phase;
        self.ticker.phase_began_ns = now_ns;
        self.ticker.cursor = 0;
    }

    fn step_connecting(&mut self, now_ns: u64) -> Result<(), RunError> {
        let is_stuck = self.connector.outstanding() > 0
            && now_ns - self.connector.progress_ns() > ns(self.plan.connect.timeout);
        if is_stuck {
            self.give_up_on_rising();
        }
        let failed = self.connector.failures.total();
        let may_fail = self.plan.asks_at_end && self.connector.up() > 0;
        let many = u64::from(self.plan.connect.connect_outstanding);
        if failed > 0 && !may_fail && (failed >= many || is_stuck || self.connector.is_done()) {
            return Err(RunError::Connect {
                failed,
                total: self.clients.len(),
                failures: self.connector.failures.clone(),
            });
        }
        if self.connector.is_done() {
            self.ticker.looked_ns = now_ns;
            if self.plan.observes_sys {
                self.sys.begin();
                self.enter(Phase::SettlingBefore, now_ns);
            } else {
                self.begin_load(now_ns);
            }
        }
        Ok(())
    }

    fn begin_load(&mut self, now_ns: u64) {
        let phases = self.plan.phases;
        self.measured_from_ns = now_ns + ns(phases.warmup);
        self.measured_ns = ns(phases.duration);
        let load_ns = ns(phases.warmup) + self.measured_ns;
        self.pacing = match self.plan.pace {
            Pace::Open { rate_per_second } => Pacing::Open(OpenLoop::new(
                self.plan.layout,
                rate_per_second,
                now_ns,
                load_ns,
            )),
            Pace::Closed { window } => {
                Pacing::Closed(ClosedLoop::new(self.plan.layout.publishers, window))
            }
            Pace::Silent => Pacing::Silent,
        };
        self.order_stalled(Order::Pause);
        self.enter(Phase::WarmingUp, now_ns);
    }

    fn order_stalled(&mut self, order: impl Fn(ringmq_ring::ConnectionId) -> Order) {
        let subscribers = self.plan.layout.subscribers;
        for number in subscribers - self.plan.stalled..subscribers {
            let client = self.clients.of_subscriber(SubscriberId(number));
            if let Some(connection) = self.clients.get(client).connection {
                self.outbox.order(order(connection));
            }
        }
    }

    fn step_load(&mut self, now_ns: u64) -> bool {
        if self.phase == Phase::WarmingUp && now_ns >= self.measured_from_ns {
            self.begin = self.edge(now_ns);
            self.begin_intervals(self.begin);
            self.enter(Phase::Measuring, now_ns);
        }
        if now_ns >= self.measured_from_ns + self.measured_ns {
            // What was due before the end is sent, up to what one tick may.
            self.publish_due(now_ns);
            self.end = self.edge(now_ns);
            self.end_interval(self.end);
            self.expected = self.expected_now();
            self.order_stalled(Order::Resume);
            self.counters.last_received_ns = now_ns;
            self.enter(Phase::Draining, now_ns);
            return false;
        }
        if self.phase == Phase::Measuring {
            self.step_intervals(now_ns);
        }
        self.publish_due(now_ns)
    }

    pub(super) fn edge(&mut self, now_ns: u64) -> Edge {
        Edge {
            at_ns: now_ns,
            published: self.counters.published,
            received: self.counters.received,
            own_cpu_ns: own_cpu_ns(),
            broker: self.broker.as_ref().and_then(|broker| broker.sample().ok()),
        }
    }

    fn is_drained(&self, now_ns: u64) -> bool {
        let is_complete =
            self.audit.counts().delivered >= self.expected && self.unacknowledged() == 0;
        is_complete || now_ns - self.counters.last_received_ns >= ns(self.plan.phases.drain)
    }

    /// Publishes without their last acknowledgement.
    pub(super) fn unacknowledged(&self) -> u64 {
        self.in_flight
            .iter()
            .map(|f| u64::from(f.unacknowledged()))
            .sum()
    }

    fn end_draining(&mut self, now_ns: u64) {
        if self.plan.observes_sys {
            self.sys.begin();
            self.enter(Phase::SettlingAfter, now_ns);
        } else if self.plan.asks_at_end {
            self.enter(Phase::Asking, now_ns);
        } else {
            self.enter(Phase::Leaving, now_ns);
        }
    }

    /// What the broker dropped since the load began; `None` when it does not tell.
    fn drops_of_run(&self) -> Option<Drops> {
        let before = self.drops_before.as_ref()?;
        self.sys.interval_ns()?;
        Some(self.sys.current().since(before))
    }

    /// Whether the drop counters stand still, or will never be heard.
    fn has_settled(&mut self, now_ns: u64) -> bool {
        if self.sys.settled().is_some() {
            return true;
        }
        let interval_ns = self
            .sys
            .interval_ns()
            .unwrap_or(SYS_INTERVAL.as_nanos() as u64);
        let is_over = now_ns - self.ticker.phase_began_ns > 6 * interval_ns;
        if is_over {
            self.warn(match self.sys.interval_ns() {
                Some(_) => {
                    "the broker's drop counters did not settle: drops are as last heard".to_owned()
                }
                None => {
                    "the broker publishes no $SYS/broker/uptime: its drops are not known".to_owned()
                }
            });
        }
        is_over
    }

    /// Once a second: the broker's memory, and messages to give up on.
    fn look(&mut self, now_ns: u64) -> Result<(), RunError> {
        if let Some(sample) = self.broker.as_ref().and_then(|broker| broker.sample().ok()) {
            self.broker_rss_peak = self.broker_rss_peak.max(sample.rss_bytes);
        }
        let is_loaded = matches!(self.phase, Phase::WarmingUp | Phase::Measuring);
        if is_loaded && self.clients.ready() == 0 {
            return Err(RunError::AllLost(self.lost.clone()));
        }
        if let Pacing::Closed(pacing) = &mut self.pacing {
            pacing.write_off(now_ns.saturating_sub(ns(self.plan.connect.timeout)));
        }
        Ok(())
    }

    /// How long nothing will be due.
    fn idle_time(&self) -> Duration {
        let is_loaded = matches!(self.phase, Phase::WarmingUp | Phase::Measuring);
        let next_ns = match &self.pacing {
            Pacing::Open(pacing) if is_loaded => pacing.next_due_ns(),
            _ => None,
        };
        let edge_ns = match self.phase {
            Phase::WarmingUp => Some(self.measured_from_ns),
            Phase::Measuring => Some(self.measured_from_ns + self.measured_ns),
            _ => None,
        };
        let connect_ns = (self.phase == Phase::Connecting && self.plan.connect.connect_rate > 0)
            .then(|| self.clock.now_ns() + SECOND_NS / u64::from(self.plan.connect.connect_rate));
        let due_ns = [next_ns, edge_ns, connect_ns].into_iter().flatten().min();
        let now_ns = self.clock.now_ns();
        let wait = due_ns.map(|due_ns| Duration::from_nanos(due_ns.saturating_sub(now_ns)));
        wait.map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX))
    }
}
