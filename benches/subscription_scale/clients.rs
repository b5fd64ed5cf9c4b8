//! A shard with connected clients that subscribe and unsubscribe by packets, as a broker's do.

use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::packet::{Connect, encode_subscribe, encode_unsubscribe};
use ringmq_codec::{Packet, PacketId, Properties, Qos, SubscriptionOptions, Version};
use ringmq_router::{
    ConnectionId, Input, ListenerId, Millis, Outputs, Settings, Shard, ShardConfig, ShardCount,
    ShardId,
};

use crate::topics::{filter, write_filter};

const VERSION: Version = Version::V311;

/// The clients of one shard that is alone.
pub(crate) struct Clients {
    shard: Shard,
    outputs: Outputs,
    connected: u32,
    packet: Vec<u8>,
    text: String,
}

impl Clients {
    pub(crate) fn connect(sessions: u32) -> Clients {
        let settings = Settings {
            subscriptions_per_session_max: u32::MAX,
            ..Settings::default()
        };
        let mut clients = Clients {
            shard: Shard::new(ShardConfig {
                id: ShardId(0),
                shards: ShardCount(1),
                hash_seed: 1,
                random_seed: 1,
                settings: Arc::new(settings),
            }),
            outputs: Outputs::new(),
            connected: 0,
            packet: Vec::new(),
            text: String::new(),
        };
        while clients.connected < sessions {
            clients.connect_one();
        }
        // What grows once, whoever comes first, is no subscription's.
        clients.write_subscribe(0, 0);
        clients.send(0);
        clients.write_unsubscribe(0, 0);
        clients.send(0);
        clients
    }

    fn connect_one(&mut self) {
        let connection = connection(self.connected);
        self.shard.handle(
            Millis(0),
            Input::Opened {
                connection,
                listener: ListenerId(0),
                peer: SocketAddr::from(([127, 0, 0, 1], 5_000)),
            },
            &mut self.outputs,
        );
        let client_id = format!("sensor-{:013}", self.connected);
        let connect = Connect {
            version: VERSION,
            clean_start: true,
            keep_alive_secs: 0,
            client_id: &client_id,
            will: None,
            user_name: None,
            password: None,
            properties: Properties::EMPTY,
        };
        self.packet.clear();
        Packet::Connect(connect).encode(VERSION, &mut self.packet);
        self.send(self.connected);
        self.connected += 1;
    }

    /// Makes ready the SUBSCRIBE to a filter by its number, see [`write_filter`].
    pub(crate) fn write_subscribe(&mut self, exact: u32, number: u32) {
        write_filter(exact, number, &mut self.text);
        let filters = [(
            filter(&self.text),
            SubscriptionOptions::v3(Qos::AtLeastOnce),
        )];
        self.packet.clear();
        let (id, properties) = (PacketId::FIRST, Properties::EMPTY);
        encode_subscribe(VERSION, id, properties, &filters, &mut self.packet);
    }

    /// The same for UNSUBSCRIBE.
    pub(crate) fn write_unsubscribe(&mut self, exact: u32, number: u32) {
        write_filter(exact, number, &mut self.text);
        let filters = [filter(&self.text)];
        self.packet.clear();
        let (id, properties) = (PacketId::FIRST, Properties::EMPTY);
        encode_unsubscribe(VERSION, id, properties, &filters, &mut self.packet);
    }

    /// The shard handles the packet that was made ready, from this client, up to its answer.
    pub(crate) fn send(&mut self, client: u32) {
        self.outputs.clear();
        let connection = connection(client);
        let bytes = &self.packet;
        self.shard.handle(
            Millis(0),
            Input::Received { connection, bytes },
            &mut self.outputs,
        );
        assert!(!self.outputs.list.is_empty(), "each packet is answered");
    }

    /// Subscriptions that the shard says it has.
    pub(crate) fn subscriptions(&self) -> u64 {
        self.shard.stats().subscriptions
    }
}

fn connection(client: u32) -> ConnectionId {
    ConnectionId {
        index: client,
        generation: 1,
    }
}
