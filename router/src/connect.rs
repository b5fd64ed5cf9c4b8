//! CONNECT: who may come in, on which shard it lives, and with which session it goes on.
//!
//! The accepting shard decodes the CONNECT, and passes the connection on with every byte received when the
//! client lives elsewhere. Otherwise the CONNECT is judged (outside, if so set), an older connection of
//! the same client is closed, and CONNACK leaves before anything else.

use ringmq_codec::{
    DecodeError, Packet, PacketType, Property, RawPacket, ReasonCode, Version,
    packet::{self, Connect},
};

use crate::alarm::{Alarm, deadline};
use crate::connack::{Granted, Wishes, keep_alive_granted};
use crate::connection::Phase;
use crate::ids::SessionIndex;
use crate::link::Handover;
use crate::publish::levels;
use crate::session::Flag;
use crate::topic_alias::SentAliases;
use crate::will::Will;
use crate::{
    AuthenticationMode, CloseReason, ConnectionId, LogEvent, Output, Outputs, Settings, Shard,
};

impl Shard {
    /// A packet of a connection whose CONNECT was not accepted yet; `received` is all that came so far.
    /// [v5 MQTT-3.1.0-1] [v3.1.1 MQTT-3.1.0-1]
    pub(crate) fn on_first_packet(
        &mut self,
        id: ConnectionId,
        raw: RawPacket<'_>,
        received: &[u8],
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        if raw.header.packet_type != PacketType::Connect {
            return Err(CloseReason::Refused(ReasonCode::ProtocolError));
        }
        let connect = match Packet::decode(raw, Version::V311) {
            Ok(Packet::Connect(connect)) => connect,
            Ok(_) => return Err(CloseReason::Refused(ReasonCode::ProtocolError)),
            Err(error) => {
                self.refuse_malformed(id, raw, error, outputs);
                return Err(CloseReason::Malformed(error));
            }
        };
        let connection = self.connections.get_mut(id).expect("parse has looked");
        connection.version = connect.version;
        let wishes = Wishes::of(connect.properties);
        connection.packet_size_max = wishes.packet_size_max;
        connection.wants_problem_information = wishes.problem_information;
        let checked = if self.stopping {
            Err(self.stopping_reason(ReasonCode::ServerUnavailable))
        } else {
            check(&connect, &self.settings)
        };
        if let Err(reason) = checked {
            self.refuse(id, reason, outputs);
            return Err(CloseReason::Refused(reason));
        }
        let home = self.placement.home_of_client(connect.client_id);
        if !connect.client_id.is_empty() && home != self.id {
            self.hand_over(id, home, received, outputs);
            return Ok(());
        }
        self.stats.packets_received_total += 1;
        if self.settings.authentication == AuthenticationMode::External {
            self.ask_about_connect(id, &connect, &received[..raw.length], outputs);
            return Ok(());
        }
        self.accept(id, &connect, None, outputs)
    }

    /// A CONNACK for what is no CONNECT, where the version that the peer speaks can be told.
    fn refuse_malformed(
        &mut self,
        id: ConnectionId,
        raw: RawPacket<'_>,
        error: DecodeError,
        outputs: &mut Outputs,
    ) {
        if raw.body.starts_with(b"\x00\x04MQTT\x05") {
            let connection = self.connections.get_mut(id).expect("parse has looked");
            connection.version = Version::V5;
            self.refuse(id, error.reason(), outputs);
        } else if let DecodeError::ProtocolLevel(_) = error {
            // In the form of v3, return code 0x01. [v3.1.1 MQTT-3.1.2-2]
            self.refuse(id, error.reason(), outputs);
        }
    }

    fn hand_over(
        &mut self,
        id: ConnectionId,
        to: crate::ShardId,
        received: &[u8],
        outputs: &mut Outputs,
    ) {
        let connection = self.connections.remove(id).expect("parse has looked");
        self.stats.handed_over_total += 1;
        outputs.list.push(Output::HandOver {
            connection: id,
            to,
            handover: Box::new(Handover {
                listener: connection.listener,
                peer: connection.peer(),
                bytes: received.into(),
            }),
        });
    }

    /// Lets the client in; with the Authentication Method and Data for its CONNACK, if it named a method.
    pub(crate) fn accept(
        &mut self,
        id: ConnectionId,
        connect: &Connect<'_>,
        authentication: Option<(&str, &[u8])>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let assigned = connect
            .client_id
            .is_empty()
            .then(|| self.assign_client_id());
        let mut granted = Granted {
            assigned: assigned.as_deref(),
            session_present: false,
            authentication,
        };
        if !self.connack_fits(connect, granted) {
            let reason = ReasonCode::PacketTooLarge;
            self.refuse(id, reason, outputs);
            return Err(CloseReason::Refused(reason));
        }
        let client_id = assigned.as_deref().unwrap_or(connect.client_id);
        self.take_over(client_id, outputs);
        let (index, session_present) = match self.open_session(client_id, connect, outputs) {
            Ok(opened) => opened,
            Err(reason) => {
                self.refuse(id, reason, outputs);
                return Err(CloseReason::Refused(reason));
            }
        };
        self.join(id, index, connect);
        self.stats.connects_accepted_total += 1;
        outputs.list.push(Output::Established { connection: id });
        granted.session_present = session_present;
        self.send_connack(id, connect, granted, outputs);
        outputs.list.push(Output::Log(LogEvent::Connected {
            client_id: client_id.into(),
            peer: self.connections.get(id).expect("just joined").peer(),
            version: connect.version,
            session_present,
        }));
        if session_present {
            self.resume(index, outputs);
        }
        Ok(())
    }

    /// A new name that lives on this shard. [v5 MQTT-3.1.3-6]
    fn assign_client_id(&mut self) -> Box<str> {
        loop {
            let id = format!("auto-{:016x}", self.random.next());
            if self.placement.home_of_client(&id) == self.id && self.sessions.find(&id).is_none() {
                return id.into();
            }
        }
    }

    /// Closes the client's older connection. [v5 MQTT-3.1.4-3] [v3.1.1 MQTT-3.1.4-2]
    fn take_over(&mut self, client_id: &str, outputs: &mut Outputs) {
        let older = self
            .sessions
            .find(client_id)
            .and_then(|index| self.sessions.hot(index).live_connection());
        if let Some(older) = older {
            self.stats.takeovers_total += 1;
            self.close(older, CloseReason::TakenOver, outputs);
        }
    }

    /// The session the client goes on with, or a new one; and whether it went on.
    fn open_session(
        &mut self,
        client_id: &str,
        connect: &Connect<'_>,
        outputs: &mut Outputs,
    ) -> Result<(SessionIndex, bool), ReasonCode> {
        if let Some(index) = self.sessions.find(client_id) {
            if !connect.clean_start {
                return Ok((index, true));
            }
            self.end_session(index, outputs);
        }
        if self.sessions.len() >= u64::from(self.settings.sessions_max) {
            return Err(ReasonCode::QuotaExceeded);
        }
        Ok((self.sessions.create(client_id), false))
    }

    /// Joins connection and session under the terms of this CONNECT.
    fn join(&mut self, id: ConnectionId, index: SessionIndex, connect: &Connect<'_>) {
        let wishes = Wishes::of(connect.properties);
        let keep_alive_secs = keep_alive_granted(connect, &self.settings);
        let connection = self.connections.get_mut(id).expect("parse has looked");
        connection.phase = Phase::Connected(index);
        connection.keep_alive_secs = keep_alive_secs;
        connection.receive_max = self.settings.receive_max;
        connection.topic_aliases_max = self.settings.topic_aliases_received_max;
        connection.active = self.now;
        self.watch_connection(id);
        self.sessions
            .attach(index, id, connect.version, wishes.packet_size_max);
        self.set_member_connected(index, true);
        let session = self.sessions.get_mut(index);
        session.window_max = self.settings.inflight_max.clamp(1, wishes.receive_maximum);
        session.expiry_secs = wishes.session_expiry_granted(connect, &self.settings);
        let aliases_max = wishes
            .topic_alias_maximum
            .min(self.settings.topic_aliases_sent_max);
        // [v5 MQTT-3.1.2-26] [v5 MQTT-3.1.2-27]
        if aliases_max > 0 {
            session.set_sent_aliases(Some(Box::new(SentAliases::new(aliases_max))));
            self.sessions.hot_mut(index).set(Flag::Aliases, true);
        }
        let session = self.sessions.get_mut(index);
        // A will of an earlier connection that is still delayed is not sent any more. [v5 MQTT-3.1.3-9]
        session.replace_will(connect.will.as_ref().map(|will| Box::new(Will::new(will))));
    }

    /// Sends what the earlier connection did not get or acknowledge, then what was queued.
    fn resume(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        self.stats.resumes_total += 1;
        let has_in_flight = self
            .sessions
            .get(index)
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.has_unsent());
        if has_in_flight {
            self.stats.resumes_inflight_total += 1;
        }
        self.drain_session(index, outputs);
    }

    /// Has the connection looked at when it may have been silent for too long.
    pub(crate) fn watch_connection(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(id)
            && let Some(deadline) = deadline(connection, self.now, &self.settings)
        {
            self.alarms.set(Alarm::Connection(id.index), deadline);
        }
    }
}

/// What can be refused without looking at any state.
fn check(connect: &Connect<'_>, settings: &Settings) -> Result<(), ReasonCode> {
    let names_none = connect.client_id.is_empty();
    let may_name_none = match connect.version {
        Version::V31 => false,
        // [v3.1.1 MQTT-3.1.3-8]
        Version::V311 => connect.clean_start,
        Version::V5 => true,
    };
    let is_too_long = connect.client_id.len() > usize::from(settings.client_id_bytes_max);
    if names_none && !may_name_none || is_too_long {
        return Err(ReasonCode::ClientIdentifierNotValid);
    }
    let names_method = Wishes::of(connect.properties).names_authentication_method;
    // [v5 MQTT-4.12.0-1]
    if names_method && settings.authentication == AuthenticationMode::Anonymous {
        return Err(ReasonCode::BadAuthenticationMethod);
    }
    match &connect.will {
        Some(will) => check_will(will, settings),
        None => Ok(()),
    }
}

/// What a will may be refused for: it is to be published as any message of its client.
fn check_will(will: &packet::Will<'_>, settings: &Settings) -> Result<(), ReasonCode> {
    if levels(will.topic.as_str()) > usize::from(settings.topic_levels_max) {
        return Err(ReasonCode::TopicNameInvalid);
    }
    let is_text = |property| property == Property::PayloadFormatIndicator(true);
    let is_checked = settings.validate_payload_format && will.properties.iter().any(is_text);
    if is_checked && std::str::from_utf8(will.payload).is_err() {
        // [v5 3.1.3.2.3]
        return Err(ReasonCode::PayloadFormatInvalid);
    }
    Ok(())
}
