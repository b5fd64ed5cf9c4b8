//! Publishes that come together against the same publishes one by one: nobody must be able to tell.
//!
//! Two brokers get the same history. One gets what a client sends in one piece, so that runs of one topic pass
//! as one; the other gets each packet alone. After every tick each client must have been sent the same bytes,
//! and at the end the counters must be the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test support, outside of #[test] functions"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::prelude::*;
use ringmq_codec::packet::{Connect, Publish, encode_subscribe};
use ringmq_codec::{
    Packet, PacketId, PropertiesBuffer, Property, Qos, RetainHandling, SubscriptionOptions,
    TopicFilter, TopicName, Version, frame,
};
use ringmq_router::{
    ConnectionId, Input, ListenerId, MemoryUse, Millis, Output, Outputs, Settings, Shard,
    ShardConfig, ShardCount, ShardId, SharedStrategy, Stats,
};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];
const TOPICS: [&str; 3] = ["plant/a", "plant/b", "office"];
const FILTERS: [&str; 6] = [
    "plant/a",
    "plant/+",
    "#",
    "office",
    "$share/g/plant/a",
    "$share/h/plant/b",
];

/// A client and its subscriptions.
#[derive(Clone, Debug)]
struct Client {
    version: Version,
    /// Of v5.
    packet_size_max: Option<u32>,
    topic_aliases_max: u16,
    subscriptions: Vec<Subscription>,
}

#[derive(Clone, Debug)]
struct Subscription {
    filter: usize,
    qos: Qos,
    no_local: bool,
    identifier: Option<u32>,
}

/// One PUBLISH, or another one just like the one before with a payload of its own.
#[derive(Clone, Debug)]
struct Message {
    topic: usize,
    payload: Vec<u8>,
    qos: Qos,
    retain: bool,
    property: Option<OwnedProperty>,
    repeats: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum OwnedProperty {
    ContentType,
    ExpirySecs(u32),
    Alias(u16),
    IsText,
}

#[derive(Clone, Debug)]
enum Step {
    /// All in one piece, of which the last bytes come later.
    Publish(usize, Vec<Message>, usize),
    Block(usize),
    Unblock(usize),
    EndOfTick,
}

fn qos() -> impl Strategy<Value = Qos> {
    prop_oneof![4 => Just(Qos::AtMostOnce), 1 => Just(Qos::AtLeastOnce), 1 => Just(Qos::ExactlyOnce)]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..12),
        1 => prop::collection::vec(any::<u8>(), 120..140),
    ]
}

fn client() -> impl Strategy<Value = Client> {
    let subscription = (
        0..FILTERS.len(),
        qos(),
        any::<bool>(),
        prop::option::weighted(0.2, 1..9_u32),
    )
        .prop_map(|(filter, qos, no_local, identifier)| Subscription {
            filter,
            qos,
            no_local,
            identifier,
        });
    (
        prop::sample::select(&VERSIONS[..]),
        prop::option::weighted(0.2, 20..60_u32),
        prop_oneof![3 => Just(0), 1 => Just(2_u16)],
        prop::collection::vec(subscription, 0..3),
    )
        .prop_map(
            |(version, packet_size_max, topic_aliases_max, subscriptions)| Client {
                version,
                packet_size_max,
                topic_aliases_max,
                subscriptions,
            },
        )
}

fn message() -> impl Strategy<Value = Message> {
    let property = prop_oneof![
        Just(OwnedProperty::ContentType),
        (0..3_u32).prop_map(OwnedProperty::ExpirySecs),
        (1..3_u16).prop_map(OwnedProperty::Alias),
        Just(OwnedProperty::IsText),
    ];
    (
        0..TOPICS.len(),
        payload(),
        qos(),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.3, property),
        prop::collection::vec(payload(), 0..5),
    )
        .prop_map(|(topic, payload, qos, retain, property, repeats)| Message {
            topic,
            payload,
            qos,
            retain,
            property,
            repeats,
        })
}

fn step(clients: usize) -> impl Strategy<Value = Step> {
    let messages = prop::collection::vec(message(), 1..4);
    prop_oneof![
        6 => (0..clients, messages, 0..40_usize).prop_map(|(a, b, c)| Step::Publish(a, b, c)),
        1 => (0..clients).prop_map(Step::Block),
        1 => (0..clients).prop_map(Step::Unblock),
        3 => Just(Step::EndOfTick),
    ]
}

/// A broker, and what it has sent to each client in this tick.
struct Broker {
    shards: Vec<Shard>,
    now: Millis,
    sent: Vec<Vec<u8>>,
    closed: Vec<bool>,
    homes: Vec<usize>,
    outputs: Outputs,
}

impl Broker {
    fn new(shards: u8, strategy: SharedStrategy, clients: &[Client]) -> Broker {
        let settings = Arc::new(Settings {
            validate_payload_format: true,
            shared_strategy: strategy,
            ..Settings::default()
        });
        let shard = |id| {
            Shard::new(ShardConfig {
                id: ShardId(id),
                shards: ShardCount(shards),
                hash_seed: 7,
                random_seed: 7,
                settings: Arc::clone(&settings),
            })
        };
        let mut broker = Broker {
            shards: (0..shards).map(shard).collect(),
            now: Millis(0),
            sent: vec![Vec::new(); clients.len()],
            closed: vec![false; clients.len()],
            homes: Vec::new(),
            outputs: Outputs::new(),
        };
        for (index, client) in clients.iter().enumerate() {
            let name = format!("client-{index}");
            let home = broker.shards[0].home_of_client(&name);
            broker.homes.push(usize::from(home.0));
            broker.connect(index, &name, client);
            broker.end_of_tick();
        }
        broker
    }

    fn connect(&mut self, index: usize, name: &str, client: &Client) {
        let mut bytes = Vec::new();
        let version = client.version;
        let mut properties = PropertiesBuffer::new();
        if let Some(size) = client.packet_size_max {
            properties.push(Property::MaximumPacketSize(size));
        }
        properties.push(Property::TopicAliasMaximum(client.topic_aliases_max));
        let connect = Connect {
            version,
            clean_start: true,
            keep_alive_secs: 0,
            client_id: name,
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        Packet::Connect(connect).encode(version, &mut bytes);
        for (id, wanted) in (1..).zip(&client.subscriptions) {
            let is_shared = FILTERS[wanted.filter].starts_with('$');
            let options = SubscriptionOptions {
                qos: wanted.qos,
                no_local: wanted.no_local && version.is_v5() && !is_shared,
                retain_as_published: false,
                retain_handling: RetainHandling::Send,
            };
            let filter = TopicFilter::new(FILTERS[wanted.filter]).expect("a filter");
            let mut properties = PropertiesBuffer::new();
            if let Some(identifier) = wanted.identifier {
                properties.push(Property::SubscriptionIdentifier(identifier));
            }
            let id = PacketId::new(id).expect("not zero");
            let filters = [(filter, options)];
            encode_subscribe(
                version,
                id,
                properties.as_properties(),
                &filters,
                &mut bytes,
            );
        }
        let opened = Input::Opened {
            connection: connection(index),
            listener: ListenerId(0),
            peer: SocketAddr::from(([127, 0, 0, 1], 5000)),
        };
        self.input(self.homes[index], opened);
        self.receive(index, &bytes);
    }

    fn input(&mut self, shard: usize, input: Input<'_>) {
        self.shards[shard].handle(self.now, input, &mut self.outputs);
        self.act(shard);
    }

    /// Takes what was put out; what goes to other shards arrives there, and so on.
    fn act(&mut self, shard: usize) {
        let mut messages = Vec::new();
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in std::mem::take(&mut outputs.list) {
            match output {
                Output::Send { frame, targets, .. } => {
                    for target in outputs.receivers(targets) {
                        self.sent[target.index as usize].extend_from_slice(outputs.frame(frame));
                    }
                }
                Output::Link { to, message } => messages.push((to, message)),
                Output::Close { connection, .. } => self.closed[connection.index as usize] = true,
                _ => {}
            }
        }
        outputs.clear();
        self.outputs = outputs;
        for (to, message) in messages {
            let from = ShardId(shard as u8);
            self.input(usize::from(to.0), Input::Link { from, message });
        }
    }

    fn receive(&mut self, client: usize, bytes: &[u8]) {
        if !self.closed[client] {
            let connection = connection(client);
            self.input(self.homes[client], Input::Received { connection, bytes });
        }
    }

    fn end_of_tick(&mut self) {
        // Once more for what follows from what the others said.
        for _ in 0..3 {
            for shard in 0..self.shards.len() {
                self.input(shard, Input::EndOfTick);
            }
        }
        self.now.0 += 400;
    }

    fn stats(&self) -> Vec<Stats> {
        let comparable = |shard: &Shard| Stats {
            memory: MemoryUse::default(),
            // Behind a packet that ends the connection nothing more is given.
            bytes_received_total: 0,
            ..shard.stats()
        };
        self.shards.iter().map(comparable).collect()
    }
}

fn connection(client: usize) -> ConnectionId {
    ConnectionId {
        index: client as u32,
        generation: 1,
    }
}

/// The packets of a message and its repeats, with identifiers from `next_id` on.
fn encode(message: &Message, version: Version, next_id: &mut u16, out: &mut Vec<u8>) {
    let mut properties = PropertiesBuffer::new();
    match message.property {
        Some(OwnedProperty::ContentType) => properties.push(Property::ContentType("text")),
        Some(OwnedProperty::ExpirySecs(secs)) => properties.push(Property::MessageExpirySecs(secs)),
        Some(OwnedProperty::Alias(alias)) => properties.push(Property::TopicAlias(alias)),
        Some(OwnedProperty::IsText) => properties.push(Property::PayloadFormatIndicator(true)),
        None => {}
    }
    for payload in std::iter::once(&message.payload).chain(&message.repeats) {
        let packet_id = (message.qos > Qos::AtMostOnce).then(|| {
            *next_id += 1;
            PacketId::new(*next_id).expect("not zero")
        });
        let publish = Publish {
            dup: false,
            qos: message.qos,
            retain: message.retain,
            topic: TopicName::new(TOPICS[message.topic]),
            packet_id,
            properties: properties.as_properties(),
            payload,
        };
        publish.encode(version, out);
    }
}

proptest! {
    #[test]
    fn what_comes_together_is_sent_as_if_it_came_alone(
        shards in 1..4_u8,
        strategy in prop::sample::select(&SharedStrategy::ALL[..]),
        clients in prop::collection::vec(client(), 4),
        steps in prop::collection::vec(step(4), 1..24),
    ) {
        let mut together = Broker::new(shards, strategy, &clients);
        let mut alone = Broker::new(shards, strategy, &clients);
        let mut next_ids = vec![0; clients.len()];
        let mut cut: Vec<Vec<u8>> = vec![Vec::new(); clients.len()];
        for step in steps.iter().chain([&Step::EndOfTick]) {
            match step {
                Step::Publish(client, messages, late) => {
                    let mut bytes = std::mem::take(&mut cut[*client]);
                    for message in messages {
                        let version = clients[*client].version;
                        encode(message, version, &mut next_ids[*client], &mut bytes);
                    }
                    let now = bytes.len().saturating_sub(*late);
                    cut[*client] = bytes.split_off(now);
                    together.receive(*client, &bytes);
                    let mut rest = &bytes[..];
                    while let Ok(Some(raw)) = frame::split(rest, u32::MAX) {
                        alone.receive(*client, &rest[..raw.length]);
                        rest = &rest[raw.length..];
                    }
                    alone.receive(*client, rest);
                }
                Step::Block(client) | Step::Unblock(client) => {
                    for broker in [&mut together, &mut alone] {
                        let connection = connection(*client);
                        let input = match step {
                            Step::Block(_) => Input::SendBlocked { connection },
                            _ => Input::SendReady { connection },
                        };
                        if !broker.closed[*client] {
                            broker.input(broker.homes[*client], input);
                        }
                    }
                }
                Step::EndOfTick => {
                    together.end_of_tick();
                    alone.end_of_tick();
                    prop_assert_eq!(&together.sent, &alone.sent);
                    prop_assert_eq!(&together.closed, &alone.closed);
                    together.sent.iter_mut().chain(&mut alone.sent).for_each(Vec::clear);
                }
            }
        }
        prop_assert_eq!(together.stats(), alone.stats());
    }
}
