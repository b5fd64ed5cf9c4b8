//! AUTH, and the wait of a CONNECT for its verdict: from the question to the CONNACK, and the exchanges of
//! connected clients.
//!
//! ```text
//!             CONNECT                     Allow
//! (awaiting) ---------> [question open] ---------> (connected) <--------------.
//!                          |      ^                    | AUTH 0x19            |
//!                 Continue |      | AUTH 0x18          v                      |
//!                          v      |              [question open] --Allow------'
//!                       [client's turn]             |      ^
//!                                          Continue v      | AUTH 0x18
//!                                             [client's turn]
//! ```
//!
//! A refusal ends the connection from anywhere. A CONNECT that waits is not read on; a connected client
//! goes on as before until its exchange is over. [v5 4.12.1]

use ringmq_codec::packet::{Auth, Connect};
use ringmq_codec::{
    Packet, Properties, PropertiesBuffer, Property, RawPacket, ReasonCode, Version, frame,
};

use crate::connack::Wishes;
use crate::connection::{Connection, Exchange, Pauses, Phase, Stage};
use crate::{
    Authentication, Claim, CloseReason, ConnectionId, Grant, Output, Outputs, Password, Shard,
    Verdict,
};

impl Shard {
    /// Puts the CONNECT aside and asks for a verdict. Nothing more is read of a stranger than it takes to
    /// judge him.
    pub(crate) fn ask_about_connect(
        &mut self,
        id: ConnectionId,
        connect: &Connect<'_>,
        bytes: &[u8],
        outputs: &mut Outputs,
    ) {
        let connection = self.connections.get_mut(id).expect("parse has looked");
        let claim = claim(connect, connection);
        let (method, data) = method_and_data(connect.properties);
        connection.phase = Phase::Authenticating;
        connection.set_exchange(Box::new(Exchange {
            connect: bytes.into(),
            method: method.map(Into::into),
            stage: Stage::Judged,
        }));
        let authentication = match method {
            None => Authentication::Password(claim),
            Some(method) => Authentication::Exchange {
                claim,
                method: method.into(),
                data: data.into(),
            },
        };
        self.pause(id, Pauses::VERDICT, outputs);
        ask(id, authentication, outputs);
    }

    /// The answer to the question that is open.
    pub(crate) fn on_authenticated(
        &mut self,
        id: ConnectionId,
        verdict: Verdict,
        outputs: &mut Outputs,
    ) {
        // The connection may be gone, or the answer one too many.
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some(exchange) = connection.exchange() else {
            return;
        };
        if !matches!(exchange.stage, Stage::Judged) {
            return;
        }
        let is_waiting = connection.phase == Phase::Authenticating;
        let has_method = exchange.method.is_some();
        if is_waiting && !matches!(verdict, Verdict::Deny(_)) {
            self.unpause(id, Pauses::VERDICT);
        }
        let acted = match verdict {
            Verdict::Allow(grant) if is_waiting => return self.admit(id, grant, outputs),
            Verdict::Allow(Grant { data, memory }) => {
                self.go_to(id, Stage::Over(memory));
                self.send_auth(id, ReasonCode::Success, &data, outputs)
            }
            // Who named no method is sent no AUTH. [v5 MQTT-4.12.0-6]
            Verdict::Continue { .. } if !has_method => Err(CloseReason::Refused(
                ReasonCode::ImplementationSpecificError,
            )),
            Verdict::Continue { data, memory } => {
                self.go_to(id, Stage::Client(memory));
                // [v5 MQTT-4.12.0-2]
                self.send_auth(id, ReasonCode::ContinueAuthentication, &data, outputs)
            }
            Verdict::Deny(reason) => Err(self.deny(is_waiting, reason)),
        };
        if let Err(reason) = acted {
            self.refuse_and_close(id, reason, outputs);
        }
    }

    /// Counts a refusal. A DISCONNECT cannot tell all that a CONNACK can. [v5 3.14.2.1]
    fn deny(&mut self, is_waiting: bool, reason: ReasonCode) -> CloseReason {
        match reason {
            ReasonCode::QuotaExceeded => self.stats.authentications_overloaded_total += 1,
            _ => self.stats.authentications_denied_total += 1,
        }
        CloseReason::Refused(match reason {
            ReasonCode::BadUserNameOrPassword | ReasonCode::Banned if !is_waiting => {
                ReasonCode::NotAuthorized
            }
            reason => reason,
        })
    }

    /// Lets the client of a CONNECT in that was put aside.
    fn admit(&mut self, id: ConnectionId, grant: Grant, outputs: &mut Outputs) {
        let connection = self.connections.get_mut(id).expect("the caller has looked");
        let mut exchange = connection.take_exchange().expect("the caller has looked");
        let bytes = std::mem::take(&mut exchange.connect);
        let method = exchange.method.clone();
        if method.is_some() {
            exchange.stage = Stage::Over(grant.memory);
            connection.set_exchange(exchange);
        }
        let connect = decode_connect(&bytes);
        let authentication = method.as_deref().map(|method| (method, &*grant.data));
        if let Err(reason) = self.accept(id, &connect, authentication, outputs) {
            self.close(id, reason, outputs);
        }
    }

    /// A packet of a client whose CONNECT waits for more from it: AUTH, or DISCONNECT.
    /// [v5 MQTT-3.1.2-30]
    pub(crate) fn on_packet_before_connack(
        &mut self,
        id: ConnectionId,
        raw: RawPacket<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        self.stats.packets_received_total += 1;
        let handled = match Packet::decode(raw, Version::V5) {
            Ok(Packet::Auth(auth)) => self.on_auth(id, auth, outputs),
            Ok(Packet::Disconnect(_)) => return Err(CloseReason::ClientDisconnected),
            Ok(_) => Err(CloseReason::Refused(ReasonCode::ProtocolError)),
            Err(error) => Err(CloseReason::Malformed(error)),
        };
        if let Err(CloseReason::Refused(reason)) = handled {
            self.refuse(id, reason, outputs);
        } else if let Err(CloseReason::Malformed(error)) = handled {
            self.refuse(id, error.reason(), outputs);
        }
        handled
    }

    /// The client's word in an exchange, or the first word of another one. The method stays that of the
    /// CONNECT, and without one there is no AUTH. [v5 MQTT-4.12.0-5] [v5 MQTT-4.12.0-7] [v5 MQTT-4.12.1-1]
    pub(crate) fn on_auth(
        &mut self,
        id: ConnectionId,
        auth: Auth<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        const OUT_OF_ORDER: CloseReason = CloseReason::Refused(ReasonCode::ProtocolError);
        let connection = self.connections.get_mut(id).expect("parse has looked");
        let is_waiting = connection.phase == Phase::Authenticating;
        let exchange = connection.exchange_mut().ok_or(OUT_OF_ORDER)?;
        let (method, data) = method_and_data(auth.properties);
        if method.is_none() || method != exchange.method.as_deref() {
            return Err(OUT_OF_ORDER);
        }
        let (method, data) = (method.unwrap_or_default().into(), data.into());
        let authentication = match (
            auth.reason,
            std::mem::replace(&mut exchange.stage, Stage::Judged),
        ) {
            // [v5 MQTT-4.12.0-3]
            (ReasonCode::ContinueAuthentication, Stage::Client(memory)) => {
                Authentication::Step { data, memory }
            }
            (ReasonCode::ReAuthenticate, Stage::Over(memory)) => Authentication::Again {
                method,
                data,
                memory,
            },
            // The connection ends here, so the stage is nobody's any more.
            _ => return Err(OUT_OF_ORDER),
        };
        if is_waiting {
            self.pause(id, Pauses::VERDICT, outputs);
        }
        ask(id, authentication, outputs);
        Ok(())
    }

    /// Sends AUTH, unless the client takes no packets as long. [v5 MQTT-3.1.2-24]
    fn send_auth(
        &mut self,
        id: ConnectionId,
        reason: ReasonCode,
        data: &[u8],
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let connection = self.connections.get(id).expect("the caller has looked");
        let exchange = connection.exchange();
        let method = exchange.and_then(|exchange| exchange.method.as_deref());
        let packet_size_max = match connection.phase {
            Phase::Connected(session) => self.sessions.hot(session).packet_size_max,
            _ => exchange.map_or(u32::MAX, |exchange| {
                Wishes::of(decode_connect(&exchange.connect).properties).packet_size_max
            }),
        };
        let mut properties = PropertiesBuffer::new();
        // [v5 MQTT-4.12.0-5]
        properties.push(Property::AuthenticationMethod(method.unwrap_or_default()));
        if !data.is_empty() {
            properties.push(Property::AuthenticationData(data));
        }
        let auth = Packet::Auth(Auth {
            reason,
            properties: properties.as_properties(),
        });
        let mut bytes = Vec::new();
        auth.encode(Version::V5, &mut bytes);
        if bytes.len() > packet_size_max as usize {
            return Err(CloseReason::Refused(ReasonCode::PacketTooLarge));
        }
        self.send(id, &auth, outputs);
        Ok(())
    }

    /// Ends a connection that was refused, with a CONNACK if it waits for one.
    /// [v5 MQTT-4.12.0-4] [v5 MQTT-4.12.1-2]
    fn refuse_and_close(&mut self, id: ConnectionId, reason: CloseReason, outputs: &mut Outputs) {
        let is_waiting = |it: &Connection| it.phase == Phase::Authenticating;
        if let CloseReason::Refused(code) = reason
            && self.connections.get(id).is_some_and(is_waiting)
        {
            self.refuse(id, code, outputs);
        }
        self.close(id, reason, outputs);
    }

    fn go_to(&mut self, id: ConnectionId, stage: Stage) {
        let connection = self.connections.get_mut(id);
        if let Some(exchange) = connection.and_then(Connection::exchange_mut) {
            exchange.stage = stage;
        }
    }
}

fn ask(connection: ConnectionId, authentication: Authentication, outputs: &mut Outputs) {
    outputs.list.push(Output::Authenticate {
        connection,
        authentication: Box::new(authentication),
    });
}

fn claim(connect: &Connect<'_>, connection: &Connection) -> Claim {
    Claim {
        client_id: connect.client_id.into(),
        user_name: connect.user_name.map(Into::into),
        password: connect.password.map(|bytes| Password(bytes.into())),
        peer: connection.peer(),
        listener: connection.listener,
    }
}

fn method_and_data(properties: Properties<'_>) -> (Option<&str>, &[u8]) {
    let (mut method, mut data) = (None, &[][..]);
    for property in properties.iter() {
        match property {
            Property::AuthenticationMethod(it) => method = Some(it),
            Property::AuthenticationData(it) => data = it,
            _ => {}
        }
    }
    (method, data)
}

/// A CONNECT that was put aside.
fn decode_connect(bytes: &[u8]) -> Connect<'_> {
    let raw = frame::split(bytes, frame::PACKET_SIZE_MAX);
    let raw = raw.ok().flatten().expect("it was put aside whole");
    match Packet::decode(raw, Version::V5) {
        Ok(Packet::Connect(connect)) => connect,
        _ => unreachable!("it was decoded before it was put aside"),
    }
}
