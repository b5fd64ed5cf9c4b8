//! What the engine does with a fan-out before it writes requests for the kernel: which bytes each connection is
//! sent. The difference between 10 and 1,010 connections is what 1,000 of them cost.

use ringmq_ring::bench::BenchOutput;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "output/frame-10",
        unit: "frame for 10 connections",
        run: |counter| frames(counter, (10, 1)),
    },
    Case {
        name: "output/frame-1010",
        unit: "frame for 1,010 connections",
        run: |counter| frames(counter, (1_010, 1)),
    },
    Case {
        name: "output/gather-10",
        unit: "8 frames that lie apart for 10 connections",
        run: |counter| frames(counter, (10, 8)),
    },
    Case {
        name: "output/gather-1010",
        unit: "8 frames that lie apart for 1,010 connections",
        run: |counter| frames(counter, (1_010, 8)),
    },
];

/// Bytes of a frame; every second one of the arena is sent, so that no two of those lie next to each other.
const FRAME_BYTES: u32 = 92;
const FLUSHES: u64 = 100;

fn frames(counter: &mut Counter, (connections, frames): (u32, u32)) {
    let mut output = BenchOutput::new(connections);
    let targets = output.connections();
    let arena = vec![b'x'; (2 * frames * FRAME_BYTES) as usize];
    let mut flush = || {
        for frame in 0..frames {
            let start = 2 * frame * FRAME_BYTES;
            output.push(start..start + FRAME_BYTES, &targets);
        }
        output.gather(&arena)
    };
    let expected = u64::from(connections * frames * FRAME_BYTES);
    for _ in 0..4 {
        assert_eq!(flush(), expected);
    }
    counter.count(FLUSHES, || {
        for _ in 0..FLUSHES {
            flush();
        }
    });
}
