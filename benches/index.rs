//! The subscription index: what one match costs from the cache and without it, and one subscription,
//! beside 100,000 exact and 10,000 wildcard filters.
//!
//! `cargo bench -p ringmq-benches --bench index`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringmq_codec::{TopicFilter, TopicName};
use ringmq_router::bench::BenchIndex;

const EXACT: u32 = 100_000;
const WILDCARD: u32 = 10_000;

fn topic_text(number: u32) -> String {
    format!("site/{:03}/sensor/{number:08}", number % 1_000)
}

fn wildcard_text(number: u32) -> String {
    match number % 4 {
        0 => format!("site/+/sensor/{number:08}"),
        1 => format!("site/{:03}/+/{number:08}", number % 1_000),
        2 => format!("site/{:03}/sensor/{number:08}/#", number % 1_000),
        _ => format!("+/{:03}/sensor/{number:08}", number % 1_000),
    }
}

fn filter(text: &str) -> TopicFilter<'_> {
    TopicFilter::new(text).expect("a filter")
}

fn topic(text: &str) -> TopicName<'_> {
    TopicName::new(text).expect("a topic")
}

fn full_index() -> BenchIndex {
    let mut index = BenchIndex::new(1);
    for number in 0..EXACT {
        index.subscribe(filter(&topic_text(number)), number);
    }
    for number in 0..WILDCARD {
        index.subscribe(filter(&wildcard_text(number)), EXACT + number);
    }
    index
}

fn bench_match(criterion: &mut Criterion) {
    let mut index = full_index();
    let hot: Vec<String> = (0..1_000).map(topic_text).collect();
    let mut turn = 0;
    criterion.bench_function("match/hot", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % hot.len();
            index.find(black_box(topic(&hot[turn])))
        });
    });
    // More topics than the cache remembers to have seen once, so that each is new to it.
    let cold: Vec<String> = (0..EXACT).map(topic_text).collect();
    criterion.bench_function("match/cold", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % cold.len();
            index.find(black_box(topic(&cold[turn])))
        });
    });
    let unwanted: Vec<String> = (0..EXACT)
        .map(|number| format!("other/{number}/x/y"))
        .collect();
    criterion.bench_function("match/cold-unwanted", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % unwanted.len();
            index.find(black_box(topic(&unwanted[turn])))
        });
    });
}

fn bench_match_exact_only(criterion: &mut Criterion) {
    let mut index = BenchIndex::new(1);
    let texts: Vec<String> = (0..EXACT).map(topic_text).collect();
    for (number, text) in (0..).zip(&texts) {
        index.subscribe(filter(text), number);
    }
    let mut turn = 0;
    criterion.bench_function("match/exact-only", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % 1_000;
            index.find(black_box(topic(&texts[turn])))
        });
    });
}

fn bench_subscribe(criterion: &mut Criterion) {
    let mut index = full_index();
    let mut turn = 0;
    for (name, text_of) in [
        ("exact", topic_text as fn(u32) -> String),
        ("wildcard", wildcard_text),
    ] {
        let texts: Vec<String> = (0..1_000).map(|number| text_of(EXACT + number)).collect();
        criterion.bench_function(&format!("subscribe-unsubscribe/{name}"), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % texts.len();
                index.subscribe(filter(&texts[turn]), 7);
                index.unsubscribe(filter(&texts[turn]), 7);
            });
        });
    }
    for session in 0..EXACT {
        index.subscribe(filter("one/for/all"), session);
    }
    criterion.bench_function("subscribe-unsubscribe/100k-of-one-filter", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % EXACT as usize;
            index.unsubscribe(filter("one/for/all"), turn as u32);
            index.subscribe(filter("one/for/all"), turn as u32);
        });
    });
}

/// Printed, not timed: memory per subscription to a topic of its own.
fn print_memory(_: &mut Criterion) {
    const COUNT: u32 = 1_000_000;
    let before = resident_bytes();
    let mut index = BenchIndex::new(1);
    for number in 0..COUNT {
        index.subscribe(filter(&topic_text(number)), number);
    }
    let resident = resident_bytes().saturating_sub(before) / u64::from(COUNT);
    let accounted = index.bytes() / u64::from(COUNT);
    println!("memory/exact-subscription: {accounted} B accounted, {resident} B resident\n");
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

criterion_group!(
    benches,
    print_memory,
    bench_match,
    bench_match_exact_only,
    bench_subscribe
);
criterion_main!(benches);
