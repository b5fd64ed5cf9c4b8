//! The actions a script can ask for, each within the rules of the caller: nothing is received after a
//! close, who is ready was blocked before, a verdict was asked for.

use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_codec::ReasonCode;
use ringmq_router::{
    CloseCause, Command, CommandId, Input, ListenerId, LogPosition, Memory, Millis, Settings,
    ShardId, Verdict,
};

use super::client::{Client, Place};
use super::packets;
use super::script::Script;
use super::world::{World, settings_of};

impl World {
    /// Opens a connection for the client, if it has none, and sends a CONNECT.
    pub(crate) fn open(&mut self, client: usize, script: &mut Script<'_>) {
        if self.clients[client].place != Place::Nowhere {
            return;
        }
        let shard = ShardId(script.below(self.shards.len() as u8));
        let connection = self.take_place(shard, client);
        self.clients[client] = Client::opened(shard, connection);
        let (listener, peer) = (ListenerId(0), SocketAddr::from(([127, 0, 0, 1], 1)));
        self.input(
            shard,
            Input::Opened {
                connection,
                listener,
                peer,
            },
        );
        let mut connect = Vec::new();
        packets::connect(script, &mut connect);
        self.send(client, &connect);
    }

    /// The client writes, and sends all of it, a part, or nothing yet.
    pub(crate) fn write(&mut self, client: usize, bytes: &mut Vec<u8>, script: &mut Script<'_>) {
        self.open(client, script);
        self.clients[client].outbox.append(bytes);
        match script.below(8) {
            0 => {}
            1 => self.flush(client, script),
            _ => self.flush_all(client),
        }
    }

    /// The client sends a part of what it has written.
    pub(crate) fn flush(&mut self, client: usize, script: &mut Script<'_>) {
        let length = usize::from(script.byte()).min(self.clients[client].outbox.len());
        let bytes: Vec<u8> = self.clients[client].outbox.drain(..length).collect();
        self.send(client, &bytes);
    }

    pub(crate) fn close(&mut self, client: usize, script: &mut Script<'_>) {
        let cause = script.choose(&[
            CloseCause::PeerClosed,
            CloseCause::Reset,
            CloseCause::Error(110),
        ]);
        if let Place::At(shard, connection) = self.clients[client].place {
            self.free_place(shard, connection);
            self.input(shard, Input::Closed { connection, cause });
        }
    }

    pub(crate) fn block_or_ready(&mut self, client: usize) {
        let Place::At(shard, connection) = self.clients[client].place else {
            return;
        };
        let blocked = &mut self.clients[client].is_blocked;
        *blocked = !*blocked;
        if *blocked {
            self.input(shard, Input::SendBlocked { connection });
        } else {
            self.input(shard, Input::SendReady { connection });
        }
    }

    pub(crate) fn fill_or_empty_link(&mut self, script: &mut Script<'_>) {
        let (from, to) = self.pair(script);
        if from != to {
            let full = !self.full[from][to];
            self.set_full(from, to, full);
        }
    }

    /// Time passes, in one step.
    pub(crate) fn advance(&mut self, script: &mut Script<'_>) {
        self.now += script.choose(&[
            1,
            500,
            1_000,
            5_000,
            60_000,
            600_000,
            3_700_000,
            700_000_000,
        ]);
        self.timer();
    }

    pub(crate) fn end_tick(&mut self, script: &mut Script<'_>) {
        let shard = ShardId(script.below(self.shards.len() as u8));
        self.input(shard, Input::EndOfTick);
    }

    /// One message of one link arrives, or one moving connection.
    pub(crate) fn deliver_one(&mut self, script: &mut Script<'_>) {
        let (from, to) = self.pair(script);
        if !self.deliver(from, to) {
            self.arrive();
        }
    }

    pub(crate) fn judge(&mut self, client: usize, script: &mut Script<'_>) {
        let verdict = match script.below(4) {
            0 => Verdict::Deny(ReasonCode::NotAuthorized),
            1 => Verdict::Continue {
                data: b"more".as_slice().into(),
                memory: Memory::default(),
            },
            _ => Verdict::allow(),
        };
        self.give_verdict(client, verdict);
    }

    pub(crate) fn command(&mut self, script: &mut Script<'_>) {
        let client_id: Box<str> = script.choose(&["a", "b"]).into();
        let command = match script.below(3) {
            0 => Command::Stats,
            1 => Command::Disconnect { client_id },
            _ => Command::Trace {
                client_id,
                on: script.once_in(2),
            },
        };
        for shard in 0..self.shards.len() {
            let (id, command) = (CommandId(1), command.clone());
            self.input(ShardId(shard as u8), Input::Command { id, command });
        }
    }

    /// New settings, except whether there is a log, which a running broker keeps.
    pub(crate) fn change_settings(&mut self, script: &mut Script<'_>) {
        let log = self.settings.log;
        self.settings = Settings {
            log,
            ..settings_of(script.byte())
        };
        for shard in 0..self.shards.len() {
            let settings = Arc::new(self.settings.clone());
            self.input(ShardId(shard as u8), Input::Settings(settings));
        }
    }

    /// The log of one shard is written, all of it or all but the last record.
    pub(crate) fn let_be_durable(&mut self, script: &mut Script<'_>) {
        let shard = script.below(self.shards.len() as u8);
        let up_to = self.appended[usize::from(shard)].saturating_sub(u64::from(script.below(2)));
        self.input(
            ShardId(shard),
            Input::Durable {
                up_to: LogPosition(up_to),
            },
        );
    }

    pub(crate) fn timer(&mut self) {
        for shard in 0..self.shards.len() {
            let read_until = Millis(self.now);
            self.input(ShardId(shard as u8), Input::Timer { read_until });
        }
    }

    fn pair(&self, script: &mut Script<'_>) -> (usize, usize) {
        let count = self.shards.len();
        let pair = usize::from(script.byte()) % (count * count);
        (pair / count, pair % count)
    }

    fn flush_all(&mut self, client: usize) {
        let bytes = std::mem::take(&mut self.clients[client].outbox);
        self.send(client, &bytes);
    }

    /// Bytes of the client reach its shard; those of a moving connection wait in the outbox.
    fn send(&mut self, client: usize, bytes: &[u8]) {
        match self.clients[client].place {
            Place::At(shard, connection) if !bytes.is_empty() => {
                self.clients[client].on_sent(bytes);
                self.input(shard, Input::Received { connection, bytes });
            }
            Place::Moving => self.clients[client]
                .outbox
                .splice(..0, bytes.iter().copied())
                .for_each(drop),
            Place::At(..) | Place::Nowhere => {}
        }
    }

    fn give_verdict(&mut self, client: usize, verdict: Verdict) {
        if let Place::At(shard, connection) = self.clients[client].place
            && self.clients[client].is_judged
        {
            self.clients[client].is_judged = false;
            self.input(
                shard,
                Input::Authenticated {
                    connection,
                    verdict,
                },
            );
        }
    }
}
