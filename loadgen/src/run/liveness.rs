//! Keeping connections alive, asking whether they are, and leaving.

use ringmq_codec::Packet;
use ringmq_ring::CloseHow;

use crate::client::{self, State};
use crate::ids::ClientId;
use crate::limits::PINGS_PER_TICK_MAX;
use crate::run::outbox::Order;
use crate::run::phase::{Phase, SECOND_NS};
use crate::run::{Run, ns};

impl Run {
    /// Sends PINGREQ to all connections, then waits for the answers; true while there are more to send.
    pub(super) fn step_asking(&mut self, now_ns: u64) -> bool {
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
    pub(super) fn keep_alive(&mut self, now_ns: u64) {
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

    pub(super) fn step_leaving(&mut self, now_ns: u64) -> bool {
        let total = self.clients.len();
        let until = total.min(self.ticker.cursor + PINGS_PER_TICK_MAX);
        for client in (self.ticker.cursor..until).map(ClientId) {
            if let Some(connection) = self.clients.end(client) {
                let version = self.version;
                self.outbox
                    .send(connection, |out| client::disconnect(version, out));
                self.outbox.order(Order::Close(connection, CloseHow::Flush));
            }
        }
        self.ticker.cursor = until;
        if until == total {
            self.enter(Phase::Done, now_ns);
        }
        until < total
    }
}
