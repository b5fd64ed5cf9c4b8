//! The course of a run: rounds of workload with faults, each followed by quiet and judgement, until
//! enough has happened; then everyone leaves, and nothing may be left behind.

use ringmq_codec::{Qos, SubscriptionOptions};
use ringmq_router::ShardId;

use crate::client::{Client, ClientIndex, Phase, PublishOrder, Role};
use crate::client_connect::ConnectOrder;
use crate::network::Loss;
use crate::oracle::{Rule, WillState};
use crate::plan::{EVENTS_MIN, QUIET_SECS};
use crate::socket::{Socket, SocketId};
use crate::time::{SECOND, Time};
use crate::topics::GROUP_WATCH_FILTER;
use crate::world::{Event, World};

/// Most that everyone may need beyond the quiet to take what is queued, seconds.
const DRAIN_SECS_MAX: u32 = 600;

/// Most a round may last, seconds of simulated time.
const ROUND_SECS_MAX: u32 = 60;

impl World {
    /// Runs the whole course.
    pub(crate) fn run(&mut self) {
        self.start();
        while self.oracle.violation.is_none() && self.events < EVENTS_MIN {
            self.round();
        }
        if self.oracle.violation.is_some() {
            return;
        }
        match self.plan.surroundings.shutdown {
            true => self.shut_down(),
            false => self.everyone_leaves(),
        }
    }

    pub(crate) fn of_role(&self, role: Role) -> Vec<ClientIndex> {
        let clients = self.clients.iter().filter(|client| client.role == role);
        clients.map(|client| client.index).collect()
    }

    pub(crate) fn run_for(&mut self, micros: u64) {
        let until = self.now.plus(micros);
        self.run_until(until, |_| false);
    }

    fn start(&mut self) {
        for shard in 0..self.plan.shards {
            let at = Time(self.network.below(SECOND));
            self.schedule(at, Event::Timer(ShardId(shard)));
        }
        if self.plan.surroundings.operator {
            self.schedule(Time(SECOND), Event::Order);
        }
        for watcher in self.of_role(Role::Watcher) {
            self.subscribe_fresh(watcher, &["w/#", GROUP_WATCH_FILTER]);
            let epoch = self.clients[usize::from(watcher.0)].attempt;
            let epoch = epoch.and_then(|attempt| self.oracle.attempts[attempt.0 as usize].epoch);
            self.oracle.watcher = epoch;
        }
        for index in 0..self.clients.len() as u16 {
            let at = self.now.plus(self.workload.below(SECOND));
            self.schedule(at, Event::Step(ClientIndex(index)));
        }
    }

    /// Connects a client with a new session and subscribes it to the filters at QoS 2.
    fn subscribe_fresh(&mut self, client: ClientIndex, filters: &[&str]) {
        let order = ConnectOrder {
            clean: true,
            expiry_secs: 0,
            will: None,
        };
        self.connect(client, &order);
        let index = usize::from(client.0);
        let until = self.now.plus(10 * SECOND);
        self.run_until(until, |world| world.clients[index].phase == Phase::Online);
        if self.clients[index].phase != Phase::Online {
            self.fail(Rule::Stuck, format!("{client:?} does not get its CONNACK"));
            return;
        }
        let options = SubscriptionOptions::v3(Qos::ExactlyOnce);
        let filters = filters.iter().map(|it| self.oracle.topics.find_filter(it));
        let wanted: Vec<_> = filters.map(|filter| (filter, options)).collect();
        self.with_client(client, |client, context| {
            client.subscribe(context, &wanted, None);
        });
        let until = self.now.plus(10 * SECOND);
        self.run_until(until, |world| world.clients[index].is_drained(world.now));
    }

    fn round(&mut self) {
        let enough = self.events + self.plan.round_events;
        let until = self.now.plus_secs(ROUND_SECS_MAX);
        self.run_until(until, |world| world.events >= enough);
        self.become_quiet();
        self.run_for(u64::from(QUIET_SECS / 2) * SECOND);
        let late = self.of_role(Role::Late);
        for client in &late {
            self.subscribe_fresh(*client, &["r/#"]);
        }
        self.run_for(u64::from(QUIET_SECS / 2) * SECOND);
        for _ in 0..DRAIN_SECS_MAX {
            if self.drained().is_ok() {
                break;
            }
            self.run_for(SECOND);
        }
        self.check_drained();
        self.check_sockets();
        let stats = self.stats();
        if self.oracle.violation.is_none() {
            self.oracle.check_quiet(&stats);
        }
        for client in late {
            self.dismiss(client);
        }
        self.drill();
        self.quiet = false;
    }

    fn become_quiet(&mut self) {
        self.quiet = true;
        self.catch_up();
        for index in 0..self.sockets.len() {
            self.sockets[index].stalled_until = Time(0);
            let socket = SocketId(index as u32);
            if !self.ends_by_itself(socket) {
                self.give_up(socket);
            }
        }
    }

    /// Says goodbye for a client that is not needed any more.
    pub(crate) fn dismiss(&mut self, client: ClientIndex) {
        if self.clients[usize::from(client.0)].phase == Phase::Online {
            self.with_client(client, |client, context| {
                client.say_goodbye(context, false, None, 0)
            });
            self.lose(client, Loss::Fin);
        }
    }

    /// Whether everyone is connected and nobody waits for anything.
    pub(crate) fn drained(&self) -> Result<(), String> {
        let away = |client: &&Client| client.role == Role::Drill && client.phase == Phase::Offline;
        for client in self.clients.iter().filter(|client| !away(client)) {
            if !client.is_drained(self.now) {
                let (index, name) = (client.index, &client.client_id);
                return Err(format!("{index:?} {name:?}: {}", client.pending()));
            }
        }
        if let Some(link) = self.links.iter().position(|link| !link.is_empty()) {
            return Err(format!("link {link} is not empty"));
        }
        // A replay under way waits for its next piece or for a reader.
        let reading = |socket: &Socket| !socket.outbox.is_empty() || !socket.downstream.is_empty();
        if let Some(socket) = self
            .sockets
            .iter()
            .position(|it| it.at_broker() && reading(it))
        {
            return Err(format!("socket {socket} is not read to the end"));
        }
        if !self.queries.is_empty() {
            return Err(format!(
                "retained queries without an answer: {:?}",
                self.queries
            ));
        }
        let stats = self.stats();
        if stats.queued_messages + stats.inflight_messages > 0 {
            return Err(format!(
                "all clients have drained, but {} messages are queued and {} in flight",
                stats.queued_messages, stats.inflight_messages
            ));
        }
        Ok(())
    }

    /// The same, but messages may wait for who is away.
    pub(crate) fn drained_but_queued(&self) -> bool {
        let away = |client: &&Client| client.phase == Phase::Offline;
        let online = self.clients.iter().filter(|client| !away(client));
        online.clone().all(|client| client.is_drained(self.now))
            && self.links.iter().all(|link| link.is_empty())
    }

    fn check_drained(&mut self) {
        if let Err(detail) = self.drained() {
            self.fail(Rule::Stuck, detail);
        }
    }

    /// Clears all retained messages, ends all sessions, and looks at what is left.
    fn everyone_leaves(&mut self) {
        self.quiet = true;
        self.leaving = true;
        self.catch_up();
        for client in self.of_role(Role::Worker) {
            self.clear_retained(client);
        }
        self.run_for(8 * SECOND);
        for client in self.of_role(Role::Worker) {
            self.lose(client, Loss::Fin);
            self.clients[usize::from(client.0)].must_clean = true;
        }
        self.run_for(4 * SECOND);
        for client in self.of_role(Role::Worker) {
            self.clients[usize::from(client.0)].role = Role::Late;
            self.dismiss(client);
        }
        for client in self.of_role(Role::Watcher) {
            self.dismiss(client);
        }
        self.run_for(4 * SECOND);
        self.check_left_behind();
        let wills = self
            .oracle
            .attempts
            .iter()
            .filter_map(|attempt| attempt.will.as_ref());
        let discarded = wills
            .filter(|will| will.state == WillState::Discarded)
            .count();
        self.coverage.add("will discarded", discarded as u64);
    }

    fn clear_retained(&mut self, client: ClientIndex) {
        for k in 0..self.oracle.topics.retained_per_client() {
            let order = PublishOrder {
                topic: self.oracle.topics.retained(client, k),
                qos: Qos::AtMostOnce,
                retain: true,
                clears: true,
                payload_len: 0,
                expiry_secs: None,
                adorned: false,
                stream: self.clients[usize::from(client.0)].stream,
            };
            if self.clients[usize::from(client.0)].phase == Phase::Online {
                self.with_client(client, |client, context| {
                    client.publish(context, order);
                });
            }
        }
    }

    fn check_left_behind(&mut self) {
        let stats = self.stats();
        let mut left = vec![
            ("connections", stats.connections),
            ("sessions", stats.sessions),
            ("sessions offline", stats.sessions_offline),
            ("subscriptions", stats.subscriptions),
            ("queued messages", stats.queued_messages),
            ("messages in flight", stats.inflight_messages),
            ("messages stored", stats.stored_messages),
        ];
        if self.plan.settings.sys_interval_secs == 0 {
            left.push(("retained messages", stats.retained_messages));
            left.push(("bytes of retained messages", stats.memory.retained));
        }
        left.retain(|(_, count)| *count > 0);
        if !left.is_empty() {
            self.fail(
                Rule::Leak,
                format!("everyone has left, but these are there: {left:?}"),
            );
        }
    }
}
