//! Shards linked directly, and a transport per client that keeps what was sent to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use ringmq_router::link::LinkMessage;
use ringmq_router::{
    Authentication, CloseCause, CloseReason, ConnectionId, Input, ListenerId, Memory, Millis,
    Output, Outputs, Settings, Shard, ShardConfig, ShardCount, ShardId,
};

/// `authenticate USER`, `exchange METHOD DATA`, `again METHOD DATA MEMORY` or `step DATA MEMORY`.
fn describe_authentication(authentication: Authentication) -> String {
    let text = |bytes: Box<[u8]>| match String::from_utf8(bytes.into()).unwrap() {
        empty if empty.is_empty() => "-".to_owned(),
        text => text,
    };
    let remembered = |memory: Memory| memory.take::<String>().unwrap_or("-".to_owned());
    match authentication {
        Authentication::Password(claim) => {
            format!("authenticate {}", claim.user_name.as_deref().unwrap_or("-"))
        }
        Authentication::Exchange { method, data, .. } => {
            format!("exchange {method} {}", text(data))
        }
        Authentication::Again {
            method,
            data,
            memory,
        } => format!("again {method} {} {}", text(data), remembered(memory)),
        Authentication::Step { data, memory } => {
            format!("step {} {}", text(data), remembered(memory))
        }
    }
}

/// A client's end of a connection.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    pub(crate) at: Option<(usize, ConnectionId)>,
    /// Bytes sent to the client and not looked at yet.
    pub(crate) sent: Vec<u8>,
    pub(crate) closed: Option<CloseReason>,
    pub(crate) paused: bool,
}

/// All shards of a broker.
pub(crate) struct Broker {
    pub(crate) shards: Vec<Shard>,
    pub(crate) now: Millis,
    pub(crate) transports: BTreeMap<String, Transport>,
    owners: BTreeMap<(usize, u32), (u32, String)>,
    /// By (from, to).
    links: BTreeMap<(usize, usize), VecDeque<LinkMessage>>,
    /// Links that deliver nothing for now.
    pub(crate) held: Vec<(usize, usize)>,
    /// Outputs that are no packets, one line each.
    pub(crate) events: Vec<String>,
    generation: u32,
}

impl Broker {
    pub(crate) fn new(shards: u8, settings: Settings) -> Broker {
        let settings = Arc::new(settings);
        let shards = ShardCount(shards);
        let new = |id| {
            Shard::new(ShardConfig {
                id,
                shards,
                hash_seed: 7,
                random_seed: u64::from(id.0),
                settings: settings.clone(),
            })
        };
        Broker {
            shards: shards.iter().map(new).collect(),
            now: Millis(0),
            transports: BTreeMap::new(),
            owners: BTreeMap::new(),
            links: BTreeMap::new(),
            held: Vec::new(),
            events: Vec::new(),
            generation: 0,
        }
    }

    /// Opens a connection for the client at a shard.
    pub(crate) fn open(&mut self, client: &str, shard: usize) {
        let id = self.new_connection(shard, client);
        let peer: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        let transport = Transport {
            at: Some((shard, id)),
            ..Transport::default()
        };
        self.transports.insert(client.to_owned(), transport);
        let input = Input::Opened {
            connection: id,
            listener: ListenerId(0),
            peer,
        };
        self.handle(shard, input);
    }

    fn new_connection(&mut self, shard: usize, client: &str) -> ConnectionId {
        let index = (0..).find(|index| !self.owners.contains_key(&(shard, *index)));
        let index = index.unwrap();
        self.generation += 1;
        let owner = (self.generation, client.to_owned());
        self.owners.insert((shard, index), owner);
        ConnectionId {
            index,
            generation: self.generation,
        }
    }

    /// The client sends bytes.
    pub(crate) fn receive(&mut self, client: &str, bytes: &[u8]) {
        if let Some((shard, connection)) = self.transports[client].at {
            self.handle(shard, Input::Received { connection, bytes });
        }
    }

    /// The client's connection breaks.
    pub(crate) fn drop_connection(&mut self, client: &str) {
        let transport = self.transports.get_mut(client).unwrap();
        if let Some((shard, connection)) = transport.at.take() {
            self.owners.remove(&(shard, connection.index));
            let cause = CloseCause::Reset;
            self.handle(shard, Input::Closed { connection, cause });
        }
    }

    /// Gives an input about the client's connection to its shard.
    pub(crate) fn about(&mut self, client: &str, input: impl Fn(ConnectionId) -> Input<'static>) {
        let (shard, connection) = self.transports[client].at.unwrap();
        self.handle(shard, input(connection));
    }

    /// Hands one input in and acts on what follows.
    pub(crate) fn handle(&mut self, shard: usize, input: Input<'_>) {
        let mut outputs = Outputs::new();
        self.shards[shard].handle(self.now, input, &mut outputs);
        for output in std::mem::take(&mut outputs.list) {
            self.act(shard, output, &outputs);
        }
    }

    fn act(&mut self, shard: usize, output: Output, outputs: &Outputs) {
        match output {
            Output::Send { frame, targets, .. } => {
                for connection in outputs.receivers(targets) {
                    if let Some(transport) = self.transport(shard, *connection) {
                        transport.sent.extend_from_slice(outputs.frame(frame));
                    }
                }
            }
            Output::Close { connection, reason } => {
                if let Some(transport) = self.transport(shard, connection) {
                    transport.closed = Some(reason);
                    transport.at = None;
                }
                self.owners.remove(&(shard, connection.index));
            }
            Output::Pause { connection } => self.set_paused(shard, connection, true),
            Output::Resume { connection } => self.set_paused(shard, connection, false),
            Output::HandOver {
                connection,
                to,
                handover,
            } => {
                let (_, client) = self.owners.remove(&(shard, connection.index)).unwrap();
                let to = usize::from(to.0);
                let connection = self.new_connection(to, &client);
                self.transports.get_mut(&client).unwrap().at = Some((to, connection));
                let input = Input::HandedOver {
                    connection,
                    handover,
                };
                self.handle(to, input);
            }
            Output::Link { to, message } => {
                let link = (shard, usize::from(to.0));
                assert_ne!(link.0, link.1, "no link to itself");
                self.links.entry(link).or_default().push_back(message);
            }
            Output::Append { position, .. } => self.events.push(format!("append {}", position.0)),
            Output::Authenticate { authentication, .. } => {
                self.events.push(describe_authentication(*authentication));
            }
            Output::Answer { id, answer } => {
                self.events.push(format!("answer {} {answer:?}", id.0))
            }
            Output::Established { .. } | Output::Log(_) => {}
        }
    }

    fn transport(&mut self, shard: usize, id: ConnectionId) -> Option<&mut Transport> {
        let (generation, client) = self.owners.get(&(shard, id.index))?;
        assert_eq!(*generation, id.generation, "an output for a stranger");
        self.transports.get_mut(client)
    }

    fn set_paused(&mut self, shard: usize, id: ConnectionId, paused: bool) {
        if let Some(transport) = self.transport(shard, id) {
            assert_ne!(transport.paused, paused, "a pause or resume twice");
            transport.paused = paused;
        }
    }

    /// Ends ticks and delivers links until nothing moves.
    pub(crate) fn settle(&mut self) {
        loop {
            for shard in 0..self.shards.len() {
                self.handle(shard, Input::EndOfTick);
            }
            let moved = self.deliver_links();
            if !moved && self.shards.iter().all(Shard::is_idle) {
                return;
            }
        }
    }

    fn deliver_links(&mut self) -> bool {
        let mut moved = false;
        let links: Vec<(usize, usize)> = self.links.keys().copied().collect();
        for link in links {
            if self.held.contains(&link) {
                continue;
            }
            while let Some(message) = self.links.get_mut(&link).and_then(VecDeque::pop_front) {
                moved = true;
                let from = ShardId(link.0 as u8);
                self.handle(link.1, Input::Link { from, message });
            }
        }
        moved
    }

    /// Lets time pass second by second.
    pub(crate) fn pass(&mut self, secs: u64) {
        for _ in 0..secs {
            self.second(Millis(self.now.0 + 1_000));
        }
    }

    /// The same, and what comes from now on is not read.
    pub(crate) fn fall_behind(&mut self, secs: u64) {
        let read_until = self.now;
        for _ in 0..secs {
            self.second(read_until);
        }
    }

    fn second(&mut self, read_until: Millis) {
        self.now = Millis(self.now.0 + 1_000);
        for shard in 0..self.shards.len() {
            self.handle(shard, Input::Timer { read_until });
        }
        self.settle();
    }
}
