//! Drives an engine in tests: collects its events and waits, within a generous bound, for a condition.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use ringmq_ring::{
    CloseCause, ConnectionId, Engine, EngineConfig, EngineError, Event, Found, probe,
};

/// Longest time any condition may take: for liveness only, nothing is measured by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An event with its bytes copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Accepted(ConnectionId, SocketAddr, u16),
    Connected(ConnectionId),
    Received(ConnectionId, Vec<u8>),
    Closed(ConnectionId, CloseCause),
    Blocked(ConnectionId),
    Ready(ConnectionId),
    Arrived(ConnectionId, u64),
    HandOverFailed(u64),
}

impl Seen {
    fn of(event: &Event<'_>) -> Seen {
        match *event {
            Event::Accepted {
                connection,
                peer,
                tag,
            } => Seen::Accepted(connection, peer, tag),
            Event::Connected { connection } => Seen::Connected(connection),
            Event::Received { connection, bytes } => Seen::Received(connection, bytes.to_vec()),
            Event::Closed { connection, cause } => Seen::Closed(connection, cause),
            Event::Blocked { connection } => Seen::Blocked(connection),
            Event::Ready { connection } => Seen::Ready(connection),
            Event::Arrived { connection, ticket } => Seen::Arrived(connection, ticket),
            Event::HandOverFailed { ticket } => Seen::HandOverFailed(ticket),
        }
    }
}

/// An engine and what it has reported.
pub(crate) struct Driver {
    pub(crate) engine: Engine,
    pub(crate) seen: Vec<Seen>,
    pub(crate) received: HashMap<ConnectionId, Vec<u8>>,
}

/// Small settings that most tests start from.
pub(crate) fn config(connections_max: u32) -> EngineConfig {
    EngineConfig {
        connections_max,
        receive_buffers: 64,
        ..EngineConfig::default()
    }
}

impl Driver {
    /// Fails the test, with the reason, on a kernel that lacks something.
    pub(crate) fn new(config: EngineConfig) -> Driver {
        if let Err(reason) = probe() {
            panic!("these tests need io_uring: {reason}");
        }
        let engine = Engine::new(config).unwrap();
        Driver {
            engine,
            seen: Vec::new(),
            received: HashMap::new(),
        }
    }

    /// Listens on a free port of the loopback address.
    pub(crate) fn listen(&mut self, tag: u16) -> SocketAddr {
        self.listen_with(tag, |_| {})
    }

    /// As [`Driver::listen`], for connections with small send buffers.
    pub(crate) fn listen_narrow(&mut self) -> SocketAddr {
        self.listen_with(0, |listener| {
            let bytes: libc::c_int = 4_096;
            // SAFETY: the option's value lives across the call and its size is given.
            let result = unsafe {
                libc::setsockopt(
                    listener.as_raw_fd(),
                    libc::SOL_SOCKET,
                    libc::SO_SNDBUF,
                    std::ptr::from_ref(&bytes).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            assert_eq!(result, 0);
        })
    }

    fn listen_with(&mut self, tag: u16, prepare: impl Fn(&TcpListener)) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        prepare(&listener);
        // A longer backlog than the standard library's, so that no SYN is dropped in a burst.
        // SAFETY: no pointers.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 4_096) }, 0);
        let address = listener.local_addr().unwrap();
        self.engine.listen(listener, tag).unwrap();
        address
    }

    /// One turn: at most `timeout` of waiting, events collected.
    pub(crate) fn turn(&mut self, timeout: Duration) -> Result<Found, EngineError> {
        let (seen, received) = (&mut self.seen, &mut self.received);
        self.engine.wait(Some(timeout), &mut |event| {
            if let Event::Received { connection, bytes } = event {
                received
                    .entry(connection)
                    .or_default()
                    .extend_from_slice(bytes);
            }
            seen.push(Seen::of(&event));
        })
    }

    /// Turns until `done`, or fails the test.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut Driver) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "gave up waiting: {what}");
            self.turn(Duration::from_millis(20)).unwrap();
        }
    }

    /// A number of turns, for what must not happen.
    pub(crate) fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.turn(Duration::from_millis(5)).unwrap();
        }
    }

    /// Pushes and flushes bytes to one connection.
    pub(crate) fn send(&mut self, to: ConnectionId, bytes: &[u8]) {
        self.engine.push(0..bytes.len() as u32, &[to]);
        self.flush(bytes);
    }

    /// Flushes, events collected.
    pub(crate) fn flush(&mut self, arena: &[u8]) {
        let seen = &mut self.seen;
        self.engine
            .flush(arena, &mut |event| seen.push(Seen::of(&event)))
            .unwrap();
    }

    /// Connects a blocking client and returns it with the engine's side.
    pub(crate) fn pair(&mut self, address: SocketAddr) -> (TcpStream, ConnectionId) {
        let client = TcpStream::connect(address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.set_nodelay(true).unwrap();
        let local = client.local_addr().unwrap();
        // A port may have been used before, towards another listener.
        let before = self.seen.len();
        let mut id = None;
        self.until("accept", |driver| {
            id = driver.seen[before..].iter().find_map(|seen| match *seen {
                Seen::Accepted(id, peer, _) if peer == local => Some(id),
                _ => None,
            });
            id.is_some()
        });
        (client, id.unwrap())
    }

    /// As [`Driver::pair`], established.
    pub(crate) fn established_pair(&mut self, address: SocketAddr) -> (TcpStream, ConnectionId) {
        let (client, id) = self.pair(address);
        self.engine.established(id);
        (client, id)
    }

    pub(crate) fn closed(&self, id: ConnectionId) -> Option<CloseCause> {
        self.seen.iter().find_map(|seen| match *seen {
            Seen::Closed(closed, cause) if closed == id => Some(cause),
            _ => None,
        })
    }

    pub(crate) fn count(&self, matches: impl Fn(&Seen) -> bool) -> usize {
        self.seen.iter().filter(|seen| matches(seen)).count()
    }

    pub(crate) fn received(&self, id: ConnectionId) -> &[u8] {
        self.received.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Waits until the engine holds no connection.
    pub(crate) fn until_empty(&mut self) {
        self.until("all slots to be free", |driver| {
            driver.engine.stats().connections == 0
        });
    }
}

/// Bytes that differ from place to place, the same for the same seed.
pub(crate) fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}
