//! The phases of a run and what ends each.
//!
//! ```text
//! Connecting -> SettlingBefore -> WarmingUp -> Measuring -> Draining -> SettlingAfter -> Asking -> Leaving -> Done
//!                  (--sys)                                     (--sys)      (idle)
//! ```
//! A tick looks whether the present phase is over, does what is due in it, and says how long to wait.

use std::time::Duration;

use ringmq_codec::{Packet, Properties, ReasonCode, packet};
use ringmq_ring::CloseHow;

use crate::broker_process::own_cpu_ns;
use crate::client::State;
use crate::ids::{ClientId, SubscriberId};
use crate::limits::{PINGS_PER_TICK_MAX, PROGRESS_EVERY, SYS_INTERVAL, WAIT_MAX};
use crate::pacing::{ClosedLoop, OpenLoop};
use crate::progress::{Progress, Rates};
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
    phase_began_ns: u64,
    shown_ns: u64,
    shown_published: u64,
    shown_received: u64,
    looked_ns: u64,
    /// Keep-alive: how many turns all clients together have had.
    turns: u64,
    /// The next client to ask or to let go.
    cursor: u32,
}

const SECOND_NS: u64 = 1_000_000_000;

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

    fn enter(&mut self, phase: Phase, now_ns: u64) {
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
            self.enter(Phase::Measuring, now_ns);
        }
        if now_ns >= self.measured_from_ns + self.measured_ns {
            // What was due before the end is sent, up to what one tick may.
            self.publish_due(now_ns);
            self.end = self.edge(now_ns);
            self.expected = self.expected_now();
            self.order_stalled(Order::Resume);
            self.counters.last_received_ns = now_ns;
            self.enter(Phase::Draining, now_ns);
            return false;
        }
        self.publish_due(now_ns)
    }

    fn edge(&mut self, now_ns: u64) -> Edge {
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

    /// Sends PINGREQ to all connections, then waits for the answers; true while there are more to send.
    fn step_asking(&mut self, now_ns: u64) -> bool {
        let total = self.clients.len();
        if self.ticker.cursor == 0 {
            // Answers to keep-alives under way would be counted twice.
            self.counters.answered = 0;
            (0..total).for_each(|n| self.clients.get_mut(ClientId(n)).awaits_pong = false);
        }
        let until = total.min(self.ticker.cursor + PINGS_PER_TICK_MAX);
        for number in self.ticker.cursor..until {
            self.ping(ClientId(number));
        }
        self.ticker.cursor = until;
        let is_over = now_ns - self.ticker.phase_began_ns > ns(self.plan.connect.timeout);
        if until == total && (self.counters.answered >= self.clients.ready() || is_over) {
            self.enter(Phase::Leaving, now_ns);
        }
        until < total
    }

    fn ping(&mut self, client: ClientId) {
        let version = self.version;
        let client = self.clients.get_mut(client);
        if let (State::Ready, Some(connection)) = (client.state, client.connection) {
            client.awaits_pong = true;
            self.outbox
                .send(connection, |out| Packet::PingReq.encode(version, out));
        }
    }

    /// Gives all clients their turn once in three quarters of the keep-alive.
    fn keep_alive(&mut self, now_ns: u64) {
        let keep_alive_secs = u64::from(self.plan.connect.keep_alive);
        let total = u64::from(self.clients.len());
        if keep_alive_secs == 0 || total == 0 || self.phase >= Phase::Asking {
            return;
        }
        let period_ns = keep_alive_secs * SECOND_NS * 3 / 4;
        let target = (u128::from(now_ns) * u128::from(total) / u128::from(period_ns)) as u64;
        for turn in self.ticker.turns..target {
            self.ping(ClientId((turn % total) as u32));
        }
        self.ticker.turns = target;
    }

    fn step_leaving(&mut self, now_ns: u64) -> bool {
        let total = self.clients.len();
        let until = total.min(self.ticker.cursor + PINGS_PER_TICK_MAX);
        let disconnect = Packet::Disconnect(packet::Disconnect {
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        });
        for client in (self.ticker.cursor..until).map(ClientId) {
            if let Some(connection) = self.clients.end(client) {
                let version = self.version;
                self.outbox
                    .send(connection, |out| disconnect.encode(version, out));
                self.outbox.order(Order::Close(connection, CloseHow::Flush));
            }
        }
        self.ticker.cursor = until;
        if until == total {
            self.enter(Phase::Done, now_ns);
        }
        until < total
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

    /// Tells how it goes.
    fn show(&mut self, now_ns: u64) {
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
        });
        self.ticker.shown_ns = now_ns;
        self.ticker.shown_published = self.counters.published;
        self.ticker.shown_received = self.counters.received;
        let (phase, done, total) = self.progress(now_ns);
        // The one who watches may have gone; the run goes on.
        let _ = self.updates.send(Progress {
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
            Phase::WarmingUp => ("warming up", in_phase_ms, ms(self.plan.phases.warmup)),
            Phase::Measuring => ("measuring", in_phase_ms, ms(self.plan.phases.duration)),
            Phase::Draining => ("draining", self.audit.counts().delivered, self.expected),
            Phase::SettlingAfter => ("reading $SYS", 1, 1),
            Phase::Asking => ("asking", u64::from(self.counters.answered), clients),
            Phase::Leaving | Phase::Done => ("leaving", u64::from(self.ticker.cursor), clients),
        }
    }
}
