//! The store against a plain list, searched from end to end.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringmq_codec::{Qos, TopicFilter, TopicName};

use super::seek::{Step, step};
use super::{RetainedBounds, RetainedStore, ScanBounds};
use crate::link::{RetainedItem, StoredMessage};
use crate::{DropReason, Millis, ShardId};

const ROOM: RetainedBounds = RetainedBounds {
    messages_max: u32::MAX,
    bytes_max: u64::MAX,
};

fn item(topic: &str, payload: &str, expires: Option<u64>) -> RetainedItem {
    RetainedItem {
        message: StoredMessage {
            bytes: format!("{topic}{payload}").into(),
            topic_len: topic.len() as u16,
            properties_len: 0,
            qos: Qos::AtMostOnce,
            retain: true,
            expires: expires.map(Millis),
        },
        origin: ShardId(0),
        retain_seq: 0,
        live: 0,
    }
}

fn topic_of(item: &RetainedItem) -> String {
    let topic = &item.message.bytes[..usize::from(item.message.topic_len)];
    String::from_utf8(topic.to_vec()).unwrap()
}

fn store_of(topics: &[String]) -> RetainedStore {
    let mut store = RetainedStore::default();
    for topic in topics {
        store.set(item(topic, "x", None), ROOM).unwrap();
    }
    store
}

/// All pieces of a scan, put together.
fn scan(store: &RetainedStore, filter: &str, bounds: ScanBounds) -> Vec<String> {
    let filter = TopicFilter::new(filter).unwrap();
    let mut topics = Vec::new();
    let mut after: Option<Box<str>> = None;
    loop {
        let next = store.scan(filter, after.as_deref(), Millis(0), bounds, |item| {
            topics.push(topic_of(item));
        });
        assert!(next.is_none() || next > after, "a scan goes forward");
        match next {
            Some(_) => after = next,
            None => return topics,
        }
    }
}

fn naive(topics: &[String], filter: &str) -> Vec<String> {
    let filter = TopicFilter::new(filter).unwrap();
    let matches = |topic: &&String| filter.matches(TopicName::new(topic).unwrap());
    let mut topics: Vec<_> = topics.iter().filter(matches).cloned().collect();
    topics.sort();
    topics.dedup();
    topics
}

const UNBOUNDED: ScanBounds = ScanBounds {
    bytes_max: u64::MAX,
    topics_max: u32::MAX,
};

/// Topics where characters below `/` lie between a level and what continues it.
const TOPIC: &str = "[ab!$/0]{1,6}";
const FILTER: &str = "([ab!$0]{0,2}|\\+)(/([ab!$0]{0,2}|\\+)){0,3}(/#)?|#";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]
    #[test]
    fn a_scan_finds_what_a_plain_search_finds(
        topics in prop::collection::vec(TOPIC, 0..30),
        filter in FILTER,
        bytes_max in 0..30_u64,
        topics_max in 1..5_u32,
    ) {
        prop_assume!(TopicFilter::new(&filter).is_some());
        let store = store_of(&topics);
        let expected = naive(&topics, &filter);
        prop_assert_eq!(&scan(&store, &filter, UNBOUNDED), &expected);
        prop_assert_eq!(&scan(&store, &filter, ScanBounds { bytes_max, topics_max }), &expected);
    }

    #[test]
    fn a_scan_resumes_after_any_position(
        topics in prop::collection::vec(TOPIC, 0..30),
        filter in FILTER,
        after in TOPIC,
    ) {
        prop_assume!(TopicFilter::new(&filter).is_some());
        let store = store_of(&topics);
        for after in topics.iter().chain([&after]) {
            let mut found = Vec::new();
            let filter = TopicFilter::new(&filter).unwrap();
            store.scan(filter, Some(after), Millis(0), UNBOUNDED, |item| found.push(topic_of(item)));
            let mut expected = naive(&topics, filter.as_str());
            expected.retain(|topic| topic > after);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn set_clear_and_sweep_agree_with_a_map(
        changes in prop::collection::vec(("[ab/]{1,3}", 0..4_u8, 0..50_u64), 0..60),
    ) {
        let mut store = RetainedStore::default();
        let mut model = BTreeMap::new();
        for (topic, kind, time) in changes {
            match kind {
                0 => {
                    let cleared = store.clear(TopicName::new(&topic).unwrap());
                    prop_assert_eq!(cleared, model.remove(&topic).is_some());
                }
                1 => {
                    // Three topics a call: ten calls go round all 39 of them.
                    (0..20).for_each(|_| store.sweep(Millis(time), 3));
                    model.retain(|_, expires: &mut Option<u64>| expires.is_none_or(|at| at > time));
                }
                _ => {
                    let expires = (kind == 2).then_some(time);
                    store.set(item(&topic, "payload", expires), ROOM).unwrap();
                    model.insert(topic, expires);
                }
            }
            prop_assert_eq!(store.len(), model.len());
        }
        let topics: Vec<_> = model.keys().cloned().collect();
        for topic in &topics {
            store.clear(TopicName::new(topic).unwrap());
        }
        prop_assert_eq!((store.len(), store.bytes(), store.expiring), (0, 0, 0));
    }
}

#[test]
fn subtrees_are_jumped_over() {
    let cases = [
        ("b/c", "a/x", Step::Seek, "b"),
        ("a/c", "a/b/x", Step::Seek, "a/c"),
        ("a/c", "a/d", Step::End, ""),
        ("a/#", "a!", Step::Seek, "a/"),
        ("a", "a!", Step::End, ""),
        ("+/c", "a/d", Step::Seek, "a0"),
        ("+/c", "a/b", Step::Seek, "a/c"),
        ("+", "a/b", Step::Seek, "a0"),
        ("+/b", "a", Step::Next, ""),
        ("+/b/c", "a/b", Step::Seek, "a/b/"),
        ("#", "$SYS/x", Step::Seek, "%"),
        ("+/#", "a", Step::Match, ""),
        ("a/+/c", "a/b/d/e", Step::Seek, "a/b0"),
    ];
    for (filter, topic, expected, expected_target) in cases {
        let mut target = Vec::new();
        let found = step(filter.as_bytes(), topic.as_bytes(), &mut target);
        assert_eq!(found, expected, "{filter} at {topic}");
        assert_eq!(target, expected_target.as_bytes(), "{filter} at {topic}");
    }
}

#[test]
fn a_scan_looks_at_few_topics() {
    let topics: Vec<_> = (0..100)
        .flat_map(|a| (0..100).map(move |b| format!("t{a}/{b}/x")))
        .collect();
    let store = store_of(&topics);
    // Three looks per first level: before the jump, at the match, and at the one behind it.
    for (filter, topics_max) in [("+/7/x", 300), ("t7/+/x", 102), ("t7/7/x", 4), ("u/#", 1)] {
        let filter = TopicFilter::new(filter).unwrap();
        let bounds = ScanBounds {
            bytes_max: u64::MAX,
            topics_max,
        };
        let rest = store.scan(filter, None, Millis(0), bounds, |_| {});
        assert_eq!(rest, None, "{filter:?} takes more than {topics_max} looks");
    }
}

#[test]
fn expired_messages_are_not_handed_out() {
    let mut store = RetainedStore::default();
    store.set(item("a", "x", Some(10)), ROOM).unwrap();
    store.set(item("b", "x", Some(11)), ROOM).unwrap();
    let mut found = Vec::new();
    store.scan(
        TopicFilter::new("#").unwrap(),
        None,
        Millis(10),
        UNBOUNDED,
        |item| {
            found.push(topic_of(item));
        },
    );
    assert_eq!(found, ["b"]);
}

#[test]
fn a_full_store_keeps_no_stale_value() {
    let mut store = RetainedStore::default();
    let bounds = RetainedBounds {
        messages_max: 2,
        bytes_max: 400,
    };
    store.set(item("a", "1", None), bounds).unwrap();
    store.set(item("b", "1", None), bounds).unwrap();
    assert_eq!(
        store.set(item("c", "1", None), bounds),
        Err(DropReason::RetainedFull)
    );
    store.set(item("b", "2", None), bounds).unwrap();
    let large = "x".repeat(400);
    assert_eq!(
        store.set(item("b", &large, None), bounds),
        Err(DropReason::RetainedFull)
    );
    assert_eq!(scan(&store, "#", UNBOUNDED), ["a"]);
}
