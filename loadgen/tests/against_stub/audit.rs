//! The audit counts exactly what the broker did wrong, and the exit code depends on the QoS.

use std::time::Duration;

use crate::command::{SHORT, output, run};
use crate::stub::{Fault, StubBroker};

const CLEAN: [u64; 5] = [0; 5];
const OK: i32 = 0;
const ERROR: i32 = 1;
const VIOLATION: i32 = 2;

/// Runs fan-out 2 -> 3 with a fault and compares exit code and audit.
fn check(qos: u8, fault: Fault, code: i32, audit: [u64; 5]) {
    let broker = StubBroker::start(fault);
    let arguments = format!("fan-out --publishers 2 --subscribers 3 --qos {qos} {SHORT}");
    run(&broker, &arguments).check(code, audit);
}

#[test]
fn a_faultless_broker_is_clean_at_every_qos() {
    for qos in 0..=2 {
        check(qos, Fault::None, OK, CLEAN);
    }
}

#[test]
fn a_lost_message_is_allowed_at_qos_0_only() {
    check(0, Fault::Drop(50), OK, [1, 0, 0, 0, 0]);
    check(1, Fault::Drop(50), VIOLATION, [1, 0, 0, 0, 0]);
    check(2, Fault::Drop(0), VIOLATION, [1, 0, 0, 0, 0]);
}

#[test]
fn a_repeated_message_is_allowed_at_qos_1_only() {
    check(0, Fault::Repeat(50), VIOLATION, [0, 1, 0, 0, 0]);
    check(1, Fault::Repeat(50), OK, [0, 1, 0, 0, 0]);
    check(2, Fault::Repeat(50), VIOLATION, [0, 1, 0, 0, 0]);
}

#[test]
fn swapped_messages_are_never_allowed() {
    // The one that follows may be the other publisher's, so there is one publisher here.
    for qos in 0..=2 {
        let broker = StubBroker::start(Fault::Swap(50));
        let arguments = format!("fan-out --publishers 1 --subscribers 3 --qos {qos} {SHORT}");
        run(&broker, &arguments).check(VIOLATION, [0, 0, 1, 0, 0]);
    }
}

#[test]
fn a_corrupt_message_is_corrupt_and_lost() {
    check(0, Fault::Corrupt(50), VIOLATION, [1, 0, 0, 0, 1]);
}

#[test]
fn a_stray_message_is_unexpected() {
    let broker = StubBroker::start(Fault::Stray(50));
    let pairs = run(&broker, &format!("pairs --pairs 4 --qos 1 {SHORT}"));
    pairs.check(VIOLATION, [0, 0, 0, pairs.count("unexpected"), 0]);
    assert!(pairs.count("unexpected") > 0);
}

#[test]
fn a_closed_loop_goes_on_behind_a_lost_message() {
    let broker = StubBroker::start(Fault::Drop(5));
    let arguments = "pairs --pairs 1 --window 2 --qos 0 --warmup 0.1 --duration 0.3 --drain 0.5";
    let pairs = run(&broker, arguments);
    pairs.check(OK, [1, 0, 0, 0, 0]);
    assert!(pairs.count("published") > 7);
}

#[test]
fn a_lost_connection_is_a_violation_with_its_reason() {
    let broker = StubBroker::start(Fault::Hangup(60));
    let run = run(
        &broker,
        &format!("fan-out --publishers 1 --subscribers 3 --qos 0 {SHORT}"),
    );
    assert_eq!(
        (run.code, run.count("connections_lost")),
        (VIOLATION, 1),
        "{}",
        run.errors
    );
    assert!(run.errors.contains("connections lost"));
}

#[test]
fn a_refused_connection_is_an_error_that_names_the_reason() {
    let broker = StubBroker::start(Fault::Refuse);
    let run = run(&broker, &format!("fan-out {SHORT}"));
    assert_eq!(run.code, ERROR);
    assert!(
        run.errors.contains("2 of 2 connections failed"),
        "{}",
        run.errors
    );
    assert!(run.errors.contains("CONNACK"), "{}", run.errors);
}

#[test]
fn nobody_listening_is_an_error_that_says_so() {
    let output = output(&format!("fan-out --broker 127.0.0.1:1 {SHORT}"));
    assert_eq!(output.status.code(), Some(ERROR));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("is a broker listening there?"), "{errors}");
}

#[test]
fn a_stall_of_the_broker_shows_in_open_loop() {
    // 400 a second: what was due during the stall waited for it, though it was sent later.
    let broker = StubBroker::start(Fault::Stall(60, Duration::from_millis(200)));
    let run = run(
        &broker,
        "fan-out --qos 1 --rate 400 --warmup 0.1 --duration 0.8",
    );
    run.check(OK, CLEAN);
    let latency = &run.report["latency_us"];
    assert!(latency["max"].as_f64() >= Some(190_000.0), "{latency}");
    assert!(latency["p90"].as_f64() >= Some(50_000.0), "{latency}");
}
