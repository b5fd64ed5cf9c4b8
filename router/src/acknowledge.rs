//! PUBACK, PUBREC, PUBREL and PUBCOMP from a client, and the answers to them.
//!
//! The first two and the last are about messages sent to it, PUBREL about one it published. Each that
//! makes room in the window lets queued messages follow. Nearly all come, and are answered, in their short
//! form, which is neither decoded nor encoded as other packets are.

use ringmq_codec::packet::{Ack, ShortAck};
use ringmq_codec::{Packet, PacketId, PacketType, Properties, Qos, ReasonCode};

use crate::ids::SessionIndex;
use crate::outgoing::{InFlight, Stage};
use crate::send::wait_of;
use crate::session::Flag;
use crate::{CloseReason, ConnectionId, Outputs, Shard};

const OUT_OF_STEP: CloseReason = CloseReason::Refused(ReasonCode::ProtocolError);

impl Shard {
    /// An acknowledgement that says that all went well.
    #[inline]
    pub(crate) fn on_short_ack(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        ack: ShortAck,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let packet_id = ack.packet_id;
        match ack.packet_type {
            PacketType::PubAck => self.on_puback(index, packet_id, outputs),
            PacketType::PubRec => self.on_pubrec(index, packet_id, ReasonCode::Success, outputs),
            PacketType::PubRel => self.on_pubrel(id, index, packet_id, outputs),
            _ => self.on_pubcomp(index, packet_id, outputs),
        }
    }

    /// The client has a QoS 1 message. One for an unknown identifier is let go: it may answer what an
    /// earlier connection sent.
    pub(crate) fn on_puback(
        &mut self,
        index: SessionIndex,
        id: PacketId,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let is_due = |it: &InFlight| it.qos == Qos::AtLeastOnce && it.stage != Stage::Released;
        self.on_last_word(index, id, is_due, outputs)
    }

    /// The client ends the exchange of a message, if that is what it may say now.
    #[inline]
    fn on_last_word(
        &mut self,
        index: SessionIndex,
        id: PacketId,
        is_due: impl Fn(&InFlight) -> bool,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let Some(outgoing) = &mut self.sessions.get_mut(index).outgoing else {
            return Ok(());
        };
        let Some(position) = outgoing.position(id) else {
            return Ok(());
        };
        let in_flight = outgoing.at(position);
        if !is_due(in_flight) {
            return Err(OUT_OF_STEP);
        }
        if let Stage::Published(message) = in_flight.stage {
            self.messages.release(message, in_flight.identifiers);
        }
        outgoing.remove_at(position);
        self.on_room(index, outputs);
        Ok(())
    }

    /// The client has a QoS 2 message: PUBREL follows, unless it was refused. [v5 MQTT-4.3.3-4]
    pub(crate) fn on_pubrec(
        &mut self,
        index: SessionIndex,
        id: PacketId,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let outgoing = self.sessions.get_mut(index).outgoing.as_mut();
        let known = outgoing.and_then(|it| Some((it.position(id)?, it)));
        let Some((position, outgoing)) = known else {
            if !reason.is_error() {
                let unknown = ReasonCode::PacketIdentifierNotFound;
                self.answer(index, (PacketType::PubRel, id), unknown, outputs);
            }
            return Ok(());
        };
        let in_flight = outgoing.at(position);
        match in_flight.stage {
            Stage::Published(message) if in_flight.qos == Qos::ExactlyOnce => {
                self.messages.release(message, in_flight.identifiers);
                if reason.is_error() {
                    outgoing.remove_at(position);
                    self.on_room(index, outputs);
                    return Ok(());
                }
                in_flight.stage = Stage::Released;
            }
            Stage::Published(_) => return Err(OUT_OF_STEP),
            Stage::Released => {}
        }
        self.answer_success(index, (PacketType::PubRel, id), outputs);
        Ok(())
    }

    /// The exchange of a QoS 2 message towards the client is over.
    pub(crate) fn on_pubcomp(
        &mut self,
        index: SessionIndex,
        id: PacketId,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let is_due = |it: &InFlight| it.stage == Stage::Released;
        self.on_last_word(index, id, is_due, outputs)
    }

    /// The client has our PUBREC: its identifier is free again. [v5 MQTT-4.3.3-11]
    pub(crate) fn on_pubrel(
        &mut self,
        connection: ConnectionId,
        index: SessionIndex,
        id: PacketId,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let inbound = &mut self.sessions.get_mut(index).inbound;
        let known = inbound.as_mut().is_some_and(|it| it.remove(id));
        let pubcomp = (PacketType::PubComp, id);
        if !known {
            let unknown = ReasonCode::PacketIdentifierNotFound;
            self.answer(index, pubcomp, unknown, outputs);
            return Ok(());
        }
        if let Some(connection) = self.connections.get_mut(connection) {
            connection.receiving = connection.receiving.saturating_sub(1);
        }
        self.answer_success(index, pubcomp, outputs);
        Ok(())
    }

    /// A message is out of the window: what waited for room follows.
    #[inline]
    fn on_room(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        self.stats.inflight_messages -= 1;
        let hot = self.sessions.hot(index);
        if hot.is(Flag::Queued) || hot.is(Flag::Replaying) {
            self.drain_session(index, outputs);
        }
    }

    /// Sends one of the four packets to the session's connection, if it has one.
    pub(crate) fn answer(
        &mut self,
        index: SessionIndex,
        (packet_type, packet_id): (PacketType, PacketId),
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        if reason == ReasonCode::Success {
            return self.answer_success(index, (packet_type, packet_id), outputs);
        }
        let ack = Ack {
            packet_id,
            reason,
            properties: Properties::EMPTY,
        };
        let packet = match packet_type {
            PacketType::PubAck => Packet::PubAck(ack),
            PacketType::PubRec => Packet::PubRec(ack),
            PacketType::PubRel => Packet::PubRel(ack),
            _ => Packet::PubComp(ack),
        };
        if let Some(connection) = self.sessions.hot(index).live_connection() {
            self.send_with_reason(connection, &packet, reason, outputs);
        }
    }

    /// The same when all went well.
    #[inline]
    fn answer_success(
        &mut self,
        index: SessionIndex,
        (packet_type, packet_id): (PacketType, PacketId),
        outputs: &mut Outputs,
    ) {
        let ack = ShortAck {
            packet_type,
            packet_id,
        };
        self.reply(index, &ack.to_bytes(), wait_of(packet_type), outputs);
    }
}
