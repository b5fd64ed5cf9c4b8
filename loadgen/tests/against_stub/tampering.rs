//! Loadgen behind a proxy that tampers: the audit counts exactly, and a stall shows as open loop demands.

use std::time::Duration;

use crate::command::run_at;
use crate::proxy::{Proxy, Tampering};
use crate::stub::{Fault, StubBroker};

#[test]
fn one_in_ten_thousand_is_caught_and_counted_exactly() {
    for (qos, code) in [(0, 2), (2, 2)] {
        let broker = StubBroker::start(Fault::None);
        let proxy = Proxy::start(broker.address(), Tampering::OneOf(10_000));
        // 25,000 messages for one subscriber, all of one publisher.
        let arguments = format!(
            "fan-out --qos {qos} --rate 12500 --warmup 0.5 --duration 1.5 --drain 3 --payload 48"
        );
        let run = run_at(proxy.address(), &arguments);
        let done = proxy.done();
        assert!(done.changed >= 2 && done.swapped >= 2, "{done:?}");
        // What was changed cannot be told from what was lost.
        run.check(
            code,
            [
                done.dropped + done.changed,
                done.repeated,
                done.swapped,
                0,
                done.changed,
            ],
        );
    }
}

/// The p99 in microseconds of a run behind a proxy that stalls 200 ms once a second.
fn p99_with_stalls(pace: &str) -> f64 {
    let broker = StubBroker::start(Fault::None);
    let stall = Tampering::Stall {
        every: Duration::from_secs(1),
        length: Duration::from_millis(200),
    };
    let proxy = Proxy::start(broker.address(), stall);
    let run = run_at(
        proxy.address(),
        &format!("fan-out {pace} --warmup 0.2 --duration 4 --drain 2"),
    );
    run.check(0, [0; 5]);
    assert_eq!(
        run.report["scenario"]["closed_loop"],
        pace.contains("window")
    );
    run.report["latency_us"]["p99"].as_f64().unwrap()
}

#[test]
fn a_stall_shows_in_open_loop_and_hides_in_closed_loop() {
    // A fifth of what was due waited for up to 200 ms.
    let open = p99_with_stalls("--rate 500");
    assert!(open >= 150_000.0, "{open}");
    // One message a second waits; the hundreds that would have been due meanwhile are never sent.
    let closed = p99_with_stalls("--window 1");
    assert!(closed < open / 2.0, "{closed} against {open}");
}
