//! The memory of many connections: what the router accounts for one subscription of its own and a second that all
//! have, and what is left when they have gone.
//!
//! `cargo test -p ringmq-router --test crowd -- --nocapture` prints the parts, bytes for each connection.

#![expect(
    clippy::disallowed_macros,
    reason = "what is printed is for whoever asks for it"
)]

#[path = "support/sensors.rs"]
mod sensors;

use ringmq_router::{CloseCause, Input, MemoryUse, Millis, Outputs, Shard};
use sensors::{connect, connection, lone_shard};

/// The filter of everyone.
const COMMON: &str = "building/everyone";

/// Bytes of one more subscription to a filter that everyone has.
const COMMON_BYTES_MAX: u64 = 40;

/// A shard with so many connections, each subscribed to its own topic and, if it `shares`, to one of all.
fn shard_with(shard: &mut Shard, connections: u32, shares: bool) -> MemoryUse {
    let mut outputs = Outputs::new();
    let common: &[&str] = if shares { &[COMMON] } else { &[] };
    let held = shard.stats().connections as u32;
    for index in held..connections {
        connect(shard, index, common, &mut outputs);
    }
    let stats = shard.stats();
    assert_eq!(stats.sessions, u64::from(connections));
    let each = 1 + u64::from(shares);
    assert_eq!(stats.subscriptions, each * u64::from(connections));
    stats.memory
}

#[test]
fn a_second_subscription_that_all_have_costs_little() {
    for connections in [15_000, 33_000, 60_000] {
        let one = shard_with(&mut lone_shard(), connections, false);
        let two = shard_with(&mut lone_shard(), connections, true);
        println!("{}", row(connections, 1, one));
        println!("{}", row(connections, 2, two));
        let more = (two.total() - one.total()) / u64::from(connections);
        assert!(more <= COMMON_BYTES_MAX, "{connections}: {more} B");
    }
}

#[test]
fn connections_that_have_left_leave_little_memory_behind() {
    let mut shard = lone_shard();
    let mut outputs = Outputs::new();
    let full = shard_with(&mut shard, 33_000, true).total();
    for index in 0..33_000 {
        let connection = connection(index);
        let cause = CloseCause::PeerClosed;
        shard.handle(Millis(1), Input::Closed { connection, cause }, &mut outputs);
        outputs.clear();
    }
    let stats = shard.stats();
    assert_eq!(
        (stats.connections, stats.sessions, stats.subscriptions),
        (0, 0, 0)
    );
    let left = stats.memory.total();
    println!(
        "| 33000, gone | {left} of {full} bytes: {:?} |",
        stats.memory
    );
    assert!(left < full / 3, "{left} of {full}: {:?}", stats.memory);
}

/// Connections, filters of each, and bytes for each connection: of connections, sessions, index, interest, buffers,
/// and all.
fn row(connections: u32, filters_each: u32, memory: MemoryUse) -> String {
    let parts = [
        memory.connections,
        memory.sessions,
        memory.index,
        memory.interest,
        memory.buffers,
        memory.total(),
    ];
    let parts = parts.map(|bytes| (bytes / u64::from(connections)).to_string());
    format!("| {connections} | {filters_each} | {} |", parts.join(" | "))
}
