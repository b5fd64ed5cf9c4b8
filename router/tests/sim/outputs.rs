//! What follows from a shard's outputs: bytes to sockets, closed and moved connections, messages to other
//! shards. It does what the product's core does, and checks that the router keeps its side of the contract.

use ringmq_codec::{Packet, Property, Version, frame};
use ringmq_router::link::Handover;
use ringmq_router::{
    CloseReason, ConnectionId, FrameRange, LogEvent, Output, Outputs, ShardId, TargetRange,
};

use crate::oracle::{Ended, Rule};
use crate::socket::{Place, SocketId};
use crate::time::SECOND;
use crate::world::{Event, World};

impl World {
    /// Whether the session goes on, for the oracle: as the CONNACK says, and for v3.1, whose CONNACK says
    /// nothing, as the log says.
    pub(crate) fn note_presence(&mut self, shard: ShardId, outputs: &Outputs, list: &[Output]) {
        for output in list {
            match output {
                Output::Send { frame, targets, .. } => {
                    let bytes = outputs.frame(*frame);
                    if bytes.first() != Some(&0x20) {
                        continue;
                    }
                    for target in outputs.receivers(*targets) {
                        if let Some(socket) = self.nodes[usize::from(shard.0)].holder(*target) {
                            self.note_connack(socket, bytes);
                        }
                    }
                }
                Output::Log(LogEvent::Connected {
                    peer,
                    version: Version::V31,
                    session_present,
                    ..
                }) => {
                    let socket = World::socket_of(*peer);
                    self.socket(socket).session_present = Some(*session_present);
                }
                _ => {}
            }
        }
    }

    fn note_connack(&mut self, socket: SocketId, bytes: &[u8]) {
        let attempt = self.socket(socket).attempt;
        let attempt = &mut self.oracle.attempts[attempt.0 as usize];
        let decoded = frame::split(bytes, u32::MAX)
            .ok()
            .flatten()
            .and_then(|raw| Packet::decode(raw, attempt.version).ok());
        let Some(Packet::ConnAck(connack)) = decoded else {
            self.fail(Rule::Protocol, format!("{bytes:02x?} is no CONNACK"));
            return;
        };
        for property in connack.properties.iter() {
            if let Property::ServerKeepAliveSecs(secs) = property {
                attempt.keep_alive_secs = secs;
                self.coverage.hit("server keep-alive");
            }
        }
        self.socket(socket).session_present = Some(connack.session_present);
    }

    /// Does one of the things a shard asked for.
    pub(crate) fn apply(&mut self, shard: ShardId, output: Output, outputs: &Outputs) {
        match output {
            Output::Send { frame, targets, .. } => self.send(shard, outputs, frame, targets),
            Output::Close { connection, reason } => self.close(shard, connection, reason),
            Output::Pause { connection } => {
                if let Some(socket) = self.holder(shard, connection, "Pause") {
                    let socket = self.socket(socket);
                    socket.paused = true;
                    socket.was_paused = true;
                }
            }
            Output::Resume { connection } => {
                if let Some(socket) = self.holder(shard, connection, "Resume") {
                    self.socket(socket).paused = false;
                    self.note_read(socket);
                    self.schedule_upstream(socket);
                }
            }
            Output::Established { connection } => self.established(shard, connection),
            Output::HandOver {
                connection,
                to,
                handover,
            } => self.hand_over(shard, connection, to, handover),
            Output::Link { to, message } => self.push(shard, to, message),
            Output::Authenticate {
                connection,
                authentication,
            } => self.ask(shard, connection, &authentication),
            Output::Append { position, record } => self.append(shard, position, outputs, record),
            Output::Answer { id, answer } => self.answered(id, &answer),
            Output::Log(_) => {}
        }
    }

    pub(crate) fn holder(
        &mut self,
        shard: ShardId,
        connection: ConnectionId,
        what: &str,
    ) -> Option<SocketId> {
        let socket = self.nodes[usize::from(shard.0)].holder(connection);
        let gone = socket.is_none_or(|socket| !self.sockets[socket.0 as usize].at_broker());
        if gone {
            let detail = format!(
                "shard {}: {what} for {connection:?}, which it does not have",
                shard.0
            );
            self.fail(Rule::Contract, detail);
            return None;
        }
        socket
    }

    fn send(&mut self, shard: ShardId, outputs: &Outputs, frame: FrameRange, targets: TargetRange) {
        let bytes = outputs.frame(frame);
        self.trace.mix_bytes(bytes);
        if self.plan.expiring > 0 {
            self.check_expiry(shard, bytes, outputs.receivers(targets));
        }
        for target in outputs.receivers(targets) {
            self.trace.mix(u64::from(target.index));
            let Some(socket) = self.holder(shard, *target, "Send") else {
                return;
            };
            let held = self.socket(socket);
            if held.outbox.is_empty() {
                self.nodes[usize::from(shard.0)].dirty.push(socket);
            }
            self.socket(socket).outbox.extend_from_slice(bytes);
        }
    }

    fn close(&mut self, shard: ShardId, connection: ConnectionId, reason: CloseReason) {
        let Some(socket) = self.holder(shard, connection, "Close") else {
            return;
        };
        let held = self.socket(socket);
        held.place = Place::Gone;
        let attempt = held.attempt;
        self.nodes[usize::from(shard.0)].free(connection);
        self.check_close(socket, reason);
        if reason == CloseReason::KeepAlive {
            self.check_silence(socket, shard);
        }
        if let CloseReason::Malformed(_) = reason {
            self.coverage.hit("malformed input");
        }
        self.oracle.ended(attempt, Ended::ByBroker(reason));
        self.flush_socket(socket);
        self.schedule_downstream(socket);
    }

    /// The client of a connection that is closed for its silence said nothing in 1.5 times the keep-alive, neither
    /// what the shard has read nor what waits to be read.
    fn check_silence(&mut self, socket: SocketId, shard: ShardId) {
        self.coverage.hit("keep-alive timeout");
        let held = &self.sockets[socket.0 as usize];
        let behind_until = self.oracle.behind_until[usize::from(shard.0)];
        let secs = u64::from(self.oracle.attempts[held.attempt.0 as usize].keep_alive_secs);
        let silent = self.now.since(held.last_given);
        let excused = held.was_paused || behind_until > held.last_given;
        let late = silent > secs * SECOND * 3 / 2 + 4 * SECOND && !excused;
        let spoke_after = held.last_arrived.since(held.last_given);
        // The router counts whole milliseconds.
        let spoke = held.arrived > 0 && spoke_after + 1_000 < secs * SECOND * 3 / 2;
        if secs == 0 || silent < secs * SECOND || late || spoke {
            let detail = format!(
                "closed after {silent} us, keep-alive {secs} s, {} bytes not read",
                held.arrived
            );
            self.fail(Rule::KeepAlive, detail);
        }
    }

    fn established(&mut self, shard: ShardId, connection: ConnectionId) {
        let Some(socket) = self.holder(shard, connection, "Established") else {
            return;
        };
        let attempt = self.socket(socket).attempt;
        let Some(present) = self.socket(socket).session_present else {
            self.fail(Rule::Contract, String::from("Established without CONNACK"));
            return;
        };
        if self.oracle.attempts[attempt.0 as usize]
            .established
            .is_some()
        {
            self.fail(Rule::Contract, String::from("Established twice"));
        }
        self.check_admitted(socket);
        let client_id = self.oracle.attempts[attempt.0 as usize].client_id.clone();
        let named = !client_id.starts_with("assigned-");
        if named
            && self.nodes[usize::from(shard.0)]
                .shard
                .home_of_client(&client_id)
                != shard
        {
            let detail = format!("{client_id:?} was accepted on shard {}", shard.0);
            self.fail(Rule::Contract, detail);
        }
        self.oracle.attempts[attempt.0 as usize].present = present;
        self.oracle.established(attempt, shard, present);
    }

    fn hand_over(
        &mut self,
        shard: ShardId,
        connection: ConnectionId,
        to: ShardId,
        handover: Box<Handover>,
    ) {
        let Some(socket) = self.holder(shard, connection, "HandOver") else {
            return;
        };
        self.nodes[usize::from(shard.0)].free(connection);
        let held = self.socket(socket);
        held.place = Place::Moving(to);
        if held.upstream.len() > held.arrived {
            self.coverage.hit("hand-over with more bytes on their way");
        }
        if self.link(shard, to).is_full() {
            self.coverage.hit("hand-over beside a full ring");
        }
        let held = self.socket(socket);
        // What waits for the old shard is given to the new one, after what the hand-over carries.
        held.arrived = 0;
        held.end_given = false;
        held.handover = Some(handover);
        held.paused = false;
        let delay = 1 + self.network.around(self.plan.link_delay);
        let at = self.now.plus(delay);
        self.schedule(at, Event::Arrive(socket));
    }
}
