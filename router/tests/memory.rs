//! The memory of an idle connection and of a subscription: what the router accounts stays within its bound.
//!
//! The bounds of the design are 512 bytes of user space for connection, session and one exact subscription,
//! and 200 bytes for each further subscription.

use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::packet::{Connect, encode_subscribe};
use ringmq_codec::{Packet, PacketId, Properties, Qos, SubscriptionOptions, TopicFilter, Version};
use ringmq_router::{
    ConnectionId, Input, ListenerId, MemoryUse, Millis, Outputs, Settings, Shard, ShardConfig,
    ShardCount, ShardId,
};

/// Bytes per idle connection, session and subscription.
const IDLE_BYTES_MAX: u64 = 512;

/// Bytes per subscription, exact or with wildcards.
const SUBSCRIPTION_BYTES_MAX: u64 = 200;

fn shard() -> Shard {
    Shard::new(ShardConfig {
        id: ShardId(0),
        shards: ShardCount(1),
        hash_seed: 1,
        random_seed: 1,
        settings: Arc::new(Settings::default()),
    })
}

fn connect(shard: &mut Shard, index: u32, outputs: &mut Outputs) {
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
    write_subscribe(&topic, &mut bytes);
    let bytes = &bytes;
    shard.handle(Millis(0), Input::Received { connection, bytes }, outputs);
    outputs.clear();
}

fn write_subscribe(filter: &str, bytes: &mut Vec<u8>) {
    let filter = TopicFilter::new(filter).expect("a filter");
    let filters = [(filter, SubscriptionOptions::v3(Qos::AtLeastOnce))];
    let (version, id) = (Version::V311, PacketId::FIRST);
    encode_subscribe(version, id, Properties::EMPTY, &filters, bytes);
}

#[test]
fn an_idle_connection_fits_its_bound() {
    let mut shard = shard();
    let mut outputs = Outputs::new();
    // Just over a power of two, where doubling tables have the most room to spare.
    for connections in [1_000, 20_000, 33_000] {
        let held = shard.stats().connections as u32;
        for index in held..connections {
            connect(&mut shard, index, &mut outputs);
        }
        let stats = shard.stats();
        assert_eq!(stats.sessions, u64::from(connections));
        assert_eq!(stats.subscriptions, u64::from(connections));
        let each = stats.memory.total() / u64::from(connections);
        let categories = per_connection(stats.memory, u64::from(connections));
        assert!(
            each <= IDLE_BYTES_MAX,
            "{connections}: {each} B: {categories:?}"
        );
    }
}

fn per_connection(memory: MemoryUse, connections: u64) -> [(&'static str, u64); 7] {
    [
        ("connections", memory.connections / connections),
        ("sessions", memory.sessions / connections),
        ("queues", memory.queues / connections),
        ("retained", memory.retained / connections),
        ("index", memory.index / connections),
        ("interest", memory.interest / connections),
        ("buffers", memory.buffers / connections),
    ]
}

#[test]
fn a_subscription_fits_its_bound() {
    const EACH: u64 = 9_000;
    for kind in ["exact", "+ inside", "# behind"] {
        let mut shard = shard();
        let mut outputs = Outputs::new();
        connect(&mut shard, 0, &mut outputs);
        let before = shard.stats();
        let connection = ConnectionId {
            index: 0,
            generation: 1,
        };
        for number in 0..EACH {
            let mut bytes = Vec::new();
            let site = number % 100;
            let filter = match kind {
                "exact" => format!("site/{site:03}/sensor/{number:08}"),
                "+ inside" => format!("site/+/sensor/{number:08}"),
                _ => format!("site/{site:03}/sensor/{number:08}/#"),
            };
            write_subscribe(&filter, &mut bytes);
            let bytes = &bytes;
            shard.handle(
                Millis(0),
                Input::Received { connection, bytes },
                &mut outputs,
            );
            outputs.clear();
        }
        let after = shard.stats();
        assert_eq!(after.subscriptions - before.subscriptions, EACH, "{kind}");
        let each = (after.memory.total() - before.memory.total()) / EACH;
        assert!(each <= SUBSCRIPTION_BYTES_MAX, "{kind}: {each} B");
    }
}
