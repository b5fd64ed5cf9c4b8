//! What a wait says about how much of what was there it has reported.

use std::io::Write;
use std::time::Duration;

use ringmq_ring::{EngineConfig, Found};

use crate::support::{Driver, config};

const PEERS: usize = 40;

/// A wait that finds nothing.
const MOMENT: Duration = Duration::from_millis(5);

/// Every peer writes one byte; turns follow until two in a row have found all. Returns what each has found.
fn a_byte_from_each(driver: &mut Driver) -> Vec<Found> {
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..PEERS)
        .map(|_| driver.established_pair(address))
        .collect();
    while driver.turn(MOMENT).unwrap() != Found::Nothing {}
    for (client, _) in &mut pairs {
        client.write_all(b"x").unwrap();
    }
    let mut found = vec![Found::Part, Found::Part];
    while found[found.len() - 2..].contains(&Found::Part) {
        found.push(driver.turn(MOMENT).unwrap());
        assert!(found.len() < 100 * PEERS, "{found:?}");
    }
    for (_, id) in &pairs {
        assert_eq!(driver.received(*id), b"x", "after {found:?}");
    }
    found.split_off(2)
}

#[test]
fn two_waits_that_found_all_have_read_everybody() {
    let mut driver = Driver::new(config(PEERS as u32));
    driver.engine.set_completions_per_tick(10 * PEERS as u32);
    let found = a_byte_from_each(&mut driver);
    assert!(!found.contains(&Found::Part), "{found:?}");
}

#[test]
fn a_wait_at_its_bound_has_found_a_part() {
    let mut driver = Driver::new(config(PEERS as u32));
    driver.engine.set_completions_per_tick(7);
    let found = a_byte_from_each(&mut driver);
    assert!(found[..5].iter().all(|it| *it == Found::Part), "{found:?}");
}

#[test]
fn a_wait_without_receive_buffers_has_found_a_part() {
    let mut driver = Driver::new(EngineConfig {
        receive_buffers: 16,
        ..config(PEERS as u32)
    });
    let found = a_byte_from_each(&mut driver);
    assert!(driver.engine.stats().receive_buffers_exhausted > 0);
    assert!(found.contains(&Found::Part), "{found:?}");
}
