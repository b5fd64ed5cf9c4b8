//! The phases of a run and what ends each.
//!
//! ```text
//! Connecting -> SettlingBefore -> AwaitingStart -> WarmingUp -> Measuring -> Draining -> SettlingAfter -> Asking -> Leaving -> Done
//!                  (--sys)                                                      (--sys)      (idle)
//! ```
//! Replays pass through `Acknowledging` and `Returning` between `Measuring` and `Draining`, and sessions
//! that were away through `Forgetting` at the end; storms go from `Measuring` to `Returning`, several times.
//! A tick looks whether the present phase is over, does what is due in it, and says how long to wait.

use std::time::Duration;

use crate::broker_process::own_cpu_ns;
use crate::ids::SubscriberId;
use crate::limits::{ENDING_TICKS_MAX, START_LOOK_NS, SYS_INTERVAL, WAIT_MAX};
use crate::pacing::{ClosedLoop, FleetLoop, OpenLoop};
use crate::probe::Probes;
use crate::run::changes::Changes;
use crate::run::driver::Step;
use crate::run::outbox::Order;
use crate::run::outcome::{Edge, RunError};
use crate::run::{Pacing, Run, ns};
use crate::scenario::{Pace, Presence};
use crate::sys::Drops;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Phase {
    Connecting,
    /// Reading the drop counters before the load.
    SettlingBefore,
    /// Until the others of this run are ready too.
    AwaitingStart,
    WarmingUp,
    Measuring,
    /// Replays: until the broker has taken all publishes.
    Acknowledging,
    /// Clients come, or come back, for what waits for them.
    Returning,
    /// Waiting for what is still on its way.
    Draining,
    /// Reading the drop counters after the load.
    SettlingAfter,
    /// Asking every connection for a sign of life.
    Asking,
    Leaving,
    /// Having the broker forget sessions.
    Forgetting,
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
    /// Ticks since the end of the load.
    pub(super) endings: u32,
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
                    self.await_start(now_ns);
                }
            }
            Phase::AwaitingStart => self.step_awaiting(now_ns)?,
            Phase::WarmingUp | Phase::Measuring => is_busy = self.step_load(now_ns),
            Phase::Acknowledging => self.step_acknowledging(now_ns),
            Phase::Returning => self.step_returning(now_ns),
            Phase::Forgetting => self.step_forgetting(now_ns),
            Phase::Draining => {
                if self.plan.presence.is_replay() {
                    self.step_intervals(now_ns);
                }
                if self.is_drained(now_ns) {
                    self.end_draining(now_ns);
                }
            }
            Phase::SettlingAfter => {
                if self.has_settled(now_ns) {
                    self.drops = self.drops_of_run();
                    self.end_settling(now_ns);
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
        let is_stuck = self.give_up_if_stuck(now_ns);
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
            self.arrivals.connections = self.connector.up();
            self.arrivals.connect_seconds = self.connector.seconds();
            self.arrivals.broker = self.broker.as_ref().and_then(|broker| broker.sample().ok());
            if self.plan.presence == Presence::Away {
                self.part();
            }
            if self.plan.observes_sys && self.share.index == 0 {
                self.sys.begin();
                self.enter(Phase::SettlingBefore, now_ns);
            } else {
                self.await_start(now_ns);
            }
        }
        Ok(())
    }

    fn await_start(&mut self, now_ns: u64) {
        self.stage.on_ready(now_ns);
        self.enter(Phase::AwaitingStart, now_ns);
    }

    fn step_awaiting(&mut self, now_ns: u64) -> Result<(), RunError> {
        if self.stage.is_abandoned() {
            return Err(RunError::Abandoned);
        }
        if let Some(start_ns) = self.stage.start_ns()
            && start_ns <= now_ns
        {
            self.begin_load(start_ns);
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
            Pace::Fleet {
                interval_secs,
                jitter,
                phase,
            } => {
                let mut fleet = FleetLoop::new(self.plan.layout, interval_secs, jitter, phase);
                fleet.begin(now_ns, load_ns);
                Pacing::Fleet(fleet)
            }
            Pace::Closed { window } => {
                Pacing::Closed(ClosedLoop::new(self.plan.layout.publishers, window))
            }
            Pace::Silent => Pacing::Silent,
        };
        let (rate, subscribers) = (self.plan.changes_per_second, self.plan.layout.subscribers);
        self.changes = Changes::new(rate, subscribers, now_ns);
        self.order_stalled(Order::Pause);
        let watched = self.broker.as_ref();
        self.probes = watched.map(|broker| Probes::start(broker, self.clock, &self.stage));
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
            // What was due before the end is sent, in a few ticks when it is much. A closed loop always has more.
            let is_paced = !matches!(self.pacing, Pacing::Closed(_));
            self.ticker.endings += 1;
            let has_more = self.publish_due(now_ns) && is_paced;
            if has_more && self.ticker.endings < ENDING_TICKS_MAX {
                return true;
            }
            self.end_load(now_ns);
            return false;
        }
        if self.phase == Phase::Measuring && !self.plan.presence.is_replay() {
            self.step_intervals(now_ns);
        }
        self.change_subscriptions(now_ns);
        self.publish_due(now_ns)
    }

    fn end_load(&mut self, now_ns: u64) {
        self.end = self.edge(now_ns);
        if !self.plan.presence.is_replay() {
            self.end_interval(self.end);
        }
        self.expected = self.expected_now();
        self.stage.on_sent(self.member, self.expected);
        self.order_stalled(Order::Resume);
        self.counters.last_received_ns = now_ns;
        match self.plan.presence {
            Presence::Throughout => self.enter(Phase::Draining, now_ns),
            Presence::Late | Presence::Away => self.begin_acknowledging(now_ns),
            Presence::Storm { .. } => self.begin_storm(now_ns),
        }
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
        let (delivered, unacknowledged) = (self.audit.counts().delivered, self.unacknowledged());
        self.stage.report(self.member, delivered, unacknowledged);
        self.stage.is_complete()
            || now_ns - self.counters.last_received_ns >= ns(self.plan.phases.drain)
    }

    /// Publishes without their last acknowledgement.
    pub(super) fn unacknowledged(&self) -> u64 {
        self.in_flight
            .iter()
            .map(|f| u64::from(f.unacknowledged()))
            .sum()
    }

    pub(super) fn end_draining(&mut self, now_ns: u64) {
        if self.plan.presence.is_replay() {
            self.end = self.edge(self.counters.last_received_ns);
        }
        if self.plan.observes_sys && self.share.index == 0 {
            self.sys.begin();
            self.enter(Phase::SettlingAfter, now_ns);
        } else {
            self.end_settling(now_ns);
        }
    }

    fn end_settling(&mut self, now_ns: u64) {
        if self.plan.asks_at_end {
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
            Pacing::Fleet(pacing) if is_loaded => pacing.next_due_ns(),
            _ => None,
        };
        let edge_ns = match self.phase {
            Phase::WarmingUp => Some(self.measured_from_ns),
            Phase::Measuring => Some(self.measured_from_ns + self.measured_ns),
            _ => None,
        };
        let is_rising = matches!(
            self.phase,
            Phase::Connecting | Phase::Returning | Phase::Forgetting
        );
        let connect_ns = (is_rising && self.plan.connect.connect_rate > 0)
            .then(|| self.clock.now_ns() + SECOND_NS / u64::from(self.plan.connect.connect_rate));
        let change_ns = match &self.changes {
            Some(changes) if is_loaded => Some(changes.next_due_ns()),
            _ => None,
        };
        let full_ns = is_rising
            .then_some(self.connector.full_until_ns())
            .filter(|&until_ns| until_ns > self.clock.now_ns());
        let start_ns = match self.phase {
            // Another loop's decision cannot wake this one.
            Phase::AwaitingStart => Some(self.clock.now_ns() + START_LOOK_NS),
            _ => None,
        };
        let due_ns = [next_ns, edge_ns, connect_ns, change_ns, full_ns, start_ns]
            .into_iter()
            .flatten()
            .min();
        let now_ns = self.clock.now_ns();
        let wait = due_ns.map(|due_ns| Duration::from_nanos(due_ns.saturating_sub(now_ns)));
        wait.map_or(WAIT_MAX, |wait| wait.min(WAIT_MAX))
    }
}
