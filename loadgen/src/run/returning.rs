//! Clients that leave and come back: sessions that are away during the load, subscribers that come late,
//! and storms in which everyone is thrown out and returns at once.

use ringmq_ring::CloseHow;

use crate::broker_process::ProcessSample;
use crate::client;
use crate::histogram::LatencyRecorder;
use crate::ids::ClientId;
use crate::run::clients::Role;
use crate::run::outbox::Order;
use crate::run::phase::Phase;
use crate::run::share::Wave;
use crate::run::{Run, ns};
use crate::scenario::Presence;

/// How clients came up, and came back.
#[derive(Debug)]
pub(super) struct Arrivals {
    /// Who is being brought up.
    pub(super) wave: Wave,
    /// Connects begun, those of all waves together.
    pub(super) begun: u32,
    /// The first wave.
    pub(super) connections: u32,
    pub(super) connect_seconds: f64,
    pub(super) connect_latency: LatencyRecorder,
    /// The broker when all of them were up.
    pub(super) broker: Option<ProcessSample>,
    /// Times everyone was thrown out.
    pub(super) storms: u32,
    /// All waves of clients that came back, or came late.
    pub(super) return_seconds: f64,
    pub(super) return_latency: LatencyRecorder,
    /// The broker keeps no session of this run any more.
    pub(super) has_forgotten: bool,
}

impl Arrivals {
    /// Nobody is up; `wave` comes first.
    pub(super) fn new(wave: Wave) -> Arrivals {
        Arrivals {
            wave,
            begun: 0,
            connections: 0,
            connect_seconds: 0.0,
            connect_latency: LatencyRecorder::new(),
            broker: None,
            storms: 0,
            return_seconds: 0.0,
            return_latency: LatencyRecorder::new(),
            has_forgotten: false,
        }
    }
}

impl Wave {
    /// Who comes up first.
    pub(super) fn first(presence: Presence) -> Wave {
        match presence {
            Presence::Late => Wave::Publishers,
            Presence::Throughout | Presence::Away | Presence::Storm { .. } => Wave::All,
        }
    }
}

impl Run {
    /// Begins to bring up the clients of a wave.
    pub(super) fn begin_wave(&mut self, wave: Wave, now_ns: u64) {
        self.arrivals.wave = wave;
        let count = self
            .share
            .clients_of(&self.plan.layout, wave, self.plan.observes_sys);
        self.connector.restart(count, now_ns);
    }

    /// Subscribers leave in order; their sessions stay.
    pub(super) fn part(&mut self) {
        for client in (0..self.plan.layout.subscribers).map(ClientId) {
            if let Some(connection) = self.clients.end(client) {
                let version = self.version;
                self.outbox
                    .send(connection, |out| client::disconnect(version, out));
                self.outbox.order(Order::Close(connection, CloseHow::Flush));
            }
        }
    }

    /// Asks every publisher for a sign of life: its answer says that the broker has read all before it.
    pub(super) fn begin_acknowledging(&mut self, now_ns: u64) {
        self.counters.answered = 0;
        self.counters.asked = 0;
        for client in (0..self.clients.len()).map(ClientId) {
            self.clients.get_mut(client).awaits_pong = false;
            if matches!(self.clients.role(client), Role::Publisher(_)) && self.ping(client) {
                self.counters.asked += 1;
            }
        }
        self.enter(Phase::Acknowledging, now_ns);
    }

    /// When all publishes are taken, those they are for may come.
    pub(super) fn step_acknowledging(&mut self, now_ns: u64) {
        let is_taken = self.unacknowledged() == 0 && self.counters.answered >= self.counters.asked;
        let is_over = now_ns - self.ticker.phase_began_ns > ns(self.plan.connect.timeout);
        if is_taken || is_over {
            self.begin = self.edge(now_ns);
            self.begin_intervals(self.begin);
            self.begin_wave(Wave::Subscribers, now_ns);
            self.enter(Phase::Returning, now_ns);
        }
    }

    /// Throws everyone out and has them return.
    pub(super) fn begin_storm(&mut self, now_ns: u64) {
        for client in (0..self.clients.len()).map(ClientId) {
            if let Some(connection) = self.clients.end(client) {
                self.outbox.order(Order::Close(connection, CloseHow::Now));
            }
        }
        self.arrivals.storms += 1;
        self.begin_wave(Wave::All, now_ns);
        self.enter(Phase::Returning, now_ns);
    }

    /// Looks whether everyone is back.
    pub(super) fn step_returning(&mut self, now_ns: u64) {
        self.give_up_if_stuck(now_ns);
        if !self.connector.is_done() {
            return;
        }
        self.arrivals.return_seconds += self.connector.seconds();
        match self.plan.presence {
            Presence::Storm { rounds } if self.arrivals.storms < rounds => self.begin_storm(now_ns),
            Presence::Storm { .. } => {
                self.end = self.edge(now_ns);
                self.end_draining(now_ns);
            }
            _ => {
                self.counters.last_received_ns = self.counters.last_received_ns.max(now_ns);
                self.enter(Phase::Draining, now_ns);
            }
        }
    }

    /// Has the broker forget the sessions of this run.
    pub(super) fn begin_forgetting(&mut self, now_ns: u64) {
        self.begin_wave(Wave::Subscribers, now_ns);
        self.enter(Phase::Forgetting, now_ns);
    }

    /// Looks whether all are forgotten.
    pub(super) fn step_forgetting(&mut self, now_ns: u64) {
        self.give_up_if_stuck(now_ns);
        if self.connector.is_done() {
            self.arrivals.has_forgotten = true;
            self.enter(Phase::Leaving, now_ns);
        }
    }
}
