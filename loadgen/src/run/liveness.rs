//! Keeping connections alive, asking whether they are, and leaving.

use ringmq_codec::packet::Publish;
use ringmq_codec::{Packet, Properties, Qos, TopicName};
use ringmq_ring::{CloseHow, ConnectionId};

use crate::client::{self, State};
use crate::ids::{ClientId, PublisherId, StreamId};
use crate::limits::PINGS_PER_TICK_MAX;
use crate::run::clients::Role;
use crate::run::outbox::Order;
use crate::run::phase::{Phase, SECOND_NS};
use crate::run::{Run, ns};
use crate::scenario::Presence;

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

    /// Sends PINGREQ; false when the client is not up.
    pub(super) fn ping(&mut self, client: ClientId) -> bool {
        let version = self.version;
        let client = self.clients.get_mut(client);
        let (State::Ready, Some(connection)) = (client.state, client.connection) else {
            return false;
        };
        client.awaits_pong = true;
        self.outbox
            .send(connection, |out| Packet::PingReq.encode(version, out));
        true
    }

    /// Gives all clients their turn once in three quarters of the keep-alive.
    pub(super) fn keep_alive(&mut self, now_ns: u64) {
        let keep_alive_secs = u64::from(self.plan.mqtt.keep_alive_secs);
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
                if let (true, Role::Publisher(publisher)) =
                    (self.plan.retain, self.clients.role(client))
                {
                    self.remove_retained(publisher, connection);
                }
                let version = self.version;
                self.outbox
                    .send(connection, |out| client::disconnect(version, out));
                self.outbox.order(Order::Close(connection, CloseHow::Flush));
            }
        }
        self.ticker.cursor = until;
        if until == total {
            match self.plan.presence == Presence::Away && !self.arrivals.has_forgotten {
                true => self.begin_forgetting(now_ns),
                false => self.enter(Phase::Done, now_ns),
            }
        }
        until < total
    }

    /// Publishes nothing, retained, to every topic of a publisher: the broker forgets what it kept there.
    /// [v3.1.1 3.3.1.3] [v5 3.3.1.3]
    fn remove_retained(&mut self, publisher: PublisherId, connection: ConnectionId) {
        for stream in self.plan.layout.streams_of(publisher).map(StreamId) {
            self.topic.clear();
            self.plan.topics.topic(stream, &mut self.topic);
            let publish = Publish {
                dup: false,
                qos: Qos::AtMostOnce,
                retain: true,
                topic: TopicName::new(&self.topic),
                packet_id: None,
                properties: Properties::EMPTY,
                payload: &[],
            };
            let version = self.version;
            self.outbox
                .send(connection, |out| publish.encode(version, out));
        }
    }
}
