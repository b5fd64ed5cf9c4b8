//! Aliases against what a client makes of them.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::{IDLE_MESSAGES, ReceivedAliases, SentAliases};
use crate::publish_frame::TopicForm;

/// The broker's side and the client's, which must understand each frame.
struct Pair {
    sent: SentAliases,
    known: BTreeMap<u16, String>,
    max: u16,
}

impl Pair {
    fn new(max: u16) -> Pair {
        Pair {
            sent: SentAliases::new(max),
            known: BTreeMap::new(),
            max,
        }
    }

    fn send(&mut self, topic: &str, may_set: bool) -> TopicForm {
        let hash = FixedState::with_seed(1).hash_one(topic);
        let form = self.sent.name(topic.as_bytes(), hash, may_set);
        match form {
            TopicForm::Full => {}
            TopicForm::SetsAlias(alias) => {
                assert!(may_set && (1..=self.max).contains(&alias));
                self.known.insert(alias, topic.to_owned());
            }
            TopicForm::Alias(alias) => assert_eq!(self.known[&alias], topic),
        }
        form
    }
}

#[test]
fn a_topic_that_repeats_is_given_an_alias() {
    let mut pair = Pair::new(2);
    assert_eq!(pair.send("building/1", true), TopicForm::Full);
    assert_eq!(pair.send("building/1", true), TopicForm::SetsAlias(1));
    assert_eq!(pair.send("building/1", true), TopicForm::Alias(1));
    assert_eq!(pair.send("building/2", true), TopicForm::Full);
    // Without room beside the topic it waits for the next message.
    assert_eq!(pair.send("building/2", false), TopicForm::Full);
    assert_eq!(pair.send("building/2", true), TopicForm::SetsAlias(2));
    assert_eq!(pair.send("building/2", false), TopicForm::Alias(2));
    // A short topic is no longer than its alias.
    for _ in 0..3 {
        assert_eq!(pair.send("b/1", true), TopicForm::Full);
    }
}

#[test]
fn an_alias_in_use_keeps_its_topic() {
    let mut pair = Pair::new(2);
    for _ in 0..3 {
        pair.send("building/1", true);
        pair.send("building/2", true);
    }
    for _ in 0..100 {
        assert_eq!(pair.send("building/1", true), TopicForm::Alias(1));
        assert_eq!(pair.send("building/2", true), TopicForm::Alias(2));
        assert_eq!(pair.send("building/3", true), TopicForm::Full);
    }
}

#[test]
fn an_idle_alias_is_given_to_another_topic() {
    let mut pair = Pair::new(2);
    for _ in 0..3 {
        pair.send("building/1", true);
        pair.send("building/2", true);
    }
    for _ in 0..=2 * IDLE_MESSAGES {
        pair.send("building/2", true);
    }
    pair.send("building/3", true);
    assert_eq!(pair.send("building/3", true), TopicForm::SetsAlias(1));
    assert_eq!(pair.send("building/3", true), TopicForm::Alias(1));
    assert_ne!(pair.send("building/1", true), TopicForm::Alias(1));
}

#[test]
fn the_client_understands_whatever_is_sent() {
    for max in [1, 2, 7, 300] {
        let mut pair = Pair::new(max);
        let mut state = 1_u64;
        let mut aliased = 0;
        for round in 0..20_000_u64 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // A few topics much, many topics now and then; which ones moves on.
            let many = (state >> 40) % 64 < 8;
            let number = (state >> 50) % if many { 2_000 } else { 5 } + round / 5_000;
            let form = pair.send(&format!("building/{number}"), state >> 63 == 0);
            aliased += u64::from(matches!(form, TopicForm::Alias(_)));
        }
        assert!(aliased > 1_000, "{max}: {aliased}");
        assert!(pair.sent.aliased.len() <= usize::from(max));
        assert_eq!(pair.sent.table.len(), pair.sent.aliased.len());
        let topics: usize = pair.sent.aliased.iter().map(|it| it.topic.len()).sum();
        assert_eq!(pair.sent.topic_bytes, topics);
    }
}

#[test]
fn a_received_alias_is_known_once_it_was_set() {
    let mut received = ReceivedAliases::default();
    assert_eq!(received.get(1), None);
    received.set(3, "building/3");
    assert_eq!(
        (received.get(3), received.get(2)),
        (Some("building/3"), None)
    );
    received.set(3, "building/4");
    received.set(1, "building/1");
    assert_eq!(received.get(3), Some("building/4"));
    assert_eq!(received.topic_bytes, "building/4".len() * 2);
    assert_eq!(received.get(u16::MAX), None);
}
