//! The language of the scenarios, a line each:
//!
//! - `a: connect v5 clean at=1` and the other packets of [`crate::packets`]: client `a` sends (a CONNECT
//!   opens a connection first, at the shard `at`; with `home=2` its identifier lives on shard 2);
//!   `a: connected ...` also expects the CONNACK.
//! - `a< publish t x`: the next packet the client got (`a< connack 0x00 ...`: begins so). `a< -`: it got
//!   nothing more.
//!   `a< closed`: the broker has closed the connection. `a< anything`: whatever it got.
//! - `one a,b publish t x`: just one of them got this next; what follows the words may differ.
//!   `each a,b 4 publish t`: each got four such packets.
//! - `a: raw 10 [<MQTT> ...]`: bytes in the notation of [`crate::notation`].
//! - `a! open v5` (without a CONNECT; 3.1.1 if not said), `a! drop`, `a! blocked`, `a! ready`: its transport; `a! paused`, `a! read`: whether it is read.
//! - `ready s`: all clients whose names begin with `s` take bytes again, in one tick.
//! - `pass 5`: seconds go by; `behind 5`: and the shards do not get to read.
//!   `hold 0 1`, `release 0 1`: the link between two shards stands still.
//! - `full 0 1`, `room 0 1`: the ring between two shards. `event append 1`: an output that is no packet.
//! - `disconnect 0 a`, `trace 0 a`: orders to shard 0 about client `a`; `shutdown`: to all shards.
//! - `durable 0 5`: the log of shard 0 is on disk up to record 5. `allow a`, `allow a data memory`,
//!   `continue a data memory`, `deny a`, `deny a 134`: the verdict.
//!
//! After each line everything that can move does. At the end every client must have got just what was
//! expected.

use std::collections::{BTreeMap, VecDeque};

use ringmq_codec::{ReasonCode, Version};
use ringmq_router::{
    Command, CommandId, Grant, Input, LogPosition, Memory, Settings, ShardId, Stats, Verdict,
};

use crate::broker::Broker;
use crate::packets;

/// A broker and what its clients expect.
pub(crate) struct Script {
    pub(crate) broker: Broker,
    versions: BTreeMap<String, Version>,
    got: BTreeMap<String, VecDeque<String>>,
}

/// Runs the script on a broker of 1 and of 3 shards with the default settings.
pub(crate) fn check(script: &str) {
    for shards in [1, 3] {
        check_with(shards, Settings::default(), script);
    }
}

/// Runs the script on one broker; returns what it has counted.
pub(crate) fn check_with(shards: u8, mut settings: Settings, script: &str) -> Stats {
    settings.sys_interval_secs = 0;
    let mut run = Script {
        broker: Broker::new(shards, settings),
        versions: BTreeMap::new(),
        got: BTreeMap::new(),
    };
    for line in script.lines().map(str::trim).filter(|it| !it.is_empty()) {
        run.line(line, shards);
    }
    run.expect_no_more(shards);
    let mut stats = Stats::default();
    for shard in &run.broker.shards {
        stats.merge(&shard.stats());
    }
    stats
}

fn verdict(what: &str, words: &[&str]) -> Verdict {
    let data = words
        .first()
        .map_or(Box::default(), |it| it.as_bytes().into());
    let memory = words
        .get(1)
        .map_or(Memory::default(), |it| Memory::of((*it).to_owned()));
    match what {
        "allow" => Verdict::Allow(Grant { data, memory }),
        "continue" => Verdict::Continue { data, memory },
        _ => {
            let code = words.first().map_or(0x87, |it| it.parse().unwrap());
            Verdict::Deny(ReasonCode::from_byte(code).unwrap())
        }
    }
}

impl Script {
    fn line(&mut self, line: &str, shards: u8) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (head, rest) = words.split_first().unwrap();
        if let Some(client) = head.strip_suffix(':') {
            self.client_sends(client, rest);
        } else if let Some(client) = head.strip_suffix('<') {
            self.expect(
                client,
                &rest.join(" "),
                &format!("{line} ({shards} shards)"),
            );
        } else if let Some(client) = head.strip_suffix('!') {
            self.transport(client, rest);
        } else {
            self.world(head, rest);
        }
        self.broker.settle();
        self.collect();
    }

    fn client_sends(&mut self, client: &str, words: &[&str]) {
        if !matches!(words[0], "connect" | "connected") {
            let version = self.versions[client];
            let bytes = packets::packet(version, words);
            self.broker.receive(client, &bytes);
            return;
        }
        let options = packets::options(&words[1..]);
        let id = match options.get("home") {
            Some(home) => self.client_id_on(client, home.parse().unwrap()),
            None => options.get("id").copied().unwrap_or(client).to_owned(),
        };
        let (version, bytes) = packets::connect(&id, &words[1..]);
        let shard: usize = options.get("at").map_or(0, |it| it.parse().unwrap());
        self.collect();
        self.broker.open(client, shard % self.broker.shards.len());
        self.versions.insert(client.to_owned(), version);
        self.broker.receive(client, &bytes);
        if words[0] == "connected" {
            self.broker.settle();
            self.collect();
            let got = self.got.entry(client.to_owned()).or_default().pop_front();
            let got = got.unwrap_or_default();
            assert!(got.starts_with("connack 0x00"), "{client} got {got:?}");
        }
    }

    /// A client identifier that lives on the shard.
    fn client_id_on(&self, client: &str, home: u8) -> String {
        let names = (0..).map(|number| format!("{client}{number}"));
        let mut fitting = names.filter(|it| self.broker.shards[0].home_of_client(it).0 == home);
        fitting.next().unwrap()
    }

    fn collect(&mut self) {
        for (client, transport) in &mut self.broker.transports {
            let version = self.versions.get(client).copied().unwrap_or(Version::V311);
            let got = self.got.entry(client.clone()).or_default();
            got.extend(packets::describe_all(version, &transport.sent));
            transport.sent.clear();
        }
    }

    fn expect(&mut self, client: &str, expected: &str, place: &str) {
        self.broker.settle();
        self.collect();
        let got = self.got.entry(client.to_owned()).or_default();
        match expected {
            "-" => assert_eq!(got.front(), None, "{place}"),
            "anything" => got.clear(),
            "closed" => assert!(self.broker.transports[client].closed.is_some(), "{place}"),
            _ => {
                let next = got.pop_front();
                let next = next.as_deref();
                match expected.strip_suffix(" ...") {
                    Some(start) => assert!(
                        next.is_some_and(|it| it.starts_with(start)),
                        "{place}: {next:?}; then {got:?}"
                    ),
                    None => assert_eq!(next, Some(expected), "{place}; then {got:?}"),
                }
            }
        }
    }

    /// Just one of the clients got, as its next, a packet that begins with the words.
    fn one(&mut self, clients: &str, packet: &str) {
        let got: Vec<&str> = clients
            .split(',')
            .filter(|client| {
                let next = self.got.get(*client).and_then(VecDeque::front);
                next.is_some_and(|next| next.starts_with(packet))
            })
            .collect();
        assert_eq!(got.len(), 1, "{got:?} of {clients} got {packet}");
        self.got.get_mut(got[0]).unwrap().pop_front();
    }

    /// Each of the clients got that many packets that begin with the words, and nothing else.
    fn each(&mut self, clients: &str, count: usize, packet: &str) {
        for client in clients.split(',') {
            let got = std::mem::take(self.got.get_mut(client).unwrap());
            assert_eq!(got.len(), count, "{client} got {got:?}");
            assert!(got.iter().all(|it| it.starts_with(packet)), "{got:?}");
        }
    }

    fn expect_no_more(&mut self, shards: u8) {
        for (client, got) in &self.got {
            assert!(
                got.is_empty(),
                "{client} also got {got:?} ({shards} shards)"
            );
        }
    }

    fn transport(&mut self, client: &str, words: &[&str]) {
        match words[0] {
            "open" => {
                let version = packets::version(words.get(1).copied());
                self.versions.insert(client.to_owned(), version);
                self.broker.open(client, 0);
            }
            "drop" => self.broker.drop_connection(client),
            "blocked" => self
                .broker
                .about(client, |connection| Input::SendBlocked { connection }),
            "ready" => self
                .broker
                .about(client, |connection| Input::SendReady { connection }),
            "paused" => assert!(self.broker.transports[client].paused, "{client} is read"),
            "read" => assert!(!self.broker.transports[client].paused, "{client} is paused"),
            other => panic!("a transport cannot {other}"),
        }
    }

    fn command(&mut self, what: &str, shard: usize, client_id: &str) {
        let client_id = client_id.into();
        let command = match what {
            "disconnect" => Command::Disconnect { client_id },
            _ => Command::Trace {
                client_id,
                on: true,
            },
        };
        let id = CommandId(1);
        self.broker.handle(shard, Input::Command { id, command });
    }

    fn world(&mut self, what: &str, words: &[&str]) {
        let number = |at: usize| words[at].parse::<usize>().expect("a number");
        match what {
            "one" => self.one(words[0], &words[1..].join(" ")),
            "each" => self.each(words[0], number(1), &words[2..].join(" ")),
            "pass" => self.broker.pass(number(0) as u64),
            "behind" => self.broker.fall_behind(number(0) as u64),
            "hold" => self.broker.held.push((number(0), number(1))),
            "release" => {
                let link = (number(0), number(1));
                self.broker.held.retain(|it| *it != link);
            }
            "full" => {
                let to = ShardId(number(1) as u8);
                self.broker.handle(number(0), Input::LinkFull { to });
            }
            "room" => {
                let to = ShardId(number(1) as u8);
                self.broker.handle(number(0), Input::LinkReady { to });
            }
            "durable" => {
                let up_to = LogPosition(number(1) as u64);
                self.broker.handle(number(0), Input::Durable { up_to });
            }
            "disconnect" | "trace" => self.command(what, number(0), words[1]),
            "ready" => {
                let clients: Vec<String> = self.broker.transports.keys().cloned().collect();
                for client in clients.iter().filter(|it| it.starts_with(words[0])) {
                    self.broker
                        .about(client, |connection| Input::SendReady { connection });
                }
            }
            "shutdown" => {
                for shard in 0..self.broker.shards.len() {
                    self.broker.handle(shard, Input::Shutdown);
                }
            }
            "allow" | "continue" | "deny" => {
                self.broker
                    .about(words[0], |connection| Input::Authenticated {
                        connection,
                        verdict: verdict(what, &words[1..]),
                    });
            }
            "event" => {
                let next = (!self.broker.events.is_empty()).then(|| self.broker.events.remove(0));
                assert_eq!(next.as_deref(), Some(words.join(" ").as_str()));
            }
            other => panic!("nothing is called {other}"),
        }
    }
}
