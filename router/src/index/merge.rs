//! Merges the subscriber lists of several filters that match one topic: each session once, with the
//! options of all its matching subscriptions merged.
//!
//! The subscription identifiers of a session's matching subscriptions are gathered in a table beside the
//! list, which is empty when nobody named any.

use super::Subscriber;
use crate::subscription_identifier::IdentifierList;

/// The merged list and what making it needs; kept between topics.
#[derive(Debug, Default)]
pub(super) struct Merge {
    merged: Vec<Subscriber>,
    /// By session: the round it was met in last, and its place in `merged`.
    met: Vec<(u32, u32)>,
    round: u32,
    /// Places in `merged` with an identifier each, in the order they were met.
    named: Vec<(u32, u32)>,
    identifiers: IdentifierTable,
}

/// The identifiers of a merged list; a subscriber of it names its own by place, from 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentifierTable {
    identifiers: Vec<u32>,
    /// By place - 1: one past the last of its identifiers.
    ends: Vec<u32>,
}

impl Merge {
    pub(super) fn merged(&self) -> &[Subscriber] {
        &self.merged
    }

    /// The identifiers of the subscribers, if some have any.
    pub(super) fn identifiers(&self) -> Option<&IdentifierTable> {
        (!self.named.is_empty()).then_some(&self.identifiers)
    }

    /// Begins a new list.
    pub(super) fn begin(&mut self) {
        self.merged.clear();
        self.named.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.met.fill((0, 0));
            self.round = 1;
        }
    }

    /// Adds a filter's subscribers.
    pub(super) fn add(&mut self, subscribers: &[Subscriber]) {
        for &subscriber in subscribers {
            let session = subscriber.session.0 as usize;
            if session >= self.met.len() {
                self.met.resize(session + 1, (0, 0));
            }
            let met = &mut self.met[session];
            if met.0 == self.round {
                let options = &mut self.merged[met.1 as usize].options;
                *options = options.merge(subscriber.options);
            } else {
                *met = (self.round, self.merged.len() as u32);
                let options = subscriber.options.with_identifier(0);
                self.merged.push(Subscriber {
                    options,
                    ..subscriber
                });
            }
            let identifier = subscriber.options.identifier();
            if identifier != 0 {
                self.named.push((met.1, identifier));
            }
        }
    }

    /// Ends the list: whoever has identifiers is told their place in the table.
    pub(super) fn finish(&mut self) {
        let IdentifierTable { identifiers, ends } = &mut self.identifiers;
        identifiers.clear();
        ends.clear();
        self.named.sort_unstable();
        for group in self.named.chunk_by(|a, b| a.0 == b.0) {
            identifiers.extend(group.iter().map(|&(_, identifier)| identifier));
            ends.push(identifiers.len() as u32);
            let options = &mut self.merged[group[0].0 as usize].options;
            *options = options.with_identifier(ends.len() as u32);
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        let merged = self.merged.capacity() * size_of::<Subscriber>();
        let lists = (self.met.capacity() + self.named.capacity()) * size_of::<(u32, u32)>();
        (merged + lists + self.identifiers.bytes()) as u64
    }
}

impl IdentifierTable {
    /// The identifiers at a place; none at 0.
    pub(super) fn list(&self, place: u32) -> IdentifierList<'_> {
        let Some(at) = (place as usize).checked_sub(1) else {
            return IdentifierList::None;
        };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        match &self.identifiers[start as usize..self.ends[at] as usize] {
            [only] => IdentifierList::One(*only),
            several => IdentifierList::Several(several),
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> usize {
        (self.identifiers.capacity() + self.ends.capacity()) * size_of::<u32>()
    }
}
