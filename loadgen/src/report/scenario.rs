//! What was run, as a report says it.

use ringmq_codec::Version;
use serde::Serialize;

use crate::scenario::{Pace, Plan, Presence};

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// The kind of load, or `mixed`.
    pub(crate) kind: String,
    pub(crate) mqtt: &'static str,
    pub(crate) qos: u8,
    pub(crate) publishers: u32,
    pub(crate) subscribers: u32,
    /// Sources with a sequence of their own: publishers, or simulated sensors.
    pub(crate) streams: u32,
    pub(crate) groups: u32,
    /// Shared subscriptions that the subscribers are members of; 0: none.
    pub(crate) shared_groups: u32,
    /// Filters of each subscriber.
    pub(crate) filters_each: u32,
    pub(crate) changes_per_second: f64,
    /// Subscribers come when everything is published: latency counts from when each asked.
    pub(crate) replay: bool,
    /// Times everyone was thrown out and returned.
    pub(crate) storms: u32,
    pub(crate) stalled_subscribers: u32,
    pub(crate) payload_bytes: usize,
    pub(crate) closed_loop: bool,
    pub(crate) rate_per_second: Option<f64>,
    pub(crate) window: Option<u32>,
    pub(crate) warmup_seconds: f64,
    pub(crate) duration_seconds: f64,
    /// The scenario file it comes from.
    #[serde(skip)]
    pub(crate) text: Option<String>,
}

impl Scenario {
    /// What a plan says of itself.
    pub(crate) fn of(plan: &Plan) -> Scenario {
        let (rate_per_second, window) = match plan.pace {
            Pace::Open { rate_per_second } => (Some(rate_per_second), None),
            Pace::Fleet { interval_secs, .. } => {
                (Some(f64::from(plan.layout.streams) / interval_secs), None)
            }
            Pace::Closed { window } => (None, Some(window)),
            Pace::Silent => (None, None),
        };
        Scenario {
            name: plan.name.clone(),
            kind: plan.kind.to_owned(),
            mqtt: version_name(plan.mqtt.version()),
            qos: plan.qos as u8,
            publishers: plan.layout.publishers,
            subscribers: plan.layout.subscribers,
            streams: plan.layout.streams,
            groups: plan.layout.groups,
            shared_groups: plan.layout.shares,
            filters_each: plan.filters_each,
            changes_per_second: plan.changes_per_second,
            replay: plan.presence.is_replay(),
            storms: match plan.presence {
                Presence::Storm { rounds } => rounds,
                _ => 0,
            },
            stalled_subscribers: plan.stalled,
            payload_bytes: plan.payload_bytes,
            closed_loop: window.is_some(),
            rate_per_second,
            window,
            warmup_seconds: plan.phases.warmup,
            duration_seconds: plan.phases.duration,
            text: None,
        }
    }
}

impl Scenario {
    /// What several loads side by side are together.
    pub(super) fn together(name: &str, loads: &[Scenario]) -> Scenario {
        let sum = |of: fn(&Scenario) -> u32| loads.iter().map(of).sum();
        let longest = |of: fn(&Scenario) -> f64| loads.iter().map(of).fold(0.0, f64::max);
        let first = &loads[0];
        Scenario {
            name: name.to_owned(),
            kind: "mixed".to_owned(),
            mqtt: first.mqtt,
            qos: loads.iter().map(|load| load.qos).max().unwrap_or(0),
            publishers: sum(|load| load.publishers),
            subscribers: sum(|load| load.subscribers),
            streams: sum(|load| load.streams),
            groups: sum(|load| load.groups),
            shared_groups: sum(|load| load.shared_groups),
            filters_each: first.filters_each,
            changes_per_second: loads.iter().map(|load| load.changes_per_second).sum(),
            replay: loads.iter().any(|load| load.replay),
            storms: sum(|load| load.storms),
            stalled_subscribers: sum(|load| load.stalled_subscribers),
            payload_bytes: first.payload_bytes,
            closed_loop: loads.iter().any(|load| load.closed_loop),
            rate_per_second: Some(loads.iter().filter_map(|load| load.rate_per_second).sum()),
            window: None,
            warmup_seconds: longest(|load| load.warmup_seconds),
            duration_seconds: longest(|load| load.duration_seconds),
            text: first.text.clone(),
        }
    }
}

/// A version as people write it.
fn version_name(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5",
    }
}
