//! A burst that empties the buffer ring ends multishot receives; they are armed again and nothing is lost.

use std::io::Write;

use ringmq_ring::EngineConfig;

use crate::support::{Driver, config, pattern};

#[test]
fn sixteen_buffers_survive_a_burst_of_small_messages() {
    const PEERS: usize = 40;
    const MESSAGES: usize = 2_500;
    let mut driver = Driver::new(EngineConfig {
        receive_buffers: 16,
        receive_buffer_bytes: 256,
        ..config(PEERS as u32 + 8)
    });
    let address = driver.listen(0);
    let pairs: Vec<_> = (0..PEERS)
        .map(|_| driver.established_pair(address))
        .collect();
    let ids: Vec<_> = pairs.iter().map(|(_, id)| *id).collect();
    let senders: Vec<_> = pairs
        .into_iter()
        .enumerate()
        .map(|(peer, (mut client, _))| {
            std::thread::spawn(move || {
                let message = pattern(peer as u64, 16);
                for _ in 0..MESSAGES {
                    client.write_all(&message).unwrap();
                }
                client
            })
        })
        .collect();
    driver.until("all messages", |driver| {
        driver.seen.clear();
        ids.iter()
            .all(|&id| driver.received(id).len() == MESSAGES * 16)
    });
    for (peer, &id) in ids.iter().enumerate() {
        let message = pattern(peer as u64, 16);
        assert!(driver.received(id).chunks(16).all(|chunk| chunk == message));
    }
    let clients: Vec<_> = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .collect();
    let stats = driver.engine.stats();
    assert!(
        stats.receive_buffers_exhausted > 0,
        "the test empties the ring"
    );
    assert!(ids.iter().all(|&id| driver.closed(id).is_none()));
    drop(clients);
    driver.until_empty();
}
