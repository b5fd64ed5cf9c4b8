//! The index against its reference: every filter compared with every topic by [`TopicFilter::matches`].

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringmq_codec::{Qos, RetainHandling, SubscriptionOptions, TopicFilter, TopicName};

use super::fingerprint::TopicHash;
use super::{PackedOptions, Subscriber, SubscriptionIndex};
use crate::ShardId;
use crate::ids::SessionIndex;
use crate::limits::{TOPIC_CACHE_BYTES_MAX, TOPIC_CACHE_ENTRIES_MAX};
use crate::link::InterestChange;

fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).unwrap_or_else(|| panic!("{text:?} is no filter"))
}

fn options(qos: u8, no_local: bool, retain_as_published: bool) -> PackedOptions {
    PackedOptions::new(SubscriptionOptions {
        qos: Qos::from_bits(qos).unwrap(),
        no_local,
        retain_as_published,
        retain_handling: RetainHandling::Send,
    })
}

fn subscriber(text: &str, session: u32, qos: u8) -> Subscriber {
    let options = options(qos, false, false);
    Subscriber {
        session: SessionIndex(session),
        options: options.with_identifier(identifier_of(text, session)),
    }
}

/// The identifier of a session's subscription, in these tests; 0 for some sessions and filters.
fn identifier_of(text: &str, session: u32) -> u32 {
    (session + text.len() as u32) % 4
}

/// Sessions with the identifiers of their subscriptions, sorted.
fn identifiers_found(index: &mut SubscriptionIndex, topic: &str) -> Vec<(u32, Vec<u32>)> {
    let fingerprint = index.fingerprint(topic);
    let matches = index.find(TopicName::new(topic).unwrap(), fingerprint);
    let sessions = matches.subscribers.iter().map(|&subscriber| {
        let mut identifiers = matches.identifiers(subscriber).as_slice().to_vec();
        identifiers.sort_unstable();
        (subscriber.session.0, identifiers)
    });
    let mut sessions: Vec<_> = sessions.collect();
    sessions.sort_unstable();
    sessions
}

/// Sessions with their QoS, sorted, and the other shards.
fn found(index: &mut SubscriptionIndex, topic: &str) -> (Vec<(u32, u8)>, u64) {
    let fingerprint = index.fingerprint(topic);
    let matches = index.find(TopicName::new(topic).unwrap(), fingerprint);
    let mut sessions: Vec<_> = matches
        .subscribers
        .iter()
        .map(|s| (s.session.0, s.options.qos() as u8))
        .collect();
    sessions.sort_unstable();
    (sessions, matches.shards)
}

/// The reference: a flat map, searched from end to end.
#[derive(Default)]
struct Model {
    local: BTreeMap<(String, u32), u8>,
    remote: BTreeMap<(String, u8), ()>,
}

impl Model {
    fn has_filter(&self, text: &str) -> bool {
        self.local.keys().any(|(held, _)| held == text)
    }

    fn found(&self, topic: &str) -> (Vec<(u32, u8)>, u64) {
        let topic = TopicName::new(topic).unwrap();
        let mut sessions = BTreeMap::new();
        for ((text, session), &qos) in &self.local {
            if filter(text).matches(topic) {
                let highest = sessions.entry(*session).or_insert(qos);
                *highest = qos.max(*highest);
            }
        }
        let matching = self
            .remote
            .keys()
            .filter(|(text, _)| filter(text).matches(topic));
        let shards = matching.fold(0, |shards, (_, shard)| shards | 1 << shard);
        (sessions.into_iter().collect(), shards)
    }
}

impl Model {
    fn identifiers_found(&self, topic: &str) -> Vec<(u32, Vec<u32>)> {
        let topic = TopicName::new(topic).unwrap();
        let mut sessions = BTreeMap::<u32, Vec<u32>>::new();
        for (text, session) in self.local.keys() {
            if filter(text).matches(topic) {
                let identifiers = sessions.entry(*session).or_default();
                identifiers.extend(Some(identifier_of(text, *session)).filter(|&it| it != 0));
                identifiers.sort_unstable();
            }
        }
        sessions.into_iter().collect()
    }
}

/// The index and its reference, changed together.
struct Pair {
    index: SubscriptionIndex,
    model: Model,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        Pair {
            index: SubscriptionIndex::new(seed),
            model: Model::default(),
        }
    }

    fn subscribe(&mut self, text: &str, session: u32, qos: u8) {
        let first = !self.model.has_filter(text);
        let existed = self
            .model
            .local
            .insert((text.into(), session), qos)
            .is_some();
        let subscribed = self
            .index
            .subscribe(filter(text), subscriber(text, session, qos));
        assert_eq!(subscribed.existed, existed, "{text}");
        assert_eq!(self.index.filter_text(subscribed.filter), text);
        assert_eq!(
            subscribed.interest,
            first.then(|| self.change(text, true)),
            "{text}"
        );
    }

    fn unsubscribe(&mut self, text: &str, session: u32) {
        let existed = self.model.local.remove(&(text.into(), session)).is_some();
        let last = existed && !self.model.has_filter(text);
        let unsubscribed = self.index.unsubscribe(filter(text), SessionIndex(session));
        assert_eq!(unsubscribed.is_some(), existed, "{text}");
        let interest = unsubscribed.and_then(|unsubscribed| unsubscribed.interest);
        assert_eq!(interest, last.then(|| self.change(text, false)), "{text}");
    }

    fn remote(&mut self, text: &str, shard: u8, add: bool) {
        if add {
            self.model.remote.insert((text.into(), shard), ());
        } else {
            self.model.remote.remove(&(text.into(), shard));
        }
        let change = self.change(text, add);
        self.index.apply_remote(ShardId(shard), &change);
    }

    fn change(&self, text: &str, add: bool) -> InterestChange {
        let fingerprint = self.index.fingerprint(text);
        match (filter(text).has_wildcard(), add) {
            (false, true) => InterestChange::AddExact(fingerprint),
            (false, false) => InterestChange::RemoveExact(fingerprint),
            (true, true) => InterestChange::AddWildcard(text.into()),
            (true, false) => InterestChange::RemoveWildcard(text.into()),
        }
    }

    fn check(&mut self, topic: &str) {
        assert_eq!(
            found(&mut self.index, topic),
            self.model.found(topic),
            "{topic:?}"
        );
        assert_eq!(
            identifiers_found(&mut self.index, topic),
            self.model.identifiers_found(topic),
            "{topic:?}"
        );
    }

    fn check_counts(&self) {
        assert_eq!(self.index.subscriptions(), self.model.local.len() as u64);
    }
}

/// A small generator of the tests' own: equal on every machine.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((((z ^ z >> 31) >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// One to four levels out of a few, the empty one and `$`-names among them.
    pub(super) fn topic(&mut self) -> String {
        loop {
            let levels = 1 + self.below(4);
            let levels: Vec<_> = (0..levels).map(|_| self.level()).collect();
            let topic = levels.join("/");
            if !topic.is_empty() {
                return topic;
            }
        }
    }

    /// Like a topic, with wildcards in it two times out of three.
    pub(super) fn filter(&mut self) -> String {
        loop {
            let count = 1 + self.below(4);
            let wildcards = self.below(3) > 0;
            let mut levels: Vec<_> = (0..count).map(|_| self.level()).collect();
            if wildcards {
                for level in &mut levels {
                    if self.below(3) == 0 {
                        *level = "+";
                    }
                }
                if self.below(3) == 0 {
                    *levels.last_mut().unwrap() = "#";
                }
            }
            let filter = levels.join("/");
            if !filter.is_empty() {
                return filter;
            }
        }
    }

    fn level(&mut self) -> &'static str {
        ["a", "b", "c", "", "$a", "a b", "ä"][self.below(7) as usize]
    }
}

#[test]
fn one_million_random_matches() {
    let mut random = Random::new(1);
    let mut compared = 0;
    for seed in 0..20 {
        let mut pair = Pair::new(seed);
        for _ in 0..500 {
            let text = random.filter();
            let session = random.below(6);
            match random.below(8) {
                0..3 => pair.subscribe(&text, session, random.below(3) as u8),
                3..5 => pair.unsubscribe(&text, session),
                5 => pair.remote(&text, random.below(64) as u8, true),
                _ => pair.remote(&text, random.below(64) as u8, false),
            }
            for _ in 0..2 {
                // Thrice each: unknown to the cache, taken in, and found there.
                let topic = random.topic();
                (0..3).for_each(|_| pair.check(&topic));
                compared += 3 * (pair.model.local.len() + pair.model.remote.len());
            }
        }
        pair.check_counts();
    }
    assert!(
        compared > 1_000_000,
        "only {compared} pairs of filter and topic"
    );
}

#[test]
fn an_emptied_index_holds_nothing() {
    let mut random = Random::new(2);
    let mut pair = Pair::new(7);
    for _ in 0..2_000 {
        let text = random.filter();
        if random.below(2) == 0 {
            pair.subscribe(&text, random.below(50), 0);
        } else {
            pair.remote(&text, random.below(64) as u8, true);
        }
    }
    for (text, session) in pair.model.local.keys().cloned().collect::<Vec<_>>() {
        pair.unsubscribe(&text, session);
    }
    for (text, shard) in pair.model.remote.keys().cloned().collect::<Vec<_>>() {
        pair.remote(&text, shard, false);
    }
    pair.check("a/b");
    assert_eq!(pair.index.subscriptions(), 0);
    assert_eq!(pair.index.trie.sizes(), (0, 0));
    assert_eq!(pair.index.wildcards.len(), 0);
    assert!(pair.index.trie.is_empty());
}

#[test]
fn options_of_overlapping_subscriptions_are_merged() {
    let mut index = SubscriptionIndex::new(3);
    let session = SessionIndex(4);
    let first = Subscriber {
        session,
        options: options(0, true, false),
    };
    let second = Subscriber {
        session,
        options: options(2, false, true),
    };
    let third = Subscriber {
        session: SessionIndex(5),
        options: options(1, true, false),
    };
    index.subscribe(filter("a/b"), first);
    index.subscribe(filter("a/#"), second);
    index.subscribe(filter("+/b"), third);
    for _ in 0..3 {
        let fingerprint = index.fingerprint("a/b");
        let matches = index.find(TopicName::new("a/b").unwrap(), fingerprint);
        let of = |session| {
            *matches
                .subscribers
                .iter()
                .find(|s| s.session.0 == session)
                .unwrap()
        };
        assert_eq!(matches.subscribers.len(), 2);
        assert_eq!(of(4).options, options(2, false, true));
        assert_eq!(of(5).options, options(1, true, false));
    }
}

#[test]
fn colliding_fingerprints_are_announced_once_and_never_mix_subscribers() {
    // Two bits of fingerprint: nearly everything collides.
    let mut index = SubscriptionIndex::with_hash(TopicHash::with_bits(9, 2), 9);
    index.subscribe(filter("+/other"), subscriber("+/other", 99, 0));
    let mut announced = BTreeMap::new();
    let mut track = |change: Option<InterestChange>| match change {
        Some(InterestChange::AddExact(fingerprint)) => {
            assert!(announced.insert(fingerprint, ()).is_none());
        }
        Some(InterestChange::RemoveExact(fingerprint)) => {
            assert!(announced.remove(&fingerprint).is_some());
        }
        other => assert_eq!(other, None),
    };
    for session in 0..40 {
        let text = format!("t{session}");
        track(
            index
                .subscribe(filter(&text), subscriber(&text, session, 0))
                .interest,
        );
    }
    for session in 0..40 {
        for _ in 0..3 {
            assert_eq!(found(&mut index, &format!("t{session}")).0, [(session, 0)]);
        }
    }
    for session in 0..40 {
        let text = format!("t{session}");
        track(
            index
                .unsubscribe(filter(&text), SessionIndex(session))
                .unwrap()
                .interest,
        );
        assert_eq!(found(&mut index, &text).0, []);
    }
    assert!(announced.is_empty());
}

#[test]
fn one_filter_with_many_subscribers() {
    let mut pair = Pair::new(11);
    let mut random = Random::new(11);
    for session in 0..2_000 {
        pair.index
            .subscribe(filter("t"), subscriber("t", session, 0));
        pair.model.local.insert(("t".into(), session), 0);
    }
    pair.check("t");
    let mut left: Vec<u32> = (0..2_000).collect();
    while let Some(last) = left.len().checked_sub(1) {
        let session = left.swap_remove(random.below(last as u32 + 1) as usize);
        let unsubscribed = pair
            .index
            .unsubscribe(filter("t"), SessionIndex(session))
            .unwrap();
        assert_eq!(unsubscribed.interest.is_some(), last == 0);
        pair.model.local.remove(&("t".into(), session));
        if last % 97 == 0 || last < 70 {
            pair.check("t");
        }
    }
}

proptest! {
    #[test]
    fn any_filter_and_topic_agree_with_the_reference(
        filters in prop::collection::vec("[ab+#/$]{1,7}", 1..12),
        topics in prop::collection::vec("[ab/$]{1,7}", 1..12),
    ) {
        let mut pair = Pair::new(5);
        for (session, text) in (0..).zip(&filters) {
            if TopicFilter::new(text).is_some() {
                pair.subscribe(text, session % 3, (session % 3) as u8);
            }
        }
        for topic in topics.iter().chain(&topics).chain(&topics) {
            pair.check(topic);
        }
    }
}

/// 24 characters, as sensors have.
fn sensor_topic(number: u32) -> String {
    format!("site/{:03}/sensor/{number:08}", number % 1_000)
}

#[test]
fn a_subscription_to_a_topic_of_its_own_takes_at_most_200_bytes() {
    assert_eq!(size_of::<Subscriber>(), 8);
    let mut index = SubscriptionIndex::new(1);
    // One more than a power of two: the worst case of every table that doubles.
    let count = (1 << 17) + 1;
    for session in 0..count {
        index.subscribe(filter(&sensor_topic(session)), subscriber("", session, 1));
    }
    let bytes = index.index_bytes() / u64::from(count);
    assert!(bytes <= 200, "{bytes} bytes");
}

#[test]
fn interest_in_an_exact_filter_takes_at_most_21_bytes() {
    let mut index = SubscriptionIndex::new(1);
    // One more than fills a table of hashbrown's to seven eighths.
    let count = (7 << 14) + 1;
    for number in 0..count {
        let fingerprint = index.fingerprint(&sensor_topic(number));
        index.apply_remote(ShardId(3), &InterestChange::AddExact(fingerprint));
    }
    let bytes = index.interest_bytes() as f64 / f64::from(count);
    assert!(bytes <= 21.0, "{bytes} bytes");
    for number in 0..count {
        let fingerprint = index.fingerprint(&sensor_topic(number));
        index.apply_remote(ShardId(3), &InterestChange::RemoveExact(fingerprint));
    }
    assert!(index.interest_bytes() < 32 << 10, "the memory comes back");
}

#[test]
fn the_cache_stays_within_its_bounds() {
    let mut index = SubscriptionIndex::new(1);
    index.subscribe(filter("+/+/+/+"), subscriber("+/+/+/+", 1, 0));
    index.subscribe(filter("site/#"), subscriber("site/#", 2, 0));
    for number in 0..TOPIC_CACHE_ENTRIES_MAX + 1_000 {
        let topic = sensor_topic(number);
        for _ in 0..3 {
            assert_eq!(found(&mut index, &topic).0, [(1, 0), (2, 0)]);
        }
    }
    assert_eq!(index.cache.len(), TOPIC_CACHE_ENTRIES_MAX as usize);
    // Lists of a thousand subscribers are held in bytes.
    for session in 3..1_003 {
        index.subscribe(filter("site/#"), subscriber("site/#", session, 0));
    }
    for number in 0..20_000 {
        let topic = sensor_topic(number);
        for _ in 0..3 {
            let fingerprint = index.fingerprint(&topic);
            let matches = index.find(TopicName::new(&topic).unwrap(), fingerprint);
            assert_eq!(matches.subscribers.len(), 1_002);
        }
    }
    assert!(index.cache.bytes() < TOPIC_CACHE_BYTES_MAX + (8 << 20));
}

#[test]
fn a_topic_that_comes_once_is_not_cached() {
    let mut index = SubscriptionIndex::new(1);
    index.subscribe(filter("site/#"), subscriber("site/#", 1, 0));
    for number in 0..10_000 {
        found(&mut index, &sensor_topic(number));
    }
    assert_eq!(index.cache.len(), 0);
}
