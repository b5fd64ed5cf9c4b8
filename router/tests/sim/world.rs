//! The world of one run: shards, links, sockets and clients in one thread under one simulated clock.
//!
//! Everything that happens is an event of one queue, ordered by time and then by when it was put there;
//! all chance comes from the seed. What the parts do stands in their own files; this one holds them
//! together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use ringmq_codec::Version;
use ringmq_router::link::QueryId;
use ringmq_router::{Outputs, Shard, ShardConfig, ShardCount, ShardId, Stats};

use crate::client::{Client, ClientIndex, Context, Role};
use crate::coverage::{COUNTED_BY_WORLD, Coverage};
use crate::link::Link;
use crate::node::{Node, Pending};
use crate::operator::Asked;
use crate::oracle::{Oracle, Rule, Violation};
use crate::plan::{ClientPlan, Plan};
use crate::random::{Concern, Random};
use crate::socket::{Socket, SocketId};
use crate::time::Time;
use crate::topics::Topics;
use crate::trace::Trace;

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A shard runs a tick.
    Activate(ShardId),
    /// A message becomes visible at the end of the link from the first to the second.
    LinkVisible(ShardId, ShardId),
    /// A connection reaches its listener.
    Accept(SocketId, ShardId),
    /// A handed-over connection reaches its shard.
    Arrive(SocketId),
    /// Bytes reach the broker.
    Upstream(SocketId),
    /// Bytes reach the client.
    Downstream(SocketId),
    /// A client does something.
    Step(ClientIndex),
    /// A client's acknowledgements are due.
    Replies(ClientIndex),
    /// A shard's clock ticks.
    Timer(ShardId),
    /// The network gives a silent client up.
    GiveUp(SocketId),
    /// A CONNECT was judged.
    Verdict(SocketId),
    /// A part of a shard's log has reached the disk.
    Durable(ShardId),
    /// The operator does something.
    Order,
    /// A shard is told to stop.
    Stop(ShardId),
}

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) violation: Option<Violation>,
    pub(crate) events: u64,
    pub(crate) coverage: Coverage,
    pub(crate) trace_hash: u64,
    pub(crate) trace: Vec<String>,
}

/// One run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) now: Time,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    scheduled: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    pub(crate) sockets: Vec<Socket>,
    pub(crate) clients: Vec<Client>,
    pub(crate) oracle: Oracle,
    pub(crate) network: Random,
    pub(crate) workload: Random,
    pub(crate) faults: Random,
    pub(crate) surroundings: Random,
    pub(crate) trace: Trace,
    pub(crate) coverage: Coverage,
    /// Inputs handled, `Timer` and `EndOfTick` not counted.
    pub(crate) events: u64,
    /// Faults are off and everyone comes back.
    pub(crate) quiet: bool,
    /// Everyone leaves for good.
    pub(crate) leaving: bool,
    /// The broker is being shut down; clients do nothing any more.
    pub(crate) stopping: bool,
    /// The order whose answer is due.
    pub(crate) asked: Option<Asked>,
    pub(crate) last_order: u64,
    pub(crate) outputs: Outputs,
    /// Retained look-ups under way, with their filter.
    pub(crate) queries: BTreeMap<(u8, u64), String>,
}

impl World {
    /// The world of a plan, before anything has happened.
    pub(crate) fn new(plan: Plan, readable: bool) -> World {
        let workers = plan.clients.len() as u16;
        let topics = Rc::new(Topics::new(workers, plan.retained_per_client));
        let mut seeds = Random::new(plan.seed, Concern::Shards);
        let hash_seed = seeds.next();
        let settings = Arc::new(plan.settings.clone());
        let nodes: Vec<Node> = (0..plan.shards)
            .map(|id| {
                let config = ShardConfig {
                    id: ShardId(id),
                    shards: ShardCount(plan.shards),
                    hash_seed,
                    random_seed: seeds.next(),
                    settings: Arc::clone(&settings),
                };
                Node::new(Shard::new(config), Arc::clone(&settings))
            })
            .collect();
        let pairs = usize::from(plan.shards) * usize::from(plan.shards);
        let mut coverage = Coverage::default();
        for name in COUNTED_BY_WORLD {
            coverage.add(name, 0);
        }
        let mut world = World {
            now: Time(0),
            queue: BinaryHeap::new(),
            scheduled: 0,
            links: (0..pairs).map(|_| Link::new(plan.link_capacity)).collect(),
            nodes,
            sockets: Vec::new(),
            clients: Vec::new(),
            oracle: Oracle::new(topics, &plan),
            network: Random::new(plan.seed, Concern::Network),
            workload: Random::new(plan.seed, Concern::Workload),
            faults: Random::new(plan.seed, Concern::Faults),
            surroundings: Random::new(plan.seed.wrapping_add(1 << 40), Concern::Surroundings),
            trace: Trace::new(readable),
            coverage,
            events: 0,
            quiet: false,
            leaving: false,
            stopping: false,
            asked: None,
            last_order: 0,
            outputs: Outputs::new(),
            queries: BTreeMap::new(),
            plan,
        };
        world.add_clients();
        world
    }

    fn add_clients(&mut self) {
        for plan in self.plan.clients.clone() {
            let name = match plan.assigned {
                true => String::new(),
                false => format!("worker-{}", self.clients.len()),
            };
            self.add_client(Role::Worker, name, plan);
        }
        let steady = ClientPlan {
            version: Version::V5,
            assigned: false,
            persistent: 0,
            keep_alive_secs: 0,
            receive_max: None,
            packet_max: None,
            alias_max: 0,
            outgoing_max: 1,
            ack_delay: 0,
        };
        self.add_client(Role::Watcher, String::from("watcher"), steady.clone());
        let keeper = ClientPlan {
            version: *self
                .workload
                .pick(&[Version::V5, Version::V5, Version::V311]),
            ..steady.clone()
        };
        let feeder = ClientPlan {
            outgoing_max: 20,
            ..steady.clone()
        };
        self.add_client(Role::Drill, String::from("keeper"), keeper);
        self.add_client(Role::Drill, String::from("feeder"), feeder);
        for shard in 0..self.plan.shards {
            let name = (0..)
                .map(|n| format!("late-{n}"))
                .find(|name| self.nodes[0].shard.home_of_client(name) == ShardId(shard))
                .expect("some name lives on each shard");
            self.add_client(Role::Late, name, steady.clone());
        }
    }

    fn add_client(&mut self, role: Role, client_id: String, plan: ClientPlan) {
        let index = ClientIndex(self.clients.len() as u16);
        if role == Role::Late {
            self.oracle.late_clients.push(index);
        }
        self.clients.push(Client::new(index, role, client_id, plan));
    }

    /// Puts an event into the queue.
    pub(crate) fn schedule(&mut self, at: Time, event: Event) {
        self.scheduled += 1;
        self.queue
            .push(Reverse((at.max(self.now), self.scheduled, event)));
    }

    /// Runs until `done` says so, the time `until` has come, or a rule does not hold.
    pub(crate) fn run_until(&mut self, until: Time, done: impl Fn(&World) -> bool) {
        while self.oracle.violation.is_none() && !done(self) {
            let Some(Reverse((at, _, _))) = self.queue.peek() else {
                break;
            };
            if *at > until {
                self.now = until;
                self.oracle.now = until;
                break;
            }
            let Some(Reverse((at, _, event))) = self.queue.pop() else {
                break;
            };
            self.now = at;
            self.oracle.now = at;
            self.dispatch(event);
        }
    }

    fn dispatch(&mut self, event: Event) {
        match event {
            Event::Activate(shard) => self.activate(shard),
            Event::LinkVisible(from, to) => self.link_visible(from, to),
            Event::Accept(socket, shard) => self.accept(socket, shard),
            Event::Arrive(socket) => self.arrive(socket),
            Event::Upstream(socket) => self.upstream(socket),
            Event::Downstream(socket) => self.downstream(socket),
            Event::Step(client) => self.step(client),
            Event::Replies(client) => self.replies(client),
            Event::Timer(shard) => self.timer(shard),
            Event::GiveUp(socket) => self.give_up(socket),
            Event::Verdict(socket) => self.judge(socket),
            Event::Durable(shard) => self.write_log(shard),
            Event::Order => self.order(),
            Event::Stop(shard) => self.give(shard, Pending::Shutdown),
        }
    }

    /// Lets a client act; what it writes goes to its socket.
    pub(crate) fn with_client(
        &mut self,
        client: ClientIndex,
        act: impl FnOnce(&mut Client, &mut Context<'_>),
    ) {
        let mut context = Context {
            now: self.now,
            oracle: &mut self.oracle,
            random: &mut self.workload,
            coverage: &mut self.coverage,
        };
        act(&mut self.clients[usize::from(client.0)], &mut context);
        self.write(client);
    }

    /// The sum of all shards' statistics.
    pub(crate) fn stats(&self) -> Stats {
        let mut sum = Stats::default();
        for node in &self.nodes {
            sum.merge(&node.shard.stats());
        }
        sum
    }

    /// The violated rule, with everything else.
    pub(crate) fn into_report(mut self) -> Report {
        let stats = self.stats();
        self.coverage.add_stats(&stats);
        self.coverage.merge(&self.oracle.met);
        Report {
            violation: self.oracle.violation,
            events: self.events,
            coverage: self.coverage,
            trace_hash: self.trace.hash(),
            trace: self.trace.into_lines(),
        }
    }

    /// Notes that a rule does not hold.
    pub(crate) fn fail(&mut self, rule: Rule, detail: String) {
        self.oracle.fail(rule, detail);
    }

    /// The link between two shards.
    pub(crate) fn link(&mut self, from: ShardId, to: ShardId) -> &mut Link {
        let shards = usize::from(self.plan.shards);
        &mut self.links[usize::from(from.0) * shards + usize::from(to.0)]
    }

    /// The socket.
    pub(crate) fn socket(&mut self, socket: SocketId) -> &mut Socket {
        &mut self.sockets[socket.0 as usize]
    }

    /// Forgets or notes a retained look-up, for the coverage.
    pub(crate) fn note_query(&mut self, asker: ShardId, query: QueryId, filter: Option<&str>) {
        let key = (asker.0, query.0);
        match filter {
            Some(filter) => self.queries.insert(key, filter.to_owned()),
            None => self.queries.remove(&key),
        };
    }
}

/// Inputs of one shard that wait for its next tick.
pub(crate) type Waiting<T> = VecDeque<T>;
