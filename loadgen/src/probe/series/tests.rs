//! Figures from made-up samples.

use super::*;
use crate::limits::PROBE_EVERY;

const QUICK_NS: u64 = 50_000;
const SLOW_NS: u64 = 90_000;
/// Deliveries of an interval.
const DELIVERIES: u64 = 1_000;

/// A CPU that is slow in the slots that `is_slow` names; the broker's deliveries cost 5 us, or 9 us then.
fn series(slots: u64, is_slow: impl Fn(u64) -> bool) -> Series {
    let mut series = Series::default();
    let mut cpu_ns = 7_000;
    for slot in 0..slots {
        let probe_ns = if is_slow(slot) { SLOW_NS } else { QUICK_NS };
        series.push(Sample {
            slot,
            at_ns: 1_000 + slot * PROBE_EVERY.as_nanos() as u64,
            // The clock is no better than a few percent.
            probe_ns: probe_ns + 500 * (slot % 5),
            cpu_ns,
            delivered: slot * DELIVERIES,
        });
        let cost_ns = if is_slow(slot) { 9_000 } else { 5_000 };
        cpu_ns += cost_ns * DELIVERIES;
    }
    series
}

fn near(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 0.03
}

#[test]
fn on_a_quiet_cpu_all_counts() {
    let found = Undisturbed::of(&[series(100, |_| false)]).unwrap();
    assert!(near(found.cpu_us_per_delivery.unwrap(), 5.0), "{found:?}");
    assert!(near(found.share, 1.0) && near(found.quick_us, 50.0));
}

#[test]
fn slow_times_do_not_count() {
    // Twelve slots fast, forty slow, in turn.
    let found = Undisturbed::of(&[series(520, |slot| slot % 52 >= 12)]).unwrap();
    assert!(near(found.cpu_us_per_delivery.unwrap(), 5.0), "{found:?}");
    assert!((0.15..0.23).contains(&found.share), "{found:?}");
    assert!(near(found.quick_us, 50.0));
}

#[test]
fn too_little_undisturbed_time_gives_no_figure() {
    let found = Undisturbed::of(&[series(400, |slot| slot % 100 >= 5)]).unwrap();
    assert_eq!(found.cpu_us_per_delivery, None);
    assert!(found.share > 0.0, "{found:?}");
    // Long enough, but next to nothing of the whole.
    let found = Undisturbed::of(&[series(2_000, |slot| slot >= 36)]).unwrap();
    assert_eq!(found.cpu_us_per_delivery, None, "{found:?}");
}

#[test]
fn a_cpu_that_is_never_quick_shows_by_its_probes() {
    let found = Undisturbed::of(&[series(200, |_| true)]).unwrap();
    assert!(near(found.cpu_us_per_delivery.unwrap(), 9.0));
    assert!(near(found.quick_us, 90.0), "compare looks at this");
}

#[test]
fn a_fluke_is_not_the_best_speed() {
    let mut with_flukes = series(200, |_| false);
    with_flukes.0[50].probe_ns = 10;
    with_flukes.0[90].probe_ns = 10;
    let found = Undisturbed::of(&[with_flukes]).unwrap();
    assert!(near(found.quick_us, 50.0) && found.share > 0.9, "{found:?}");
}

#[test]
fn all_cpus_must_be_quick_at_once() {
    let one = series(200, |slot| slot % 50 < 10);
    let other = series(200, |slot| slot % 50 >= 40);
    let found = Undisturbed::of(&[one, other]).unwrap();
    assert!((0.5..0.65).contains(&found.share), "{found:?}");
    // Each CPU spends five; the deliveries are the same.
    assert!(near(found.cpu_us_per_delivery.unwrap(), 10.0), "{found:?}");
}

#[test]
fn a_probe_that_was_held_up_breaks_the_interval() {
    let mut held_up = series(200, |_| false);
    held_up.0.retain(|sample| !(50..150).contains(&sample.slot));
    let found = Undisturbed::of(&[held_up]).unwrap();
    assert!((0.45..0.55).contains(&found.share), "{found:?}");
}

#[test]
fn nothing_is_made_of_too_few_samples() {
    for slots in 0..=2 {
        assert_eq!(Undisturbed::of(&[series(slots, |_| false)]), None);
    }
    let mut none_left = series(100, |_| false);
    none_left.keep_between(0, 500);
    assert_eq!(Undisturbed::of(&[none_left]), None);
    assert_eq!(Undisturbed::of(&[]), None);
}

#[test]
fn no_deliveries_have_no_cost() {
    let mut idle = series(200, |_| false);
    idle.0.iter_mut().for_each(|sample| sample.delivered = 0);
    let found = Undisturbed::of(&[idle]).unwrap();
    assert_eq!(found.cpu_us_per_delivery, None);
}

#[test]
fn threads_that_are_not_probed_are_noticed() {
    let probed = series(100, |_| false);
    let used_ns = 99 * 5_000 * DELIVERIES;
    assert!(!misses_much(std::slice::from_ref(&probed), 0));
    assert!(!misses_much(std::slice::from_ref(&probed), used_ns / 50));
    assert!(misses_much(&[probed], used_ns / 10));
}
