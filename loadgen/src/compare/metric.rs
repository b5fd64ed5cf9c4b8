//! The figures that runs are compared by.

use crate::compare::verdict::Direction;
use crate::html::Unit;
use crate::record::RunRecord;
use crate::report::text::{bytes, count, duration_us};

/// A figure of a run.
#[derive(Clone, Copy)]
pub(crate) struct Metric {
    /// As on the command line.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    pub(crate) direction: Direction,
    pub(crate) unit: MetricUnit,
    value: fn(&RunRecord) -> Option<f64>,
}

/// What its values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricUnit {
    Micros,
    PerSecond,
    Bytes,
}

impl MetricUnit {
    /// The unit of an axis of them.
    pub(crate) fn axis(self) -> Unit {
        match self {
            MetricUnit::Micros => Unit::Duration,
            MetricUnit::PerSecond => Unit::PerSecond,
            MetricUnit::Bytes => Unit::Bytes,
        }
    }

    /// A value with its unit; no metric is 0, so that stands for none.
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            _ if value == 0.0 => "-".to_owned(),
            MetricUnit::Micros => duration_us(value),
            MetricUnit::PerSecond => format!("{}/s", count(value.round() as u64)),
            MetricUnit::Bytes => bytes(value),
        }
    }
}

const LESS: Direction = Direction::LessIsBetter;

/// The main one, where the broker's CPU was probed.
pub(crate) const UNDISTURBED: Metric = Metric {
    name: "cpu-undisturbed",
    title: "undisturbed broker CPU",
    direction: LESS,
    unit: MetricUnit::Micros,
    value: |record| record.results.broker?.cpu_us_per_delivery_undisturbed,
};

/// All of them, the main one first.
pub(crate) const METRICS: [Metric; 10] = [
    UNDISTURBED,
    Metric {
        name: "cpu",
        title: "broker CPU a delivery",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| record.results.broker?.cpu_us_per_delivery,
    },
    Metric {
        name: "delivered",
        title: "delivered",
        direction: Direction::MoreIsBetter,
        unit: MetricUnit::PerSecond,
        value: |record| Some(record.results.delivered_per_second),
    },
    Metric {
        name: "p50",
        title: "p50 latency",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.latency_us.p50),
    },
    Metric {
        name: "p90",
        title: "p90",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.latency_us.p90),
    },
    Metric {
        name: "p99",
        title: "p99",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.latency_us.p99),
    },
    Metric {
        name: "p99.9",
        title: "p99.9",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.latency_us.p999),
    },
    Metric {
        name: "p99.99",
        title: "p99.99",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.latency_us.p9999),
    },
    Metric {
        name: "connect-p99",
        title: "p99 of connects",
        direction: LESS,
        unit: MetricUnit::Micros,
        value: |record| Some(record.results.connect_latency_us.p99),
    },
    Metric {
        name: "memory",
        title: "broker memory",
        direction: LESS,
        unit: MetricUnit::Bytes,
        value: |record| Some(record.results.broker?.rss_bytes as f64),
    },
];

impl Metric {
    /// The value of a run; `None` where it has none, or 0, which no factor can be taken of.
    pub(crate) fn of(&self, record: &RunRecord) -> Option<f64> {
        (self.value)(record).filter(|value| value.is_finite() && *value > 0.0)
    }

    /// The metric of a name. The error lists all names.
    pub(crate) fn parse(name: &str) -> Result<Metric, String> {
        let found = METRICS.into_iter().find(|metric| metric.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
            format!("metrics are {}", names.join(", "))
        })
    }
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
