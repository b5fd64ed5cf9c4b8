//! With `--sys`, what the broker says it dropped is set against what is missing.

use crate::command::{SHORT, run};
use crate::stub::{Fault, StubBroker};

/// Runs fan-out at QoS 1 with `--sys` and compares exit code, lost, drops and unaccounted.
fn check(fault: Fault, code: i32, figures: (u64, u64, i64)) {
    let broker = StubBroker::start(fault);
    let run = run(
        &broker,
        &format!("fan-out --subscribers 3 --qos 1 --sys {SHORT}"),
    );
    let unaccounted = run.report["unaccounted"]
        .as_i64()
        .expect("the stub tells its drops");
    let found = (run.count("lost"), run.count("drops_total"), unaccounted);
    assert_eq!((run.code, found), (code, figures), "{}", run.errors);
}

#[test]
fn a_drop_that_the_broker_counts_is_accounted_for() {
    check(Fault::None, 0, (0, 0, 0));
    check(Fault::Drop(40), 0, (1, 1, 0));
}

#[test]
fn a_message_that_nobody_counts_is_a_violation() {
    check(Fault::Corrupt(40), 2, (1, 0, 1));
}
