//! The memory of many connections: what the router accounts for one subscription of its own and a second that all
//! have, and what is left when they have gone.
//!
//! What it prints is the table of docs/PERFORMANCE.md.

#![expect(
    clippy::disallowed_macros,
    reason = "what is printed is for whoever asks for it"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::packet::{Connect, encode_subscribe};
use ringmq_codec::{Packet, PacketId, Properties, Qos, SubscriptionOptions, TopicFilter, Version};
use ringmq_router::{
    CloseCause, ConnectionId, Input, ListenerId, MemoryUse, Millis, Outputs, Settings, Shard,
    ShardConfig, ShardCount, ShardId,
};

/// Bytes of one more subscription to a filter that everyone has.
const COMMON_BYTES_MAX: u64 = 40;

fn connect(shard: &mut Shard, index: u32, shares: bool, outputs: &mut Outputs) {
    let connection = ConnectionId {
        index,
        generation: 1,
    };
    let peer = SocketAddr::from(([127, 0, 0, 1], 5000));
    let opened = Input::Opened {
        connection,
        listener: ListenerId(0),
        peer,
    };
    shard.handle(Millis(0), opened, outputs);
    let client_id = format!("sensor-{index:013}");
    assert_eq!(client_id.len(), 20);
    let connect = Connect {
        version: Version::V311,
        clean_start: true,
        keep_alive_secs: 60,
        client_id: &client_id,
        will: None,
        user_name: None,
        password: None,
        properties: Properties::EMPTY,
    };
    let mut bytes = Vec::new();
    Packet::Connect(connect).encode(Version::V311, &mut bytes);
    let topic = format!("building/{index:07}/measured");
    assert_eq!(topic.len(), 25);
    let filter = TopicFilter::new(&topic).expect("a filter");
    let options = SubscriptionOptions::v3(Qos::AtLeastOnce);
    let all = TopicFilter::new("building/everyone").expect("a filter");
    let filters = [(filter, options), (all, options)];
    let filters = &filters[..1 + usize::from(shares)];
    let (version, id) = (Version::V311, PacketId::FIRST);
    encode_subscribe(version, id, Properties::EMPTY, filters, &mut bytes);
    let bytes = &bytes;
    shard.handle(Millis(0), Input::Received { connection, bytes }, outputs);
    outputs.clear();
}

/// A shard with so many connections, each subscribed to its own topic and, if it `shares`, to one of all.
fn shard_with(shard: &mut Shard, connections: u32, shares: bool) -> MemoryUse {
    let mut outputs = Outputs::new();
    let held = shard.stats().connections as u32;
    for index in held..connections {
        connect(shard, index, shares, &mut outputs);
    }
    let stats = shard.stats();
    assert_eq!(stats.sessions, u64::from(connections));
    let each = 1 + u64::from(shares);
    assert_eq!(stats.subscriptions, each * u64::from(connections));
    stats.memory
}

fn new_shard() -> Shard {
    Shard::new(ShardConfig {
        id: ShardId(0),
        shards: ShardCount(1),
        hash_seed: 1,
        random_seed: 1,
        settings: Arc::new(Settings::default()),
    })
}

#[test]
fn a_second_subscription_that_all_have_costs_little() {
    for connections in [15_000, 33_000, 60_000] {
        let one = shard_with(&mut new_shard(), connections, false);
        let two = shard_with(&mut new_shard(), connections, true);
        println!("{}", row(connections, 1, one));
        println!("{}", row(connections, 2, two));
        let more = (two.total() - one.total()) / u64::from(connections);
        assert!(more <= COMMON_BYTES_MAX, "{connections}: {more} B");
    }
}

#[test]
fn connections_that_have_left_leave_little_memory_behind() {
    let mut shard = new_shard();
    let mut outputs = Outputs::new();
    let full = shard_with(&mut shard, 33_000, true).total();
    for index in 0..33_000 {
        let connection = ConnectionId {
            index,
            generation: 1,
        };
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

/// A row of the table in docs/PERFORMANCE.md: `cargo test -p ringmq-router --test crowd -- --nocapture`.
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
