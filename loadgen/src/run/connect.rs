//! Bringing clients up: socket, CONNECT, SUBSCRIBE; and what happens when one is lost.

use ringmq_codec::packet::{ConnAck, SubAck};
use ringmq_codec::{Property, Qos, ReasonCode};
use ringmq_ring::{CloseHow, ConnectError, ConnectionId};

use crate::client::{self, State};
use crate::ids::ClientId;
use crate::run::Run;
use crate::run::clients::Role;
use crate::run::connector;
use crate::run::outbox::Order;
use crate::sys;

impl Run {
    pub(super) fn on_begun(&mut self, client: ClientId, begun: Result<ConnectionId, ConnectError>) {
        let now_ns = self.clock.now_ns();
        match begun {
            Ok(connection) => self.clients.begin(client, connection, now_ns),
            Err(error) => self.connector.on_failed(error.to_string(), now_ns),
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
        let (version, keep_alive_secs) = (self.version, self.plan.connect.keep_alive);
        self.outbox.send(connection, |out| {
            client::connect(version, &name, keep_alive_secs, out);
        });
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
            Role::Subscriber(subscriber) => {
                let mut filter = String::new();
                self.plan.topics.filter(subscriber, &mut filter);
                self.subscribe(client, &[&filter], self.plan.qos);
            }
            Role::Observer => self.subscribe(client, &sys::FILTERS, Qos::AtMostOnce),
            Role::Publisher(publisher) => {
                if let Some(in_flight) = self.in_flight.get_mut(publisher.at()) {
                    let allowed = connack
                        .properties
                        .iter()
                        .find_map(|property| match property {
                            Property::ReceiveMaximum(maximum) => Some(maximum),
                            _ => None,
                        });
                    if let Some(maximum) = allowed {
                        in_flight.set_receive_maximum(maximum);
                    }
                }
                self.on_up(client);
            }
        }
    }

    fn subscribe(&mut self, client: ClientId, filters: &[&str], qos: Qos) {
        let Some(connection) = self.clients.get(client).connection else {
            return;
        };
        self.clients.set_state(client, State::AwaitingSubAck);
        let version = self.version;
        let mut written = None;
        self.outbox.send(connection, |out| {
            written = client::subscribe(version, filters, qos, out);
        });
        if written.is_none() {
            self.on_client_lost(
                client,
                format!("{filters:?} are no topic filters (--topic-prefix)"),
            );
        }
    }

    pub(super) fn on_suback(&mut self, client: ClientId, suback: SubAck<'_>) {
        if self.clients.get(client).state != State::AwaitingSubAck {
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
        self.on_up(client);
    }

    fn on_up(&mut self, client: ClientId) {
        let now_ns = self.clock.now_ns();
        self.clients.set_state(client, State::Ready);
        let began_ns = self.clients.get(client).began_ns;
        self.connector.on_up(now_ns - began_ns, now_ns);
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
}
