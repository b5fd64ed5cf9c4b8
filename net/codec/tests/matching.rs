//! Property test: topic filters match what the specification's rules say, told recursively.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ringmq_codec::{TopicFilter, TopicName};

/// The rules of section 4.7, one by one; slow, and written unlike the crate's own.
fn matches(filter: &[&str], topic: &[&str]) -> bool {
    match (filter, topic) {
        ([], []) => true,
        (["#"], _) => true,
        (["+", filter @ ..], [_, topic @ ..]) => matches(filter, topic),
        ([level, filter @ ..], [name, topic @ ..]) => level == name && matches(filter, topic),
        _ => false,
    }
}

fn reference(filter: &str, topic: &str) -> bool {
    let filter: Vec<_> = filter.split('/').collect();
    let topic: Vec<_> = topic.split('/').collect();
    let hides = topic[0].starts_with('$') && (filter[0] == "+" || filter[0] == "#");
    !hides && matches(&filter, &topic)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        rng_seed: RngSeed::Fixed(1883),
        failure_persistence: None,
        ..Default::default()
    })]

    /// [v3.1.1 MQTT-3.3.2-3] [v5 MQTT-3.3.2-3]
    #[test]
    fn filters_match_as_the_rules_say(
        filter in prop::collection::vec(prop::sample::select(vec!["", "a", "b", "$", "+", "#"]), 1..5),
        topic in prop::collection::vec(prop::sample::select(vec!["", "a", "b", "$"]), 1..5),
    ) {
        let (filter, topic) = (filter.join("/"), topic.join("/"));
        let is_filter = !filter.is_empty()
            && filter.split('/').rev().skip(1).all(|level| level != "#");
        let parsed = TopicFilter::new(&filter);
        prop_assert_eq!(parsed.is_some(), is_filter, "{}", filter);
        prop_assert_eq!(TopicName::new(&topic).is_some(), !topic.is_empty());
        if let (Some(parsed), Some(name)) = (parsed, TopicName::new(&topic)) {
            prop_assert_eq!(parsed.matches(name), reference(&filter, &topic), "{} {}", filter, topic);
        }
    }

    /// Any text: what is accepted keeps the rules, and parsing never panics.
    #[test]
    fn any_text_is_judged_alike(text in "[ab+#/$\0é]{0,8}") {
        let levels = || text.split('/');
        let is_plain = !text.is_empty() && !text.contains('\0');
        let last = levels().count() - 1;
        let is_filter = is_plain && levels().enumerate().all(|(at, level)| match level {
            "+" => true,
            "#" => at == last,
            level => !level.contains(['+', '#']),
        });
        prop_assert_eq!(TopicFilter::new(&text).is_some(), is_filter);
        let is_name = is_plain && !text.contains(['+', '#']);
        prop_assert_eq!(TopicName::new(&text).is_some(), is_name);
        if let Some(filter) = TopicFilter::new(&text) {
            prop_assert_eq!(filter.has_wildcard(), !is_name);
            if let Some((group, inner)) = filter.share() {
                prop_assert_eq!(format!("$share/{group}/{}", inner.as_str()), text);
            }
        }
    }
}
