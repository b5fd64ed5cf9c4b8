//! One or two shards with their links, clients and clock: takes inputs to the shards, and looks at each
//! output before it acts on it.

use std::collections::VecDeque;
use std::sync::Arc;

use ringmq_codec::{PACKET_SIZE_MAX, Packet, Version, frame};
use ringmq_router::link::{Handover, LinkMessage};
use ringmq_router::{
    AuthenticationMode, CloseCause, ConnectionId, Input, LogPosition, Millis, Output, Outputs,
    Settings, Shard, ShardConfig, ShardCount, ShardId,
};

use super::client::{Client, Place};
use super::script::Script;

const CLIENTS: u8 = 5;

/// Ends of tick after which a shard that is still not idle is stuck.
const TICKS_MAX: usize = 10_000;

/// Rounds between shards after which they are stuck.
const ROUNDS_MAX: usize = 1_000;

/// The shards and all around them.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) shards: Vec<Shard>,
    pub(crate) settings: Settings,
    /// By sender, then by receiver.
    links: Vec<Vec<VecDeque<LinkMessage>>>,
    pub(crate) full: Vec<Vec<bool>>,
    moving: VecDeque<(usize, ShardId, Box<Handover>)>,
    pub(crate) clients: Vec<Client>,
    /// By shard and index: the generation, and the client if the index is in use.
    connections: Vec<Vec<(u32, Option<usize>)>>,
    /// By shard: the last record appended.
    pub(crate) appended: Vec<u64>,
}

impl World {
    pub(crate) fn new(script: &mut Script<'_>) -> World {
        let shards = 1 + script.below(2);
        let settings = settings_of(script.byte());
        let config = |id| ShardConfig {
            id: ShardId(id),
            shards: ShardCount(shards),
            hash_seed: 1,
            random_seed: u64::from(id),
            settings: Arc::new(settings.clone()),
        };
        let count = usize::from(shards);
        World {
            now: 0,
            shards: (0..shards).map(|id| Shard::new(config(id))).collect(),
            links: (0..count)
                .map(|_| (0..count).map(|_| VecDeque::new()).collect())
                .collect(),
            full: vec![vec![false; count]; count],
            moving: VecDeque::new(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            connections: vec![Vec::new(); count],
            appended: vec![0; count],
            settings,
        }
    }

    pub(crate) fn clients(&self) -> u8 {
        CLIENTS
    }

    pub(crate) fn version_of(&self, client: usize) -> Version {
        self.clients[client].writes()
    }

    /// Everything under way arrives, until nothing is.
    pub(crate) fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut is_quiet = !self.arrive();
            for from in 0..self.shards.len() {
                let shard = ShardId(from as u8);
                let up_to = LogPosition(self.appended[from]);
                self.input(shard, Input::Durable { up_to });
                self.end_ticks(shard);
                for to in 0..self.shards.len() {
                    while self.deliver(from, to) {
                        is_quiet = false;
                    }
                }
            }
            if is_quiet {
                return self.check_connections();
            }
        }
        panic!("shards that nobody talks to do not come to rest");
    }

    /// Ends all connections and lets all sessions expire; nothing of them may be left.
    pub(crate) fn take_down(&mut self) {
        for from in 0..self.shards.len() {
            (0..self.shards.len()).for_each(|to| self.set_full(from, to, false));
        }
        self.settle();
        for client in 0..self.clients.len() {
            if let Place::At(shard, connection) = self.clients[client].place {
                self.free_place(shard, connection);
                let cause = CloseCause::Reset;
                self.input(shard, Input::Closed { connection, cause });
            }
        }
        self.settle();
        for _ in 0..3 {
            self.now += u64::from(self.settings.session_expiry_secs_max) * 1_000 + 2_000;
            self.timer();
            self.settle();
        }
        for shard in &self.shards {
            let stats = shard.stats();
            assert_eq!(stats.connections, 0, "connections are left");
            assert_eq!(stats.sessions, 0, "sessions are left");
            assert_eq!(stats.subscriptions, 0, "subscriptions are left");
            assert_eq!(stats.queued_messages, 0, "queued messages are left");
            assert_eq!(stats.inflight_messages, 0, "messages in flight are left");
            assert_eq!(stats.stored_messages, 0, "messages are left");
        }
    }

    /// The shards have the connections that were not closed.
    fn check_connections(&self) {
        for (shard, connections) in self.shards.iter().zip(&self.connections) {
            let open = connections.iter().filter(|place| place.1.is_some()).count();
            assert_eq!(shard.stats().connections, open as u64);
        }
    }

    fn end_ticks(&mut self, shard: ShardId) {
        for _ in 0..TICKS_MAX {
            self.input(shard, Input::EndOfTick);
            if self.shards[usize::from(shard.0)].is_idle() {
                return;
            }
        }
        panic!("a shard with no input does not become idle");
    }

    pub(crate) fn set_full(&mut self, from: usize, to: usize, full: bool) {
        if std::mem::replace(&mut self.full[from][to], full) == full {
            return;
        }
        let (shard, to) = (ShardId(from as u8), ShardId(to as u8));
        self.input(
            shard,
            if full {
                Input::LinkFull { to }
            } else {
                Input::LinkReady { to }
            },
        );
    }

    pub(crate) fn deliver(&mut self, from: usize, to: usize) -> bool {
        let Some(message) = self.links[from][to].pop_front() else {
            return false;
        };
        let from = ShardId(from as u8);
        self.input(ShardId(to as u8), Input::Link { from, message });
        true
    }

    /// A moving connection arrives.
    pub(crate) fn arrive(&mut self) -> bool {
        let Some((client, to, handover)) = self.moving.pop_front() else {
            return false;
        };
        let connection = self.take_place(to, client);
        self.clients[client].place = Place::At(to, connection);
        self.input(
            to,
            Input::HandedOver {
                connection,
                handover,
            },
        );
        true
    }

    pub(crate) fn take_place(&mut self, shard: ShardId, client: usize) -> ConnectionId {
        let table = &mut self.connections[usize::from(shard.0)];
        let free = table.iter().position(|place| place.1.is_none());
        let index = free.unwrap_or(table.len());
        if index == table.len() {
            table.push((0, None));
        }
        table[index] = (table[index].0 + 1, Some(client));
        ConnectionId {
            index: index as u32,
            generation: table[index].0,
        }
    }

    pub(crate) fn free_place(&mut self, shard: ShardId, connection: ConnectionId) -> usize {
        let client = self.client_at(shard, connection);
        self.connections[usize::from(shard.0)][connection.index as usize].1 = None;
        self.clients[client].place = Place::Nowhere;
        client
    }

    /// The client of a connection that must exist.
    fn client_at(&self, shard: ShardId, connection: ConnectionId) -> usize {
        let table = &self.connections[usize::from(shard.0)];
        let (generation, client) = table[connection.index as usize];
        assert_eq!(
            generation, connection.generation,
            "{connection:?} is of the past"
        );
        client.unwrap_or_else(|| panic!("{connection:?} is closed"))
    }

    pub(crate) fn input(&mut self, shard: ShardId, input: Input<'_>) {
        let mut outputs = Outputs::new();
        self.shards[usize::from(shard.0)].handle(Millis(self.now), input, &mut outputs);
        let list = std::mem::take(&mut outputs.list);
        for output in list {
            self.output(shard, output, &outputs);
        }
    }

    fn output(&mut self, shard: ShardId, output: Output, outputs: &Outputs) {
        match output {
            Output::Send { frame, targets, .. } => {
                for &target in outputs.receivers(targets) {
                    let client = self.client_at(shard, target);
                    self.clients[client].on_frame(outputs.frame(frame));
                }
            }
            Output::Close { connection, .. } => {
                self.free_place(shard, connection);
            }
            Output::HandOver {
                connection,
                to,
                handover,
            } => {
                let client = self.free_place(shard, connection);
                assert!(to != shard && usize::from(to.0) < self.shards.len());
                self.clients[client].place = Place::Moving;
                self.moving.push_back((client, to, handover));
            }
            Output::Pause { connection } => self.set_paused(shard, connection, true),
            Output::Resume { connection } => self.set_paused(shard, connection, false),
            Output::Established { connection } => {
                self.client_at(shard, connection);
            }
            Output::Authenticate { connection, .. } => {
                let client = self.client_at(shard, connection);
                self.clients[client].is_judged = true;
            }
            Output::Link { to, message } => {
                assert!(to != shard, "a message to itself");
                self.links[usize::from(shard.0)][usize::from(to.0)].push_back(message);
            }
            Output::Append { position, record } => {
                let appended = &mut self.appended[usize::from(shard.0)];
                *appended += 1;
                assert_eq!(position, LogPosition(*appended));
                check_record(outputs.frame(record));
            }
            Output::Answer { .. } | Output::Log(_) => {}
        }
    }

    fn set_paused(&mut self, shard: ShardId, connection: ConnectionId, paused: bool) {
        let client = self.client_at(shard, connection);
        let before = std::mem::replace(&mut self.clients[client].is_paused, paused);
        assert!(before != paused, "paused or resumed twice");
    }
}

fn check_record(record: &[u8]) {
    let raw = frame::split(record, PACKET_SIZE_MAX)
        .expect("legal")
        .expect("whole");
    assert_eq!(raw.length, record.len());
    let packet = Packet::decode(raw, Version::V5);
    assert!(
        matches!(packet, Ok(Packet::Publish(_))),
        "the log holds {packet:?}"
    );
}

/// Settings with bounds so low that a script meets them.
pub(crate) fn settings_of(bits: u8) -> Settings {
    let mut settings = Settings {
        packet_size_max: 1 << 10,
        session_expiry_secs_max: 7_200,
        sys_interval_secs: if bits & 128 != 0 { 10 } else { 0 },
        ..Settings::default()
    };
    if bits & 1 != 0 {
        settings.authentication = AuthenticationMode::External;
    }
    settings.log = bits & 2 != 0;
    if bits & 4 != 0 {
        (settings.inflight_max, settings.receive_max) = (2, 2);
    }
    if bits & 8 != 0 {
        (settings.queue_messages_max, settings.queue_bytes_max) = (3, 700);
    }
    if bits & 16 != 0 {
        (
            settings.sessions_max,
            settings.subscriptions_per_session_max,
        ) = (2, 2);
    }
    if bits & 32 != 0 {
        (settings.retained_messages_max, settings.retained_bytes_max) = (2, 1_000);
    }
    if bits & 64 != 0 {
        (settings.keep_alive_secs_max, settings.topic_levels_max) = (30, 2);
        settings.topic_aliases_received_max = 2;
        settings.validate_payload_format = true;
        settings.response_information = "response/{client_id}".into();
        settings.server_reference = "other.example".into();
    }
    settings
}
