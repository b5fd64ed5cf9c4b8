//! When shards are given publishes that expire and when they put them out, for the oracle.

use ringmq_codec::{Packet, PacketType, Property, frame};
use ringmq_router::{ConnectionId, ShardId};

use crate::oracle::parse;
use crate::socket::{Place, SocketId};
use crate::world::World;

impl World {
    /// A shard is about to be given that many bytes of a connection.
    pub(crate) fn note_given(&mut self, socket: SocketId, len: usize) {
        let held = &mut self.sockets[socket.0 as usize];
        held.given += len;
        while let Some((_, message, secs)) =
            held.expiring.pop_front_if(|(end, ..)| *end <= held.given)
        {
            self.oracle.taking(message, secs);
            held.unread.push(message);
        }
    }

    /// What was given to a connection that is read has been read.
    pub(crate) fn note_read(&mut self, socket: SocketId) {
        let held = &mut self.sockets[socket.0 as usize];
        if held.paused || matches!(held.place, Place::Moving(_)) {
            return;
        }
        for message in held.unread.drain(..) {
            self.oracle.taken(message);
        }
    }

    /// Looks at the publishes of a frame that a shard puts out.
    pub(crate) fn check_expiry(&mut self, shard: ShardId, bytes: &[u8], targets: &[ConnectionId]) {
        let node = &self.nodes[usize::from(shard.0)];
        let Some(socket) = targets.first().and_then(|target| node.holder(*target)) else {
            return;
        };
        let attempt = self.socket(socket).attempt;
        let version = self.oracle.attempts[attempt.0 as usize].version;
        let mut at = 0;
        while let Ok(Some(raw)) = frame::split(&bytes[at..], u32::MAX) {
            at += raw.length;
            if raw.header.packet_type != PacketType::Publish {
                continue;
            }
            let Ok(Packet::Publish(publish)) = Packet::decode(raw, version) else {
                return;
            };
            let left = publish
                .properties
                .iter()
                .find_map(|property| match property {
                    Property::MessageExpirySecs(secs) => Some(secs),
                    _ => None,
                });
            if let Some(message) = parse(publish.payload) {
                self.oracle.put_out(message, left, publish.dup);
            }
        }
    }
}
