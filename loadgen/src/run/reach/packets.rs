//! Packets that come in while connections are reached, and the coming and going of clients.

use ringmq_codec::packet::{ConnAck, SubAck};
use ringmq_codec::{DecodeError, Packet, PacketId, PacketType, Qos, RawPacket, ReasonCode};
use ringmq_ring::{CloseHow, ConnectionId};

use crate::client::{self, IncomingPublish, State, read_packets};
use crate::ids::{ClientId, PublisherId, SubscriberId};
use crate::limits::PACKET_SIZE_MAX;
use crate::run::connector::reason_of_code;
use crate::run::outbox::Order;
use crate::run::reach::ReachRun;
use crate::run::reach::publish::{ALL, topic_of_all, write_own_topic};
use crate::run::reach::steps::Phase;
use crate::stamp::{Stamp, StampError};

impl ReachRun {
    pub(super) fn on_connected(&mut self, connection: ConnectionId) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        let name = match client == self.publisher() {
            true => self.names.publisher(PublisherId(0)),
            false => self.names.subscriber(SubscriberId(client.0)),
        };
        self.clients.set_state(client, State::AwaitingConnAck);
        let connect = client::ConnectPacket {
            client_id: &name,
            clean_start: true,
            session_expiry_secs: 0,
            mqtt: &self.mqtt,
        };
        self.outbox.send(connection, |out| connect.write(out));
    }

    pub(super) fn on_received(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        let now_ns = self.clock.now_ns();
        let mut partial = std::mem::take(&mut self.clients.get_mut(client).partial);
        let read = read_packets(&mut partial, bytes, PACKET_SIZE_MAX, |raw| {
            self.on_packet(client, raw, now_ns)
        });
        self.clients.get_mut(client).partial = partial;
        if let Err(error) = read {
            let reason = format!("the broker sent a malformed packet: {error}");
            self.on_client_lost(client, reason);
        }
    }

    fn on_packet(
        &mut self,
        client: ClientId,
        raw: RawPacket<'_>,
        now_ns: u64,
    ) -> Result<(), DecodeError> {
        if raw.header.packet_type == PacketType::Publish
            && let Some(publish) = IncomingPublish::read(raw, self.version.is_v5())
        {
            self.on_delivery(client, publish.payload, now_ns);
            return Ok(());
        }
        match Packet::decode(raw, self.version)? {
            Packet::ConnAck(connack) => self.on_connack(client, connack),
            Packet::SubAck(suback) => self.on_suback(client, suback, now_ns),
            Packet::PingResp => self.on_pong(client, now_ns),
            Packet::Disconnect(disconnect) => {
                self.on_client_lost(client, reason_of_code("DISCONNECT", disconnect.reason));
            }
            _ => self.counters.protocol_errors += 1,
        }
        Ok(())
    }

    fn on_delivery(&mut self, client: ClientId, payload: &[u8], now_ns: u64) {
        let stamp = match Stamp::read(payload) {
            Ok(stamp) if stamp.run == self.number => stamp,
            Ok(_) | Err(StampError::Foreign) => {
                self.ledger.unexpected += 1;
                return;
            }
            Err(StampError::Corrupt) => {
                self.counters.corrupt += 1;
                return;
            }
        };
        let latency_ns = now_ns.saturating_sub(stamp.due_ns);
        let latency = if stamp.stream == ALL {
            let is_due = self.ledger.on_round(client.0, stamp.sequence);
            is_due.then_some(&mut self.rounds_latency)
        } else {
            let is_due = self.ledger.on_own(client.0, stamp.stream.0);
            is_due.then_some(&mut self.chosen_latency)
        };
        if let Some(latency) = latency {
            latency.record(latency_ns);
            self.progress_ns = now_ns;
        }
    }

    fn on_connack(&mut self, client: ClientId, connack: ConnAck<'_>) {
        if self.clients.get(client).state != State::AwaitingConnAck {
            self.counters.protocol_errors += 1;
        } else if connack.reason != ReasonCode::Success {
            self.on_client_lost(client, reason_of_code("CONNACK", connack.reason));
        } else if client == self.publisher() {
            self.on_up(client, self.clock.now_ns());
        } else {
            self.subscribe(client);
        }
    }

    /// Asks for the client's own topic and for the one of all.
    fn subscribe(&mut self, client: ClientId) {
        let Some(connection) = self.clients.get(client).connection else {
            return;
        };
        self.clients.set_state(client, State::AwaitingSubAck);
        let prefix = &self.args.connect.topic_prefix;
        self.topic.clear();
        write_own_topic(prefix, client, &mut self.topic);
        let all = topic_of_all(prefix);
        let filters = [self.topic.as_str(), all.as_str()];
        let version = self.version;
        self.outbox.send(connection, |out| {
            client::subscribe(version, PacketId::FIRST, &filters, Qos::AtMostOnce, out)
                .expect("the prefix was checked, and nothing that is added is a wildcard");
        });
    }

    fn on_suback(&mut self, client: ClientId, suback: SubAck<'_>, now_ns: u64) {
        if self.clients.get(client).state != State::AwaitingSubAck {
            self.counters.protocol_errors += 1;
        } else if let Some(refusal) = suback.reasons.iter().find(|reason| reason.is_error()) {
            self.on_client_lost(client, reason_of_code("SUBACK", refusal));
        } else {
            self.on_up(client, now_ns);
        }
    }

    fn on_up(&mut self, client: ClientId, now_ns: u64) {
        self.clients.set_state(client, State::Ready);
        let latency_ns = now_ns.saturating_sub(self.clients.get(client).began_ns);
        self.connect_latency.record(latency_ns);
        self.connector.on_up(now_ns);
    }

    fn on_pong(&mut self, client: ClientId, now_ns: u64) {
        let state = self.clients.get_mut(client);
        if !state.awaits_pong {
            self.counters.protocol_errors += 1;
            return;
        }
        state.awaits_pong = false;
        self.awaiting -= 1;
        self.counters.pongs += 1;
        if self.phase < Phase::Asking {
            self.ledger.on_pong(client.0);
        } else {
            self.progress_ns = now_ns;
        }
    }

    /// A client failed or was lost.
    pub(super) fn on_client_lost(&mut self, client: ClientId, reason: String) {
        let was_rising = self.clients.get(client).is_rising();
        let state = self.clients.get_mut(client);
        self.awaiting -= u32::from(std::mem::take(&mut state.awaits_pong));
        if let Some(connection) = self.clients.end(client) {
            self.outbox.order(Order::Close(connection, CloseHow::Now));
        }
        if was_rising {
            self.connector.on_failed(reason, self.clock.now_ns());
        } else {
            self.lost.add(reason);
        }
    }
}
