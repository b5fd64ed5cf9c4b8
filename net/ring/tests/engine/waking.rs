//! The waker ends a sleep from another thread, also when it comes before the sleep; and timeouts end it.

use std::time::{Duration, Instant};

use crate::support::{Driver, config};

#[test]
fn another_thread_ends_the_sleep() {
    let mut driver = Driver::new(config(10));
    for delay in [0, 1, 5] {
        let waker = driver.engine.waker();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(delay));
            waker.wake();
        });
        // Would sleep for ever if the wake were lost.
        driver.engine.wait(None, &mut |_| {}).unwrap();
        thread.join().unwrap();
    }
}

#[test]
fn a_wake_before_the_sleep_is_not_lost() {
    let mut driver = Driver::new(config(10));
    let waker = driver.engine.waker();
    for _ in 0..100 {
        waker.wake();
        waker.wake();
        driver.engine.wait(None, &mut |_| {}).unwrap();
    }
}

#[test]
fn a_timeout_ends_the_sleep_and_zero_does_not_sleep() {
    let mut driver = Driver::new(config(10));
    driver.turns(2);
    let start = Instant::now();
    driver.turn(Duration::from_millis(30)).unwrap();
    assert!(start.elapsed() >= Duration::from_millis(30));
    for _ in 0..1_000 {
        driver.turn(Duration::ZERO).unwrap();
    }
}
