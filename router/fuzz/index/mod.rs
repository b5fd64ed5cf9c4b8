//! What must hold of the subscription index whatever is subscribed and looked up in whatever order: it
//! finds the sessions that a flat list and the [`reference`] find, each once.
//!
//! The fuzz target and the replay of its corpus call [`check`]. The bytes are a list of actions of a few
//! bytes each; filters and topics are put together from few levels, so that they meet.

#[path = "../reference.rs"]
mod reference;

use std::collections::BTreeSet;

use ringmq_codec::{TopicFilter, TopicName};
use ringmq_router::bench::BenchIndex;

/// Levels of topics, and the first of filters. Long ones share a beginning.
const LEVELS: [&str; 8] = [
    "a",
    "b",
    "",
    "$a",
    "é",
    "a level of more than sixteen bytes",
    "a level of more than sixteen bites",
    "c",
];

/// Levels of a filter, which may be wildcards besides.
const FILTER_LEVELS: u8 = 12;

/// Most levels of a filter or a topic.
const LEVELS_MAX: u8 = 6;

/// The index and the list it must agree with.
struct Pair {
    index: BenchIndex,
    list: BTreeSet<(String, u32)>,
    found: Vec<u32>,
}

/// What is left of the input.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    /// The next byte; zero at the end.
    fn next(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }

    fn levels(&mut self, choices: u8) -> String {
        let count = 1 + self.next() % LEVELS_MAX;
        let levels: Vec<&str> = (0..count)
            .map(|_| match self.next() % choices {
                place @ 0..8 => LEVELS[usize::from(place)],
                8..11 => "+",
                _ => "#",
            })
            .collect();
        levels.join("/")
    }
}

impl Pair {
    fn subscribe(&mut self, text: String, session: u32) {
        if let Some(filter) = TopicFilter::new(&text) {
            self.index.subscribe(filter, session);
            self.list.insert((text, session));
        }
    }

    fn unsubscribe(&mut self, text: String, session: u32) {
        if let Some(filter) = TopicFilter::new(&text) {
            self.index.unsubscribe(filter, session);
            self.list.remove(&(text, session));
        }
    }

    /// Looks the topic up several times: its matches are remembered from the second time on.
    fn find(&mut self, text: &str) {
        let Some(topic) = TopicName::new(text) else {
            return;
        };
        let matching = self.list.iter();
        let expected: BTreeSet<u32> = matching
            .filter(|(filter, _)| reference::matches(filter, text))
            .map(|(_, session)| *session)
            .collect();
        for _ in 0..3 {
            self.found.clear();
            self.index.sessions(topic, &mut self.found);
            self.found.sort_unstable();
            assert!(
                self.found.iter().eq(expected.iter()),
                "{text:?}: found {:?}, expected {expected:?} of {:?}",
                self.found,
                self.list
            );
        }
    }
}

/// Does what the bytes say, then takes everything away.
pub(crate) fn check(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut pair = Pair {
        index: BenchIndex::new(u64::from(bytes.next())),
        list: BTreeSet::new(),
        found: Vec::new(),
    };
    while !bytes.0.is_empty() {
        let action = bytes.next();
        let session = u32::from(action >> 4);
        match action % 8 {
            0..3 => pair.subscribe(bytes.levels(FILTER_LEVELS), session),
            3 => pair.unsubscribe(bytes.levels(FILTER_LEVELS), session),
            4 => {
                // One that is there, so that filters do end.
                let place = usize::from(bytes.next()) % pair.list.len().max(1);
                if let Some((text, session)) = pair.list.iter().nth(place).cloned() {
                    pair.unsubscribe(text, session);
                }
            }
            _ => pair.find(&bytes.levels(LEVELS.len() as u8)),
        }
    }
    for (text, session) in std::mem::take(&mut pair.list) {
        pair.unsubscribe(text, session);
    }
    assert_eq!(pair.index.subscriptions(), 0, "subscriptions are left");
}
