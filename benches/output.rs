//! A fan-out from the packet to the bytes of each connection: encoding the frame, naming its targets, and
//! gathering what each is sent. Without the requests for the kernel.
//!
//! `cargo bench -p ringmq-benches --bench output`

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ringmq_benches::packets::{PAYLOAD, publish_of};
use ringmq_benches::topics::topic_text;
use ringmq_codec::{Qos, Version};
use ringmq_ring::bench::BenchOutput;

fn bench_encode_and_gather(criterion: &mut Criterion) {
    let topic = topic_text(7);
    let packet = publish_of(&topic, Qos::AtMostOnce, &PAYLOAD);
    let mut group = criterion.benchmark_group("encode-and-gather");
    for (frames, connections) in [(1, 1), (1, 10), (1, 1_000), (8, 1), (8, 10), (8, 1_000)] {
        let mut output = BenchOutput::new(connections);
        let targets = output.connections();
        let mut arena = Vec::new();
        group.throughput(Throughput::Elements(u64::from(frames * connections)));
        group.bench_function(format!("{frames}-to-{connections}"), |bencher| {
            bencher.iter(|| {
                arena.clear();
                for _ in 0..frames {
                    // An acknowledgement to somebody else lies between, so that the frames are gathered.
                    arena.extend_from_slice(&[0x40, 2, 0, 1]);
                    let start = arena.len() as u32;
                    packet.encode(Version::V311, &mut arena);
                    output.push(start..arena.len() as u32, &targets);
                }
                output.gather(&arena)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench_encode_and_gather);
criterion_main!(benches);
