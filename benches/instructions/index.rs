//! The subscription index alone: who wants a topic, and subscriptions that come and go, beside 10,000 exact
//! and 2,000 wildcard filters.

use std::hint::black_box;

use ringmq_benches::topics::{filter, full_index, topic, topic_text, unwanted_text, wildcard_text};
use ringmq_router::bench::BenchIndex;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "match/exact-only",
        unit: "match of a topic where no filter has a wildcard",
        run: |counter| matches(counter, &mut full_index(EXACT, 0), (topic_text, 1)),
    },
    Case {
        name: "match/cached",
        unit: "match of a topic asked for before, one filter",
        run: |counter| matches(counter, &mut full_index(EXACT, WILDCARD), (one_filter, 1)),
    },
    Case {
        name: "match/cached-merged",
        unit: "match of a topic asked for before, two filters",
        run: |counter| matches(counter, &mut full_index(EXACT, WILDCARD), (topic_text, 2)),
    },
    Case {
        name: "match/first",
        unit: "match of a topic never asked for, one filter",
        run: |counter| first_matches(counter, (one_filter, 1)),
    },
    Case {
        name: "match/first-merged",
        unit: "match of a topic never asked for, two filters",
        run: |counter| first_matches(counter, (topic_text, 2)),
    },
    Case {
        name: "match/nobody",
        unit: "match of a topic never asked for, no filter",
        run: |counter| first_matches(counter, (unwanted_text, 0)),
    },
    Case {
        name: "index/subscribe-exact",
        unit: "first subscription of a filter without wildcards",
        run: |counter| subscribe(counter, topic_text, Way::In),
    },
    Case {
        name: "index/unsubscribe-exact",
        unit: "end of the last subscription of a filter without wildcards",
        run: |counter| subscribe(counter, topic_text, Way::Out),
    },
    Case {
        name: "index/subscribe-wildcard",
        unit: "first subscription of a filter with a wildcard",
        run: |counter| subscribe(counter, wildcard_text, Way::In),
    },
    Case {
        name: "index/unsubscribe-wildcard",
        unit: "end of the last subscription of a filter with a wildcard",
        run: |counter| subscribe(counter, wildcard_text, Way::Out),
    },
];

const EXACT: u32 = 10_000;
const WILDCARD: u32 = 2_000;

/// Topics or filters per case.
const TEXTS: u32 = 1_000;

/// Topics that only an exact filter of the index matches.
fn one_filter(number: u32) -> String {
    topic_text(WILDCARD + number)
}

type Text = fn(u32) -> String;

/// Topics that the index has been asked for three times.
fn matches(counter: &mut Counter, index: &mut BenchIndex, (text, expected): (Text, usize)) {
    let texts: Vec<String> = (0..TEXTS).map(text).collect();
    for _ in 0..3 {
        for text in &texts {
            assert_eq!(index.find(topic(text)), expected);
        }
    }
    find_all(counter, index, &texts);
}

/// Topics that the index has not been asked for.
fn first_matches(counter: &mut Counter, (text, expected): (Text, usize)) {
    let index = &mut full_index(EXACT, WILDCARD);
    assert_eq!(index.find(topic(&text(TEXTS))), expected);
    let texts: Vec<String> = (0..TEXTS).map(text).collect();
    find_all(counter, index, &texts);
}

fn find_all(counter: &mut Counter, index: &mut BenchIndex, texts: &[String]) {
    let topics: Vec<_> = texts.iter().map(|text| topic(text)).collect();
    counter.count(topics.len() as u64, || {
        for topic in &topics {
            black_box(index.find(*topic));
        }
    });
}

enum Way {
    In,
    Out,
}

/// Filters that nobody else has; the same came and went before.
fn subscribe(counter: &mut Counter, text: Text, way: Way) {
    let index = &mut full_index(EXACT, WILDCARD);
    let texts: Vec<String> = (EXACT..EXACT + TEXTS).map(text).collect();
    let filters: Vec<_> = texts.iter().map(|text| filter(text)).collect();
    let subscribe = |index: &mut BenchIndex| {
        for filter in &filters {
            index.subscribe(*filter, 7);
        }
    };
    let unsubscribe = |index: &mut BenchIndex| {
        for filter in &filters {
            index.unsubscribe(*filter, 7);
        }
    };
    subscribe(index);
    unsubscribe(index);
    match way {
        Way::In => counter.count(filters.len() as u64, || subscribe(index)),
        Way::Out => {
            subscribe(index);
            counter.count(filters.len() as u64, || unsubscribe(index));
        }
    }
}
