//! Shards without sockets: clients send bytes, a tick at a time, and what the shards put out is looked at.
//!
//! A tick is what `core` makes of one receive: the bytes, then the end of the tick. Links between shards
//! are carried by hand ([`Shards::take_links`], [`Shards::link_tick`]) or until all is quiet
//! ([`Shards::settle`]).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::{PACKET_SIZE_MAX, Packet, PacketId, Qos, Version, frame};
use ringmq_router::link::LinkMessage;
use ringmq_router::{
    ConnectionId, Input, ListenerId, Millis, Output, Outputs, Settings, Shard, ShardConfig,
    ShardCount, ShardId,
};

use crate::packets;

/// A connection and the shard it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The shard.
    pub shard: ShardId,
    /// The connection on it.
    pub connection: ConnectionId,
}

/// A message on its way between two shards.
#[derive(Debug)]
pub struct Carried {
    /// The sender.
    pub from: ShardId,
    /// The receiver.
    pub to: ShardId,
    /// What is carried.
    pub message: LinkMessage,
}

/// All shards of a broker, and what the last tick put out.
#[derive(Debug)]
pub struct Shards {
    shards: Vec<Shard>,
    /// Connections ever made, by shard.
    connections: Vec<u32>,
    /// Clients ever named.
    named: u32,
    /// The shard that had the last tick.
    ticked: ShardId,
    /// What the last tick put out.
    pub outputs: Outputs,
}

impl Shards {
    /// A broker of so many shards with default settings.
    pub fn new(count: u8) -> Shards {
        let shards = ShardCount(count);
        let settings = Arc::new(Settings::default());
        let shard = |id| {
            Shard::new(ShardConfig {
                id,
                shards,
                hash_seed: 1,
                random_seed: 1,
                settings: Arc::clone(&settings),
            })
        };
        Shards {
            shards: shards.iter().map(shard).collect(),
            connections: vec![0; usize::from(count)],
            named: 0,
            ticked: ShardId(0),
            outputs: Outputs::new(),
        }
    }

    /// Hands one input to a shard.
    pub fn input(&mut self, shard: ShardId, input: Input<'_>) {
        self.shards[usize::from(shard.0)].handle(Millis(1_000), input, &mut self.outputs);
    }

    /// A connection that has said nothing yet.
    pub fn open(&mut self, shard: ShardId) -> Client {
        let count = &mut self.connections[usize::from(shard.0)];
        let connection = ConnectionId {
            index: *count,
            generation: 1,
        };
        *count += 1;
        self.input(
            shard,
            Input::Opened {
                connection,
                listener: ListenerId(0),
                peer: SocketAddr::from(([127, 0, 0, 1], 1_883)),
            },
        );
        Client { shard, connection }
    }

    /// A name that no client has had yet, of one that lives on this shard.
    pub fn client_id(&mut self, home: ShardId) -> String {
        loop {
            let name = format!("client-{:07}", self.named);
            self.named += 1;
            if self.shards[0].home_of_client(&name) == home {
                return name;
            }
        }
    }

    /// A connected client of v3.1.1.
    pub fn connect(&mut self, shard: ShardId) -> Client {
        self.connect_as(shard, (Version::V311, 0))
    }

    /// A connected client that takes so many topic aliases.
    pub fn connect_as(&mut self, shard: ShardId, (version, aliases): (Version, u16)) -> Client {
        let client_id = self.client_id(shard);
        let client = self.open(shard);
        self.tick(client, &packets::connect(version, &client_id, aliases));
        self.settle();
        client
    }

    /// Subscribes a client of v3.1.1 and waits until every shard knows.
    pub fn subscribe(&mut self, client: Client, filter: &str, qos: Qos) {
        self.tick(client, &packets::subscribe(Version::V311, filter, qos));
        self.settle();
    }

    /// So many clients on a shard with the same subscription.
    pub fn subscribers(
        &mut self,
        shard: ShardId,
        count: u32,
        (filter, qos): (&str, Qos),
    ) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..count {
            let client = self.connect(shard);
            self.subscribe(client, filter, qos);
            clients.push(client);
        }
        clients
    }

    /// Bytes of a client, within a tick.
    pub fn receive(&mut self, client: Client, bytes: &[u8]) {
        let connection = client.connection;
        self.input(client.shard, Input::Received { connection, bytes });
    }

    /// One tick in which these bytes came; the number of frames it sends, counted per receiver.
    pub fn tick(&mut self, client: Client, bytes: &[u8]) -> usize {
        self.outputs.clear();
        self.receive(client, bytes);
        self.end_of_tick(client.shard);
        self.outputs.targets.len()
    }

    /// One tick in which this came from another shard.
    pub fn link_tick(&mut self, carried: Carried) -> usize {
        self.outputs.clear();
        let Carried { from, to, message } = carried;
        self.input(to, Input::Link { from, message });
        self.end_of_tick(to);
        self.outputs.targets.len()
    }

    /// The end of a tick, and those that a shard asks for because it has more to do.
    pub fn end_of_tick(&mut self, shard: ShardId) {
        self.ticked = shard;
        loop {
            self.input(shard, Input::EndOfTick);
            if self.shards[usize::from(shard.0)].is_idle() {
                return;
            }
        }
    }

    /// What the last tick has for other shards.
    pub fn take_links(&mut self) -> Vec<Carried> {
        let from = self.ticked;
        let mut links = Vec::new();
        for output in std::mem::take(&mut self.outputs.list) {
            match output {
                Output::Link { to, message } => links.push(Carried { from, to, message }),
                other => self.outputs.list.push(other),
            }
        }
        links
    }

    /// Carries messages between shards until there are none. What the last tick put out is gone then.
    pub fn settle(&mut self) {
        let mut under_way = VecDeque::from(self.take_links());
        while let Some(carried) = under_way.pop_front() {
            self.link_tick(carried);
            under_way.extend(self.take_links());
        }
    }

    /// The messages above QoS 0 that the last tick put out: who gets them, and their packet identifiers there.
    pub fn deliveries(&self) -> Vec<(Client, PacketId)> {
        let shard = self.ticked;
        let mut deliveries = Vec::new();
        for output in &self.outputs.list {
            let Output::Send { frame, targets, .. } = output else {
                continue;
            };
            let mut bytes = self.outputs.frame(*frame);
            while let Ok(Some(raw)) = frame::split(bytes, PACKET_SIZE_MAX) {
                bytes = &bytes[raw.length..];
                let Ok(Packet::Publish(publish)) = Packet::decode(raw, Version::V311) else {
                    continue;
                };
                let receivers = self.outputs.receivers(*targets).iter();
                deliveries.extend(receivers.filter_map(|&connection| {
                    Some((Client { shard, connection }, publish.packet_id?))
                }));
            }
        }
        deliveries
    }
}
