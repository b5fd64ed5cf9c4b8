//! The operator: changes the settings of a running broker, asks for counters, throws clients out, and in
//! the end shuts the broker down while its clients are busy.

use std::sync::Arc;

use ringmq_router::{Answer, Command, CommandId, Input, Settings, ShardId};

use crate::client::{ClientIndex, Role};
use crate::node::Pending;
use crate::oracle::Rule;
use crate::socket::{Place, SocketId};
use crate::time::SECOND;
use crate::world::{Event, World};

/// Mean time between two orders, microseconds.
const ORDER_EVERY: u64 = 2 * SECOND;

/// Most that a broker may need to close its connections and hand out what it owes, seconds.
const STOP_SECS: u64 = 30;

/// An order that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    id: CommandId,
    /// What the answer must be, where that is known.
    found: Option<bool>,
}

impl World {
    /// One order, and the time of the next.
    pub(crate) fn order(&mut self) {
        let at = self.now.plus(1 + self.surroundings.around(ORDER_EVERY));
        self.schedule(at, Event::Order);
        if self.quiet || self.stopping {
            return;
        }
        let client = ClientIndex(self.surroundings.below(self.clients.len() as u64) as u16);
        let held = &self.clients[usize::from(client.0)];
        if held.role != Role::Worker {
            return;
        }
        let client_id: Box<str> = held.client_id.as_str().into();
        let mut shard = self.nodes[0].shard.home_of_client(&client_id);
        if self.surroundings.chance(100) {
            shard = ShardId(self.surroundings.below(u64::from(self.plan.shards)) as u8);
        }
        match self.surroundings.below(8) {
            0..=3 => self.change_settings(),
            4..=5 => self.give(shard, Pending::Command(Command::Disconnect { client_id })),
            6 => {
                let on = self.surroundings.chance(500);
                self.give(shard, Pending::Command(Command::Trace { client_id, on }));
            }
            _ => self.give(shard, Pending::Command(Command::Stats)),
        }
    }

    /// New bounds for everyone; each shard learns of them in its time.
    fn change_settings(&mut self) {
        let mut settings: Settings = self.plan.settings.clone();
        let random = &mut self.surroundings;
        if random.chance(500) {
            settings.queue_messages_max = random.within(2..=60) as u32;
        }
        if random.chance(300) {
            settings.queue_bytes_max = random.within(300..=6_000) as u32;
        }
        settings.inflight_max = random.within(1..=20) as u16;
        settings.receive_max = random.within(1..=20) as u16;
        settings.keep_alive_secs_max = *random.pick(&[0, 2, 5]);
        let settings = Arc::new(settings);
        for shard in 0..self.plan.shards {
            self.give(ShardId(shard), Pending::Settings(Arc::clone(&settings)));
        }
        self.coverage.hit("settings changed");
    }

    /// Whether a shard has a connection of that client whose CONNECT was accepted.
    fn connection_of(&self, shard: ShardId, client_id: &str) -> Option<SocketId> {
        let here = |place| matches!(place, Place::Shard(at, _) if at == shard);
        let position = self.sockets.iter().position(|socket| {
            let attempt = &self.oracle.attempts[socket.attempt.0 as usize];
            here(socket.place) && attempt.established.is_some() && attempt.client_id == client_id
        });
        position.map(|position| SocketId(position as u32))
    }

    /// A shard gets an order and answers it at once.
    pub(crate) fn handle_command(&mut self, shard: ShardId, command: Command) {
        self.last_order += 1;
        let id = CommandId(self.last_order);
        let mut found = None;
        match &command {
            Command::Disconnect { client_id } => {
                let socket = self.connection_of(shard, client_id);
                found = Some(socket.is_some());
                if let Some(socket) = socket {
                    let attempt = self.socket(socket).attempt;
                    self.oracle.attempts[attempt.0 as usize].thrown_out = true;
                    self.coverage.hit("client thrown out");
                }
            }
            Command::Trace { .. } => {}
            Command::Stats => found = Some(true),
        }
        self.asked = Some(Asked { id, found });
        self.handle_counted(shard, Input::Command { id, command });
        if let Some(asked) = self.asked.take() {
            self.fail(Rule::Contract, format!("{asked:?} was not answered"));
        }
    }

    /// A shard answers an order.
    pub(crate) fn answered(&mut self, id: CommandId, answer: &Answer) {
        let asked = self.asked.take();
        let found = !matches!(answer, Answer::NotFound);
        let legal = asked
            .is_some_and(|asked| asked.id == id && asked.found.is_none_or(|known| known == found));
        if !legal {
            let detail = format!("{asked:?} was answered as {id:?} with found {found}");
            self.fail(Rule::Contract, detail);
        }
    }

    /// Shuts the broker down; every connection must be closed.
    pub(crate) fn shut_down(&mut self) {
        let enough = self.events + self.plan.round_events / 8;
        let until = self.now.plus(10 * SECOND);
        self.run_until(until, |world| world.events >= enough);
        self.stopping = true;
        self.catch_up();
        for shard in 0..self.plan.shards {
            let at = self.now.plus(self.surroundings.below(SECOND / 5));
            self.schedule(at, Event::Stop(ShardId(shard)));
        }
        for socket in &mut self.sockets {
            socket.stalled_until = self.now;
        }
        let until = self.now.plus(STOP_SECS * SECOND);
        self.run_until(until, |_| false);
        let connections = self.stats().connections;
        if connections > 0 {
            let detail = format!("{connections} connections are open after the shutdown");
            self.fail(Rule::Leak, detail);
        }
        self.coverage.hit("shutdown under load");
    }

    /// A shard is told to stop.
    pub(crate) fn handle_shutdown(&mut self, shard: ShardId) {
        self.nodes[usize::from(shard.0)].stopped = true;
        self.handle_counted(shard, Input::Shutdown);
        let here = |place| matches!(place, Place::Shard(at, _) if at == shard);
        if let Some(socket) = self.sockets.iter().position(|it| here(it.place)) {
            let detail = format!("shard {} keeps socket {socket} after Shutdown", shard.0);
            self.fail(Rule::Contract, detail);
        }
    }

    /// A shard that was told to stop takes no connection any more, as the core has it.
    pub(crate) fn turn_away(&mut self, socket: SocketId, shard: ShardId) -> bool {
        let stopped = self.nodes[usize::from(shard.0)].stopped;
        if stopped {
            self.socket(socket).place = Place::Gone;
            self.schedule_downstream(socket);
        }
        stopped
    }
}
