//! The subscribers of one filter: inline while there is one, a flat array beyond, with the sessions'
//! positions in a table once looking through the array would cost more.

use std::slice;

use hashbrown::HashTable;

use super::Subscriber;
use crate::ids::SessionIndex;

/// Entries up to which the array is searched from the front.
const SEARCHED_MAX: usize = 32;

/// At least one subscriber, each session once.
#[derive(Debug)]
pub(super) enum Subscribers {
    One(Subscriber),
    Many(Box<Many>),
}

#[derive(Debug)]
pub(super) struct Many {
    entries: Vec<Subscriber>,
    /// Positions in `entries` by session; empty while there are at most [`SEARCHED_MAX`].
    positions: HashTable<u32>,
}

impl Subscribers {
    pub(super) fn as_slice(&self) -> &[Subscriber] {
        match self {
            Subscribers::One(subscriber) => slice::from_ref(subscriber),
            Subscribers::Many(many) => &many.entries,
        }
    }

    pub(super) fn contains(&self, session: SessionIndex) -> bool {
        match self {
            Subscribers::One(one) => one.session == session,
            Subscribers::Many(many) => many.position(session).is_some(),
        }
    }

    /// Adds the subscriber or replaces the session's entry; true when the session had one.
    pub(super) fn insert(&mut self, subscriber: Subscriber) -> bool {
        match self {
            Subscribers::One(one) if one.session == subscriber.session => {
                *one = subscriber;
                true
            }
            Subscribers::One(one) => {
                let entries = vec![*one, subscriber];
                *self = Subscribers::Many(Box::new(Many {
                    entries,
                    positions: HashTable::new(),
                }));
                false
            }
            Subscribers::Many(many) => many.insert(subscriber),
        }
    }

    /// Removes the session's entry, of which there must be another one.
    pub(super) fn remove(&mut self, session: SessionIndex) {
        let Subscribers::Many(many) = self else {
            unreachable!("the caller removes the filter with its only subscriber");
        };
        many.remove(session);
        if let [last] = many.entries[..] {
            *self = Subscribers::One(last);
        }
    }

    /// Memory beyond the value itself, bytes.
    pub(super) fn heap_bytes(&self) -> u64 {
        match self {
            Subscribers::One(_) => 0,
            Subscribers::Many(many) => {
                let entries = many.entries.capacity() * size_of::<Subscriber>();
                (size_of::<Many>() + entries + many.positions.allocation_size()) as u64
            }
        }
    }
}

impl Many {
    fn position(&self, session: SessionIndex) -> Option<usize> {
        if self.positions.is_empty() {
            return self
                .entries
                .iter()
                .position(|entry| entry.session == session);
        }
        let is_it = |&position: &u32| self.entries[position as usize].session == session;
        self.positions
            .find(hash_session(session), is_it)
            .map(|&position| position as usize)
    }

    fn insert(&mut self, subscriber: Subscriber) -> bool {
        if let Some(position) = self.position(subscriber.session) {
            self.entries[position] = subscriber;
            return true;
        }
        self.entries.push(subscriber);
        let indexed = if self.positions.is_empty() {
            0
        } else {
            self.entries.len() - 1
        };
        if self.entries.len() > SEARCHED_MAX {
            let Many { entries, positions } = self;
            for position in indexed..entries.len() {
                let session = entries[position].session;
                positions.insert_unique(hash_session(session), position as u32, |&other| {
                    hash_session(entries[other as usize].session)
                });
            }
        }
        false
    }

    fn remove(&mut self, session: SessionIndex) {
        let position = self.position(session).expect("a subscriber of the filter");
        let last = self.entries.len() - 1;
        let moved = self.entries[last].session;
        let Many { entries, positions } = self;
        if !positions.is_empty() {
            let hash = hash_session(session);
            if let Ok(found) = positions.find_entry(hash, |&other| other as usize == position) {
                found.remove();
            }
            if let Some(place) =
                positions.find_mut(hash_session(moved), |&other| other as usize == last)
            {
                *place = position as u32;
            }
        }
        entries.swap_remove(position);
        if entries.len() <= SEARCHED_MAX / 2 {
            *positions = HashTable::new();
        }
        if entries.capacity() > 8 && entries.len() < entries.capacity() / 4 {
            entries.shrink_to(entries.len() * 2);
            positions.shrink_to(positions.len() * 2, |&other| {
                hash_session(entries[other as usize].session)
            });
        }
    }
}

/// Session numbers are small and dense, and clients do not choose them: a multiplication spreads them.
fn hash_session(session: SessionIndex) -> u64 {
    u64::from(session.0).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
