//! The table of a shard's sessions: by place, and by client identifier. The hot bytes of all of them lie side by
//! side.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use ringmq_codec::Version;

use crate::chunks::Chunks;
use crate::ids::SessionIndex;
use crate::session::{Flag, Hot, Session};
use crate::split_table::SplitTable;
use crate::{ConnectionId, Millis};

/// A session that may end before whoever holds this asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionId {
    pub(crate) index: SessionIndex,
    /// Different for each session there ever was.
    pub(crate) generation: u32,
}

const HELD: &str = "an index names a session until its end";

/// All sessions of a shard.
#[derive(Debug)]
pub(crate) struct Sessions {
    hot: Vec<Hot>,
    cold: Chunks<Session>,
    /// Places that were used before and are free.
    free: Vec<u32>,
    len: u64,
    by_client_id: SplitTable<SessionIndex>,
    hasher: FixedState,
    next_generation: u32,
    offline: u64,
}

impl Sessions {
    pub(crate) fn new(hash_seed: u64) -> Sessions {
        Sessions {
            hot: Vec::new(),
            cold: Chunks::default(),
            free: Vec::new(),
            len: 0,
            by_client_id: SplitTable::default(),
            hasher: FixedState::with_seed(hash_seed),
            next_generation: 0,
            offline: 0,
        }
    }

    /// The client's session.
    pub(crate) fn find(&self, client_id: &str) -> Option<SessionIndex> {
        let hash = hash_of(&self.hasher, client_id);
        let found = self
            .by_client_id
            .find(hash, |index| *self.get(*index).client_id == *client_id);
        found.copied()
    }

    /// A new session, without a connection, for a client that has none.
    pub(crate) fn create(&mut self, client_id: &str) -> SessionIndex {
        self.next_generation = self.next_generation.wrapping_add(1);
        let index = SessionIndex(self.free.pop().unwrap_or(self.hot.len() as u32));
        if self.hot.len() <= index.0 as usize {
            self.hot.push(Hot::AWAY);
        }
        self.cold
            .set(index.0, Session::new(client_id, self.next_generation));
        self.len += 1;
        self.offline += 1;
        let hash = hash_of(&self.hasher, client_id);
        self.by_client_id
            .insert_unique(hash, index, rehash(&self.hasher, &self.cold));
        index
    }

    /// Forgets a session that has no connection, and gives it back.
    pub(crate) fn remove(&mut self, index: SessionIndex) -> Session {
        debug_assert!(!self.hot(index).is(Flag::Connected));
        let session = self.cold.take(index.0).expect(HELD);
        self.free.push(index.0);
        self.len -= 1;
        let hash = hash_of(&self.hasher, &session.client_id);
        let rehash = rehash(&self.hasher, &self.cold);
        self.by_client_id.remove(hash, |it| *it == index, rehash);
        self.hot[index.0 as usize] = Hot::AWAY;
        self.offline -= 1;
        session
    }

    /// Joins the session and a connection.
    pub(crate) fn attach(
        &mut self,
        index: SessionIndex,
        connection: ConnectionId,
        version: Version,
        packet_size_max: u32,
    ) {
        let hot = &mut self.hot[index.0 as usize];
        hot.connection = connection;
        hot.version = version;
        hot.packet_size_max = packet_size_max;
        hot.set(Flag::Connected, true);
        hot.set(Flag::Blocked, false);
        self.offline -= 1;
    }

    /// Parts the session from its connection.
    pub(crate) fn detach(&mut self, index: SessionIndex, now: Millis) {
        let hot = &mut self.hot[index.0 as usize];
        hot.set(Flag::Connected, false);
        hot.set(Flag::Blocked, false);
        hot.set(Flag::Aliases, false);
        let session = self.get_mut(index);
        session.away_since = now;
        session.set_sent_aliases(None);
        self.offline += 1;
    }

    #[inline]
    pub(crate) fn hot(&self, index: SessionIndex) -> &Hot {
        &self.hot[index.0 as usize]
    }

    pub(crate) fn hot_mut(&mut self, index: SessionIndex) -> &mut Hot {
        &mut self.hot[index.0 as usize]
    }

    pub(crate) fn get(&self, index: SessionIndex) -> &Session {
        self.cold.get(index.0).expect(HELD)
    }

    pub(crate) fn get_mut(&mut self, index: SessionIndex) -> &mut Session {
        self.cold.get_mut(index.0).expect(HELD)
    }

    /// A name that stays good after the session's end.
    pub(crate) fn id(&self, index: SessionIndex) -> SessionId {
        SessionId {
            index,
            generation: self.get(index).generation,
        }
    }

    /// The session, unless it has ended.
    pub(crate) fn resolve(&self, id: SessionId) -> Option<SessionIndex> {
        let session = self.cold.get(id.index.0)?;
        (session.generation == id.generation).then_some(id.index)
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn offline(&self) -> u64 {
        self.offline
    }

    /// Places of the table, used or not.
    pub(crate) fn places(&self) -> u32 {
        self.hot.len() as u32
    }

    /// The session at a place, if there is one.
    pub(crate) fn at(&self, place: u32) -> Option<&Session> {
        self.cold.get(place)
    }

    /// Memory of the table itself, bytes.
    pub(crate) fn table_bytes(&self) -> u64 {
        let hot = (self.hot.capacity() * size_of::<Hot>()) as u64;
        let free = (self.free.capacity() * size_of::<u32>()) as u64;
        hot + free + self.cold.bytes() + self.by_client_id.bytes()
    }
}

fn hash_of(hasher: &FixedState, client_id: &str) -> u64 {
    hasher.hash_one(client_id)
}

/// Hashes a session that is held again, as the table of client identifiers grows or shrinks.
fn rehash(hasher: &FixedState, cold: &Chunks<Session>) -> impl Fn(&SessionIndex) -> u64 {
    |index| hash_of(hasher, &cold.get(index.0).expect(HELD).client_id)
}
