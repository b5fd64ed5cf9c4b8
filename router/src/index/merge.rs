//! Merges the subscriber lists of several filters that match one topic: each session once, with the
//! options of all its matching subscriptions merged.

use super::Subscriber;

/// The merged list and what making it needs; kept between topics.
#[derive(Debug, Default)]
pub(super) struct Merge {
    merged: Vec<Subscriber>,
    /// By session: the round it was met in last, and its place in `merged`.
    met: Vec<(u32, u32)>,
    round: u32,
}

impl Merge {
    pub(super) fn merged(&self) -> &[Subscriber] {
        &self.merged
    }

    /// Begins a new list.
    pub(super) fn begin(&mut self) {
        self.merged.clear();
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
                self.merged.push(subscriber);
            }
        }
    }

    /// Memory, bytes.
    pub(super) fn bytes(&self) -> u64 {
        let merged = self.merged.capacity() * size_of::<Subscriber>();
        (merged + self.met.capacity() * size_of::<(u32, u32)>()) as u64
    }
}
