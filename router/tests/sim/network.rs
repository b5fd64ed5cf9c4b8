//! The network between clients and listeners: delays, splits, coalescing, resets, half-open connections,
//! readers that stall. Bytes of one connection and direction never change their order.

use ringmq_router::{CloseCause, ShardId};

use crate::client::{ClientIndex, Phase};
use crate::node::Pending;
use crate::oracle::{AttemptId, Rule};
use crate::socket::{ClientEnd, Judgement, Place, Socket, SocketId};
use crate::world::{Event, World};

/// When the network gives up a connection whose client says nothing, seconds.
const GIVE_UP_SECS: u32 = 20;

/// How a client's connection is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Everything under way is lost from some byte on.
    Reset,
    /// The client closes after what it wrote.
    Fin,
    /// The client is gone and nobody says so.
    Silence,
    /// The client has made another connection and reads this one no more.
    Ghost,
}

impl World {
    /// A new socket of a client, to be accepted by some shard.
    pub(crate) fn open_socket(&mut self, client: ClientIndex) -> SocketId {
        let socket = SocketId(self.sockets.len() as u32);
        let attempt = AttemptId(self.oracle.attempts.len() as u32);
        self.sockets.push(Socket::new(client, attempt));
        let shard = ShardId(self.network.below(u64::from(self.plan.shards)) as u8);
        let delay = 1 + self.network.around(self.plan.network_delay);
        let at = self.now.plus(delay);
        self.schedule(at, Event::Accept(socket, shard));
        socket
    }

    /// Moves what a client has written to its socket.
    pub(crate) fn write(&mut self, client: ClientIndex) {
        let index = usize::from(client.0);
        let Some(socket) = self.clients[index].socket else {
            return;
        };
        if let Some((due, _)) = self.clients[index].replies.front().copied() {
            self.schedule_replies(client, due);
        }
        if self.clients[index].out.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.clients[index].out);
        self.clients[index].last_written = self.now;
        let expiring = std::mem::take(&mut self.clients[index].expiring);
        if self.sockets[socket.0 as usize].is_open() {
            let held = self.socket(socket);
            let absolute = |(end, message, secs)| (held.written + end, message, secs);
            held.expiring.extend(expiring.into_iter().map(absolute));
            held.written += bytes.len();
            held.upstream.extend_from_slice(&bytes);
            self.schedule_upstream(socket);
        }
    }

    fn schedule_replies(&mut self, client: ClientIndex, due: crate::time::Time) {
        let held = &mut self.clients[usize::from(client.0)];
        if held.replies_at.is_none_or(|at| due < at) {
            held.replies_at = Some(due);
            self.schedule(due, Event::Replies(client));
        }
    }

    /// A client's acknowledgements are due.
    pub(crate) fn replies(&mut self, client: ClientIndex) {
        self.clients[usize::from(client.0)].replies_at = None;
        if self.clients[usize::from(client.0)].phase == Phase::Online {
            self.with_client(client, |client, context| {
                client.write_replies(context.now);
            });
        }
    }

    /// Lets bytes for the broker arrive after a while.
    pub(crate) fn schedule_upstream(&mut self, socket: SocketId) {
        let held = &self.sockets[socket.0 as usize];
        let something =
            held.upstream.len() > held.arrived || (held.upstream_end.is_some() && !held.end_given);
        let reads = matches!(held.place, Place::Shard(..)) && !held.paused;
        if !something || !reads || held.upstream_scheduled {
            return;
        }
        self.socket(socket).upstream_scheduled = true;
        let at = self
            .now
            .plus(1 + self.network.around(self.plan.network_delay));
        self.schedule(at, Event::Upstream(socket));
    }

    /// Bytes reach the broker.
    pub(crate) fn upstream(&mut self, socket: SocketId) {
        self.socket(socket).upstream_scheduled = false;
        let held = &self.sockets[socket.0 as usize];
        let Place::Shard(shard, _) = held.place else {
            return;
        };
        if held.paused {
            return;
        }
        let there = held.upstream.len() - held.arrived;
        if there > 0 {
            let len = match self.network.chance(self.plan.split) {
                true => 1 + self.network.below(there as u64) as usize,
                false => there,
            };
            let now = self.now;
            let held = self.socket(socket);
            held.arrived += len;
            held.last_arrived = now;
            self.give(shard, Pending::Received(socket, len));
        } else if let Some(cause) = held.upstream_end
            && !held.end_given
        {
            self.socket(socket).end_given = true;
            self.give(shard, Pending::Closed(socket, cause));
        }
        self.schedule_upstream(socket);
    }

    /// Lets bytes for the client arrive after a while.
    pub(crate) fn schedule_downstream(&mut self, socket: SocketId) {
        let held = &self.sockets[socket.0 as usize];
        let something = !held.downstream.is_empty() || held.place == Place::Gone;
        if !something || held.downstream_scheduled {
            return;
        }
        self.socket(socket).downstream_scheduled = true;
        let at = self
            .now
            .plus(1 + self.network.around(self.plan.network_delay));
        let at = at.max(self.sockets[socket.0 as usize].stalled_until);
        self.schedule(at, Event::Downstream(socket));
    }

    /// Bytes reach the client, or the end of them.
    pub(crate) fn downstream(&mut self, socket: SocketId) {
        self.socket(socket).downstream_scheduled = false;
        let split = self.network.chance(self.plan.split);
        let now = self.now;
        let held = self.socket(socket);
        match held.client_end {
            ClientEnd::Closed => {
                held.downstream.clear();
                held.outbox.clear();
                return;
            }
            ClientEnd::Silent => return,
            ClientEnd::Open | ClientEnd::Ghost => {}
        }
        if held.stalled_until > now {
            self.schedule_downstream(socket);
            return;
        }
        let there = held.downstream.len();
        if there == 0 {
            if held.place == Place::Gone && held.outbox.is_empty() {
                self.closed_by_broker(socket);
            }
            return;
        }
        let len = if split {
            1 + self.network.below(there as u64) as usize
        } else {
            there
        };
        let held = self.socket(socket);
        let bytes: Vec<u8> = held.downstream.drain(..len).collect();
        let (client, open) = (held.client, held.is_open());
        self.refill(socket);
        if open {
            self.with_client(client, |client, context| client.read(context, &bytes));
        }
        self.schedule_downstream(socket);
    }

    /// The client reads the end of the stream.
    fn closed_by_broker(&mut self, socket: SocketId) {
        let held = self.socket(socket);
        let was_open = held.is_open();
        held.client_end = ClientEnd::Closed;
        let (client, attempt) = (held.client, held.attempt);
        if was_open {
            self.oracle.end_received(attempt);
            self.clients[usize::from(client.0)].disconnected();
            self.plan_reconnect(client);
        }
    }

    /// Takes a client's connection away.
    pub(crate) fn lose(&mut self, client: ClientIndex, loss: Loss) {
        let Some(socket) = self.clients[usize::from(client.0)].socket else {
            return;
        };
        self.clients[usize::from(client.0)].disconnected();
        self.end_socket(socket, loss);
        self.plan_reconnect(client);
    }

    fn end_socket(&mut self, socket: SocketId, loss: Loss) {
        let held = &self.sockets[socket.0 as usize];
        let lost = held.upstream.len() - held.arrived;
        let kept = held.arrived + self.faults.below(lost as u64 + 1) as usize;
        let held = self.socket(socket);
        match loss {
            Loss::Reset => {
                let cut = kept < held.upstream.len();
                held.upstream.truncate(kept);
                held.upstream_end = Some(CloseCause::Reset);
                held.client_end = ClientEnd::Closed;
                held.downstream.clear();
                self.coverage.hit("reset");
                if cut {
                    self.coverage.hit("cut inside a packet");
                }
            }
            Loss::Fin => {
                held.upstream_end = Some(CloseCause::PeerClosed);
                held.client_end = ClientEnd::Closed;
                held.downstream.clear();
            }
            Loss::Silence => {
                held.client_end = ClientEnd::Silent;
                self.coverage.hit("half-open connection");
            }
            Loss::Ghost => held.client_end = ClientEnd::Ghost,
        }
        if matches!(loss, Loss::Silence | Loss::Ghost) && !self.ends_by_itself(socket) {
            let at = self.now.plus_secs(GIVE_UP_SECS);
            self.schedule(at, Event::GiveUp(socket));
        }
        self.schedule_upstream(socket);
        self.schedule_downstream(socket);
    }

    /// Whether the broker must end a connection that its client has left without a word.
    pub(crate) fn ends_by_itself(&self, socket: SocketId) -> bool {
        let held = &self.sockets[socket.0 as usize];
        let attempt = &self.oracle.attempts[held.attempt.0 as usize];
        match held.client_end {
            ClientEnd::Silent => matches!(attempt.keep_alive_secs, 1..60),
            // One that was never accepted has taken nothing over and is not taken over.
            ClientEnd::Ghost => {
                attempt.established.is_some() && !attempt.client_id.starts_with("assigned-")
            }
            ClientEnd::Open | ClientEnd::Closed => true,
        }
    }

    /// The network gives a silent client up.
    pub(crate) fn give_up(&mut self, socket: SocketId) {
        let held = self.socket(socket);
        if held.at_broker() && !held.is_open() && held.upstream_end.is_none() {
            held.upstream_end = Some(CloseCause::Reset);
            held.client_end = ClientEnd::Closed;
            held.paused = false;
            self.schedule_upstream(socket);
        }
    }

    /// Silent connections and those that were taken over must be gone when all is quiet.
    pub(crate) fn check_sockets(&mut self) {
        for index in 0..self.sockets.len() {
            let held = &self.sockets[index];
            // One that waits for its judgement is not read; its time ends it.
            let unread = held.judgement == Judgement::Withheld;
            if held.place == Place::Gone || held.is_open() || unread {
                continue;
            }
            let attempt = &self.oracle.attempts[held.attempt.0 as usize];
            let rule = match held.client_end {
                ClientEnd::Ghost => Rule::TakeOver,
                _ => Rule::KeepAlive,
            };
            let detail = format!(
                "the broker still has {:?} of {:?} at {:?}, established {:?}, keep-alive {} s",
                held.client_end,
                attempt.client_id,
                held.place,
                attempt.established,
                attempt.keep_alive_secs
            );
            self.fail(rule, detail);
            return;
        }
    }
}
