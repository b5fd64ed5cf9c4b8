//! PUBACK and PUBREC to a publisher: when they leave, and what they say.
//!
//! At once when no other shard and no log is involved and nothing older waits; otherwise through the
//! session's gate. `publish` asks for them, answers of other shards and of the log let them out.

use ringmq_codec::{PacketId, PacketType, Qos, ReasonCode, packet::Publish};

use crate::gate::{GateEntry, Taken, Ticket};
use crate::ids::SessionIndex;
use crate::publish::Routed;
use crate::sessions::SessionId;
use crate::{CloseReason, ConnectionId, LogPosition, Outputs, Shard};

/// Who publishes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publisher {
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionIndex,
}

/// The acknowledgement that a publish is owed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owed {
    pub(crate) packet_id: PacketId,
    /// 1 or 2.
    pub(crate) qos: Qos,
}

impl Shard {
    /// Lets a message go that its client may not publish, or not in this form, and tells v5 so: at QoS 0 there
    /// is no answer, and a payload of another format ends the connection. [v5 3.3.2.3.2]
    pub(crate) fn refuse_publish(
        &mut self,
        publisher: Publisher,
        publish: &Publish<'_>,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let Some(packet_id) = publish.packet_id else {
            return match reason {
                ReasonCode::PayloadFormatInvalid => Err(CloseReason::Refused(reason)),
                _ => Ok(()),
            };
        };
        let session = self.sessions.get_mut(publisher.session);
        let inbound = session.inbound.get_or_insert_default();
        if publish.qos == Qos::ExactlyOnce {
            inbound.insert(packet_id);
        }
        let refused = GateEntry {
            packet_id,
            qos: publish.qos,
            attached: true,
            waiting: 0,
            reason: Some(reason),
            taken: Taken::default(),
            log: LogPosition(0),
        };
        inbound.gate.push(refused);
        self.open_gate(publisher.session, outputs);
        Ok(())
    }

    /// Holds the client to the Receive Maximum of CONNACK. [v5 MQTT-3.3.4-7]
    pub(crate) fn count_receiving(&mut self, id: ConnectionId) -> Result<(), CloseReason> {
        let connection = self.connections.get_mut(id).expect("parse has looked");
        connection.receiving = connection.receiving.saturating_add(1);
        if connection.version.is_v5() && connection.receiving > connection.receive_max {
            return Err(CloseReason::Refused(ReasonCode::ReceiveMaximumExceeded));
        }
        Ok(())
    }

    /// Whether a QoS 2 message with this identifier was taken before. It is then answered again, now or
    /// when its gate opens; if not, the identifier is noted.
    pub(crate) fn is_repeated(
        &mut self,
        publisher: Publisher,
        packet_id: PacketId,
        outputs: &mut Outputs,
    ) -> bool {
        let session = self.sessions.get_mut(publisher.session);
        let inbound = session.inbound.get_or_insert_default();
        if inbound.insert(packet_id) {
            return false;
        }
        if inbound.gate.is_empty() {
            let qos = Qos::ExactlyOnce;
            self.send_owed(
                publisher,
                Owed { packet_id, qos },
                ReasonCode::Success,
                outputs,
            );
        } else {
            // PUBRECs leave in the order of the PUBLISHes, repeated ones too. [v5 MQTT-4.6.0-3]
            inbound.gate.repeat(packet_id);
        }
        true
    }

    /// The place in the gate that the next publish of the session will have.
    pub(crate) fn next_ticket(&self, index: SessionIndex) -> (SessionId, Ticket) {
        let inbound = self.sessions.get(index).inbound.as_ref();
        let ticket = inbound.map_or(Ticket(0), |inbound| inbound.gate.next_ticket());
        (self.sessions.id(index), ticket)
    }

    /// Acknowledges the publish, or has it wait for what it depends on.
    pub(crate) fn answer_publish(
        &mut self,
        publisher: Publisher,
        owed: Owed,
        routed: Routed,
        outputs: &mut Outputs,
    ) {
        let is_durable = routed.log <= self.log.durable();
        let session = self.sessions.get_mut(publisher.session);
        let nothing_waits = session.inbound.as_ref().is_none_or(|it| it.gate.is_empty());
        if routed.waiting == 0 && is_durable && nothing_waits {
            self.acknowledge(publisher, owed, routed.taken.reason(), outputs);
            return;
        }
        let gate = &mut session.inbound.get_or_insert_default().gate;
        gate.push(GateEntry {
            packet_id: owed.packet_id,
            qos: owed.qos,
            attached: true,
            waiting: routed.waiting,
            reason: None,
            taken: routed.taken,
            log: routed.log,
        });
        let waiting = gate.len();
        if !is_durable {
            let session = self.sessions.id(publisher.session);
            self.log.wait(routed.log, session);
        }
        self.pause_for_gate(publisher.connection, waiting, outputs);
    }

    /// Lets out every acknowledgement of the session that nothing holds back.
    pub(crate) fn open_gate(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let durable = self.log.durable();
        let connection = self.sessions.hot(index).live_connection();
        loop {
            let Some(inbound) = &mut self.sessions.get_mut(index).inbound else {
                return;
            };
            let Some(entry) = inbound.gate.pop_ready(durable) else {
                let waiting = inbound.gate.len();
                if let Some(id) = connection {
                    self.unpause_for_gate(id, waiting);
                }
                return;
            };
            let reason = entry.reason.unwrap_or(entry.taken.reason());
            if let Some(connection) = connection
                && entry.attached
            {
                let publisher = Publisher {
                    connection,
                    session: index,
                };
                let owed = Owed {
                    packet_id: entry.packet_id,
                    qos: entry.qos,
                };
                self.acknowledge(publisher, owed, reason, outputs);
            } else if reason.is_error()
                && entry.qos == Qos::ExactlyOnce
                && !inbound.gate.answer_repeated(entry.packet_id, reason)
            {
                // Nobody took it and nobody was told: the client's repetition is a new message.
                inbound.remove(entry.packet_id);
            }
        }
    }

    /// PUBACK or PUBREC. A PUBREC that reports a failure ends the QoS 2 exchange. [v5 MQTT-4.3.3-9]
    fn acknowledge(
        &mut self,
        publisher: Publisher,
        owed: Owed,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        // A QoS 2 message is under way until its PUBCOMP.
        if (owed.qos == Qos::AtLeastOnce || reason.is_error())
            && let Some(connection) = self.connections.get_mut(publisher.connection)
            && (owed.qos == Qos::AtLeastOnce || connection.version.is_v5())
        {
            connection.receiving = connection.receiving.saturating_sub(1);
            if owed.qos == Qos::ExactlyOnce
                && let Some(inbound) = &mut self.sessions.get_mut(publisher.session).inbound
            {
                inbound.remove(owed.packet_id);
            }
        }
        self.send_owed(publisher, owed, reason, outputs);
    }

    fn send_owed(
        &mut self,
        publisher: Publisher,
        owed: Owed,
        reason: ReasonCode,
        outputs: &mut Outputs,
    ) {
        let packet_type = if owed.qos == Qos::AtLeastOnce {
            PacketType::PubAck
        } else {
            PacketType::PubRec
        };
        let packet = (packet_type, owed.packet_id);
        self.answer(publisher.session, packet, reason, outputs);
    }
}
