//! Everything at once, by seed: connects, writes, pushes, pauses, closes of every kind, hand-overs between
//! two engines; and after each step what has been seen must be explained by what was done.
//!
//! The oracle: each stream is a prefix of what was written or pushed, whole where the end was orderly; no
//! event for a connection after its end; all slots and queues are free when all is over.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use ringmq_ring::{CloseHow, ConnectionId, EngineConfig, EngineStats, Hold};

use crate::support::{Driver, PATIENCE, Seen, config, pattern};

/// A small generator, so that a seed says everything.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// One client with both streams as they should be.
struct Peer {
    socket: TcpStream,
    /// The engine it connected to.
    towards: usize,
    place: Place,
    written: Vec<u8>,
    heard: usize,
    pushed: Vec<u8>,
    read: usize,
    /// The client has sent its FIN.
    ended: bool,
    /// The engine was told to close with everything flushed.
    flushed: bool,
    over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Not accepted yet.
    Nowhere,
    At {
        engine: usize,
        id: ConnectionId,
        established: bool,
    },
    Moving {
        ticket: u64,
    },
    Gone,
}

struct Walk {
    random: Random,
    engines: [Driver; 2],
    addresses: [SocketAddr; 2],
    peers: Vec<Peer>,
    seeds: u64,
    tickets: HashMap<u64, usize>,
    moves: u64,
}

const PEERS: usize = 30;
const STEPS: usize = 6_000;

impl Walk {
    fn new(seed: u64) -> Walk {
        let settings = || EngineConfig {
            table_slots_max: 16,
            receive_buffers: 16,
            receive_buffer_bytes: 512,
            accepts_per_round: 4,
            linger: PATIENCE,
            ..config(64)
        };
        let mut engines = [Driver::new(settings()), Driver::new(settings())];
        let addresses = [engines[0].listen_narrow(), engines[1].listen(0)];
        Walk {
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            engines,
            addresses,
            peers: Vec::new(),
            seeds: 0,
            tickets: HashMap::new(),
            moves: 0,
        }
    }

    fn step(&mut self) {
        if self.peers.iter().filter(|peer| !peer.over).count() < PEERS {
            self.connect();
        }
        let chosen = self.random.below(self.peers.len());
        match self.random.below(16) {
            0..=3 => self.write(chosen),
            4..=6 => self.read(chosen),
            7..=9 => self.push(chosen),
            10 => self.pause_or_resume(chosen),
            11 if self.random.below(3) == 0 => self.establish(chosen),
            12 if self.random.below(4) == 0 => self.close(chosen),
            13 if self.random.below(4) == 0 => self.end(chosen),
            14 => self.hand_over(),
            _ => {}
        }
        for engine in 0..2 {
            if self.random.below(3) == 0 {
                self.turn(engine);
            }
        }
    }

    fn connect(&mut self) {
        let towards = self.random.below(2);
        let socket = TcpStream::connect(self.addresses[towards]).unwrap();
        socket.set_nonblocking(true).unwrap();
        self.peers.push(Peer {
            socket,
            towards,
            place: Place::Nowhere,
            written: Vec::new(),
            heard: 0,
            pushed: Vec::new(),
            read: 0,
            ended: false,
            flushed: false,
            over: false,
        });
    }

    fn write(&mut self, chosen: usize) {
        self.seeds += 1;
        let length = 1 + self.random.below(4_000);
        let bytes = pattern(self.seeds, length);
        let peer = &mut self.peers[chosen];
        if peer.over || peer.ended {
            return;
        }
        if let Ok(taken) = peer.socket.write(&bytes) {
            peer.written.extend_from_slice(&bytes[..taken]);
        }
    }

    /// Reads what is there, and checks it.
    fn read(&mut self, chosen: usize) {
        let peer = &mut self.peers[chosen];
        let mut part = [0; 40_000];
        while !peer.over {
            match peer.socket.read(&mut part) {
                Ok(0) => {
                    let _ = peer.socket.shutdown(Shutdown::Both);
                    assert!(peer.place == Place::Gone, "{:?} ended", peer.place);
                    assert!(!peer.flushed || peer.read == peer.pushed.len(), "cut short");
                    peer.over = true;
                }
                Ok(got) => {
                    let expected = peer.pushed.get(peer.read..peer.read + got);
                    assert!(expected == Some(&part[..got]), "bytes that were not pushed");
                    peer.read += got;
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    assert!(
                        !peer.flushed || peer.ended,
                        "a reset instead of the last bytes"
                    );
                    peer.over = true;
                }
            }
        }
    }

    fn push(&mut self, chosen: usize) {
        let Place::At {
            engine,
            id,
            established,
        } = self.peers[chosen].place
        else {
            return;
        };
        self.seeds += 1;
        let bound = if self.random.below(10) == 0 {
            300_000
        } else {
            500
        };
        let length = 1 + self.random.below(bound);
        let arena = pattern(self.seeds, length);
        // A second target now and then, so that frame sets split and are shared.
        let second = self.random.below(self.peers.len());
        let mut targets = vec![(chosen, id)];
        if let Place::At {
            engine: other, id, ..
        } = self.peers[second].place
            && other == engine
            && second != chosen
        {
            targets.push((second, id));
        }
        let ids: Vec<_> = targets.iter().map(|&(_, id)| id).collect();
        let frame = 0..length as u32;
        let driven = &mut self.engines[engine].engine;
        match ids[..] {
            // Nothing may be held for a connection that may yet be handed over.
            [only] if established && length < 80 && self.random.below(2) == 0 => {
                let hold = [Hold::Short, Hold::Long][self.random.below(2)];
                driven.hold(frame, &arena, only, hold);
            }
            _ => driven.push(frame, &ids),
        }
        for hold in [Hold::Short, Hold::Long] {
            if self.random.below(8) == 0 {
                driven.release_held(hold);
            }
        }
        if self.random.below(4) == 0 {
            driven.release_old();
        }
        for (peer, _) in targets {
            self.peers[peer].pushed.extend_from_slice(&arena);
        }
        self.engines[engine].flush(&arena);
        self.take_events(engine);
    }

    fn pause_or_resume(&mut self, chosen: usize) {
        let Place::At { engine, id, .. } = self.peers[chosen].place else {
            return;
        };
        match self.random.below(3) {
            0 => self.engines[engine].engine.pause(id),
            _ => self.engines[engine].engine.resume(id),
        }
    }

    fn establish(&mut self, chosen: usize) {
        if let Place::At {
            engine,
            id,
            established,
        } = &mut self.peers[chosen].place
        {
            self.engines[*engine].engine.established(*id);
            *established = true;
        }
    }

    fn close(&mut self, chosen: usize) {
        let Place::At { engine, id, .. } = self.peers[chosen].place else {
            return;
        };
        let how = if self.random.below(2) == 0 {
            CloseHow::Now
        } else {
            CloseHow::Flush
        };
        self.engines[engine].engine.close(id, how);
        self.peers[chosen].place = Place::Gone;
        self.peers[chosen].flushed = how == CloseHow::Flush;
    }

    /// The client ends: by half close, or by dropping the socket, mostly with a reset.
    fn end(&mut self, chosen: usize) {
        let half = self.random.below(2) == 0;
        let peer = &mut self.peers[chosen];
        if peer.over || peer.ended {
            return;
        }
        peer.ended = true;
        if half {
            let _ = peer.socket.shutdown(Shutdown::Write);
        } else {
            peer.over = true;
            let placeholder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            peer.socket = TcpStream::connect(placeholder.local_addr().unwrap()).unwrap();
            peer.socket.set_nonblocking(true).unwrap();
        }
    }

    /// Hands over one of those whose bytes have just come in, as a shard does it.
    fn hand_over(&mut self) {
        let engine = self.random.below(2);
        self.turn(engine);
        let driver = &self.engines[engine].engine;
        let heard = &self.engines[engine].received;
        let fits = |peer: &Peer| match peer.place {
            Place::At {
                engine: here,
                id,
                established: false,
            } => here == engine && heard.contains_key(&id) && driver.queued_output(id) == 0,
            _ => false,
        };
        let Some(chosen) = self.peers.iter().position(fits) else {
            return;
        };
        let Place::At { id, .. } = self.peers[chosen].place else {
            return;
        };
        self.seeds += 1;
        let ticket = self.seeds;
        let target = self.engines[1 - engine].engine.address();
        self.engines[engine].engine.hand_over(id, &target, ticket);
        self.peers[chosen].place = Place::Moving { ticket };
        self.tickets.insert(ticket, chosen);
    }

    fn turn(&mut self, engine: usize) {
        self.engines[engine].received.clear();
        self.engines[engine].turn(Duration::ZERO).unwrap();
        self.take_events(engine);
    }

    fn take_events(&mut self, engine: usize) {
        let mut strangers = Vec::new();
        for seen in std::mem::take(&mut self.engines[engine].seen) {
            match seen {
                Seen::Accepted(id, from, _) => {
                    if !self.accepted(engine, id, from) {
                        strangers.push(id);
                    }
                }
                // Seen in the same turn, thus before the call that closed it.
                Seen::Received(id, _) | Seen::Closed(id, _) if strangers.contains(&id) => {}
                Seen::Received(id, bytes) => {
                    let peer = self.at(engine, id);
                    let expected = peer.written.get(peer.heard..peer.heard + bytes.len());
                    assert!(expected == Some(&bytes[..]), "bytes that were not written");
                    peer.heard += bytes.len();
                }
                Seen::Closed(id, _) => {
                    let peer = self.at(engine, id);
                    assert!(peer.ended, "the engine ended a connection by itself");
                    peer.place = Place::Gone;
                }
                Seen::Blocked(id) | Seen::Ready(id) => {
                    self.at(engine, id);
                }
                Seen::Arrived(id, ticket) => {
                    self.moves += 1;
                    let peer = &mut self.peers[self.tickets[&ticket]];
                    assert_eq!(peer.place, Place::Moving { ticket });
                    peer.place = Place::At {
                        engine,
                        id,
                        established: true,
                    };
                }
                Seen::HandOverFailed(ticket) => {
                    let peer = &mut self.peers[self.tickets[&ticket]];
                    assert_eq!(peer.place, Place::Moving { ticket });
                    peer.place = Place::Gone;
                }
                Seen::Connected(_) => unreachable!("nothing connects"),
            }
        }
    }

    /// Whether the connection is one to compare with; if not it is closed.
    fn accepted(&mut self, engine: usize, id: ConnectionId, from: SocketAddr) -> bool {
        let waiting = |peer: &&mut Peer| {
            peer.place == Place::Nowhere
                && peer.towards == engine
                && peer.socket.local_addr().ok() == Some(from)
        };
        let place = Place::At {
            engine,
            id,
            established: false,
        };
        let Some(peer) = self.peers.iter_mut().find(waiting) else {
            // Its socket was dropped before it was accepted.
            self.engines[engine].engine.close(id, CloseHow::Now);
            return false;
        };
        peer.place = place;
        true
    }

    /// Whose event it is; panics if it is nobody's.
    fn at(&mut self, engine: usize, id: ConnectionId) -> &mut Peer {
        let here = |peer: &&mut Peer| matches!(peer.place, Place::At { engine: e, id: i, .. } if e == engine && i == id);
        self.peers
            .iter_mut()
            .find(here)
            .expect("an event for a connection that is over")
    }

    /// Ends everything in order and checks that it was whole. Returns how often the walk met what is rare.
    fn finish(mut self) -> [u64; 5] {
        for chosen in 0..self.peers.len() {
            if let Place::At { engine, id, .. } = self.peers[chosen].place {
                self.engines[engine].engine.resume(id);
            }
            let peer = &mut self.peers[chosen];
            if !peer.over && !peer.ended {
                peer.ended = true;
                let _ = peer.socket.shutdown(Shutdown::Write);
            }
        }
        let start = std::time::Instant::now();
        loop {
            for engine in 0..2 {
                self.turn(engine);
            }
            for chosen in 0..self.peers.len() {
                self.read(chosen);
            }
            let open = self
                .engines
                .iter()
                .any(|driver| driver.engine.stats().connections > 0);
            if !open
                && self
                    .peers
                    .iter()
                    .all(|peer| peer.over || peer.place == Place::Nowhere)
            {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "connections that do not end");
        }
        for driver in &self.engines {
            let stats = driver.engine.stats();
            assert_eq!(
                (stats.connections, stats.queued_bytes, stats.accept_errors),
                (0, 0, 0)
            );
            assert_eq!(
                stats.accepts,
                stats.closes - arrivals(&self.engines, driver)
            );
        }
        let sum = |count: fn(&EngineStats) -> u64| -> u64 {
            self.engines
                .iter()
                .map(|driver| count(&driver.engine.stats()))
                .sum()
        };
        [
            sum(|stats| stats.hand_overs),
            sum(|stats| stats.blocked),
            sum(|stats| stats.promotions),
            sum(|stats| stats.receive_buffers_exhausted),
            self.moves,
        ]
    }
}

/// Connections that came to this engine from the other.
fn arrivals(engines: &[Driver; 2], driver: &Driver) -> u64 {
    engines
        .iter()
        .filter(|other| !std::ptr::eq(*other, driver))
        .map(|other| other.engine.stats().hand_overs)
        .sum()
}

#[test]
fn what_is_seen_is_explained_by_what_was_done() {
    let seeds = match std::env::var("RANDOM_WALK_SEEDS") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => 5,
    };
    let mut met = [0; 5];
    for seed in 1..=seeds {
        eprintln!("seed {seed}");
        let mut walk = Walk::new(seed);
        for _ in 0..STEPS {
            walk.step();
        }
        for (sum, count) in met.iter_mut().zip(walk.finish()) {
            *sum += count;
        }
    }
    eprintln!("hand-overs, blocked, promotions, buffers exhausted, arrivals: {met:?}");
    assert!(
        met.iter().all(|&count| count > 0),
        "the walks meet everything: {met:?}"
    );
}
