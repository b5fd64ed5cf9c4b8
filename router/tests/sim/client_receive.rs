//! What a client does with what it reads, and the rules that only it can judge: packet identifiers,
//! order of acknowledgements, receive maximum, answers to what it asked.

use ringmq_codec::packet::{Ack, Publish, SubAck};
use ringmq_codec::{Packet, PacketId, Qos, ReasonCode, frame};

use crate::client::{Awaits, Client, Context, Phase, Reply, Request};
use crate::oracle::{MessageIndex, Received, Rule, parse};

impl Client {
    /// Reads bytes from the broker.
    pub(crate) fn read(&mut self, context: &mut Context<'_>, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        let received = std::mem::take(&mut self.received);
        let mut at = 0;
        while context.oracle.violation.is_none() {
            let raw = match frame::split(&received[at..], u32::MAX) {
                Ok(Some(raw)) => raw,
                Ok(None) => break,
                Err(error) => {
                    self.fail(
                        context,
                        Rule::Protocol,
                        &format!("unreadable frame: {error:?}"),
                    );
                    return;
                }
            };
            at += raw.length;
            match Packet::decode(raw, self.version()) {
                Ok(packet) => self.handle(context, packet, raw.length),
                Err(error) => {
                    self.fail(
                        context,
                        Rule::Protocol,
                        &format!("unreadable packet: {error:?}"),
                    );
                    return;
                }
            }
        }
        self.received = received[at..].to_vec();
    }

    fn handle(&mut self, context: &mut Context<'_>, packet: Packet<'_>, packet_len: usize) {
        let attempt = self.attempt.expect("a client that reads has an attempt");
        if context.oracle.attempts[attempt.0 as usize]
            .disconnect
            .is_some()
        {
            let detail = format!("after DISCONNECT came {packet:?}");
            self.fail(context, Rule::Protocol, &detail);
            return;
        }
        if self.phase == Phase::Connecting && !matches!(packet, Packet::ConnAck(_)) {
            self.fail(
                context,
                Rule::Protocol,
                &format!("before CONNACK came {packet:?}"),
            );
            return;
        }
        match packet {
            Packet::ConnAck(packet) => self.handle_connack(context, packet),
            Packet::Publish(packet) => self.handle_publish(context, packet, packet_len),
            Packet::PubAck(packet) => self.handle_answer(context, packet, Awaits::Ack),
            Packet::PubRec(packet) => self.handle_answer(context, packet, Awaits::Rec),
            Packet::PubRel(packet) => self.handle_pubrel(context, packet),
            Packet::PubComp(packet) => self.handle_pubcomp(context, packet),
            Packet::SubAck(packet) => self.handle_suback(context, packet),
            Packet::UnsubAck(packet) => self.handle_unsuback(context, packet),
            Packet::PingResp if self.pings > 0 => self.pings -= 1,
            Packet::Disconnect(packet) if self.version().is_v5() => {
                let attempt = self.attempt.expect("an online client has an attempt");
                context.oracle.disconnect_received(attempt, packet.reason);
            }
            other => self.fail(context, Rule::Protocol, &format!("unexpected {other:?}")),
        }
    }

    fn handle_publish(
        &mut self,
        context: &mut Context<'_>,
        packet: Publish<'_>,
        packet_len: usize,
    ) {
        let Some(topic) = self.topic_of(context, &packet) else {
            return;
        };
        let message = parse(packet.payload);
        let known = packet.packet_id.filter(|id| self.incoming.contains_key(id));
        if let Some(id) = packet.packet_id
            && !self.accept_packet_id(context, id, message, &packet)
        {
            return;
        }
        if packet.dup {
            context.coverage.hit("broker sends again with DUP");
        }
        let attempt = self.attempt.expect("an online client has an attempt");
        if known.is_some() {
            context
                .coverage
                .hit("QoS 2 duplicate suppressed by its receiver");
        } else {
            let received = Received {
                topic: &topic,
                payload: packet.payload,
                qos: packet.qos,
                retain: packet.retain,
                dup: packet.dup,
                properties: packet.properties,
                packet_len,
            };
            context.oracle.received(attempt, received);
        }
        let delay = context.random.around(self.plan.ack_delay);
        let due = context.now.plus(delay);
        let due = self.replies.back().map_or(due, |(last, _)| due.max(*last));
        match (packet.qos, packet.packet_id) {
            (Qos::AtLeastOnce, Some(id)) => self.replies.push_back((due, Reply::Ack(id))),
            (Qos::ExactlyOnce, Some(id)) => {
                self.incoming.insert(id, message);
                self.replies.push_back((due, Reply::Rec(id)));
            }
            _ => {}
        }
    }

    /// Whether the broker may use the id for this message now.
    fn accept_packet_id(
        &mut self,
        context: &mut Context<'_>,
        id: PacketId,
        message: Option<MessageIndex>,
        packet: &Publish<'_>,
    ) -> bool {
        let holder = self.incoming.get(&id).or(self.in_use.get(&id)).copied();
        let attempt = self.attempt.expect("an online client has an attempt");
        let this = &mut context.oracle.attempts[attempt.0 as usize];
        let first = !std::mem::replace(&mut this.saw_packet_id, true);
        let (epoch, receive_max) = (this.epoch, usize::from(this.receive_max));
        let new_session =
            epoch.is_some_and(|epoch| context.oracle.epochs[epoch.0 as usize].attempts == 1);
        let problem = match holder {
            Some(_) if !packet.dup => Some("is in use for another message"),
            Some(holder) if holder != message => Some("is in use, and came with another message"),
            None if first && new_session && id != PacketId::FIRST => {
                Some("is the first of the session, but not 1")
            }
            None if packet.dup && new_session => Some("came with DUP for the first time"),
            _ => None,
        };
        if let Some(problem) = problem {
            let detail = format!(
                "packet id {} {problem}: {packet:?}, held {holder:?}",
                id.get()
            );
            self.fail(context, Rule::PacketId, &detail);
            return false;
        }
        self.in_use.insert(id, message);
        let allowed = receive_max.min(self.inflight_max);
        if allowed == 1 && self.in_use.len() == 1 {
            context.coverage.hit("receive maximum of 1 used up");
        }
        if self.in_use.len() > allowed {
            let detail = format!("{} unacknowledged, {allowed} allowed", self.in_use.len());
            self.fail(context, Rule::ReceiveMaximum, &detail);
            return false;
        }
        true
    }

    fn handle_answer(&mut self, context: &mut Context<'_>, packet: Ack<'_>, awaits: Awaits) {
        let position = self
            .outgoing
            .iter()
            .position(|out| out.packet_id == packet.packet_id && out.awaits == awaits);
        let Some(position) = position else {
            let detail = format!(
                "nothing waits for {packet:?} as {awaits:?}: {}",
                self.pending()
            );
            self.fail(context, Rule::Acknowledgement, &detail);
            return;
        };
        let overtaken = self
            .outgoing
            .iter()
            .take(position)
            .any(|out| out.awaits == awaits);
        if overtaken {
            let detail = format!("{packet:?} overtook another: {}", self.pending());
            self.fail(context, Rule::Acknowledgement, &detail);
            return;
        }
        match packet.reason {
            ReasonCode::NoMatchingSubscribers => {
                context
                    .coverage
                    .hit("acknowledged: no matching subscribers");
            }
            ReasonCode::QuotaExceeded => context.coverage.hit("acknowledged: quota exceeded"),
            _ => {}
        }
        let message = self.outgoing[position].message;
        context.oracle.acknowledged(message, packet.reason);
        if awaits == Awaits::Rec && !packet.reason.is_error() {
            self.outgoing[position].awaits = Awaits::Comp;
            let release = Packet::PubRel(Client::ack(packet.packet_id));
            release.encode(self.version(), &mut self.out);
        } else {
            self.outgoing.remove(position);
            self.resend(context);
        }
    }

    fn handle_pubrel(&mut self, context: &mut Context<'_>, packet: Ack<'_>) {
        self.incoming.remove(&packet.packet_id);
        self.in_use.entry(packet.packet_id).or_insert(None);
        let delay = context.random.around(self.plan.ack_delay);
        let due = context.now.plus(delay);
        let due = self.replies.back().map_or(due, |(last, _)| due.max(*last));
        self.replies.push_back((due, Reply::Comp(packet.packet_id)));
    }

    fn handle_pubcomp(&mut self, context: &mut Context<'_>, packet: Ack<'_>) {
        let position = self
            .outgoing
            .iter()
            .position(|out| out.packet_id == packet.packet_id && out.awaits == Awaits::Comp);
        let legal = matches!(
            packet.reason,
            ReasonCode::Success | ReasonCode::PacketIdentifierNotFound
        );
        match position {
            Some(position) if legal => {
                self.outgoing.remove(position);
                self.resend(context);
            }
            _ => {
                let detail = format!("nothing waits for PUBCOMP {packet:?}: {}", self.pending());
                self.fail(context, Rule::Acknowledgement, &detail);
            }
        }
    }

    fn handle_suback(&mut self, context: &mut Context<'_>, packet: SubAck<'_>) {
        let Some(Request::Subscribe(records)) = self.requests.remove(&packet.packet_id) else {
            self.fail(
                context,
                Rule::Acknowledgement,
                &format!("nothing waits for {packet:?}"),
            );
            return;
        };
        let wanted: Vec<u8> = records.iter().map(|(_, qos)| *qos as u8).collect();
        let granted: Vec<u8> = packet.reasons.iter().map(|reason| reason as u8).collect();
        if wanted != granted {
            let detail = format!("SUBSCRIBE for {wanted:?} was answered {granted:?}");
            self.fail(context, Rule::Acknowledgement, &detail);
            return;
        }
        let attempt = self.attempt.expect("an online client has an attempt");
        for (record, _) in records {
            context.oracle.subscribe_confirmed(attempt, record);
        }
    }

    fn handle_unsuback(&mut self, context: &mut Context<'_>, packet: SubAck<'_>) {
        let Some(Request::Unsubscribe(filters, sent)) = self.requests.remove(&packet.packet_id)
        else {
            self.fail(
                context,
                Rule::Acknowledgement,
                &format!("nothing waits for {packet:?}"),
            );
            return;
        };
        let reasons: Vec<ReasonCode> = packet.reasons.iter().collect();
        let legal = [ReasonCode::Success, ReasonCode::NoSubscriptionExisted];
        let counted = !self.version().is_v5() || reasons.len() == filters.len();
        if !counted || !reasons.iter().all(|reason| legal.contains(reason)) {
            let detail = format!("UNSUBSCRIBE was answered {reasons:?}");
            self.fail(context, Rule::Acknowledgement, &detail);
            return;
        }
        let attempt = self.attempt.expect("an online client has an attempt");
        for filter in filters {
            context.oracle.unsubscribe_confirmed(attempt, filter, sent);
        }
    }
}
