//! More connections than slots: those beyond wait in the kernel's backlog and are served when slots are
//! free; none is lost.

use std::io::{Read, Write};
use std::net::TcpStream;

use ringmq_ring::{EngineConfig, Event};

use crate::support::{Driver, PATIENCE, config};

/// Accepts through `rings` small tables and serves all clients, though only a few fit at a time.
fn serve_all(config: EngineConfig, clients: usize) {
    let most = u64::from(config.connections_max);
    let mut driver = Driver::new(config);
    let address = driver.listen(0);
    let peers: Vec<_> = (0..clients)
        .map(|number| {
            std::thread::spawn(move || {
                let mut peer = TcpStream::connect(address).unwrap();
                peer.set_read_timeout(Some(PATIENCE)).unwrap();
                peer.write_all(&(number as u32).to_be_bytes()).unwrap();
                let mut answer = [0; 4];
                peer.read_exact(&mut answer).unwrap();
                assert_eq!(answer, (number as u32).to_be_bytes());
            })
        })
        .collect();
    let mut served = 0;
    let start = std::time::Instant::now();
    while served < clients {
        assert!(start.elapsed() < PATIENCE, "served {served} of {clients}");
        let mut questions = Vec::new();
        driver
            .engine
            .wait(Some(std::time::Duration::from_millis(20)), &mut |event| {
                if let Event::Received { connection, bytes } = event {
                    questions.push((connection, bytes.to_vec()));
                }
            })
            .unwrap();
        assert!(driver.engine.stats().connections <= most);
        for (id, question) in questions {
            driver.send(id, &question);
            served += 1;
        }
    }
    for peer in peers {
        peer.join().unwrap();
    }
    driver.until_empty();
    let stats = driver.engine.stats();
    assert_eq!((stats.accepts, stats.accept_errors), (clients as u64, 0));
}

#[test]
fn connections_beyond_the_table_wait_for_their_turn() {
    serve_all(config(5), 100);
}

#[test]
fn connections_beyond_several_tables_wait_for_their_turn() {
    serve_all(
        EngineConfig {
            table_slots_max: 2,
            ..config(7)
        },
        100,
    );
}
