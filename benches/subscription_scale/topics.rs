//! The filters of the measurement: 24 bytes in four levels, like a sensor's, and wildcards of four kinds.

use ringmq_codec::{TopicFilter, TopicName};

/// Sites that the sensors belong to.
const SITES: u32 = 1_000;

/// A tenth of the exact filters.
pub(crate) fn wildcards_beside(exact: u32) -> u32 {
    exact / 10
}

/// The exact filter of a sensor, which is also its topic.
pub(crate) fn write_exact(number: u32, text: &mut String) {
    write(
        text,
        format_args!("site/{:03}/sensor/{number:08}", number % SITES),
    );
}

/// A filter for one sensor, whose place in the tree is wild.
pub(crate) fn write_wildcard(number: u32, text: &mut String) {
    let site = number % SITES;
    match number % 4 {
        0 => write(text, format_args!("site/+/sensor/{number:08}")),
        1 => write(text, format_args!("site/{site:03}/+/{number:08}")),
        2 => write(text, format_args!("site/{site:03}/sensor/{number:08}/#")),
        _ => write(text, format_args!("+/{site:03}/sensor/{number:08}")),
    }
}

/// The filter with this number: exact ones first, then wildcards.
pub(crate) fn write_filter(exact: u32, number: u32, text: &mut String) {
    if number < exact {
        write_exact(number, text);
    } else {
        write_wildcard(number - exact, text);
    }
}

pub(crate) fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect("a filter")
}

pub(crate) fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).expect("a topic")
}

/// The numbers below `count`, each once, in an order without order.
pub(crate) fn shuffled(count: u32) -> impl Iterator<Item = u32> + Clone {
    // A prime, so that its multiples meet every number.
    const STEP: u64 = 7_368_787;
    (0..u64::from(count)).map(move |turn| (turn * STEP % u64::from(count)) as u32)
}

fn write(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.clear();
    std::fmt::Write::write_fmt(text, arguments).expect("a string takes everything");
}
