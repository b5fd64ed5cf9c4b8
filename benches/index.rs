//! The subscription index: what one match costs from the cache and without it, and one subscription,
//! beside 100,000 exact and 10,000 wildcard filters.
//!
//! `cargo bench -p ringmq-benches --bench index`

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use ringmq_benches::topics::{self, filter, topic, topic_text, unwanted_text, wildcard_text};
use ringmq_router::bench::BenchIndex;

const EXACT: u32 = 100_000;
const WILDCARD: u32 = 10_000;

fn full_index() -> BenchIndex {
    topics::full_index(EXACT, WILDCARD)
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
    let unwanted: Vec<String> = (0..EXACT).map(unwanted_text).collect();
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
    for (name, text_of) in [
        ("exact", topic_text as fn(u32) -> String),
        ("wildcard", wildcard_text),
    ] {
        let texts: Vec<String> = (0..1_000).map(|number| text_of(EXACT + number)).collect();
        criterion.bench_function(&format!("subscribe/{name}"), |bencher| {
            bencher.iter_custom(|times| in_and_out(&mut index, &texts, times).0);
        });
        criterion.bench_function(&format!("unsubscribe/{name}"), |bencher| {
            bencher.iter_custom(|times| in_and_out(&mut index, &texts, times).1);
        });
    }
    for session in 0..EXACT {
        index.subscribe(filter("one/for/all"), session);
    }
    let mut turn = 0;
    criterion.bench_function("unsubscribe-subscribe/100k-of-one-filter", |bencher| {
        bencher.iter(|| {
            turn = (turn + 1) % EXACT;
            index.unsubscribe(filter("one/for/all"), turn);
            index.subscribe(filter("one/for/all"), turn);
        });
    });
}

/// Subscribes so many times, by rounds through the filters, and unsubscribes: the time of each.
fn in_and_out(index: &mut BenchIndex, texts: &[String], times: u64) -> (Duration, Duration) {
    let (mut coming, mut going) = (Duration::ZERO, Duration::ZERO);
    let mut left = times;
    while left > 0 {
        let round = &texts[..texts.len().min(left as usize)];
        left -= round.len() as u64;
        let started = Instant::now();
        for text in round {
            index.subscribe(filter(text), 7);
        }
        let subscribed = Instant::now();
        for text in round {
            index.unsubscribe(filter(text), 7);
        }
        coming += subscribed - started;
        going += subscribed.elapsed();
    }
    (coming, going)
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
