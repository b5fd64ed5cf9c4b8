//! Accounting of short sends: whatever the sizes of sockets, frames and scratch, each peer reads exactly
//! the bytes that were pushed to it.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use ringmq_ring::{CloseHow, EngineConfig};

use crate::support::{Driver, PATIENCE, config, pattern};

/// Reads what is there; returns whether the stream goes on.
fn read_some(client: &mut TcpStream, into: &mut Vec<u8>) -> bool {
    let mut part = [0; 65_536];
    loop {
        match client.read(&mut part) {
            Ok(0) => {
                client.shutdown(std::net::Shutdown::Both).unwrap();
                return false;
            }
            Ok(got) => into.extend_from_slice(&part[..got]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return true,
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn bytes_pushed_equal_bytes_read() {
    const PEERS: usize = 24;
    const ROUNDS: usize = 1_000;
    let mut driver = Driver::new(EngineConfig {
        linger: PATIENCE,
        ..config(PEERS as u32 + 8)
    });
    let address = driver.listen_narrow();
    let (mut clients, ids): (Vec<_>, Vec<_>) =
        (0..PEERS).map(|_| driver.established_pair(address)).unzip();
    for client in &clients {
        client.set_nonblocking(true).unwrap();
    }
    let arena = pattern(1, 1 << 20);
    let mut expected = vec![Vec::new(); PEERS];
    let mut got = vec![Vec::new(); PEERS];
    for round in 0..ROUNDS {
        // Frames from 1 byte to 6 kB, to changing subsets, so that histories split and meet again.
        for step in 0..3 {
            let start = (round * 7_919 + step * 104_729) % (1 << 19);
            let length = 1 + (round * 31 + step * 17) * 97 % 6_000;
            let members: Vec<usize> = (0..PEERS)
                .filter(|peer| (peer + round + step) % (step + 1) == 0)
                .collect();
            let targets: Vec<_> = members.iter().map(|&peer| ids[peer]).collect();
            driver
                .engine
                .push(start as u32..(start + length) as u32, &targets);
            for peer in members {
                expected[peer].extend_from_slice(&arena[start..start + length]);
            }
        }
        driver.flush(&arena);
        // Some read along, some do not; now and then all catch up, so that all can be blocked anew.
        for peer in (0..PEERS).filter(|peer| (peer + round) % 5 == 0) {
            assert!(read_some(&mut clients[peer], &mut got[peer]));
        }
        driver.turn(Duration::ZERO).unwrap();
        if round % 25 == 24 {
            driver.until("all to catch up", |driver| {
                for peer in 0..PEERS {
                    assert!(read_some(&mut clients[peer], &mut got[peer]));
                }
                driver.engine.stats().queued_bytes == 0
            });
        }
    }
    for &id in &ids {
        driver.engine.close(id, CloseHow::Flush);
    }
    let mut open = [true; PEERS];
    driver.until("every peer to see the end", |_| {
        for peer in 0..PEERS {
            open[peer] = open[peer] && read_some(&mut clients[peer], &mut got[peer]);
        }
        open.iter().all(|open| !open)
    });
    driver.until_empty();
    for peer in 0..PEERS {
        assert!(got[peer] == expected[peer], "peer {peer}");
    }
    let stats = driver.engine.stats();
    assert!(
        stats.sends_short > 5 * PEERS as u64,
        "short sends: {}",
        stats.sends_short
    );
    let total: usize = got.iter().map(Vec::len).sum();
    assert_eq!((stats.sent_bytes, stats.queued_bytes), (total as u64, 0));
}
