//! Topics and filters by number: what a site with many sensors has.

use ringmq_codec::{TopicFilter, TopicName};
use ringmq_router::bench::BenchIndex;

/// Topic of sensor `number`, 24 bytes; a thousand sites.
pub fn topic_text(number: u32) -> String {
    format!("site/{:03}/sensor/{number:08}", number % 1_000)
}

/// A filter with a wildcard, in four shapes; matches the topic of the same number.
pub fn wildcard_text(number: u32) -> String {
    match number % 4 {
        0 => format!("site/+/sensor/{number:08}"),
        1 => format!("site/{:03}/+/{number:08}", number % 1_000),
        2 => format!("site/{:03}/sensor/{number:08}/#", number % 1_000),
        _ => format!("+/{:03}/sensor/{number:08}", number % 1_000),
    }
}

/// A topic that no filter of [`full_index`] matches.
pub fn unwanted_text(number: u32) -> String {
    format!("other/{:03}/sensor/{number:08}", number % 1_000)
}

/// The text as a filter.
///
/// # Panics
/// When it is none.
pub fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect("a filter")
}

/// The text as a topic name.
///
/// # Panics
/// When it is none.
pub fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).expect("a topic")
}

/// An index with a session for each of `exact` topics and of `wildcard` filters. The topics with a number below
/// `wildcard` match two filters, the others one.
pub fn full_index(exact: u32, wildcard: u32) -> BenchIndex {
    let mut index = BenchIndex::new(1);
    for number in 0..exact {
        index.subscribe(filter(&topic_text(number)), number);
    }
    for number in 0..wildcard {
        index.subscribe(filter(&wildcard_text(number)), exact + number);
    }
    index
}
