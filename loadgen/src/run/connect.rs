//! Bringing clients up: socket, CONNECT, SUBSCRIBE; and what happens when one is lost.

use ringmq_codec::packet::{ConnAck, SubAck};
use ringmq_codec::{PacketId, Property, Qos, ReasonCode};
use ringmq_ring::{CloseHow, ConnectError, ConnectionId};

use crate::client::{self, ConnectPacket, State};
use crate::ids::{ClientId, PublisherId, SubscriberId};
use crate::limits::{FILTERS_PER_SUBSCRIBE, SESSION_EXPIRY_SECS};
use crate::run::clients::Role;
use crate::run::connector;
use crate::run::outbox::Order;
use crate::run::phase::Phase;
use crate::run::{Run, ns};
use crate::scenario::Presence;
use crate::sys;

impl Run {
    pub(super) fn on_begun(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>) {
        let now_ns = self.clock.now_ns();
        if let Some(connection) = self.connector.on_begun(begun, now_ns) {
            self.clients.begin(client, connection, now_ns);
        }
    }

    pub(super) fn on_connected(&mut self, connection: ConnectionId) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        let name = match self.clients.role(client) {
            Role::Subscriber(subscriber) => self.names.subscriber(subscriber),
            Role::Publisher(publisher) => self.names.publisher(publisher),
            Role::Observer => self.names.observer(),
        };
        self.clients.set_state(client, State::AwaitingConnAck);
        self.clients.get_mut(client).came_ns = self.clock.now_ns();
        let keeps_session = self.keeps_session(client);
        let connect = ConnectPacket {
            client_id: &name,
            clean_start: !keeps_session || self.phase == Phase::Forgetting,
            session_expiry_secs: if keeps_session && self.phase != Phase::Forgetting {
                SESSION_EXPIRY_SECS
            } else {
                0
            },
            mqtt: &self.plan.mqtt,
        };
        self.outbox.send(connection, |out| connect.write(out));
    }

    /// Whether a client's session is to outlive its connection.
    fn keeps_session(&self, client: ClientId) -> bool {
        let is_subscriber = matches!(self.clients.role(client), Role::Subscriber(_));
        self.plan.presence == Presence::Away && is_subscriber
    }

    pub(super) fn on_connack(&mut self, client: ClientId, connack: ConnAck<'_>) {
        if self.clients.get(client).state != State::AwaitingConnAck {
            self.counters.protocol_errors += 1;
            return;
        }
        if connack.reason != ReasonCode::Success {
            let reason = connector::reason_of_code("CONNACK", connack.reason);
            return self.on_client_lost(client, reason);
        }
        match self.clients.role(client) {
            Role::Subscriber(_) if self.phase == Phase::Forgetting => self.on_up(client),
            Role::Subscriber(subscriber) => {
                let is_back = self.phase == Phase::Returning && self.keeps_session(client);
                if is_back && connack.session_present {
                    return self.on_up(client);
                }
                self.counters.sessions_lost += u64::from(is_back);
                self.subscribe_all(client, subscriber);
            }
            Role::Observer => self.subscribe(client, &sys::FILTERS, Qos::AtMostOnce),
            Role::Publisher(publisher) => {
                self.take_limits(publisher, connack);
                self.on_up(client);
            }
        }
    }

    /// Keeps to what the broker's CONNACK allows a publisher.
    fn take_limits(&mut self, publisher: PublisherId, connack: ConnAck<'_>) {
        for property in connack.properties.iter() {
            match property {
                Property::ReceiveMaximum(maximum) => {
                    if let Some(in_flight) = self.in_flight.get_mut(publisher.at()) {
                        in_flight.set_receive_maximum(maximum);
                    }
                }
                Property::TopicAliasMaximum(maximum) => {
                    let wanted = self.plan.mqtt.topic_aliases_max;
                    if let Some(aliases) = self.aliases.get_mut(publisher.at()) {
                        *aliases = maximum.min(wanted);
                    }
                }
                _ => {}
            }
        }
    }

    /// Asks for all filters of a subscriber, so many in each packet.
    fn subscribe_all(&mut self, client: ClientId, subscriber: SubscriberId) {
        let total = self.plan.filters_each;
        let mut filters = Vec::new();
        for number in 0..total {
            let mut filter = String::new();
            self.plan.topics.filter(subscriber, number, &mut filter);
            filters.push(filter);
            if filters.len() == FILTERS_PER_SUBSCRIBE || number + 1 == total {
                self.subscribe(client, &filters, self.plan.qos);
                filters.clear();
            }
        }
    }

    fn subscribe(&mut self, client: ClientId, filters: &[impl AsRef<str>], qos: Qos) {
        let now_ns = self.clock.now_ns();
        let Some(connection) = self.clients.get(client).connection else {
            return;
        };
        self.clients.set_state(client, State::AwaitingSubAck);
        let version = self.version;
        let state = self.clients.get_mut(client);
        state.came_ns = now_ns;
        state.subacks_missing += 1;
        let packet_id = PacketId::new(state.subacks_missing).expect("one was just added");
        let mut written = None;
        self.outbox.send(connection, |out| {
            written = client::subscribe(version, packet_id, filters, qos, out);
        });
        if written.is_none() {
            let filters: Vec<&str> = filters.iter().map(AsRef::as_ref).collect();
            self.on_client_lost(
                client,
                format!("{filters:?} are no topic filters (--topic-prefix)"),
            );
        }
    }

    pub(super) fn on_suback(&mut self, client: ClientId, suback: SubAck<'_>) {
        let now_ns = self.clock.now_ns();
        let state = self.clients.get(client).state;
        if state != State::AwaitingSubAck && !self.on_changed(client, now_ns) {
            self.counters.protocol_errors += 1;
            return;
        }
        if let Some(refusal) = suback.reasons.iter().find(|reason| reason.is_error()) {
            // A broker may keep parts of `$SYS` to itself; what it sends shows later.
            if self.clients.role(client) != Role::Observer {
                return self.on_client_lost(client, connector::reason_of_code("SUBACK", refusal));
            }
        }
        let asked = self.plan.qos as u8;
        let is_subscriber = matches!(self.clients.role(client), Role::Subscriber(_));
        if is_subscriber && suback.reasons.iter().any(|granted| (granted as u8) < asked) {
            self.counters.lower_qos_granted += 1;
        }
        if state == State::AwaitingSubAck {
            let client_state = self.clients.get_mut(client);
            client_state.subacks_missing -= 1;
            if client_state.subacks_missing == 0 {
                self.on_up(client);
            }
        }
    }

    fn on_up(&mut self, client: ClientId) {
        let now_ns = self.clock.now_ns();
        self.clients.set_state(client, State::Ready);
        let latency_ns = now_ns - self.clients.get(client).began_ns;
        self.connector.on_up(now_ns);
        match self.phase {
            Phase::Connecting => self.arrivals.connect_latency.record(latency_ns),
            Phase::Returning => self.arrivals.return_latency.record(latency_ns),
            _ => {}
        }
    }

    /// A client is over before the run is.
    pub(super) fn on_client_lost(&mut self, client: ClientId, reason: String) {
        let was_rising = self.clients.get(client).is_rising();
        if let Some(connection) = self.clients.end(client) {
            self.outbox.order(Order::Close(connection, CloseHow::Now));
        }
        if was_rising {
            self.connector.on_failed(reason, self.clock.now_ns());
        } else {
            self.lost.add(reason);
        }
    }

    /// Gives up on all clients that have not come up.
    pub(super) fn give_up_on_rising(&mut self) {
        let seconds = self.plan.connect.timeout;
        for number in 0..self.clients.len() {
            let client = ClientId(number);
            let stage = match self.clients.get(client).state {
                State::Connecting => "the TCP connect",
                State::AwaitingConnAck => "CONNECT",
                State::AwaitingSubAck => "SUBSCRIBE",
                State::Idle | State::Ready | State::Gone => continue,
            };
            self.on_client_lost(client, format!("no answer to {stage} for {seconds} s"));
        }
    }

    /// Gives up on connects that have made no progress for long.
    pub(super) fn give_up_if_stuck(&mut self, now_ns: u64) -> bool {
        let is_stuck = self.connector.outstanding() > 0
            && now_ns - self.connector.progress_ns() > ns(self.plan.connect.timeout);
        if is_stuck {
            self.give_up_on_rising();
        }
        is_stuck
    }
}
