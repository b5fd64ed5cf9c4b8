//! Thousands of connections open and close on a live engine: slots, indices and memory come back.
//! A program of its own, because it looks at the memory of the process.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../engine/support.rs"]
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use ringmq_ring::{CloseHow, EngineConfig};

use support::{Driver, PATIENCE, Seen, config, pattern};

/// Connections of one round, all open at once.
const CONNECTIONS: usize = 1_000;

/// Rounds, 20 unless `SOAK_ROUNDS` says otherwise.
fn rounds() -> usize {
    std::env::var("SOAK_ROUNDS").map_or(20, |text| text.parse().unwrap())
}

/// The kernel's TCP sockets: in use and allocated.
fn kernel_sockets() -> String {
    let text = std::fs::read_to_string("/proc/net/sockstat").unwrap();
    text.lines()
        .find(|line| line.starts_with("TCP"))
        .unwrap_or_default()
        .to_owned()
}

/// Resident memory of this process in bytes.
fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4_096
}

#[test]
fn twenty_thousand_connections_come_and_go() {
    let mut driver = Driver::new(EngineConfig {
        table_slots_max: 400,
        receive_buffers: 256,
        ..config(CONNECTIONS as u32 + 40)
    });
    let address = driver.listen(0);
    let arena = pattern(1, 2_000);
    let mut after_first = 0;
    let rounds = rounds();
    eprintln!("before: {}", kernel_sockets());
    for round in 0..rounds {
        let peers = std::thread::spawn(move || {
            let mut open: Vec<TcpStream> = Vec::with_capacity(CONNECTIONS);
            for number in 0..CONNECTIONS {
                let mut peer = TcpStream::connect(address).unwrap();
                peer.set_read_timeout(Some(PATIENCE)).unwrap();
                peer.write_all(&pattern(number as u64, 100)).unwrap();
                open.push(peer);
            }
            for (number, mut peer) in open.into_iter().enumerate() {
                if number % 3 != 0 {
                    let mut got = vec![0; 2_000];
                    peer.read_exact(&mut got).unwrap();
                }
                // The others go without reading, so with a reset, in the middle of a packet.
            }
        });
        let mut answered = 0;
        driver.until("all served and gone", |driver| {
            let mut ids = Vec::new();
            for seen in driver.seen.drain(..) {
                if let Seen::Received(id, _) = seen {
                    ids.push(id);
                }
            }
            driver.received.clear();
            answered += ids.len();
            driver.engine.push(0..2_000, &ids);
            driver.flush(&arena);
            for (place, &id) in ids.iter().enumerate() {
                match place % 4 {
                    0 => driver.engine.close(id, CloseHow::Flush),
                    1 => driver.engine.established(id),
                    _ => {}
                }
            }
            peers.is_finished() && driver.engine.stats().connections == 0
        });
        peers.join().unwrap();
        assert!(answered >= CONNECTIONS * 2 / 3);
        if round == 0 {
            after_first = resident_bytes();
        }
    }
    let stats = driver.engine.stats();
    assert_eq!(stats.accepts, (rounds * CONNECTIONS) as u64);
    assert_eq!(stats.closes, stats.accepts);
    assert_eq!((stats.accept_errors, stats.queued_bytes), (0, 0));
    eprintln!("after: {}", kernel_sockets());
    let grown = resident_bytes().saturating_sub(after_first);
    assert!(
        grown < after_first / 10 + (4 << 20),
        "memory grew by {grown} bytes"
    );
}
