//! The subscribers of one filter: inline while there is one, a list with the sessions' positions beyond.

use std::slice;

use super::Subscriber;
use crate::ids::SessionIndex;
use crate::keyed_list::{Keyed, KeyedList};

/// At least one subscriber, each session once.
#[derive(Debug)]
pub(super) enum Subscribers {
    One(Subscriber),
    Many(Box<KeyedList<Subscriber>>),
}

impl Keyed for Subscriber {
    fn key(&self) -> u32 {
        self.session.0
    }
}

impl Subscribers {
    pub(super) fn as_slice(&self) -> &[Subscriber] {
        match self {
            Subscribers::One(subscriber) => slice::from_ref(subscriber),
            Subscribers::Many(many) => many.as_slice(),
        }
    }

    pub(super) fn contains(&self, session: SessionIndex) -> bool {
        match self {
            Subscribers::One(one) => one.session == session,
            Subscribers::Many(many) => many.position(session.0).is_some(),
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
                let many = KeyedList::of_two(*one, subscriber);
                *self = Subscribers::Many(Box::new(many));
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
        let was_there = many.remove(session.0);
        debug_assert!(was_there, "a subscriber of the filter");
        if let [last] = *many.as_slice() {
            *self = Subscribers::One(last);
        }
    }

    /// Memory beyond the value itself, bytes.
    pub(super) fn heap_bytes(&self) -> u64 {
        match self {
            Subscribers::One(_) => 0,
            Subscribers::Many(many) => {
                size_of::<KeyedList<Subscriber>>() as u64 + many.heap_bytes()
            }
        }
    }
}
