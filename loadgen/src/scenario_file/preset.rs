//! The scenarios that come with loadgen, each with the comments of its file.

use crate::scenario_file::mistake;

/// A scenario that comes with loadgen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    /// The file, whole.
    pub(crate) text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
        }),*]
    };
}

/// Our own, then the open MQTT benchmark suite under its own names.
const PRESETS: &[Preset] = presets![
    "fan-out",
    "fan-in",
    "pairs",
    "shared-group",
    "fleet",
    "fleet-million",
    "retained-replay",
    "session-backlog",
    "connection-storm",
    "reconnect-storm",
    "idle-keep-alive",
    "million",
    "wildcard-background",
    "slow-subscriber",
    "topic-churn",
    "mixed",
    "conn-tcp-10K-100",
    "fanout-1-1K-1-1K",
    "p2p-1K-1K-1K-1K",
    "sharedsub-1K-5-1K-1K",
    "conn-tcp-1M-5K",
    "fanout-5-1000-5-250K",
    "p2p-50K-50K-50K-50K",
    "sharedsub-50K-500-50K-50K",
];

/// All of them.
pub(crate) fn presets() -> &'static [Preset] {
    PRESETS
}

/// The text of a scenario that is named by its file or as a preset.
pub(crate) fn text_of(source: &str) -> Result<String, String> {
    if let Some(preset) = preset(source) {
        return Ok(preset.text.to_owned());
    }
    std::fs::read_to_string(source).map_err(|error| {
        if source.contains('/') || source.ends_with(".toml") {
            return format!("{source}: {error}");
        }
        let nearest = mistake::nearest(source, PRESETS.iter().map(|preset| preset.name));
        format!(
            "{source}: {error}; of the scenarios that come with loadgen the nearest is {nearest} (loadgen scenarios)"
        )
    })
}

/// The one with this name.
pub(crate) fn preset(name: &str) -> Option<Preset> {
    PRESETS.iter().copied().find(|preset| preset.name == name)
}
