//! A sleep that gathers: it ends with enough completions, or with its time if there is any, and otherwise
//! with the timeout of the wait, never by the time of gathering alone.

use std::io::Write;
use std::time::{Duration, Instant};

use ringmq_ring::Event;

use crate::support::{Driver, PATIENCE, config};

/// So long that no test gets there unless something is wrong.
const FOR_EVER: Duration = Duration::from_secs(3_600);

#[test]
fn enough_completions_end_it_before_its_time() {
    let mut driver = Driver::new(config(100));
    driver.engine.set_completions_per_tick(4);
    let address = driver.listen(0);
    let mut pairs: Vec<_> = (0..8).map(|_| driver.established_pair(address)).collect();
    driver.engine.gather_for(FOR_EVER);
    for (client, _) in &mut pairs {
        client.write_all(b"x").unwrap();
    }
    let mut received = 0;
    let start = Instant::now();
    while received < pairs.len() - 4 {
        driver
            .engine
            .wait(Some(FOR_EVER * 2), &mut |event| {
                received += usize::from(matches!(event, Event::Received { .. }));
            })
            .unwrap();
        assert!(start.elapsed() < PATIENCE);
    }
}

#[test]
fn one_completion_ends_it_when_its_time_is_over() {
    let mut driver = Driver::new(config(100));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    driver.engine.gather_for(Duration::from_micros(200));
    for round in 0..50 {
        client.write_all(&[round]).unwrap();
        driver.until("a byte alone", |driver| {
            driver
                .received
                .get(&id)
                .is_some_and(|it| it.len() > usize::from(round))
        });
    }
}

#[test]
fn without_completions_the_timeout_ends_it() {
    let mut driver = Driver::new(config(100));
    driver.engine.gather_for(Duration::from_micros(100));
    let timeout = Duration::from_millis(30);
    let start = Instant::now();
    let mut waits = 0;
    while start.elapsed() < timeout * 3 {
        driver.engine.wait(Some(timeout), &mut |_| {}).unwrap();
        waits += 1;
    }
    // If the time of gathering were taken for the timeout, there would be hundreds.
    assert!(waits <= 10, "{waits} waits");
}
