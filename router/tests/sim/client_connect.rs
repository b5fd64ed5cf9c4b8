//! What a client's CONNECT says, what the oracle must know of it before the broker answers, and what the
//! client does with the answer.

use ringmq_codec::packet::{self, ConnAck, Connect};
use ringmq_codec::{Packet, PropertiesBuffer, Property, Qos, ReasonCode};
use ringmq_router::CloseReason;

use crate::client::{Client, Context, Phase};
use crate::client_alias::Aliases;
use crate::client_send::topic;
use crate::oracle::{
    Attempt, AttemptId, Ended, Fate, Message, Rule, StreamId, Will, WillState, payload,
};
use crate::socket::SocketId;

/// A CONNECT as the workload wants it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectOrder {
    pub(crate) clean: bool,
    /// Life of the session after the connection, seconds; v3 has only 0 and the broker's maximum.
    pub(crate) expiry_secs: u32,
    pub(crate) will: Option<WillOrder>,
}

/// A will as the workload wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WillOrder {
    pub(crate) qos: Qos,
    pub(crate) delay_secs: u32,
    pub(crate) payload_len: usize,
}

impl Client {
    /// Starts a connection on a new socket.
    pub(crate) fn connect(
        &mut self,
        context: &mut Context<'_>,
        socket: SocketId,
        order: &ConnectOrder,
        expiry_secs_max: u32,
    ) -> AttemptId {
        let clean = order.clean || self.must_clean;
        let v5 = self.version().is_v5();
        let v3_clean = !v5 && (clean || self.plan.assigned);
        let expiry_secs = match v5 {
            true => order.expiry_secs.min(expiry_secs_max),
            false if v3_clean => 0,
            false => expiry_secs_max,
        };
        let attempt = self.note_attempt(context, order, clean, expiry_secs);
        self.socket = Some(socket);
        self.aliases = Aliases::default();
        self.keep_alive_secs = self.plan.keep_alive_secs;
        self.attempt = Some(attempt);
        self.phase = Phase::Connecting;
        if self.plan.assigned {
            self.stream = StreamId(1_000_000 + attempt.0);
        }
        if clean {
            self.must_clean = true;
            self.forget_session(context.oracle);
        }
        self.write_connect(context, attempt, order);
        attempt
    }

    fn note_attempt(
        &mut self,
        context: &mut Context<'_>,
        order: &ConnectOrder,
        clean: bool,
        expiry_secs: u32,
    ) -> AttemptId {
        let next = AttemptId(context.oracle.attempts.len() as u32);
        let will = order.will.map(|will| Will {
            message: context.oracle.publish(Message {
                attempt: next,
                stream: self.stream,
                topic: context.oracle.topics.will(self.index),
                qos: will.qos,
                retain: false,
                clears: false,
                is_will: true,
                payload_len: will.payload_len,
                first_sent: context.now,
                transmissions: 1,
                fate: Fate::Sent,
                expires: None,
                takings: Vec::new(),
                group_copies: 0,
                crossed_to: 0,
                durable: false,
                properties: Vec::new(),
            }),
            delay_secs: if self.version().is_v5() {
                will.delay_secs
            } else {
                0
            },
            state: WillState::Kept,
        });
        let client_id = match self.plan.assigned {
            true => format!("assigned-{}", next.0),
            false => self.client_id.clone(),
        };
        context.oracle.attempt(Attempt {
            client: self.index,
            client_id,
            version: self.version(),
            clean: clean || self.plan.assigned,
            expiry_secs,
            keep_alive_secs: self.plan.keep_alive_secs,
            packet_max: self.plan.packet_max.unwrap_or(u32::MAX),
            receive_max: self.plan.receive_max.unwrap_or(u16::MAX),
            will,
            established: None,
            ended: None,
            present: false,
            epoch: None,
            said_goodbye: false,
            goodbye_expiry_secs: None,
            sent_garbage: false,
            refused: None,
            thrown_out: false,
            disconnect: None,
            early_records: Vec::new(),
            latest: Default::default(),
            latest_retained: Default::default(),
            seen_here: Default::default(),
            saw_packet_id: false,
        })
    }

    fn write_connect(&mut self, context: &Context<'_>, attempt: AttemptId, order: &ConnectOrder) {
        let this = &context.oracle.attempts[attempt.0 as usize];
        let v5 = self.version().is_v5();
        let mut properties = PropertiesBuffer::new();
        let mut will_properties = PropertiesBuffer::new();
        if v5 {
            if order.expiry_secs > 0 {
                properties.push(Property::SessionExpirySecs(order.expiry_secs));
            }
            if self.plan.alias_max > 0 {
                properties.push(Property::TopicAliasMaximum(self.plan.alias_max));
            }
            if let Some(max) = self.plan.receive_max {
                properties.push(Property::ReceiveMaximum(max));
            }
            if let Some(max) = self.plan.packet_max {
                properties.push(Property::MaximumPacketSize(max));
            }
        }
        let body = this.will.as_ref().map(|will| {
            let message = &context.oracle.messages[will.message.0 as usize];
            if will.delay_secs > 0 {
                will_properties.push(Property::WillDelaySecs(will.delay_secs));
            }
            (message, payload(will.message, message.payload_len))
        });
        let will = body.as_ref().map(|(message, payload)| packet::Will {
            topic: topic(context.oracle.topics.name(message.topic)),
            payload,
            qos: message.qos,
            retain: false,
            properties: will_properties.as_properties(),
        });
        let connect = Connect {
            version: self.version(),
            clean_start: this.clean,
            keep_alive_secs: self.plan.keep_alive_secs,
            client_id: if self.plan.assigned {
                ""
            } else {
                &self.client_id
            },
            will,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        Packet::Connect(connect).encode(self.version(), &mut self.out);
    }

    /// The broker lets the client in, or not.
    pub(super) fn handle_connack(&mut self, context: &mut Context<'_>, packet: ConnAck<'_>) {
        if self.phase != Phase::Connecting {
            self.fail(context, Rule::Protocol, "a second CONNACK");
            return;
        }
        let attempt = self.attempt.expect("a connecting client has an attempt");
        if packet.reason != ReasonCode::Success {
            let this = &context.oracle.attempts[attempt.0 as usize];
            let (refused, ended) = (this.refused, this.ended);
            // Who waits when the broker stops is told so.
            let stopped = Some(Ended::ByBroker(CloseReason::Shutdown));
            if ended.map(|(_, how)| how) == stopped
                && (packet.reason == ReasonCode::ServerUnavailable || !self.version().is_v5())
            {
                return;
            }
            if refused.is_some_and(|reason| !self.version().is_v5() || reason == packet.reason) {
                return;
            }
            let detail = format!("CONNECT was refused: {:?}", packet.reason);
            self.fail(context, Rule::ClosedWithoutCause, &detail);
            return;
        }
        if context.oracle.attempts[attempt.0 as usize].epoch.is_none() {
            self.fail(
                context,
                Rule::Contract,
                "CONNACK without Output::Established",
            );
            return;
        }
        self.phase = Phase::Online;
        self.must_clean = false;
        self.outgoing_max = usize::from(u16::MAX);
        for property in packet.properties.iter() {
            match property {
                Property::ReceiveMaximum(max) => self.outgoing_max = usize::from(max),
                Property::TopicAliasMaximum(max) => self.aliases.sent_max = max,
                Property::ServerKeepAliveSecs(secs) => self.keep_alive_secs = secs,
                _ => {}
            }
        }
        // The session may be another one than the client's, made by a CONNECT whose answer was lost; a
        // CONNACK of v3.1 does not even say whether it goes on. What a client does then is its own risk;
        // these clients are told.
        let epoch = context.oracle.attempts[attempt.0 as usize].epoch;
        let present = context.oracle.attempts[attempt.0 as usize].present && self.epoch == epoch;
        self.epoch = epoch;
        if present {
            // What came for a group and was not acknowledged is another member's now.
            let messages = &context.oracle.messages;
            let topics = &context.oracle.topics;
            let incoming = &self.incoming;
            self.in_use.retain(|id, message| {
                let topic = message.map(|message| messages[message.0 as usize].topic);
                incoming.contains_key(id) || !topic.is_some_and(|it| topics.is_for_groups(it))
            });
            self.resume(context);
        } else {
            // What was sent before CONNACK came belongs to the new session.
            let early = self.attempt;
            let messages = &context.oracle.messages;
            let kept = self
                .outgoing
                .iter()
                .copied()
                .filter(|out| Some(messages[out.message.0 as usize].attempt) == early)
                .collect();
            self.outgoing
                .retain(|out| Some(messages[out.message.0 as usize].attempt) != early);
            self.forget_session(context.oracle);
            self.outgoing = kept;
        }
    }
}
