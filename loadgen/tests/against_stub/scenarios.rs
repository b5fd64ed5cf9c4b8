//! Every scenario runs, in both loops and all versions, and its report adds up.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use crate::command::{SHORT, output, run};
use crate::stub::{Fault, StubBroker};

/// Runs a scenario against a faultless broker and compares expected deliveries per publish.
fn check(arguments: &str, fan_out: u64) {
    let broker = StubBroker::start(Fault::None);
    let run = run(&broker, arguments);
    run.check(0, [0; 5]);
    assert_eq!(
        run.count("expected"),
        fan_out * run.count("published"),
        "{arguments}"
    );
    assert!(
        run.report["latency_us"]["p50"].as_f64() > Some(0.0),
        "{}",
        run.report
    );
}

#[test]
fn fan_out_fan_in_and_pairs() {
    check(
        &format!("fan-out --publishers 2 --subscribers 5 {SHORT}"),
        5,
    );
    check(&format!("fan-in --publishers 5 --subscribers 2 {SHORT}"), 2);
    check(&format!("pairs --pairs 5 {SHORT}"), 1);
    check(&format!("pairs --publishers 3 --subscribers 3 {SHORT}"), 1);
}

#[test]
fn closed_loops_at_every_qos() {
    for qos in 0..=2 {
        let times = "--warmup 0.1 --duration 0.3";
        check(
            &format!("fan-out --publishers 2 --subscribers 3 --window 4 --qos {qos} {times}"),
            3,
        );
        check(
            &format!("pairs --pairs 3 --window 2 --qos {qos} {times}"),
            1,
        );
    }
}

#[test]
fn every_version_is_spoken() {
    for version in ["3.1", "3.1.1", "5"] {
        check(
            &format!("fan-out --subscribers 2 --qos 2 --version-mqtt {version} {SHORT}"),
            2,
        );
    }
}

#[test]
fn large_payloads_are_put_together() {
    check(
        &format!("fan-out --subscribers 2 --qos 1 --payload 100000 {SHORT}"),
        2,
    );
}

#[test]
fn sensors_share_connections() {
    let times = "--interval 0.2 --warmup 0.1 --duration 0.4";
    check(
        &format!("sensors --sensors 60 --connections 7 --subscribers 6 --sites 3 {times}"),
        2,
    );
    check(
        &format!("sensors --sensors 20 --subscribers 2 --qos 1 {times}"),
        2,
    );
}

#[test]
fn a_stalled_subscriber_gets_everything_in_the_end() {
    let arguments = format!("fan-out --subscribers 3 --subscriber-stall 1 --qos 1 {SHORT}");
    check(&arguments, 3);
}

#[test]
fn idle_connections_answer_at_the_end() {
    let broker = StubBroker::start(Fault::None);
    let run = run(&broker, "idle --connections 30 --duration 0.3");
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!(
        (run.count("connections"), run.count("connections_answered")),
        (30, 30)
    );
}

/// What `reach` has found of 30 connections, 10 of them chosen, and two messages to all.
fn reached(run: &crate::command::Run) -> [u64; 5] {
    let figures = [
        "/chosen/delivered",
        "/all/delivered",
        "/connections_answered",
    ];
    let [chosen, all, answered] =
        figures.map(|at| run.report.pointer(at).and_then(|it| it.as_u64()));
    let [chosen, all, answered] = [chosen, all, answered].map(|it| it.unwrap_or(u64::MAX));
    [
        chosen,
        all,
        answered,
        run.count("unexpected"),
        run.count("connections_lost"),
    ]
}

const REACH: &str =
    "reach --connections 30 --hold 0.5 --chosen 10 --rate 1000 --rounds 2 --timeout 3";

#[test]
fn every_connection_is_reached_by_itself_and_with_all() {
    let broker = StubBroker::start(Fault::None);
    let run = run(&broker, &format!("{REACH} --keep-alive 1"));
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!(reached(&run), [10, 60, 30, 0, 0]);
    let pongs = run.report.pointer("/held/pongs").and_then(|it| it.as_u64());
    assert!(pongs > Some(0), "{}", run.report);
}

#[test]
fn what_does_not_reach_a_connection_is_found() {
    for (fault, found, reason) in [
        (Fault::Drop(3), [9, 60, 30, 0, 0], "chosen connections lost"),
        (Fault::Drop(15), [10, 29, 30, 0, 0], "all connections lost"),
        (Fault::Repeat(20), [10, 60, 30, 1, 0], "came again"),
        (Fault::Hangup(25), [10, 29, 29, 0, 1], "lost during the run"),
    ] {
        let broker = StubBroker::start(fault);
        let run = run(&broker, REACH);
        assert_eq!(
            (run.code, reached(&run)),
            (2, found),
            "{fault:?}: {}",
            run.errors
        );
        assert!(run.errors.contains(reason), "{fault:?}: {}", run.errors);
    }
}

#[test]
fn churn_counts_its_connections() {
    let broker = StubBroker::start(Fault::None);
    let run = run(
        &broker,
        "churn --connections 40 --rounds 3 --cut-fraction 0.25",
    );
    assert_eq!(run.code, 0, "{}", run.errors);
    assert_eq!((run.count("connects"), run.count("cut")), (120, 30));
}

#[test]
fn the_brokers_process_is_in_the_report() {
    // The stub lives in this process.
    let broker = StubBroker::start(Fault::None);
    let pid = std::process::id();
    // Threads of other tests end meanwhile and take their time out of the account: this one uses more.
    let is_over = AtomicBool::new(false);
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let run = run(
            &broker,
            &format!("fan-out --subscribers 3 --pid {pid} {SHORT}"),
        );
        is_over.store(true, Relaxed);
        run
    });
    let broker = &run.report["broker"];
    assert!(
        broker["cpu_us_per_delivery"].as_f64() > Some(0.0),
        "{broker}"
    );
    assert!(broker["rss_bytes"].as_u64() > Some(100_000), "{broker}");
    let connect = &run.report["connect"];
    // Threads of other tests that end meanwhile take their time along: it may be nothing.
    assert!(connect["broker_cpu_us_each"].is_f64(), "{connect}");
}

#[test]
fn the_text_fits_a_page() {
    let broker = StubBroker::start(Fault::None);
    let output = output(&format!("fan-out --broker {} {SHORT}", broker.address()));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "fan-out ",
        "latency ",
        "p99.99",
        "audit ",
        "lost 0",
        "loadgen's CPU",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, reason) in [
        ("fan-out --rate 5 --payload 15", "at least 16 bytes"),
        (
            "pairs --publishers 2 --subscribers 3 --rate 5",
            "as many --subscribers",
        ),
        ("fan-out --rate 5 --broker nowhere", "HOST:PORT"),
        ("fan-out --rate 5 --topic-prefix a/+", "--topic-prefix"),
        (
            "fan-out --rate 5 --pid 4294967295",
            "a process on this machine",
        ),
        (
            "sensors --sensors 5 --connections 6",
            "more than the 5 sensors",
        ),
    ] {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains(reason), "{arguments}: {errors}");
    }
}
