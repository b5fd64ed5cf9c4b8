//! A link between two shards: one turn of both, with so many items.
//!
//! `cargo bench -p ringmq-benches --bench links`. Both ends run in one thread: what is timed is the work, not
//! the way of a cache line from core to core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_benches::links::LinkPair;

fn bench_turns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("link");
    for items in [1, 8, 64, 512] {
        let mut link = LinkPair::default();
        group.throughput(Throughput::Elements(u64::from(items)));
        group.bench_function(items.to_string(), |bencher| {
            bencher.iter(|| assert_eq!(link.exchange(items), items))
        });
    }
    group.finish();
}

criterion_group!(benches, bench_turns);
criterion_main!(benches);
