//! Which setting to recommend. Pure.
//!
//! Throughput first, since it is what shards are for; then latency, as a setting that delivers the same
//! later is worse; then CPU; and of settings that differ in none of these the one with fewer shards, which
//! leaves the machine to others.

use super::Measurement;

/// Shares that count as no difference. Latencies of the tail differ more from run to run than rates do.
const DELIVERED_WITHIN: f64 = 0.05;
const P99_WITHIN: f64 = 0.30;
const CPU_WITHIN: f64 = 0.05;

/// The place of the best one among those whose audit is clean.
pub(crate) fn best(measurements: &[Measurement]) -> Option<usize> {
    let clean = (0..measurements.len()).filter(|&at| measurements[at].is_clean);
    let mut left: Vec<usize> = clean.collect();
    let of = |value: fn(&Measurement) -> f64| move |at: usize| value(&measurements[at]);
    keep_least(
        &mut left,
        DELIVERED_WITHIN,
        of(|it| 1.0 / it.delivered_per_second.max(1e-9)),
    );
    keep_least(&mut left, P99_WITHIN, of(|it| it.p99_us));
    keep_least(&mut left, CPU_WITHIN, of(|it| it.cpu_us_per_delivery));
    left.into_iter()
        .min_by_key(|&at| measurements[at].setting.shards)
}

/// Keeps those that are at most so much above the least.
fn keep_least(left: &mut Vec<usize>, within: f64, value: impl Fn(usize) -> f64) {
    let least = left
        .iter()
        .map(|&at| value(at))
        .fold(f64::INFINITY, f64::min);
    left.retain(|&at| value(at) <= least * (1.0 + within));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::setting::Setting;

    /// Shards, deliveries, p99, CPU, audit.
    fn measured(rows: &[(u32, f64, f64, f64, bool)]) -> Vec<Measurement> {
        let measurement =
            |&(shards, delivered, p99, cpu, is_clean): &(u32, f64, f64, f64, bool)| Measurement {
                setting: Setting {
                    shards: Some(shards),
                    cpus: "all".to_owned(),
                },
                delivered_per_second: delivered,
                cpu_share: 1.0,
                cpu_us_per_delivery: cpu,
                p99_us: p99,
                is_clean,
            };
        rows.iter().map(measurement).collect()
    }

    #[test]
    fn throughput_comes_first_then_latency_then_cpu_then_fewer_shards() {
        for (rows, expected) in [
            (
                vec![(1, 100.0, 1.0, 1.0, true), (2, 150.0, 9.0, 2.0, true)],
                Some(1),
            ),
            (
                vec![(1, 100.0, 9.0, 1.0, true), (2, 102.0, 2.0, 2.0, true)],
                Some(1),
            ),
            (
                vec![(1, 100.0, 2.2, 1.0, true), (2, 102.0, 2.0, 2.0, true)],
                Some(0),
            ),
            (
                vec![(4, 100.0, 2.0, 1.0, true), (2, 100.0, 2.0, 1.01, true)],
                Some(1),
            ),
            (
                vec![(1, 100.0, 2.0, 1.0, true), (2, 500.0, 1.0, 1.0, false)],
                Some(0),
            ),
            (vec![(1, 100.0, 2.0, 1.0, false)], None),
            (vec![], None),
        ] {
            assert_eq!(best(&measured(&rows)), expected, "{rows:?}");
        }
    }
}
