//! Taking packets in. This is the hot path: a delivery is read where the engine received it, checked,
//! booked and recorded without an allocation.

use ringmq_codec::packet::Ack;
use ringmq_codec::{DecodeError, Packet, PacketId, PacketType, Qos, RawPacket};
use ringmq_ring::ConnectionId;

use crate::audit::Verdict;
use crate::client::{Answer, IncomingPublish, State, read_packets};
use crate::ids::{ClientId, PublisherId, SubscriberId};
use crate::limits::PACKET_SIZE_MAX;
use crate::run::clients::Role;
use crate::run::{Pacing, Run, connector};
use crate::stamp::{Stamp, StampError};

impl Run {
    pub(super) fn on_received(&mut self, connection: ConnectionId, bytes: &[u8]) {
        let Some(client) = self.clients.of_connection(connection) else {
            return;
        };
        let mut partial = std::mem::take(&mut self.clients.get_mut(client).partial);
        let now_ns = self.clock.now_ns();
        let result = read_packets(&mut partial, bytes, PACKET_SIZE_MAX, |raw| {
            self.on_packet(client, raw, now_ns)
        });
        self.clients.get_mut(client).partial = partial;
        self.stage
            .show_received(self.member, self.counters.received);
        if let Err(error) = result {
            self.on_client_lost(
                client,
                format!("the broker sent a malformed packet: {error}"),
            );
        }
    }

    #[inline]
    fn on_packet(
        &mut self,
        client: ClientId,
        raw: RawPacket<'_>,
        now_ns: u64,
    ) -> Result<(), DecodeError> {
        if raw.header.packet_type == PacketType::Publish
            && let Role::Subscriber(subscriber) = self.clients.role(client)
        {
            match IncomingPublish::read(raw, self.version.is_v5()) {
                Some(publish) => self.on_delivery(client, subscriber, publish, now_ns),
                None => {
                    // The codec names what is wrong with it.
                    Packet::decode(raw, self.version)?;
                    self.counters.protocol_errors += 1;
                }
            }
            return Ok(());
        }
        let packet = Packet::decode(raw, self.version)?;
        self.on_control(client, packet, now_ns);
        Ok(())
    }

    #[inline]
    fn on_delivery(
        &mut self,
        client: ClientId,
        subscriber: SubscriberId,
        publish: IncomingPublish<'_>,
        now_ns: u64,
    ) {
        self.counters.received += 1;
        self.counters.last_received_ns = now_ns;
        if let Some(packet_id) = publish.packet_id {
            let answer = match publish.qos {
                Qos::ExactlyOnce => PacketType::PubRec,
                Qos::AtMostOnce | Qos::AtLeastOnce => PacketType::PubAck,
            };
            self.acknowledge(client, answer, packet_id);
        }
        let stamp = match Stamp::read(publish.payload) {
            Ok(stamp) if stamp.run == self.number => stamp,
            Ok(_) | Err(StampError::Foreign) => return self.audit.on_foreign(),
            Err(StampError::Corrupt) => return self.audit.on_corrupt(),
        };
        let verdict = self
            .audit
            .on_delivery(subscriber, stamp.stream, stamp.sequence);
        if !matches!(verdict, Verdict::New | Verdict::Late) || self.is_stalled(subscriber) {
            return;
        }
        if self.plan.presence.is_replay() {
            let came_ns = self.clients.get(client).came_ns;
            self.latency.record(now_ns.saturating_sub(came_ns));
        } else if stamp.due_ns.wrapping_sub(self.measured_from_ns) < self.measured_ns {
            self.latency.record(now_ns.saturating_sub(stamp.due_ns));
        }
        if let Pacing::Closed(pacing) = &mut self.pacing {
            pacing.on_delivery(stamp.stream, stamp.sequence);
        }
    }

    /// Whether a subscriber is one that stops reading.
    #[inline]
    pub(super) fn is_stalled(&self, subscriber: SubscriberId) -> bool {
        subscriber.0 >= self.plan.layout.subscribers - self.plan.stalled
    }

    fn acknowledge(&mut self, client: ClientId, packet_type: PacketType, packet_id: PacketId) {
        let Some(connection) = self.clients.get(client).connection else {
            return;
        };
        let flags = u8::from(packet_type == PacketType::PubRel) << 1;
        let [high, low] = packet_id.get().to_be_bytes();
        let packet = [(packet_type as u8) << 4 | flags, 2, high, low];
        self.outbox
            .send(connection, |out| out.extend_from_slice(&packet));
    }

    fn on_control(&mut self, client: ClientId, packet: Packet<'_>, now_ns: u64) {
        let packet_type = packet.packet_type();
        match packet {
            Packet::ConnAck(connack) => self.on_connack(client, connack),
            Packet::SubAck(suback) => self.on_suback(client, suback),
            Packet::UnsubAck(_) if self.changes.is_some() => {}
            Packet::PubAck(ack) | Packet::PubRec(ack) | Packet::PubComp(ack) => {
                match self.clients.role(client) {
                    Role::Publisher(publisher) => self.on_ack(publisher, packet_type, ack),
                    Role::Subscriber(_) | Role::Observer => self.counters.protocol_errors += 1,
                }
            }
            Packet::PubRel(ack) => self.acknowledge(client, PacketType::PubComp, ack.packet_id),
            Packet::Publish(publish) => match (self.clients.role(client), publish.topic) {
                (Role::Observer, Some(topic)) => {
                    if let Some(packet_id) = publish.packet_id {
                        self.acknowledge(client, PacketType::PubAck, packet_id);
                    }
                    let topic = topic.as_str();
                    self.sys
                        .on_message(topic, publish.payload, publish.retain, now_ns);
                }
                _ => self.audit.on_foreign(),
            },
            Packet::PingResp => {
                let client = self.clients.get_mut(client);
                self.counters.answered += u32::from(client.awaits_pong);
                client.awaits_pong = false;
            }
            Packet::Disconnect(disconnect) => {
                let reason = connector::reason_of_code("DISCONNECT", disconnect.reason);
                self.on_client_lost(client, reason);
            }
            _ => self.counters.protocol_errors += 1,
        }
    }

    fn on_ack(&mut self, publisher: PublisherId, packet_type: PacketType, ack: Ack<'_>) {
        let Some(in_flight) = self.in_flight.get_mut(publisher.at()) else {
            self.counters.protocol_errors += 1;
            return;
        };
        let refused = ack.reason.is_error();
        let answer = in_flight.on_ack(packet_type, ack.packet_id, self.plan.qos, refused);
        self.counters.refused += u64::from(refused);
        let client = self.clients.of_publisher(publisher);
        match answer {
            Answer::Done => self.on_room(client),
            Answer::Release => self.acknowledge(client, PacketType::PubRel, ack.packet_id),
            Answer::Unknown => self.counters.protocol_errors += 1,
        }
    }

    /// A publisher may have become able to send.
    pub(super) fn on_room(&mut self, client: ClientId) {
        let Role::Publisher(publisher) = self.clients.role(client) else {
            return;
        };
        if self.clients.get(client).state != State::Ready {
            return;
        }
        match &mut self.pacing {
            Pacing::Open(pacing) => pacing.on_release(publisher),
            Pacing::Fleet(pacing) => pacing.on_release(publisher),
            Pacing::Closed(pacing) => pacing.on_release(publisher),
            Pacing::Silent => {}
        }
    }
}
