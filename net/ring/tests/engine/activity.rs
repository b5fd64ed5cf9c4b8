//! Idle connections become busy and idle again, and lose nothing on the way.

use std::io::Write;
use std::time::Duration;

use crate::support::{Driver, config};

#[test]
fn a_connection_is_promoted_by_traffic_and_demoted_by_silence() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    let mut sent = 0;
    for round in 1..=3 {
        driver.until("promotion", |driver| {
            client.write_all(b"12345").unwrap();
            sent += 5;
            driver.engine.stats().promotions == round
        });
        driver.until("all bytes", |driver| driver.received(id).len() == sent);
        driver.until("demotion", |driver| {
            driver.engine.stats().demotions == round
        });
        for _ in 0..3 {
            client.write_all(b"12345").unwrap();
            sent += 5;
            driver.until("bytes when idle", |driver| {
                driver.received(id).len() == sent
            });
            driver.turn(Duration::from_millis(50)).unwrap();
        }
    }
    let stats = driver.engine.stats();
    assert!(stats.ack_delays >= stats.promotions);
    assert!([0, stats.ack_delays].contains(&stats.ack_delays_refused));
}

#[test]
fn a_slow_sensor_stays_idle() {
    let mut driver = Driver::new(config(10));
    let address = driver.listen(0);
    let (mut client, id) = driver.established_pair(address);
    for round in 1..=10 {
        std::thread::sleep(Duration::from_millis(60));
        client.write_all(b"21.5").unwrap();
        driver.until("reading", |driver| driver.received(id).len() == round * 4);
    }
    assert_eq!(driver.engine.stats().promotions, 0);
}
