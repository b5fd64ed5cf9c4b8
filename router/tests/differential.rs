//! The subscription index against the reference matcher on random pairs of filter and topic.
//!
//! A plain `cargo test` compares a few hundred thousand pairs; `scripts/differential` ten million. The
//! codec's own matcher is held to the same answers.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads its arguments and prints"
)]

#[path = "../fuzz/reference.rs"]
mod reference;

use ringmq_codec::{TopicFilter, TopicName};
use ringmq_router::bench::BenchIndex;

/// Pairs of a plain `cargo test`.
const PAIRS_BRIEF: u64 = 300_000;

/// Filters in the index at a time; each belongs to a session of its own.
const FILTERS: usize = 100;

/// Topics looked up before the filters change.
const TOPICS: usize = 100;

/// Levels that topics and filters are made of: few, so that they meet.
const LEVELS: [&str; 10] = [
    "a",
    "b",
    "c",
    "",
    "a",
    "b",
    "$SYS",
    "$a",
    "ü",
    "temperature",
];

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound) as usize
    }

    fn topic(&mut self) -> String {
        loop {
            let count = 1 + self.below(5);
            let levels: Vec<&str> = (0..count).map(|_| LEVELS[self.below(10)]).collect();
            let text = levels.join("/");
            if TopicName::new(&text).is_some() {
                return text;
            }
        }
    }

    /// Some filters are made of a topic's levels by wildcards, so that many match.
    fn filter(&mut self) -> String {
        let topic = self.topic();
        let mut levels: Vec<&str> = topic.split('/').collect();
        for level in &mut levels {
            if self.below(3) == 0 {
                *level = "+";
            }
        }
        if self.below(3) == 0 {
            levels.truncate(1 + self.below(levels.len() as u64));
            levels.push("#");
        }
        match levels[..] {
            [""] => String::from("#"),
            _ => levels.join("/"),
        }
    }
}

/// Compares all pairs of one round; returns how many matched.
fn compare(random: &mut Random, seed: u64) -> u64 {
    let mut index = BenchIndex::new(seed);
    let mut filters: Vec<String> = (0..FILTERS).map(|_| random.filter()).collect();
    for (session, text) in filters.iter().enumerate() {
        index.subscribe(valid(text), session as u32);
    }
    // A part of them is replaced, so that the index has also lost filters.
    for (session, text) in filters.iter_mut().enumerate().step_by(3) {
        index.unsubscribe(valid(text), session as u32);
        *text = random.filter();
        index.subscribe(valid(text), session as u32);
    }
    let mut matched = 0;
    let mut found = Vec::new();
    for _ in 0..TOPICS {
        let topic = random.topic();
        let name = TopicName::new(&topic).expect("only topics are drawn");
        found.clear();
        index.sessions(name, &mut found);
        found.sort_unstable();
        let mut found = found.iter().copied().peekable();
        for (session, text) in filters.iter().enumerate() {
            let expected = reference::matches(text, &topic);
            let is_found = found.next_if_eq(&(session as u32)).is_some();
            assert_eq!(is_found, expected, "the index: {text:?} and {topic:?}");
            assert_eq!(
                valid(text).matches(name),
                expected,
                "the codec: {text:?} and {topic:?}"
            );
            matched += u64::from(expected);
        }
        assert_eq!(found.next(), None, "a session twice for {topic:?}");
    }
    matched
}

fn valid(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).unwrap_or_else(|| panic!("{text:?} is no filter"))
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
fn the_index_agrees_with_the_reference() {
    let wanted = number("RINGMQ_DIFFERENTIAL_PAIRS").unwrap_or(PAIRS_BRIEF);
    let seed = number("RINGMQ_DIFFERENTIAL_SEED").unwrap_or(1);
    let mut random = Random(seed);
    let (mut pairs, mut matched) = (0, 0);
    while pairs < wanted {
        matched += compare(&mut random, seed);
        pairs += (FILTERS * TOPICS) as u64;
    }
    println!("differential: {pairs} pairs, {matched} of them match, seed {seed}, no difference");
    assert!(matched > pairs / 100, "only {matched} of {pairs} match");
}

#[test]
fn the_reference_knows_the_rules() {
    let cases = [
        ("a/#", "a", true),
        ("a/#", "a/b/c", true),
        ("#", "a//b", true),
        ("+/+", "/a", true),
        ("/+", "/a", true),
        ("+", "/a", false),
        ("a/+", "a", false),
        ("a/+", "a/", true),
        ("a/+/c", "a/b/c", true),
        ("a/b", "a/b/c", false),
        ("a/b/c", "a/b", false),
        ("#", "$SYS/x", false),
        ("+/x", "$SYS/x", false),
        ("$SYS/#", "$SYS/x", true),
        ("$SYS/+", "$SYS/x", true),
    ];
    for (filter, topic, expected) in cases {
        assert_eq!(
            reference::matches(filter, topic),
            expected,
            "{filter:?} and {topic:?}"
        );
    }
}
