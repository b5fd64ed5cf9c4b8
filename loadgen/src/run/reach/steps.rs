//! The phases of reaching connections, and what is due in each.
//!
//! ```text
//! Connecting -> Holding -> Choosing -> Rounds -> Asking -> Leaving -> Done
//! ```
//! Keep-alives go on until `Asking`, in which every connection is asked for a last sign of life.

use std::time::Duration;

use ringmq_codec::Packet;
use ringmq_ring::CloseHow;

use crate::broker_process::{BrokerProcess, ProcessSample};
use crate::client::{self, State};
use crate::ids::ClientId;
use crate::limits::{PINGS_PER_TICK_MAX, PROGRESS_EVERY, REACH_WAIT_MAX, SENDS_PER_TICK_MAX};
use crate::progress::Progress;
use crate::run::driver::Step;
use crate::run::ns;
use crate::run::outbox::Order;
use crate::run::outcome::RunError;
use crate::run::reach::ReachRun;

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Phase {
    Connecting,
    /// Nothing but keep-alives.
    Holding,
    /// A message to each of those that were chosen.
    Choosing,
    /// Messages to all, one after the other.
    Rounds,
    Asking,
    Leaving,
    Done,
}

const SECOND_NS: u64 = 1_000_000_000;

impl ReachRun {
    pub(super) fn tick(&mut self) -> Result<Step, RunError> {
        let now_ns = self.clock.now_ns();
        self.keep_alive(now_ns);
        if now_ns - self.looked_ns >= SECOND_NS {
            self.looked_ns = now_ns;
            self.look()?;
        }
        let is_busy = self.step(now_ns)?;
        self.show(now_ns);
        Ok(match self.phase {
            Phase::Done => Step::Done,
            _ if is_busy => Step::Wait(Duration::ZERO),
            _ => Step::Wait(self.idle_time()),
        })
    }

    /// How long nothing will be due.
    fn idle_time(&self) -> Duration {
        match self.next_chosen() {
            Some((_, due_ns)) => {
                let wait = Duration::from_nanos(due_ns.saturating_sub(self.clock.now_ns()));
                wait.min(REACH_WAIT_MAX)
            }
            None => REACH_WAIT_MAX,
        }
    }

    /// Does what the phase has to do now; true when it has more to do at once.
    fn step(&mut self, now_ns: u64) -> Result<bool, RunError> {
        match self.phase {
            Phase::Connecting => {
                self.step_connecting(now_ns)?;
                Ok(false)
            }
            Phase::Holding => {
                if now_ns - self.phase_began_ns >= ns(self.args.hold) {
                    self.samples.held = self.sample();
                    self.enter(Phase::Choosing, now_ns);
                }
                Ok(false)
            }
            Phase::Choosing => {
                self.step_choosing(now_ns);
                Ok(false)
            }
            Phase::Rounds => {
                self.step_rounds(now_ns);
                Ok(false)
            }
            Phase::Asking => Ok(self.step_asking(now_ns)),
            Phase::Leaving => Ok(self.step_leaving(now_ns)),
            Phase::Done => Ok(false),
        }
    }

    fn enter(&mut self, phase: Phase, now_ns: u64) {
        self.phase = phase;
        self.phase_began_ns = now_ns;
        self.progress_ns = now_ns;
        self.cursor = 0;
    }

    /// Whether what the phase waits for has not come for long.
    fn is_stuck(&self, now_ns: u64) -> bool {
        now_ns.saturating_sub(self.progress_ns) > ns(self.args.connect.timeout)
    }

    fn step_connecting(&mut self, now_ns: u64) -> Result<(), RunError> {
        let since = now_ns.saturating_sub(self.connector.progress_ns());
        let is_stuck = self.connector.outstanding() > 0 && since > ns(self.args.connect.timeout);
        if is_stuck {
            self.give_up_on_rising();
        }
        let failed = self.connector.failures.total();
        let many = u64::from(self.args.connect.connect_outstanding);
        if failed > 0 && (failed >= many || is_stuck || self.connector.is_done()) {
            return Err(RunError::Connect {
                failed,
                total: self.clients.len(),
                failures: self.connector.failures.clone(),
            });
        }
        if self.connector.is_done() {
            self.connect_seconds = self.connector.seconds();
            self.samples.up = self.sample();
            let own = BrokerProcess::new(std::process::id()).sample();
            self.own_rss_bytes = own.map_or(0, |sample| sample.rss_bytes);
            self.enter(Phase::Holding, now_ns);
        }
        Ok(())
    }

    fn give_up_on_rising(&mut self) {
        let reason = format!("no answer for {} s", self.args.connect.timeout);
        for client in (0..self.clients.len()).map(ClientId) {
            if self.clients.get(client).is_rising() {
                self.on_client_lost(client, reason.clone());
            }
        }
    }

    /// The next of the chosen, and when its message is due.
    fn next_chosen(&self) -> Option<(ClientId, u64)> {
        let next = self.chosen.get(self.cursor as usize);
        let next = next.filter(|_| self.phase == Phase::Choosing)?;
        let after_ns = (f64::from(self.cursor) / self.args.rate * 1e9) as u64;
        Some((ClientId(*next), self.phase_began_ns + after_ns))
    }

    /// Publishes to those of the chosen who are due, then waits until all have come.
    fn step_choosing(&mut self, now_ns: u64) {
        for _ in 0..SENDS_PER_TICK_MAX {
            let is_open = self.clients.get(self.publisher()).is_open();
            match self.next_chosen() {
                Some((client, due_ns)) if due_ns <= now_ns && is_open => {
                    self.publish_to(client, due_ns);
                }
                _ => break,
            }
            self.cursor += 1;
            self.progress_ns = now_ns;
        }
        let total = self.chosen.len() as u64;
        if self.ledger.reached == total || self.is_stuck(now_ns) {
            self.chosen_ns = self.progress_ns - self.phase_began_ns;
            self.enter(Phase::Rounds, now_ns);
        }
    }

    /// Publishes to all when all have what was published to them before.
    fn step_rounds(&mut self, now_ns: u64) {
        let sent = self.counters.rounds_sent;
        let expected = u64::from(sent) * u64::from(self.args.connections);
        let is_complete = self.ledger.rounds == expected;
        if is_complete && sent < self.args.rounds && self.clients.get(self.publisher()).is_open() {
            self.publish_to_all(now_ns);
            self.progress_ns = now_ns;
        } else if (is_complete && sent == self.args.rounds) || self.is_stuck(now_ns) {
            self.rounds_ns = self.progress_ns - self.phase_began_ns;
            self.enter(Phase::Asking, now_ns);
        }
    }

    /// Sends PINGREQ to all connections, then waits for the answers; true while there are more to send.
    fn step_asking(&mut self, now_ns: u64) -> bool {
        let total = self.clients.len();
        if self.cursor == 0 {
            self.samples.end = self.sample();
        }
        let until = total.min(self.cursor + PINGS_PER_TICK_MAX);
        for client in (self.cursor..until).map(ClientId) {
            // Whose keep-alive is on its way gives its sign of life by answering that.
            if !self.clients.get(client).awaits_pong {
                self.counters.pings += u64::from(self.ping(client));
            }
        }
        self.cursor = until;
        if until == total && (self.awaiting == 0 || self.is_stuck(now_ns)) {
            self.counters.answered = self.answered();
            self.enter(Phase::Leaving, now_ns);
        }
        until < total
    }

    /// Connections, without the publisher's, that are up and owe no answer.
    fn answered(&self) -> u32 {
        let connections = (0..self.args.connections).map(|n| self.clients.get(ClientId(n)));
        let answered = connections.filter(|it| it.state == State::Ready && !it.awaits_pong);
        answered.count() as u32
    }

    fn step_leaving(&mut self, now_ns: u64) -> bool {
        let total = self.clients.len();
        let until = total.min(self.cursor + PINGS_PER_TICK_MAX);
        let version = self.version;
        for client in (self.cursor..until).map(ClientId) {
            if let Some(connection) = self.clients.end(client) {
                self.outbox
                    .send(connection, |out| client::disconnect(version, out));
                self.outbox.order(Order::Close(connection, CloseHow::Flush));
            }
        }
        self.cursor = until;
        if until == total {
            self.enter(Phase::Done, now_ns);
        }
        until < total
    }

    /// Gives all clients their turn once in three quarters of the keep-alive.
    fn keep_alive(&mut self, now_ns: u64) {
        let keep_alive_secs = u64::from(self.mqtt.keep_alive_secs);
        let total = u64::from(self.clients.len());
        if keep_alive_secs == 0 || self.phase >= Phase::Asking {
            return;
        }
        let period_ns = keep_alive_secs * SECOND_NS * 3 / 4;
        let target = (u128::from(now_ns) * u128::from(total) / u128::from(period_ns)) as u64;
        for turn in self.turns..target {
            let client = ClientId((turn % total) as u32);
            if self.clients.get(client).awaits_pong {
                self.counters.unanswered += 1;
            } else {
                self.counters.pings += u64::from(self.ping(client));
            }
        }
        self.turns = target;
    }

    /// Sends PINGREQ; false when the client is not up.
    fn ping(&mut self, client: ClientId) -> bool {
        let version = self.version;
        let client = self.clients.get_mut(client);
        let (State::Ready, Some(connection)) = (client.state, client.connection) else {
            return false;
        };
        client.awaits_pong = true;
        self.awaiting += 1;
        self.outbox
            .send(connection, |out| Packet::PingReq.encode(version, out));
        true
    }

    fn sample(&self) -> Option<ProcessSample> {
        self.broker.as_ref().and_then(|broker| broker.sample().ok())
    }

    /// Once a second: the broker's memory, and whether anyone is left.
    fn look(&mut self) -> Result<(), RunError> {
        if let Some(sample) = self.sample() {
            self.samples.rss_peak = self.samples.rss_peak.max(sample.rss_bytes);
        }
        let is_up = (Phase::Holding..Phase::Leaving).contains(&self.phase);
        if is_up && self.clients.ready() == 0 {
            return Err(RunError::AllLost(self.lost.clone()));
        }
        Ok(())
    }

    fn show(&mut self, now_ns: u64) {
        if now_ns - self.shown_ns < PROGRESS_EVERY.as_nanos() as u64 {
            return;
        }
        self.shown_ns = now_ns;
        let clients = u64::from(self.clients.len());
        let in_phase_ms = (now_ns - self.phase_began_ns) / 1_000_000;
        let everyone = u64::from(self.args.rounds) * u64::from(self.args.connections);
        let (phase, done, total) = match self.phase {
            Phase::Connecting => ("connecting", u64::from(self.connector.up()), clients),
            Phase::Holding => ("holding", in_phase_ms, (self.args.hold * 1e3) as u64),
            Phase::Choosing => ("reaching", self.ledger.reached, self.chosen.len() as u64),
            Phase::Rounds => ("to all", self.ledger.rounds, everyone),
            Phase::Asking => ("asking", clients - u64::from(self.awaiting), clients),
            Phase::Leaving | Phase::Done => ("leaving", u64::from(self.cursor), clients),
        };
        // The one who watches may have gone; the run goes on.
        let _ = self.updates.send(Progress {
            member: 0,
            phase,
            done,
            total,
            rates: None,
        });
    }
}
