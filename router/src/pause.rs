//! Backpressure: when a connection is not read any more, and when it is again.
//!
//! A publisher pauses after a publish towards a shard whose ring is full, and while too many of its
//! publishes wait for acceptance; so does a client that does not take the answers to what it sends. What was received meanwhile waits unparsed. A paused connection owes no
//! keep-alive.

use crate::connection::{Connection, Pauses};
use crate::limits::{BLOCKED_REPLY_BYTES_MAX, GATE_ENTRIES_MAX, RESUMES_PER_INPUT};
use crate::placement::bit;
use crate::{ConnectionId, Output, Outputs, Shard, ShardId};

impl Shard {
    /// Stops reading from the connection.
    pub(crate) fn pause(&mut self, id: ConnectionId, pause: Pauses, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.pauses.insert(pause);
        if !connection.pause_is_out {
            connection.pause_is_out = true;
            self.stats.pauses_total += 1;
            outputs.list.push(Output::Pause { connection: id });
        }
    }

    /// Takes back one reason to pause. Reading goes on at the end of this input or of one of the next, if no
    /// other is left.
    pub(crate) fn unpause(&mut self, id: ConnectionId, pause: Pauses) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        if connection.pauses.contains(pause) {
            connection.pauses.remove(pause);
            // The bound on a CONNECT counts from the opening, whatever it waited for.
            if connection.session().is_some() {
                connection.active = now;
            }
            self.resuming.push_back(id);
        }
    }

    /// Parses what waits on the connections that were released, then has them read again; a bounded number
    /// of them per input.
    pub(crate) fn resume_reading(&mut self, outputs: &mut Outputs) {
        for _ in 0..RESUMES_PER_INPUT {
            let Some(id) = self.resuming.pop_front() else {
                return;
            };
            self.resume_one(id, outputs);
        }
    }

    fn resume_one(&mut self, id: ConnectionId, outputs: &mut Outputs) {
        let is_stopped = |it: &Connection| it.is_stopped();
        if self.connections.get(id).is_none_or(is_stopped) {
            return;
        }
        self.parse_buffer(id, outputs);
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.is_stopped()
            && connection.pause_is_out
        {
            connection.pause_is_out = false;
            outputs.list.push(Output::Resume { connection: id });
        }
    }

    /// The ring towards a shard is full.
    pub(crate) fn on_link_full(&mut self, to: ShardId) {
        self.stats.links_full_total += 1;
        self.links.set_full(to, true);
    }

    /// The ring towards a shard has room again.
    pub(crate) fn on_link_ready(&mut self, to: ShardId) {
        self.links.set_full(to, false);
        for id in self.links.take_paused(to) {
            self.unpause(id, Pauses::LINK);
        }
    }

    /// Pauses the publisher if a message of it went where the ring is full.
    pub(crate) fn pause_for_links(
        &mut self,
        id: ConnectionId,
        sent_to: u64,
        outputs: &mut Outputs,
    ) {
        let full = self.links.full() & sent_to;
        if full != 0 {
            let first = ShardId(full.trailing_zeros() as u8);
            debug_assert_ne!(full & bit(first), 0);
            self.links.add_paused(first, id);
            self.pause(id, Pauses::LINK, outputs);
        }
    }

    /// Pauses a connection whose peer asks on and on and does not take the answers.
    pub(crate) fn pause_for_replies(&mut self, id: ConnectionId, len: u32, outputs: &mut Outputs) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        connection.reply_bytes = connection.reply_bytes.saturating_add(len);
        if connection.reply_bytes > BLOCKED_REPLY_BYTES_MAX {
            self.pause(id, Pauses::REPLIES, outputs);
        }
    }

    /// The peer takes its answers again.
    pub(crate) fn unpause_for_replies(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.reply_bytes = 0;
        }
        self.unpause(id, Pauses::REPLIES);
    }

    /// Pauses the publisher if its gate is full.
    pub(crate) fn pause_for_gate(
        &mut self,
        id: ConnectionId,
        waiting: usize,
        outputs: &mut Outputs,
    ) {
        if waiting >= GATE_ENTRIES_MAX as usize {
            self.pause(id, Pauses::GATE, outputs);
        }
    }

    /// Lets the publisher go on once half of its gate is free.
    pub(crate) fn unpause_for_gate(&mut self, id: ConnectionId, waiting: usize) {
        if waiting <= GATE_ENTRIES_MAX as usize / 2 {
            self.unpause(id, Pauses::GATE);
        }
    }
}
