//! Sensors that connect to a shard alone, each with a client identifier of 20 bytes and topics of 25, for the tests
//! of memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support, outside of #[test] functions"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::packet::{Connect, encode_subscribe};
use ringmq_codec::{Packet, PacketId, Properties, Qos, SubscriptionOptions, TopicFilter, Version};
use ringmq_router::{
    ConnectionId, Input, ListenerId, Millis, Outputs, Settings, Shard, ShardConfig, ShardCount,
    ShardId,
};

/// A shard without others.
pub(crate) fn lone_shard() -> Shard {
    Shard::new(ShardConfig {
        id: ShardId(0),
        shards: ShardCount(1),
        hash_seed: 1,
        random_seed: 1,
        settings: Arc::new(Settings::default()),
    })
}

/// The connection of the sensor with this number.
pub(crate) fn connection(index: u32) -> ConnectionId {
    ConnectionId {
        index,
        generation: 1,
    }
}

/// Connects a sensor, which subscribes to its own topic and to these.
pub(crate) fn connect(shard: &mut Shard, index: u32, more: &[&str], outputs: &mut Outputs) {
    let connection = connection(index);
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
    write_subscribe(&[&[topic.as_str()], more].concat(), &mut bytes);
    let bytes = &bytes;
    shard.handle(Millis(0), Input::Received { connection, bytes }, outputs);
    outputs.clear();
}

/// Appends a SUBSCRIBE to these filters.
pub(crate) fn write_subscribe(filters: &[&str], bytes: &mut Vec<u8>) {
    let options = SubscriptionOptions::v3(Qos::AtLeastOnce);
    let filters: Vec<_> = filters
        .iter()
        .map(|filter| (TopicFilter::new(filter).expect("a filter"), options))
        .collect();
    let (version, id) = (Version::V311, PacketId::FIRST);
    encode_subscribe(version, id, Properties::EMPTY, &filters, bytes);
}
