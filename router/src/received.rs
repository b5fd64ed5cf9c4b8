//! Received bytes to packets: framing, bytes that wait, and the stop of a connection that must not be
//! read on.
//!
//! Bytes are parsed where they lie unless earlier ones wait. Nothing here knows what a packet means.

use ringmq_codec::packet::ShortAck;
use ringmq_codec::{Packet, PacketType, RawPacket, ReasonCode, Version, frame};

use crate::connection::Phase;
use crate::ids::SessionIndex;
use crate::puback::Publisher;
use crate::session::Flag;
use crate::{CloseReason, ConnectionId, Outputs, Shard, Wait};

impl Shard {
    /// Takes in bytes from a peer.
    pub(crate) fn on_received(&mut self, id: ConnectionId, bytes: &[u8], outputs: &mut Outputs) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        self.stats.bytes_received_total += bytes.len() as u64;
        if connection.buffer.is_some() || connection.is_stopped() {
            connection.keep(bytes);
            self.parse_buffer(id, outputs);
            return;
        }
        let used = self.parse(id, bytes, outputs);
        if used < bytes.len()
            && let Some(connection) = self.connections.get_mut(id)
        {
            connection.keep(&bytes[used..]);
        }
    }

    /// Parses what waits in the connection's buffer, as far as it may be read.
    pub(crate) fn parse_buffer(&mut self, id: ConnectionId, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let Some(mut stash) = connection.buffer.take() else {
            return;
        };
        let used = self.parse(id, &stash.bytes, outputs);
        if used < stash.bytes.len()
            && let Some(connection) = self.connections.get_mut(id)
        {
            stash.bytes.drain(..used);
            connection.buffer = Some(stash);
        }
    }

    /// Handles the whole packets at the start of `bytes` until the connection must wait or is gone.
    /// Returns how many bytes are done with.
    fn parse(&mut self, id: ConnectionId, bytes: &[u8], outputs: &mut Outputs) -> usize {
        let mut used = 0;
        while used < bytes.len() {
            let Some(connection) = self.connections.get_mut(id) else {
                return bytes.len();
            };
            if connection.is_stopped() {
                return used;
            }
            let rest = &bytes[used..];
            if let Phase::Connected(session) = connection.phase
                && let Some(ack) = ShortAck::at(rest)
            {
                used += ShortAck::LEN;
                connection.active = self.now;
                self.stats.packets_received_total += 1;
                if let Err(reason) = self.on_short_ack(id, session, ack, outputs) {
                    self.close(id, reason, outputs);
                    return bytes.len();
                }
                continue;
            }
            let handled = match frame::split(rest, self.settings.packet_size_max) {
                Ok(None) => return used,
                Ok(Some(raw)) => {
                    used += raw.length;
                    match connection.phase {
                        Phase::Connected(session) => {
                            let client = Publisher {
                                connection: id,
                                session,
                            };
                            connection.active = self.now;
                            self.stats.packets_received_total += 1;
                            let version = connection.version;
                            match raw.header.packet_type {
                                PacketType::Publish => self
                                    .on_publish(client, (raw, rest), version, outputs)
                                    .map(|more| used += more),
                                PacketType::PingReq if raw.length == 2 => {
                                    self.on_pingreq(client, outputs);
                                    Ok(())
                                }
                                _ => self.on_packet(client, raw, version, outputs),
                            }
                        }
                        Phase::AwaitingConnect => self.on_first_packet(id, raw, rest, outputs),
                        Phase::Authenticating => self.on_packet_before_connack(id, raw, outputs),
                    }
                }
                Err(error) => Err(CloseReason::Malformed(error)),
            };
            if let Err(reason) = handled {
                self.close(id, reason, outputs);
                return bytes.len();
            }
        }
        used
    }

    /// A packet other than PUBLISH of a client whose CONNECT was accepted.
    fn on_packet(
        &mut self,
        client: Publisher,
        raw: RawPacket<'_>,
        version: Version,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let Publisher {
            connection: id,
            session,
        } = client;
        if raw.header.packet_type == PacketType::Connect {
            // A second CONNECT, whatever is in it. [v5 MQTT-3.1.0-2] [v3.1.1 MQTT-3.1.0-2]
            return Err(CloseReason::Refused(ReasonCode::ProtocolError));
        }
        match Packet::decode(raw, version).map_err(CloseReason::Malformed)? {
            Packet::PubAck(ack) => self.on_puback(session, ack.packet_id, outputs),
            Packet::PubRec(ack) => self.on_pubrec(session, ack.packet_id, ack.reason, outputs),
            Packet::PubRel(ack) => self.on_pubrel(id, session, ack.packet_id, outputs),
            Packet::PubComp(ack) => self.on_pubcomp(session, ack.packet_id, outputs),
            Packet::Subscribe(subscribe) => self.on_subscribe(id, session, subscribe, outputs),
            Packet::Unsubscribe(unsubscribe) => {
                self.on_unsubscribe(id, session, unsubscribe, outputs)
            }
            // One whose length has needless bytes, which only v5 forbids.
            Packet::PingReq => {
                self.on_pingreq(client, outputs);
                Ok(())
            }
            Packet::Disconnect(disconnect) => self.on_disconnect(id, session, disconnect, outputs),
            Packet::Auth(auth) => self.on_auth(id, auth, outputs),
            // Handled above, and what only a server may send.
            Packet::Connect(_)
            | Packet::Publish(_)
            | Packet::ConnAck(_)
            | Packet::SubAck(_)
            | Packet::UnsubAck(_)
            | Packet::PingResp => Err(CloseReason::Refused(ReasonCode::ProtocolError)),
        }
    }

    /// Sends one packet that is encoded already to the session's connection, if it has one.
    #[inline]
    pub(crate) fn reply<const LEN: usize>(
        &mut self,
        index: SessionIndex,
        packet: &[u8; LEN],
        wait: Wait,
        outputs: &mut Outputs,
    ) {
        let hot = *self.sessions.hot(index);
        if !hot.is(Flag::Connected) {
            return;
        }
        let start = outputs.bytes.len();
        outputs.bytes.extend_from_slice(packet);
        outputs.send_in_time(start, hot.connection, wait);
        self.stats.packets_sent_total += 1;
        self.stats.bytes_sent_total += LEN as u64;
        if hot.is(Flag::Blocked) {
            self.pause_for_replies(hot.connection, LEN as u32, outputs);
        }
    }

    /// Sends one packet to a connection, in its version.
    pub(crate) fn send(&mut self, to: ConnectionId, packet: &Packet<'_>, outputs: &mut Outputs) {
        if let Some(connection) = self.connections.get(to) {
            let (version, session) = (connection.version, connection.session());
            let len = self.delivery(outputs).send_packet(to, version, packet);
            if session.is_some_and(|session| self.sessions.hot(session).is(Flag::Blocked)) {
                self.pause_for_replies(to, len, outputs);
            }
        }
    }
}
