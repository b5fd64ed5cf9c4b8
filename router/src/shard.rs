//! The shard: owns its connections, sessions, index and retained messages, and is the one pump through
//! which every change passes. Called by `core`'s tick and by the simulation.
//!
//! The parts keep their own rules; the files named after packets and subjects join them. Nothing may
//! change a shard but [`Shard::handle`].

use std::collections::VecDeque;
use std::sync::Arc;

use ringmq_codec::PropertiesBuffer;

use crate::alarm::Alarms;
use crate::census::Census;
use crate::connection::Connections;
use crate::deliver::{Delivery, FanOutScratch};
use crate::home::Home;
use crate::ids::SessionIndex;
use crate::index::SubscriptionIndex;
use crate::interest::Barriers;
use crate::link::Handover;
use crate::link_out::Links;
use crate::live_topics::LiveTopics;
use crate::log::Log;
use crate::matrix::Matrix;
use crate::message::MessageStore;
use crate::placement::Placement;
use crate::publish::PublishScratch;
use crate::random::Random;
use crate::replay::Replays;
use crate::sessions::{SessionId, Sessions};
use crate::sys::Sys;
use crate::{
    ConnectionId, Input, MemoryUse, Millis, Outputs, Settings, ShardCount, ShardId, Stats,
};

/// What a shard is told at its birth.
#[derive(Clone, Debug)]
pub struct ShardConfig {
    /// Which shard it is.
    pub id: ShardId,
    /// How many there are.
    pub shards: ShardCount,
    /// Key of all hashes that must agree between shards (client to shard, topic to home, fingerprints):
    /// the same for all shards, unknown to clients.
    pub hash_seed: u64,
    /// Seed of this shard's own randomness (assigned client identifiers).
    pub random_seed: u64,
    /// The configuration.
    pub settings: Arc<Settings>,
}

/// One shard of the broker.
#[derive(Debug)]
pub struct Shard {
    pub(crate) id: ShardId,
    pub(crate) shards: ShardCount,
    pub(crate) settings: Arc<Settings>,
    pub(crate) placement: Placement,
    pub(crate) random: Random,
    /// The time of the input that is being handled.
    pub(crate) now: Millis,

    pub(crate) connections: Connections,
    pub(crate) sessions: Sessions,
    pub(crate) messages: MessageStore,
    pub(crate) index: SubscriptionIndex,
    pub(crate) barriers: Barriers,
    pub(crate) links: Links,
    pub(crate) log: Log,
    pub(crate) home: Home,
    pub(crate) matrix: Matrix,
    pub(crate) replays: Replays,
    pub(crate) live_topics: LiveTopics,
    pub(crate) alarms: Alarms,
    pub(crate) sys: Sys,
    pub(crate) census: Census,
    /// Counters; the gauges that can be asked for elsewhere are filled in by [`Shard::stats`].
    pub(crate) stats: Stats,

    /// Connections to be read again, a few at the end of each input.
    pub(crate) resuming: VecDeque<ConnectionId>,
    /// Sessions to be drained on at the end of this tick.
    pub(crate) draining: Vec<SessionId>,
    pub(crate) scratch: FanOutScratch,
    /// `None` while a publish uses it.
    pub(crate) publish_scratch: Option<Box<PublishScratch>>,
    /// Properties of an answer.
    pub(crate) reason_properties: PropertiesBuffer,
    /// The broker stops.
    pub(crate) stopping: bool,
}

impl Shard {
    /// A shard without connections and sessions.
    pub fn new(config: ShardConfig) -> Shard {
        let ShardConfig {
            id,
            shards,
            hash_seed,
            random_seed,
            settings,
        } = config;
        let mut index = SubscriptionIndex::new(hash_seed);
        index.set_strategies(&settings);
        Shard {
            id,
            shards,
            settings,
            placement: Placement::new(hash_seed, shards),
            random: Random::new(random_seed),
            now: Millis(0),
            connections: Connections::default(),
            sessions: Sessions::new(hash_seed),
            messages: MessageStore::new(hash_seed),
            index,
            barriers: Barriers::new(id, shards, hash_seed),
            links: Links::new(shards),
            log: Log::default(),
            home: Home::default(),
            matrix: Matrix::new(id, shards),
            replays: Replays::new(hash_seed),
            live_topics: LiveTopics::new(hash_seed),
            alarms: Alarms::new(),
            sys: Sys::new(shards),
            census: Census::default(),
            stats: Stats::default(),
            resuming: VecDeque::new(),
            draining: Vec::new(),
            scratch: FanOutScratch::new(hash_seed),
            publish_scratch: None,
            reason_properties: PropertiesBuffer::new(),
            stopping: false,
        }
    }

    /// Handles one input at time `now` (never smaller than before) and appends what follows from it.
    pub fn handle(&mut self, now: Millis, input: Input<'_>, outputs: &mut Outputs) {
        self.now = now.max(self.now);
        match input {
            Input::Opened {
                connection,
                listener,
                peer,
            } => self.on_opened(connection, listener, peer),
            Input::HandedOver {
                connection,
                handover,
            } => self.on_handed_over(connection, &handover, outputs),
            Input::Received { connection, bytes } => self.on_received(connection, bytes, outputs),
            Input::Closed { connection, cause } => self.on_closed(connection, cause, outputs),
            Input::SendBlocked { connection } => self.on_send_blocked(connection),
            Input::SendReady { connection } => self.on_send_ready(connection, outputs),
            Input::Link { from, message } => self.on_link(from, message, outputs),
            Input::LinkFull { to } => self.on_link_full(to),
            Input::LinkReady { to } => self.on_link_ready(to),
            Input::Authenticated {
                connection,
                verdict,
            } => self.on_authenticated(connection, verdict, outputs),
            Input::Durable { up_to } => self.on_durable(up_to, outputs),
            Input::Command { id, command } => self.on_command(id, command, outputs),
            Input::Settings(settings) => {
                self.index.set_strategies(&settings);
                self.settings = settings;
                // Other rules may have held for the last topic.
                self.publish_scratch = None;
            }
            Input::Timer { read_until } => self.on_timer(read_until, outputs),
            Input::EndOfTick => self.on_end_of_tick(outputs),
            Input::Shutdown => self.on_shutdown(outputs),
        }
        if !self.resuming.is_empty() {
            self.resume_reading(outputs);
        }
    }

    /// Whether nothing is left to do before the next input. While false, the caller gives another
    /// [`Input::EndOfTick`] instead of sleeping: long queues are put out, and paused connections read again,
    /// in bounded pieces.
    pub fn is_idle(&self) -> bool {
        self.draining.is_empty() && self.resuming.is_empty()
    }

    /// Counters and gauges as of now.
    pub fn stats(&self) -> Stats {
        Stats {
            connections: self.connections.len(),
            sessions: self.sessions.len(),
            sessions_offline: self.sessions.offline(),
            subscriptions: self.index.subscriptions(),
            shared_subscriptions: self.index.memberships(),
            retained_messages: self.home.store.len() as u64,
            stored_messages: self.messages.len() as u64,
            memory: self.memory(),
            ..self.stats
        }
    }

    /// The shard a client lives on.
    pub fn home_of_client(&self, client_id: &str) -> ShardId {
        self.placement.home_of_client(client_id)
    }

    fn memory(&self) -> MemoryUse {
        let owned = self.census.owned(&self.sessions, &self.connections);
        MemoryUse {
            connections: self.connections.bytes() + self.alarms.bytes(),
            sessions: self.sessions.table_bytes() + owned.sessions,
            queues: self.messages.message_bytes() + owned.queues,
            retained: self.home.store.bytes(),
            index: self.index.index_bytes(),
            interest: self.index.interest_bytes(),
            buffers: owned.buffers
                + self.links.bytes()
                + self.messages.table_bytes()
                + self.replays.table_bytes(),
        }
    }

    fn on_opened(
        &mut self,
        id: ConnectionId,
        listener: crate::ListenerId,
        peer: std::net::SocketAddr,
    ) {
        self.stats.connections_opened_total += 1;
        self.connections.open(id, listener, peer, self.now);
        self.watch_connection(id);
    }

    fn on_handed_over(&mut self, id: ConnectionId, handover: &Handover, outputs: &mut Outputs) {
        self.connections
            .open(id, handover.listener, handover.peer, self.now);
        self.watch_connection(id);
        self.on_received(id, &handover.bytes, outputs);
    }

    fn on_end_of_tick(&mut self, outputs: &mut Outputs) {
        if !self.draining.is_empty() {
            self.drain_on(outputs);
        }
        self.send_interest(outputs);
        self.links.flush(outputs);
    }

    /// The session of a connection whose CONNECT was accepted.
    pub(crate) fn session_of(&self, id: ConnectionId) -> Option<SessionIndex> {
        self.connections.get(id)?.session()
    }

    /// The parts that take messages towards clients.
    pub(crate) fn delivery<'a>(&'a mut self, outputs: &'a mut Outputs) -> Delivery<'a> {
        self.index_and_delivery(outputs).1
    }

    /// The same beside the index, which tells who gets them.
    pub(crate) fn index_and_delivery<'a>(
        &'a mut self,
        outputs: &'a mut Outputs,
    ) -> (&'a mut SubscriptionIndex, Delivery<'a>) {
        let (index, _, delivery) = self.delivery_parts(outputs);
        (index, delivery)
    }

    /// The same, and the randomness.
    pub(crate) fn delivery_parts<'a>(
        &'a mut self,
        outputs: &'a mut Outputs,
    ) -> (&'a mut SubscriptionIndex, &'a mut Random, Delivery<'a>) {
        let delivery = Delivery {
            now: self.now,
            settings: &self.settings,
            sessions: &mut self.sessions,
            messages: &mut self.messages,
            live_topics: &mut self.live_topics,
            draining: &mut self.draining,
            scratch: &mut self.scratch,
            stats: &mut self.stats,
            outputs,
        };
        (&mut self.index, &mut self.random, delivery)
    }
}
