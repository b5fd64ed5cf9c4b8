//! Shared subscriptions under random events: whatever members and links do, each message of QoS 1 comes to a
//! member of each group at last, and its publisher is told so.

use std::collections::{BTreeSet, VecDeque};

use ringmq_codec::{Packet, PacketId, ReasonCode, Version, frame};
use ringmq_router::{Input, Settings, SharedStrategy, Stats};

use crate::broker::Broker;
use crate::packets;

const PUBLISHER: &str = "p";

/// A stream of numbers from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_F42D_4C95_7F2D)
            .wrapping_add(0x1405_7B7E_F767_814F);
        (self.0 >> 33) as usize % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

struct Member {
    name: String,
    group: usize,
    /// Its session outlives its connections.
    stays: bool,
    connected: bool,
    blocked: bool,
    unacknowledged: VecDeque<PacketId>,
}

struct Run {
    broker: Broker,
    draw: Draw,
    members: Vec<Member>,
    published: u16,
    acknowledged: u16,
    /// By group, the messages that came to some member.
    arrived: [BTreeSet<u16>; 2],
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut draw = Draw(seed);
        let strategy = SharedStrategy::ALL[draw.below(SharedStrategy::ALL.len())];
        let settings = Settings {
            inflight_max: 3,
            queue_messages_max: 10_000,
            sys_interval_secs: 0,
            shared_strategy: strategy,
            ..Settings::default()
        };
        let members = (0..7).map(|number| Member {
            name: format!("m{number}"),
            group: usize::from(number >= 5),
            stays: number % 5 < 2,
            connected: false,
            blocked: false,
            unacknowledged: VecDeque::new(),
        });
        let mut run = Run {
            broker: Broker::new(1 + draw.below(4) as u8, settings),
            members: members.collect(),
            draw,
            published: 0,
            acknowledged: 0,
            arrived: Default::default(),
        };
        run.connect(PUBLISHER, true);
        for number in 0..run.members.len() {
            run.join(number);
        }
        run.settle();
        run
    }

    fn connect(&mut self, name: &str, clean: bool) {
        let shard = self.draw.below(self.broker.shards.len());
        self.broker.open(name, shard);
        let words = if clean {
            ["v311", "clean"]
        } else {
            ["v311", ""]
        };
        let (_, bytes) = packets::connect(name, &words);
        self.broker.receive(name, &bytes);
    }

    fn send(&mut self, name: &str, words: &[&str]) {
        let bytes = packets::packet(Version::V311, words);
        self.broker.receive(name, &bytes);
    }

    /// Connects a member, and makes it one where that was not kept.
    fn join(&mut self, number: usize) {
        let (name, stays) = (
            self.members[number].name.clone(),
            self.members[number].stays,
        );
        self.connect(&name, !stays);
        // A connection that moves to its shard has been handed over when the links have settled.
        self.settle();
        let filter = ["$share/g/t/+:1", "$share/h/t/#:1"][self.members[number].group];
        self.send(&name, &["subscribe", "1", filter]);
        self.members[number].connected = true;
    }

    fn step(&mut self) {
        let number = self.draw.below(self.members.len());
        match self.draw.below(12) {
            0..=4 => self.publish(),
            5..=7 => self.acknowledge(number),
            8 => self.turn_connection(number),
            9 => self.turn_socket(number),
            10 => {
                let shards = self.broker.shards.len();
                let link = (self.draw.below(shards), self.draw.below(shards));
                self.broker.held.push(link);
            }
            _ => self.broker.held.clear(),
        }
        if self.draw.one_in(2) {
            self.settle();
        }
    }

    fn publish(&mut self) {
        self.published += 1;
        let number = self.published.to_string();
        let topic = format!("t/{}", self.draw.below(3));
        let id = format!("id={number}");
        self.send(PUBLISHER, &["publish", &topic, &number, "q=1", &id]);
    }

    fn acknowledge(&mut self, number: usize) {
        let member = &mut self.members[number];
        if member.connected
            && let Some(id) = member.unacknowledged.pop_front()
        {
            let name = member.name.clone();
            self.send(&name, &["puback", &id.get().to_string()]);
        }
    }

    fn turn_connection(&mut self, number: usize) {
        let member = &mut self.members[number];
        if !member.connected {
            return self.join(number);
        }
        member.connected = false;
        member.blocked = false;
        let name = member.name.clone();
        self.settle();
        self.members[number].unacknowledged.clear();
        self.broker.drop_connection(&name);
    }

    fn turn_socket(&mut self, number: usize) {
        let member = &mut self.members[number];
        if !member.connected {
            return;
        }
        member.blocked = !member.blocked;
        let (name, blocked) = (member.name.clone(), member.blocked);
        self.broker.about(&name, |connection| {
            if blocked {
                Input::SendBlocked { connection }
            } else {
                Input::SendReady { connection }
            }
        });
    }

    /// Lets move what can, and takes what the clients got.
    fn settle(&mut self) {
        self.broker.settle();
        for (name, transport) in &mut self.broker.transports {
            let sent = std::mem::take(&mut transport.sent);
            let mut rest = &sent[..];
            while let Some(raw) = frame::split(rest, frame::PACKET_SIZE_MAX).unwrap() {
                rest = &rest[raw.length..];
                match Packet::decode(raw, Version::V311).unwrap() {
                    Packet::Publish(publish) => {
                        let member = self.members.iter_mut().find(|it| it.name == *name);
                        let member = member.expect("a member");
                        let text = std::str::from_utf8(publish.payload).unwrap();
                        self.arrived[member.group].insert(text.parse().unwrap());
                        member.unacknowledged.extend(publish.packet_id);
                    }
                    Packet::PubAck(ack) => {
                        assert_eq!(ack.reason, ReasonCode::Success);
                        self.acknowledged += 1;
                        assert_eq!(ack.packet_id.get(), self.acknowledged, "in order");
                    }
                    _ => {}
                }
            }
            assert!(rest.is_empty(), "whole packets");
        }
    }

    /// Everyone comes back and takes what there is.
    fn finish(mut self, seed: u64) {
        self.broker.held.clear();
        for number in 0..self.members.len() {
            if !self.members[number].connected {
                self.join(number);
            }
            if self.members[number].blocked {
                self.turn_socket(number);
            }
        }
        self.settle();
        while self.members.iter().any(|it| !it.unacknowledged.is_empty()) {
            (0..self.members.len()).for_each(|number| self.acknowledge(number));
            self.settle();
        }
        assert_eq!(self.acknowledged, self.published, "seed {seed}");
        for arrived in &self.arrived {
            let missing = (1..=self.published).find(|number| !arrived.contains(number));
            assert_eq!(missing, None, "seed {seed}");
        }
        let mut stats = Stats::default();
        for shard in &self.broker.shards {
            stats.merge(&shard.stats());
        }
        assert_eq!(stats.drops.total(), 0, "seed {seed}");
        assert_eq!(stats.queued_messages, 0, "seed {seed}");
        assert_eq!(stats.inflight_messages, 0, "seed {seed}");
        assert_eq!(stats.stored_messages, 0, "seed {seed}");
    }
}

#[test]
fn nothing_is_lost_whatever_members_and_links_do() {
    for seed in 0..150 {
        let mut run = Run::new(seed);
        for _ in 0..300 {
            run.step();
        }
        run.finish(seed);
    }
}
