//! Topics with a retained message that went live to a session while a replay for it was under way, so that
//! the replay does not follow with an older one.
//!
//! Delivery notes them, the replay looks. Bounded per session: beyond, the piece is asked for again.

use foldhash::fast::FixedState;

use crate::ids::SessionIndex;
use crate::limits::LIVE_TOPICS_MAX;
use crate::link::Fingerprint;

/// Topics with a retained message that went live to a session while a piece for it was under way.
#[derive(Debug)]
pub(crate) struct LiveTopics {
    by_session: hashbrown::HashMap<SessionIndex, Noted, FixedState>,
}

#[derive(Debug, Default)]
struct Noted {
    topics: hashbrown::HashSet<Fingerprint, FixedState>,
    /// There were more than may be noted: the piece must be asked for again.
    overflowed: bool,
}

impl LiveTopics {
    pub(crate) fn new(hash_seed: u64) -> LiveTopics {
        LiveTopics {
            by_session: hashbrown::HashMap::with_hasher(FixedState::with_seed(hash_seed)),
        }
    }

    /// A retained message of the topic goes live to the session.
    pub(crate) fn insert(&mut self, session: SessionIndex, topic: Fingerprint) {
        let noted = self.by_session.entry(session).or_default();
        if noted.topics.len() < LIVE_TOPICS_MAX as usize {
            noted.topics.insert(topic);
        } else {
            noted.overflowed = true;
        }
    }

    /// Whether a retained message of the topic has gone live to the session.
    pub(crate) fn contains(&self, session: SessionIndex, topic: Fingerprint) -> bool {
        let noted = self.by_session.get(&session);
        noted.is_some_and(|noted| noted.topics.contains(&topic))
    }

    /// Whether more went live than was noted.
    pub(crate) fn has_overflowed(&self, session: SessionIndex) -> bool {
        let noted = self.by_session.get(&session);
        noted.is_some_and(|noted| noted.overflowed)
    }

    /// A new piece begins, or all replays are over.
    pub(crate) fn forget(&mut self, session: SessionIndex) {
        self.by_session.remove(&session);
    }
}
