//! PUBACK, PUBREC, PUBREL and PUBCOMP from a client.
//!
//! The first two and the last are about messages sent to it, PUBREL about one it published. Each that
//! makes room in the window lets queued messages follow.

use ringmq_codec::{Packet, PacketId, Properties, Qos, ReasonCode, packet::Ack};

use crate::ids::SessionIndex;
use crate::outgoing::{InFlight, Stage};
use crate::session::Flag;
use crate::{CloseReason, ConnectionId, Outputs, Shard};

const OUT_OF_STEP: CloseReason = CloseReason::Refused(ReasonCode::ProtocolError);

impl Shard {
    /// The client has a QoS 1 message. One for an unknown identifier is let go: it may answer what an
    /// earlier connection sent.
    pub(crate) fn on_puback(
        &mut self,
        index: SessionIndex,
        ack: Ack<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let is_due = |it: &InFlight| it.qos == Qos::AtLeastOnce && it.stage != Stage::Released;
        self.on_last_word(index, ack.packet_id, is_due, outputs)
    }

    /// The client ends the exchange of a message, if that is what it may say now.
    fn on_last_word(
        &mut self,
        index: SessionIndex,
        id: PacketId,
        is_due: impl Fn(&InFlight) -> bool,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let Some(in_flight) = self.in_flight(index, id) else {
            return Ok(());
        };
        if !is_due(&in_flight) {
            return Err(OUT_OF_STEP);
        }
        if let Stage::Published(message) = in_flight.stage {
            self.messages.release(message, in_flight.identifiers);
        }
        self.end_flight(index, id, outputs);
        Ok(())
    }

    /// The client has a QoS 2 message: PUBREL follows, unless it was refused. [v5 MQTT-4.3.3-4]
    pub(crate) fn on_pubrec(
        &mut self,
        index: SessionIndex,
        ack: Ack<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let reason = match self.in_flight(index, ack.packet_id) {
            Some(InFlight {
                qos: Qos::ExactlyOnce,
                stage: Stage::Published(message),
                identifiers,
                ..
            }) => {
                self.messages.release(message, identifiers);
                if ack.reason.is_error() {
                    self.end_flight(index, ack.packet_id, outputs);
                    return Ok(());
                }
                self.set_released(index, ack.packet_id);
                ReasonCode::Success
            }
            Some(in_flight) if in_flight.stage == Stage::Released => ReasonCode::Success,
            Some(_) => return Err(OUT_OF_STEP),
            None if ack.reason.is_error() => return Ok(()),
            None => ReasonCode::PacketIdentifierNotFound,
        };
        let pubrel = acknowledgement(ack.packet_id, reason);
        self.answer_session(index, &Packet::PubRel(pubrel), reason, outputs);
        Ok(())
    }

    /// The exchange of a QoS 2 message towards the client is over.
    pub(crate) fn on_pubcomp(
        &mut self,
        index: SessionIndex,
        ack: Ack<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let is_due = |it: &InFlight| it.stage == Stage::Released;
        self.on_last_word(index, ack.packet_id, is_due, outputs)
    }

    /// The client has our PUBREC: its identifier is free again. [v5 MQTT-4.3.3-11]
    pub(crate) fn on_pubrel(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        ack: Ack<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let session = self.sessions.get_mut(index);
        let known = session
            .inbound
            .as_mut()
            .is_some_and(|inbound| inbound.remove(ack.packet_id));
        if let Some(connection) = self.connections.get_mut(id)
            && known
        {
            connection.receiving = connection.receiving.saturating_sub(1);
        }
        let reason = if known {
            ReasonCode::Success
        } else {
            ReasonCode::PacketIdentifierNotFound
        };
        let pubcomp = acknowledgement(ack.packet_id, reason);
        self.answer_session(index, &Packet::PubComp(pubcomp), reason, outputs);
        Ok(())
    }

    fn in_flight(&mut self, index: SessionIndex, id: PacketId) -> Option<InFlight> {
        let outgoing = self.sessions.get_mut(index).outgoing.as_mut()?;
        outgoing.find(id).copied()
    }

    fn set_released(&mut self, index: SessionIndex, id: PacketId) {
        let outgoing = self.sessions.get_mut(index).outgoing.as_mut();
        if let Some(in_flight) = outgoing.and_then(|outgoing| outgoing.find(id)) {
            in_flight.stage = Stage::Released;
        }
    }

    /// Frees the identifier; what waited for room follows.
    fn end_flight(&mut self, index: SessionIndex, id: PacketId, outputs: &mut Outputs) {
        if let Some(outgoing) = &mut self.sessions.get_mut(index).outgoing {
            outgoing.remove(id);
            self.stats.inflight_messages -= 1;
        }
        let hot = self.sessions.hot(index);
        if hot.is(Flag::Queued) || hot.is(Flag::Replaying) {
            self.drain_session(index, outputs);
        }
    }

    /// Sends an answer with this reason to the session's connection, if it has one.
    fn answer_session(
        &mut self,
        index: SessionIndex,
        packet: &Packet<'_>,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        if let Some(connection) = self.sessions.hot(index).live_connection() {
            self.send_with_reason(connection, packet, reason, outputs);
        }
    }
}

fn acknowledgement(packet_id: PacketId, reason: ReasonCode) -> Ack<'static> {
    Ack {
        packet_id,
        reason,
        properties: Properties::EMPTY,
    }
}
