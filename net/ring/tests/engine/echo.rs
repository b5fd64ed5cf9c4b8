//! Bytes go in and out, in single-shot receive and established, over one and over several connections.

use std::io::{Read, Write};

use crate::support::{Driver, config, pattern};

#[test]
fn bytes_come_back_as_they_were_sent() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(7);
    for established in [false, true] {
        let (mut client, id) = driver.pair(address);
        if established {
            driver.engine.established(id);
        }
        let mut sent = Vec::new();
        for round in 0..200 {
            let bytes = pattern(round, 1 + (round as usize * 37) % 3_000);
            client.write_all(&bytes).unwrap();
            sent.extend_from_slice(&bytes);
            driver.until("bytes", |driver| driver.received(id).len() == sent.len());
            driver.send(id, &bytes);
            let mut back = vec![0; bytes.len()];
            client.read_exact(&mut back).unwrap();
            assert_eq!(back, bytes);
        }
        assert_eq!(driver.received(id), sent);
    }
    assert!(
        driver
            .seen
            .iter()
            .any(|seen| matches!(seen, crate::support::Seen::Accepted(_, _, 7)))
    );
}

#[test]
fn a_fan_out_of_several_frames_reaches_everyone_in_order() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..20).map(|_| driver.established_pair(address)).collect();
    let ids: Vec<_> = pairs.iter().map(|(_, id)| *id).collect();
    let arena = pattern(1, 1_000);
    driver.engine.push(0..100, &ids);
    driver.engine.push(300..350, &ids[..10]);
    driver.engine.push(100..200, &ids[5..]);
    driver.engine.push(0..100, &ids);
    driver.flush(&arena);
    for (number, (client, _)) in pairs.iter_mut().enumerate() {
        let mut expected = arena[0..100].to_vec();
        if number < 10 {
            expected.extend_from_slice(&arena[300..350]);
        }
        if number >= 5 {
            expected.extend_from_slice(&arena[100..200]);
        }
        expected.extend_from_slice(&arena[0..100]);
        let mut got = vec![0; expected.len()];
        client.read_exact(&mut got).unwrap();
        assert_eq!(got, expected);
    }
    assert_eq!(driver.engine.stats().sends, 20);
}

#[test]
fn a_flush_that_outgrows_the_scratch_is_sent_whole() {
    const PEERS: usize = 60;
    const HALF: usize = 16_000;
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..PEERS)
        .map(|_| driver.established_pair(address))
        .collect();
    let arena = pattern(1, 2 * PEERS * HALF);
    // Two frames each that lie apart in the arena, and in the wrong order, so that all must be gathered:
    // about 2 MB, several times the scratch.
    let halves = |peer: usize| {
        let first = (PEERS + peer) * HALF;
        let second = peer * HALF;
        [first..first + HALF, second..second + HALF]
    };
    for (peer, (_, id)) in pairs.iter().enumerate() {
        for half in halves(peer) {
            driver
                .engine
                .push(half.start as u32..half.end as u32, &[*id]);
        }
    }
    driver.flush(&arena);
    for (peer, (client, _)) in pairs.iter_mut().enumerate() {
        let mut got = vec![0; 2 * HALF];
        client.read_exact(&mut got).unwrap();
        let [first, second] = halves(peer);
        assert!(
            got[..HALF] == arena[first] && got[HALF..] == arena[second],
            "peer {peer}"
        );
    }
    assert_eq!(driver.engine.stats().sends, PEERS as u64);
}
