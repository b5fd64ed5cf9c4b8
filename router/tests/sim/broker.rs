//! The broker's side of the world: ticks, and the inputs that shards take in them.
//! The outputs themselves are acted on in `outputs`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ringmq_router::{ConnectionId, Input, ListenerId, ShardId};

use crate::describe::{describe_input, describe_output};
use crate::node::Pending;
use crate::oracle::Ended;
use crate::socket::{Place, SocketId};
use crate::world::{Event, World};

/// Simulated time between two `Timer` inputs, microseconds: less than the router allows.
const TIMER_EVERY: u64 = 900_000;

impl World {
    /// Adds an input to those that wait for a shard.
    pub(crate) fn give(&mut self, shard: ShardId, pending: Pending) {
        let came = (self.now, pending);
        self.nodes[usize::from(shard.0)].waiting.push_back(came);
        self.wake(shard);
    }

    pub(crate) fn wake(&mut self, shard: ShardId) {
        let node = &mut self.nodes[usize::from(shard.0)];
        if std::mem::replace(&mut node.scheduled, true) {
            return;
        }
        let slow = self.plan.slow_shard == Some(shard.0);
        let mean = self.plan.activation_delay * if slow { 20 } else { 1 };
        let at = self.now.plus(1 + self.network.around(mean));
        self.schedule(at, Event::Activate(shard));
    }

    /// One tick of a shard.
    pub(crate) fn activate(&mut self, shard: ShardId) {
        self.nodes[usize::from(shard.0)].scheduled = false;
        let inputs = 1 + self.network.below(self.plan.inputs_per_tick);
        for _ in 0..inputs {
            let is_behind = self.is_behind(shard);
            let node = &mut self.nodes[usize::from(shard.0)];
            let Some(pending) = node.next(is_behind) else {
                break;
            };
            self.handle_pending(shard, pending);
            if self.oracle.violation.is_some() {
                return;
            }
        }
        self.handle(shard, Input::EndOfTick);
        self.flush(shard);
        let is_behind = self.is_behind(shard);
        let node = &self.nodes[usize::from(shard.0)];
        let may_take = !node.waiting.is_empty() && !is_behind;
        if !node.urgent.is_empty() || may_take || !node.shard.is_idle() {
            self.wake(shard);
        }
    }

    fn peer(socket: SocketId) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::from(0x0A00_0000 + socket.0), 40_000))
    }

    /// The socket with that address.
    pub(crate) fn socket_of(peer: SocketAddr) -> SocketId {
        match peer.ip() {
            IpAddr::V4(address) => SocketId(u32::from(address) - 0x0A00_0000),
            IpAddr::V6(_) => SocketId(u32::MAX),
        }
    }

    /// The connection a socket is on this shard, if it still is.
    fn connection(&self, shard: ShardId, socket: SocketId) -> Option<ConnectionId> {
        match self.sockets[socket.0 as usize].place {
            Place::Shard(at, connection) if at == shard => Some(connection),
            _ => None,
        }
    }

    fn handle_pending(&mut self, shard: ShardId, pending: Pending) {
        match pending {
            Pending::Timer => {
                self.note_unread(shard);
                let read_until = self.read_until(shard).millis();
                self.handle(shard, Input::Timer { read_until });
            }
            Pending::LinkFull(to) => self.handle_counted(shard, Input::LinkFull { to }),
            Pending::LinkReady(to) => self.handle_counted(shard, Input::LinkReady { to }),
            Pending::Link(from) => self.handle_link(shard, from),
            Pending::Authenticated(socket, connection, verdict) => {
                self.handle_verdict(shard, socket, connection, verdict);
            }
            Pending::Durable(up_to) => self.handle_durable(shard, up_to),
            Pending::Command(command) => self.handle_command(shard, command),
            Pending::Settings(settings) => {
                self.nodes[usize::from(shard.0)].settings = Arc::clone(&settings);
                self.handle_counted(shard, Input::Settings(settings));
            }
            Pending::Shutdown => self.handle_shutdown(shard),
            Pending::Opened(socket)
            | Pending::HandedOver(socket, _)
            | Pending::Received(socket, _)
            | Pending::Closed(socket, _)
            | Pending::Blocked(socket)
            | Pending::Ready(socket) => {
                if let Some(connection) = self.connection(shard, socket) {
                    self.handle_connection(shard, socket, connection, pending);
                }
            }
        }
    }

    fn handle_connection(
        &mut self,
        shard: ShardId,
        socket: SocketId,
        connection: ConnectionId,
        pending: Pending,
    ) {
        match pending {
            Pending::Opened(_) => {
                let opened = Input::Opened {
                    connection,
                    listener: ListenerId(0),
                    peer: World::peer(socket),
                };
                self.handle_counted(shard, opened);
                self.schedule_upstream(socket);
            }
            Pending::HandedOver(_, handover) => {
                let handed = Input::HandedOver {
                    connection,
                    handover,
                };
                self.handle_counted(shard, handed);
                self.note_read(socket);
                self.schedule_upstream(socket);
            }
            Pending::Received(_, len) => {
                let now = self.now;
                let held = self.socket(socket);
                held.last_given = now;
                held.arrived -= len;
                let bytes: Vec<u8> = held.upstream.drain(..len).collect();
                self.note_given(socket, len);
                let received = Input::Received {
                    connection,
                    bytes: &bytes,
                };
                self.handle_counted(shard, received);
                self.note_read(socket);
            }
            Pending::Closed(_, cause) => {
                let attempt = self.socket(socket).attempt;
                self.socket(socket).place = Place::Gone;
                self.oracle.ended(attempt, Ended::ByPeer(cause));
                self.handle_counted(shard, Input::Closed { connection, cause });
                self.nodes[usize::from(shard.0)].free(connection);
            }
            Pending::Blocked(_) => self.handle_counted(shard, Input::SendBlocked { connection }),
            Pending::Ready(_) => self.handle_counted(shard, Input::SendReady { connection }),
            _ => {}
        }
    }

    pub(crate) fn handle_counted(&mut self, shard: ShardId, input: Input<'_>) {
        self.events += 1;
        self.handle(shard, input);
    }

    /// Gives one input to a shard and does what follows from it.
    fn handle(&mut self, shard: ShardId, input: Input<'_>) {
        self.trace.mix(self.now.0 << 8 | u64::from(shard.0));
        let now = self.now;
        if let Input::Received { bytes, .. } = &input {
            self.trace.mix_bytes(bytes);
        }
        if !matches!(input, Input::EndOfTick | Input::Timer { .. }) {
            self.trace.line(now, || {
                format!("shard {} <- {}", shard.0, describe_input(&input))
            });
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.clear();
        self.nodes[usize::from(shard.0)]
            .shard
            .handle(now.millis(), input, &mut outputs);
        let mut list = std::mem::take(&mut outputs.list);
        self.note_presence(shard, &outputs, &list);
        for output in list.drain(..) {
            self.trace.line(now, || {
                format!(
                    "shard {} -> {}",
                    shard.0,
                    describe_output(&output, &outputs)
                )
            });
            self.apply(shard, output, &outputs);
        }
        outputs.list = list;
        self.outputs = outputs;
    }

    /// A handed-over connection reaches its shard.
    pub(crate) fn arrive(&mut self, socket: SocketId) {
        let held = self.socket(socket);
        let (Place::Moving(to), Some(handover)) = (held.place, held.handover.take()) else {
            return;
        };
        if self.turn_away(socket, to) {
            return;
        }
        let connection = self.nodes[usize::from(to.0)].allocate(socket);
        self.socket(socket).place = Place::Shard(to, connection);
        self.socket(socket).last_given = self.now;
        self.give(to, Pending::HandedOver(socket, handover));
    }

    /// A connection reaches its listener.
    pub(crate) fn accept(&mut self, socket: SocketId, shard: ShardId) {
        if self.turn_away(socket, shard) {
            return;
        }
        let connection = self.nodes[usize::from(shard.0)].allocate(socket);
        self.socket(socket).place = Place::Shard(shard, connection);
        self.socket(socket).last_given = self.now;
        self.give(shard, Pending::Opened(socket));
    }

    /// A shard's clock ticks.
    pub(crate) fn timer(&mut self, shard: ShardId) {
        self.fall_behind(shard);
        self.nodes[usize::from(shard.0)]
            .urgent
            .push_back(Pending::Timer);
        self.wake(shard);
        let at = self.now.plus(TIMER_EVERY);
        self.schedule(at, Event::Timer(shard));
    }

    /// The end of a tick: what was put out goes to the sockets.
    fn flush(&mut self, shard: ShardId) {
        let dirty = std::mem::take(&mut self.nodes[usize::from(shard.0)].dirty);
        for socket in &dirty {
            self.flush_socket(*socket);
        }
        let mut dirty = dirty;
        dirty.clear();
        self.nodes[usize::from(shard.0)].dirty = dirty;
    }

    pub(crate) fn flush_socket(&mut self, socket: SocketId) {
        let capacity = self.plan.socket_capacity;
        let held = self.socket(socket);
        let empty = held.flush(capacity);
        if !empty && !held.blocked {
            held.blocked = true;
            if let Place::Shard(shard, _) = held.place {
                self.coverage.hit("socket blocked");
                self.give(shard, Pending::Blocked(socket));
            }
        }
        self.schedule_downstream(socket);
    }

    /// The client has read something: more fits.
    pub(crate) fn refill(&mut self, socket: SocketId) {
        let capacity = self.plan.socket_capacity;
        let held = self.socket(socket);
        if held.flush(capacity) && held.blocked {
            held.blocked = false;
            if let Place::Shard(shard, _) = held.place {
                self.give(shard, Pending::Ready(socket));
            }
        }
    }
}
