//! Two brokers with the same history, one of which searches a member for every message of a group as if none
//! could ever be given at once: what both send, count and remember is the same.

use std::collections::VecDeque;
use std::sync::Arc;

use ringmq_codec::packet::{Ack, Connect, Publish, encode_subscribe};
use ringmq_codec::{
    PACKET_SIZE_MAX, Packet, PacketId, PropertiesBuffer, Property, Qos, ReasonCode,
    SubscriptionOptions, TopicFilter, TopicName, Version, frame,
};

use crate::gate::Taken;
use crate::ids::SessionIndex;
use crate::link::LinkMessage;
use crate::publish_frame::Message;
use crate::random::Random;
use crate::shared::route::Progress;
use crate::shared::{Attempt, Carried};
use crate::{
    CloseCause, ConnectionId, DropLedger, DropReason, Input, ListenerId, Millis, Output, Outputs,
    Settings, Shard, ShardConfig, ShardCount, ShardId, SharedStrategy,
};

/// Long enough to be worth an alias.
const TOPICS: [&str; 3] = [
    "hall/temperature/0",
    "hall/temperature/1",
    "garden/humidity",
];
const FILTERS: [&str; 3] = [
    "$share/g/hall/+/+",
    "$share/h/#",
    "$share/g/garden/humidity",
];
const QOS: [Qos; 3] = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
const STEPS: u32 = 300;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    AtOnce,
    Search,
}

/// Frames in the order they were sent: by whom, to whom.
type Sent = Vec<(ShardId, ConnectionId, Vec<u8>)>;

struct Broker {
    shards: Vec<Shard>,
    links: VecDeque<(ShardId, ShardId, LinkMessage)>,
    sent: Sent,
    way: Way,
}

impl Broker {
    fn new(way: Way, count: u8, strategy: SharedStrategy) -> Broker {
        let settings = Arc::new(Settings {
            inflight_max: 3,
            queue_messages_max: 4,
            sys_interval_secs: 0,
            shared_strategy: strategy,
            ..Settings::default()
        });
        let shards = ShardCount(count);
        let shard = |id: ShardId| {
            Shard::new(ShardConfig {
                id,
                shards,
                hash_seed: 3,
                random_seed: u64::from(id.0),
                settings: Arc::clone(&settings),
            })
        };
        Broker {
            shards: shards.iter().map(shard).collect(),
            links: VecDeque::new(),
            sent: Vec::new(),
            way,
        }
    }

    fn input(&mut self, at: ShardId, input: Input<'_>) {
        let mut outputs = Outputs::default();
        self.shards[usize::from(at.0)].handle(Millis(1_000), input, &mut outputs);
        self.take(at, outputs);
    }

    fn take(&mut self, at: ShardId, mut outputs: Outputs) {
        for output in std::mem::take(&mut outputs.list) {
            match output {
                Output::Send { frame, targets, .. } => {
                    for to in outputs.receivers(targets) {
                        self.sent.push((at, *to, outputs.frame(frame).to_vec()));
                    }
                }
                Output::Link { to, message } => self.links.push_back((at, to, message)),
                _ => {}
            }
        }
    }

    /// Carries what shards have for each other, until there is nothing left.
    fn settle(&mut self) {
        loop {
            for shard in 0..self.shards.len() {
                self.input(ShardId(shard as u8), Input::EndOfTick);
            }
            if self.links.is_empty() {
                return;
            }
            while let Some((from, to, message)) = self.links.pop_front() {
                self.input(to, Input::Link { from, message });
            }
        }
    }

    /// All that is known and remembered of the groups.
    fn groups(&self) -> Vec<String> {
        let groups = |shard: &Shard| {
            let found = FILTERS.map(|filter| {
                let filter = TopicFilter::new(filter).unwrap();
                let group = shard.index.find_group(filter)?;
                shard.index.group(group).map(|group| format!("{group:?}"))
            });
            format!("{found:?}")
        };
        self.shards.iter().map(groups).collect()
    }

    /// Routes a message of the publisher, which has the first session of the shard; returns what is known of
    /// it afterwards.
    fn publish(&mut self, at: ShardId, (topic, qos): (&str, Qos), payload: &[u8]) -> (Taken, u32) {
        let shard = &mut self.shards[usize::from(at.0)];
        let message = Message {
            topic: TopicName::new(topic).unwrap(),
            topic_hash: shard.index.fingerprint(topic),
            properties: &[],
            payload,
            qos,
            retain: false,
            expires: None,
            publisher: Some(SessionIndex(0)),
        };
        let mut outputs = Outputs::default();
        let known = match self.way {
            Way::AtOnce => {
                let routed = shard.route(&message, None, &mut outputs);
                (routed.taken, routed.waiting)
            }
            Way::Search => search(shard, &message, &mut outputs),
        };
        self.take(at, outputs);
        known
    }
}

/// What [`Shard::route`] did if it gave nothing at once.
fn search(shard: &mut Shard, message: &Message<'_>, outputs: &mut Outputs) -> (Taken, u32) {
    let matches = shard.index.find(message.topic, message.topic_hash);
    let groups = matches.groups.to_vec();
    let (mut taken, mut waiting) = (Taken::default(), 0);
    let mut carried = Carried {
        message,
        order: (0, 1 << shard.id.0),
        item: None,
    };
    for group in groups {
        let Some(start) = shard.choose_member(group, message, outputs) else {
            continue;
        };
        match shard.advance(group, Attempt::new(start), &mut carried, outputs) {
            Progress::Over(by_group) => taken.merge(by_group),
            Progress::Asked(_) => waiting += 1,
        }
    }
    (taken, waiting)
}

/// A client that is a member of groups: the same in both brokers.
struct Member {
    client_id: String,
    shard: ShardId,
    version: Version,
    connection: Option<ConnectionId>,
    blocked: bool,
    unacknowledged: VecDeque<PacketId>,
}

struct Run {
    brokers: [Broker; 2],
    draw: Random,
    members: Vec<Member>,
    connections: u32,
    payloads: u32,
}

impl Run {
    fn new(seed: u64, strategy: SharedStrategy) -> Run {
        let mut draw = Random::new(seed);
        let count = 1 + (draw.next() % 3) as u8;
        let mut run = Run {
            brokers: [Way::AtOnce, Way::Search].map(|way| Broker::new(way, count, strategy)),
            draw,
            members: Vec::new(),
            connections: 0,
            payloads: 0,
        };
        for shard in 0..count {
            let name = run.client_id(ShardId(shard), "p");
            run.open(ShardId(shard), &connect(&name, Version::V311, &[]));
        }
        for number in 0..6 {
            let shard = ShardId(run.below(usize::from(count)) as u8);
            let member = Member {
                client_id: run.client_id(shard, &format!("m{number}")),
                shard,
                version: [Version::V311, Version::V5][run.below(2)],
                connection: None,
                blocked: false,
                unacknowledged: VecDeque::new(),
            };
            run.members.push(member);
            run.turn_connection(number);
        }
        run
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.draw.next() % bound as u64) as usize
    }

    /// A name of a client that lives on the shard.
    fn client_id(&self, shard: ShardId, prefix: &str) -> String {
        let mut names = (0..).map(|number| format!("{prefix}-{number}"));
        let lives_there = |name: &String| self.brokers[0].shards[0].home_of_client(name) == shard;
        names.find(lives_there).unwrap()
    }

    fn both(&mut self, mut act: impl FnMut(&mut Broker)) {
        self.brokers.iter_mut().for_each(&mut act);
    }

    fn open(&mut self, shard: ShardId, bytes: &[u8]) -> ConnectionId {
        self.connections += 1;
        let connection = ConnectionId {
            index: self.connections,
            generation: 1,
        };
        self.both(|broker| {
            let opened = Input::Opened {
                connection,
                listener: ListenerId(0),
                peer: ([127, 0, 0, 1], 1).into(),
            };
            broker.input(shard, opened);
            broker.input(shard, Input::Received { connection, bytes });
            broker.settle();
        });
        connection
    }

    fn step(&mut self) {
        let number = self.below(self.members.len());
        match self.below(20) {
            0..=11 => self.publish(),
            12..=14 => self.acknowledge(number),
            15 => self.turn_connection(number),
            16 | 17 => self.turn_socket(number),
            _ => self.both(Broker::settle),
        }
        self.compare();
    }

    fn publish(&mut self) {
        let shards = self.brokers[0].shards.len();
        let at = ShardId(self.below(shards) as u8);
        let (topic, qos) = (TOPICS[self.below(3)], QOS[self.below(5).saturating_sub(2)]);
        self.payloads += 1;
        let mut payload = self.payloads.to_string();
        if self.below(4) == 0 {
            payload += &"-".repeat(100);
        }
        let [at_once, search] = &mut self.brokers;
        let known = at_once.publish(at, (topic, qos), payload.as_bytes());
        assert_eq!(known, search.publish(at, (topic, qos), payload.as_bytes()));
    }

    /// Comes with options that are drawn anew, or goes.
    fn turn_connection(&mut self, number: usize) {
        let shard = self.members[number].shard;
        if let Some(connection) = self.members[number].connection.take() {
            self.members[number].unacknowledged.clear();
            self.both(|broker| {
                let cause = CloseCause::Reset;
                broker.input(shard, Input::Closed { connection, cause });
            });
            return;
        }
        let version = self.members[number].version;
        let mut own = vec![Property::SessionExpirySecs(100)];
        if self.below(3) == 0 {
            own.push(Property::TopicAliasMaximum(2));
        }
        if self.below(3) == 0 {
            own.push(Property::MaximumPacketSize(90));
        }
        let bytes = connect(&self.members[number].client_id, version, &own);
        let connection = self.open(shard, &bytes);
        self.members[number].connection = Some(connection);
        self.members[number].blocked = false;
        for filter in FILTERS {
            let bytes = subscribe(version, (filter, QOS[self.below(3)]), self.below(3) as u32);
            if self.below(2) == 0 {
                self.receive(number, &bytes);
            }
        }
        self.both(Broker::settle);
    }

    fn turn_socket(&mut self, number: usize) {
        let member = &mut self.members[number];
        let (shard, Some(connection)) = (member.shard, member.connection) else {
            return;
        };
        member.blocked = !member.blocked;
        let blocked = member.blocked;
        self.both(|broker| {
            let input = if blocked {
                Input::SendBlocked { connection }
            } else {
                Input::SendReady { connection }
            };
            broker.input(shard, input);
        });
    }

    fn acknowledge(&mut self, number: usize) {
        let version = self.members[number].version;
        if let Some(packet_id) = self.members[number].unacknowledged.pop_front() {
            let none = PropertiesBuffer::new();
            let ack = Packet::PubAck(Ack {
                packet_id,
                reason: ReasonCode::Success,
                properties: none.as_properties(),
            });
            self.receive(number, &encoded(version, &ack));
        }
    }

    fn receive(&mut self, number: usize, bytes: &[u8]) {
        let shard = self.members[number].shard;
        if let Some(connection) = self.members[number].connection {
            self.both(|broker| broker.input(shard, Input::Received { connection, bytes }));
        }
    }

    /// What was sent since is the same; of QoS 1 it is to be acknowledged.
    fn compare(&mut self) {
        let [at_once, search] = &mut self.brokers;
        assert_eq!(at_once.sent, search.sent);
        search.sent.clear();
        for (shard, to, bytes) in std::mem::take(&mut at_once.sent) {
            let is_it = |it: &&mut Member| it.shard == shard && it.connection == Some(to);
            let Some(member) = self.members.iter_mut().find(is_it) else {
                continue;
            };
            let mut rest = &bytes[..];
            while let Some(raw) = frame::split(rest, PACKET_SIZE_MAX).unwrap() {
                rest = &rest[raw.length..];
                if let Packet::Publish(Publish {
                    qos: Qos::AtLeastOnce,
                    packet_id,
                    ..
                }) = Packet::decode(raw, member.version).unwrap()
                {
                    member.unacknowledged.extend(packet_id);
                }
            }
        }
    }
}

fn encoded(version: Version, packet: &Packet<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    packet.encode(version, &mut out);
    out
}

fn connect(client_id: &str, version: Version, own: &[Property<'_>]) -> Vec<u8> {
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() {
        own.iter().for_each(|property| properties.push(*property));
    }
    let connect = Connect {
        version,
        clean_start: false,
        keep_alive_secs: 0,
        client_id,
        will: None,
        user_name: None,
        password: None,
        properties: properties.as_properties(),
    };
    encoded(version, &Packet::Connect(connect))
}

/// SUBSCRIBE, with a subscription identifier that is not 0.
fn subscribe(version: Version, (filter, qos): (&str, Qos), identifier: u32) -> Vec<u8> {
    let mut properties = PropertiesBuffer::new();
    if version.is_v5() && identifier != 0 {
        properties.push(Property::SubscriptionIdentifier(identifier));
    }
    let filter = TopicFilter::new(filter).unwrap();
    let filters = [(filter, SubscriptionOptions::v3(qos))];
    let mut out = Vec::new();
    let properties = properties.as_properties();
    encode_subscribe(version, PacketId::FIRST, properties, &filters, &mut out);
    out
}

#[test]
fn what_is_given_at_once_is_what_a_search_would_have_given() {
    let mut drops = DropLedger::default();
    for strategy in SharedStrategy::ALL {
        for seed in 0..8 {
            let mut run = Run::new(seed, strategy);
            for _ in 0..STEPS {
                run.step();
            }
            assert_eq!(run.brokers[0].groups(), run.brokers[1].groups());
            run.both(Broker::settle);
            run.compare();
            let [at_once, search] = &run.brokers;
            for (one, other) in at_once.shards.iter().zip(&search.shards) {
                assert_eq!(format!("{:?}", one.stats()), format!("{:?}", other.stats()));
                drops.merge(&one.stats().drops);
            }
        }
    }
    for reason in [DropReason::PacketTooLarge, DropReason::QueueMessages] {
        assert!(drops.get(reason) > 0, "{reason:?} was not met");
    }
}
