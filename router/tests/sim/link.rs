//! The ring between an ordered pair of shards: bounded, first in first out, with a delay.
//!
//! When the ring is full the sender keeps what follows, in order, and is told so; it is told again when
//! all it kept is in the ring. Nothing is ever lost or overtaken within one link.

use std::collections::VecDeque;

use ringmq_router::link::LinkMessage;

use crate::time::Time;

/// What a push did to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is in the ring; the receiver can see it at this time.
    Ring(Time),
    /// The ring was full from this message on.
    Full,
    /// It waits behind others at the sender.
    Kept,
}

/// What a pop did to the link.
#[derive(Debug)]
pub(crate) struct Popped {
    /// The oldest message.
    pub(crate) message: LinkMessage,
    /// A message moved from the sender's side into the ring and can be seen at this time.
    pub(crate) refilled: Option<Time>,
    /// The sender keeps nothing any more.
    pub(crate) ready: bool,
}

/// One ring and what its sender keeps.
#[derive(Debug)]
pub(crate) struct Link {
    capacity: usize,
    ring: VecDeque<LinkMessage>,
    kept: VecDeque<LinkMessage>,
    last_visible: Time,
    full: bool,
}

impl Link {
    /// An empty ring of `capacity` messages.
    pub(crate) fn new(capacity: usize) -> Link {
        Link {
            capacity,
            ring: VecDeque::new(),
            kept: VecDeque::new(),
            last_visible: Time(0),
            full: false,
        }
    }

    fn visible(&mut self, at: Time) -> Time {
        self.last_visible = self.last_visible.max(at);
        self.last_visible
    }

    /// Appends a message that would be visible at `at` if nothing stood before it.
    pub(crate) fn push(&mut self, message: LinkMessage, at: Time) -> Pushed {
        if self.full || self.ring.len() >= self.capacity {
            self.kept.push_back(message);
            let was_full = std::mem::replace(&mut self.full, true);
            return if was_full { Pushed::Kept } else { Pushed::Full };
        }
        self.ring.push_back(message);
        Pushed::Ring(self.visible(at))
    }

    /// Takes the oldest message; `at` is when a message refilled behind it would be visible.
    pub(crate) fn pop(&mut self, at: Time) -> Option<Popped> {
        let message = self.ring.pop_front()?;
        let refilled = match self.kept.pop_front() {
            Some(next) => {
                self.ring.push_back(next);
                Some(self.visible(at))
            }
            None => None,
        };
        let ready = self.full && self.kept.is_empty() && self.ring.len() < self.capacity;
        if ready {
            self.full = false;
        }
        Some(Popped {
            message,
            refilled,
            ready,
        })
    }

    /// Whether the sender keeps messages.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Whether nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty() && self.kept.is_empty()
    }
}
