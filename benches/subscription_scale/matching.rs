//! Time of a match, hashing the topic included: of topics that the topic cache has, of topics that are asked
//! for the first time, and of such with the processor's caches swept. As many exact filters again are wanted
//! by another shard, as in a broker of several.

use std::hint::black_box;
use std::time::Instant;

use ringmq_router::ShardId;
use ringmq_router::bench::BenchIndex;

use crate::sweep::{SWEPT_CALLS, Sweep, median, nanos_of};
use crate::topics::{filter, shuffled, topic, wildcards_beside, write_exact, write_filter};

pub(crate) const HEADER: &str = "\
| exact filters | wildcard filters | topic cached | topic new | topic new, caches swept |
|---|---|---|---|---|";

/// Topics that come again and again.
const HOT_TOPICS: u32 = 1_000;

const HOT_ROUNDS: u32 = 1_000;

/// New topics that one figure needs at least, and at most.
const NEW_TOPICS: std::ops::Range<u32> = 20_000..100_000;

pub(crate) fn print_rows(exact: u32) {
    for wildcards in [0, wildcards_beside(exact)] {
        let hot = hot_nanos(exact, wildcards);
        let new = new_nanos(exact, wildcards);
        let swept = swept_nanos(exact, wildcards);
        println!("| {exact} | {wildcards} | {hot:.0} ns | {new:.0} ns | {swept} ns |");
    }
}

/// An index with a session per filter, and another shard that wants other topics.
fn filled(exact: u32, wildcards: u32) -> BenchIndex {
    let mut index = BenchIndex::new(1);
    let mut text = String::new();
    for number in 0..exact + wildcards {
        write_filter(exact, number, &mut text);
        index.subscribe(filter(&text), number);
    }
    for number in exact..2 * exact {
        write_exact(number, &mut text);
        index.other_shard_wants(filter(&text), ShardId(1));
    }
    index
}

fn texts(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    let text_of = |number| {
        let mut text = String::new();
        write_exact(number, &mut text);
        text
    };
    numbers.map(text_of).collect()
}

/// Finds the topic's subscribers, of which there is at least one.
fn find(index: &mut BenchIndex, text: &str) {
    let found = index.find(black_box(topic(text)));
    assert!(black_box(found) > 0);
}

fn hot_nanos(exact: u32, wildcards: u32) -> f64 {
    let mut index = filled(exact, wildcards);
    let topics = texts(shuffled(exact).take(HOT_TOPICS as usize));
    for text in topics.iter().cycle().take(3 * topics.len()) {
        find(&mut index, text);
    }
    let started = Instant::now();
    for _ in 0..HOT_ROUNDS {
        for text in &topics {
            find(&mut index, text);
        }
    }
    started.elapsed().as_nanos() as f64 / f64::from(HOT_ROUNDS * topics.len() as u32)
}

/// Each topic once. A small index is filled anew until there were enough.
fn new_nanos(exact: u32, wildcards: u32) -> f64 {
    let topics = texts(shuffled(exact).take(NEW_TOPICS.end as usize));
    let mut asked = 0;
    let mut nanos = 0;
    while asked < NEW_TOPICS.start as usize {
        let mut index = filled(exact, wildcards);
        nanos += nanos_of(|| {
            for text in &topics {
                find(&mut index, text);
            }
        });
        asked += topics.len();
    }
    nanos as f64 / asked as f64
}

fn swept_nanos(exact: u32, wildcards: u32) -> u64 {
    let mut index = filled(exact, wildcards);
    let mut sweep = Sweep::new();
    let topics = texts(shuffled(exact).take(2 * SWEPT_CALLS));
    let swept = topics.chunks_exact(2).map(|pair| {
        sweep.run();
        // The topics' own bytes come with the message, and are in the cache.
        let [other, text] = [pair[0].clone(), pair[1].clone()];
        find(&mut index, &other);
        nanos_of(|| find(&mut index, &text))
    });
    median(swept.collect())
}
