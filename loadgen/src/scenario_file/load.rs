//! One load of a scenario: its kind, and the keys that belong to each kind.

use ringmq_codec::TopicFilter;
use serde::{Deserialize, Serialize};

use crate::fleet::{PayloadForm, Phase, ValueModel};
use crate::limits::{FILTERS_EACH_MAX, PAYLOAD_BYTES_MAX, STAMP_BYTES_MIN};
use crate::scenario_file::mistake;

/// What a load does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Every publisher to every subscriber, on one topic.
    #[default]
    FanOut,
    /// Every publisher on a topic of its own, every subscriber hears all through a wildcard.
    FanIn,
    /// Publisher n to subscriber n.
    Pairs,
    /// Shared subscriptions.
    Shared,
    /// Simulated sensors.
    Fleet,
    /// Retained messages, fetched by subscribers that come later.
    RetainedReplay,
    /// Messages kept for sessions whose clients are away.
    SessionBacklog,
    /// Connections with one subscription each.
    Idle,
    /// Everyone is thrown out and returns at once.
    ReconnectStorm,
    /// Subscriptions that nothing matches, exchanged for others at a rate.
    Background,
    /// Connections held, then reached: a random choice each by itself, then all at once.
    Reach,
    /// Connects and disconnects in rounds, some cut in the middle of a packet.
    Churn,
}

/// A load. Which keys belong to which kind is in [`Kind::keys`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Load {
    pub(crate) kind: Kind,
    /// Tells loads of one scenario apart in the report; absent: the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Share of `run.rate_per_second`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) publishers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscribers: Option<u32>,
    /// Of publishes and subscriptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) qos: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload_bytes: Option<usize>,
    /// Open loop: publishes a second over all publishers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_per_second: Option<f64>,
    /// Closed loop: messages each publisher keeps outstanding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<u32>,
    /// Subscribers that do not read while the load runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stalled_subscribers: Option<u32>,
    /// Shared subscriptions that the subscribers are members of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<u32>,
    /// Whether subscribers name every publisher's topic instead of a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exact_filters: Option<bool>,
    /// Connections of idle, background, churn, reach and storms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connections: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filters_each: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) changes_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rounds: Option<u32>,
    /// Connections that get a message of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chosen: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut_fraction: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topics: Option<u32>,
    /// What those who come for retained messages subscribe to; absent: the load's topics, through `+`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) messages_each: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sensors: Option<u32>,
    /// Connections that carry the sensors; absent: one each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gateways: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sites: Option<u32>,
    /// What the sensors measure; they take turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kinds: Option<Vec<String>>,
    /// With `{site}`, `{kind}` and `{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval_secs: Option<f64>,
    /// Each reading comes up to this share of the interval later, at random.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jitter: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phase: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<PayloadForm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<ValueModel>,
}

/// Keys of every load with publishers at a rate.
const FLOW: [&str; 4] = ["qos", "payload_bytes", "rate_per_second", "weight"];

impl Kind {
    /// The kind as files name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::FanOut => "fan-out",
            Kind::FanIn => "fan-in",
            Kind::Pairs => "pairs",
            Kind::Shared => "shared",
            Kind::Fleet => "fleet",
            Kind::RetainedReplay => "retained-replay",
            Kind::SessionBacklog => "session-backlog",
            Kind::Idle => "idle",
            Kind::ReconnectStorm => "reconnect-storm",
            Kind::Background => "background",
            Kind::Reach => "reach",
            Kind::Churn => "churn",
        }
    }

    /// The keys that belong to it, besides `kind` and `name`.
    fn keys(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Kind::FanOut | Kind::Pairs => {
                &["publishers", "subscribers", "window", "stalled_subscribers"]
            }
            Kind::FanIn => &[
                "publishers",
                "subscribers",
                "window",
                "stalled_subscribers",
                "exact_filters",
            ],
            Kind::Shared => &["publishers", "subscribers", "window", "groups"],
            Kind::Fleet => &[
                "sensors",
                "gateways",
                "subscribers",
                "stalled_subscribers",
                "sites",
                "kinds",
                "topic",
                "interval_secs",
                "jitter",
                "phase",
                "payload",
                "value",
                "qos",
                "payload_bytes",
            ],
            Kind::RetainedReplay => &["topics", "publishers", "subscribers", "filter"],
            Kind::SessionBacklog => &["topics", "publishers", "subscribers", "messages_each"],
            Kind::Idle => &["connections"],
            Kind::ReconnectStorm => &["connections", "rounds"],
            Kind::Background => &["connections", "filters_each", "changes_per_second"],
            Kind::Reach => &["connections", "chosen", "rate_per_second", "rounds"],
            Kind::Churn => &["connections", "rounds", "cut_fraction"],
        };
        let has_flow = matches!(
            self,
            Kind::FanOut
                | Kind::FanIn
                | Kind::Pairs
                | Kind::Shared
                | Kind::RetainedReplay
                | Kind::SessionBacklog
        );
        let flow: &[&str] = if has_flow { &FLOW } else { &[] };
        [own, flow].concat()
    }
}

impl Load {
    /// What it is called in the report.
    pub(crate) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(self.kind.name())
    }

    /// Checks what one load alone can have wrong.
    pub(super) fn check(&self) -> Result<(), String> {
        let title = self.title();
        let table =
            toml::Table::try_from(self).expect("a load holds only tables, lists, text and numbers");
        let keys = self.kind.keys();
        let stray = table
            .keys()
            .find(|key| !["kind", "name"].contains(&key.as_str()) && !keys.contains(&key.as_str()));
        if let Some(key) = stray {
            return Err(format!(
                "load `{title}`: `{key}` does not belong to kind \"{}\"; the nearest that does is `{}` ({})",
                self.kind.name(),
                mistake::nearest(key, keys.iter().copied()),
                keys.join(", ")
            ));
        }
        self.check_numbers()
            .map_err(|why| format!("load `{title}`: {why}"))
    }

    fn check_numbers(&self) -> Result<(), String> {
        if self.qos.is_some_and(|qos| qos > 2) {
            return Err("qos: 0, 1 or 2".to_owned());
        }
        if let Some(bytes) = self.payload_bytes
            && !(STAMP_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&bytes)
        {
            return Err(format!(
                "payload_bytes: between {STAMP_BYTES_MIN}, the stamp that latency and audit rest on, and {PAYLOAD_BYTES_MAX}"
            ));
        }
        if let Some(filter) = &self.filter
            && TopicFilter::new(filter).is_none()
        {
            return Err(format!("filter: `{filter}` is no topic filter"));
        }
        let counts = [
            ("publishers", self.publishers),
            ("subscribers", self.subscribers),
            ("groups", self.groups),
            ("connections", self.connections),
            ("filters_each", self.filters_each),
            ("rounds", self.rounds),
            ("chosen", self.chosen),
            ("topics", self.topics),
            ("messages_each", self.messages_each),
            ("sensors", self.sensors),
            ("gateways", self.gateways),
            ("sites", self.sites),
            ("window", self.window),
        ];
        if let Some((key, _)) = counts.iter().find(|(_, count)| *count == Some(0)) {
            return Err(format!("{key}: at least 1"));
        }
        if self.filters_each > Some(FILTERS_EACH_MAX) {
            return Err(format!("filters_each: at most {FILTERS_EACH_MAX}"));
        }
        let ranges = [
            ("rate_per_second", self.rate_per_second, 1e-6..=1e9),
            ("weight", self.weight, 1e-9..=1e9),
            ("changes_per_second", self.changes_per_second, 0.0..=1e7),
            ("interval_secs", self.interval_secs, 1e-3..=1e7),
            ("jitter", self.jitter, 0.0..=1.0),
            ("cut_fraction", self.cut_fraction, 0.0..=1.0),
        ];
        for (key, value, range) in ranges {
            if value.is_some_and(|value| !range.contains(&value)) {
                return Err(format!(
                    "{key}: between {} and {}",
                    range.start(),
                    range.end()
                ));
            }
        }
        let paces = [self.rate_per_second.is_some(), self.window.is_some()];
        match paces {
            [true, true] => {
                Err("one of rate_per_second (open loop) and window (closed loop)".into())
            }
            _ => Ok(()),
        }
    }
}
