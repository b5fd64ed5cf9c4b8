//! Shards that do not get to read: their timers go on, and what arrives waits.

use ringmq_router::ShardId;

use crate::socket::SocketId;
use crate::time::{SECOND, Time};
use crate::world::{Event, World};

/// Longest time in which a shard does not get to what waits for it, microseconds.
const BEHIND_MAX: u64 = 6 * SECOND;

impl World {
    /// Whether the shard does not get to what waits for it.
    pub(crate) fn is_behind(&self, shard: ShardId) -> bool {
        self.now < self.oracle.behind_until[usize::from(shard.0)]
    }

    /// From now on no shard is.
    pub(crate) fn catch_up(&mut self) {
        for until in &mut self.oracle.behind_until {
            *until = self.now.min(*until);
        }
    }

    /// Counts clients that would be taken for silent ones if the shard went by its clock.
    pub(crate) fn note_unread(&mut self, shard: ShardId) {
        if !self.is_behind(shard) {
            return;
        }
        let is_spared = |socket: SocketId| {
            let held = &self.sockets[socket.0 as usize];
            let secs = u64::from(self.oracle.attempts[held.attempt.0 as usize].keep_alive_secs);
            let silent = self.now.since(held.last_given);
            held.arrived > 0 && secs > 0 && silent > secs * SECOND * 3 / 2
        };
        let holders = self.nodes[usize::from(shard.0)].holders();
        let spared = holders.filter(|socket| is_spared(*socket)).count();
        self.coverage
            .add("silent client whose bytes were not read yet", spared as u64);
    }

    /// Now and then a shard does not get to what waits for it for a while.
    pub(crate) fn fall_behind(&mut self, shard: ShardId) {
        if self.quiet || self.stopping || !self.faults.chance(self.plan.faults.behind) {
            return;
        }
        let until = self.now.plus(self.faults.below(BEHIND_MAX));
        self.oracle.behind_until[usize::from(shard.0)] = until;
        self.schedule(until, Event::Activate(shard));
    }

    /// Until when the shard has been given all that came.
    pub(crate) fn read_until(&self, shard: ShardId) -> Time {
        let first = self.nodes[usize::from(shard.0)].waiting.front();
        first.map_or(self.now, |(came, _)| *came)
    }
}
