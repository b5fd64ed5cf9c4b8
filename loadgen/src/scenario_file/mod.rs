//! Scenarios as TOML files: what is run, apart from where and against whom.
//!
//! `loadgen run FILE` and the presets read one, `plans` makes plans of it, agents get it sent as text. A key
//! that is unknown or does not belong to its kind of load is an error that names the nearest: a misspelt
//! key must not run another load than its author meant.

mod load;
mod mistake;
mod plans;
mod preset;
mod setting;

pub(crate) use load::{Kind, Load};
pub(crate) use plans::{Explicit, churn, plans, reach};
pub(crate) use preset::{preset, presets, text_of};

use serde::{Deserialize, Serialize};

use crate::mqtt_options::MqttSection;

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioFile {
    pub(crate) name: String,
    /// One sentence.
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) run: RunSection,
    #[serde(default)]
    pub(crate) connect: ConnectSection,
    #[serde(default)]
    pub(crate) mqtt: MqttSection,
    /// One, or several that run side by side.
    pub(crate) load: Vec<Load>,
}

/// How long, how fast, on how many threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RunSection {
    /// Of the same load before the measured part: audited, not measured.
    pub(crate) warmup_secs: f64,
    pub(crate) duration_secs: f64,
    /// After the last publish, until nothing came for this long.
    pub(crate) drain_secs: f64,
    /// Publishes a second over all loads, shared out by their weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_per_second: Option<f64>,
    /// Loops that carry out each load, every one with its share of the clients.
    pub(crate) threads: u32,
    /// Whether the broker's drop counters are read before and after.
    pub(crate) observe_drops: bool,
}

impl Default for RunSection {
    fn default() -> RunSection {
        RunSection {
            warmup_secs: 1.0,
            duration_secs: 10.0,
            drain_secs: 3.0,
            rate_per_second: None,
            threads: 1,
            observe_drops: false,
        }
    }
}

/// How connections are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConnectSection {
    /// New connections a second; absent: as fast as the broker answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_per_second: Option<u32>,
    /// Seconds over which that rate is reached, evenly from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ramp_secs: Option<f64>,
    /// Connects under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outstanding_max: Option<u32>,
}

impl ScenarioFile {
    /// Reads a scenario and applies `settings`, each KEY=VALUE, to it.
    pub(crate) fn parse(text: &str, settings: &[String]) -> Result<ScenarioFile, String> {
        // Mistakes in the file itself are told with their line.
        let file: ScenarioFile = toml::from_str(text).map_err(|error| mistake::explain(&error))?;
        let file = match settings {
            [] => file,
            _ => {
                let mut table: toml::Table = text
                    .parse()
                    .map_err(|error: toml::de::Error| error.to_string())?;
                for setting in settings {
                    setting::apply(&mut table, setting)?;
                }
                toml::Value::Table(table)
                    .try_into()
                    .map_err(|error| format!("--set: {}", mistake::explain(&error)))?
            }
        };
        file.check()?;
        Ok(file)
    }

    /// The scenario as TOML, with nothing left out that makes it what it is.
    pub(crate) fn to_text(&self) -> String {
        toml::to_string(self).expect("a scenario holds only tables, lists, text and numbers")
    }

    fn check(&self) -> Result<(), String> {
        if self.load.is_empty() {
            return Err("a scenario needs at least one [[load]]".to_owned());
        }
        let run = &self.run;
        if !(1..=crate::limits::THREADS_MAX).contains(&run.threads) {
            return Err(format!(
                "run.threads: between 1 and {}",
                crate::limits::THREADS_MAX
            ));
        }
        for (key, secs) in [
            ("warmup_secs", run.warmup_secs),
            ("duration_secs", run.duration_secs),
            ("drain_secs", run.drain_secs),
            ("connect.ramp_secs", self.connect.ramp_secs.unwrap_or(0.0)),
        ] {
            if !(0.0..=1e7).contains(&secs) {
                return Err(format!("{key}: between 0 and 10,000,000"));
            }
        }
        self.load.iter().try_for_each(Load::check)
    }
}

#[cfg(test)]
mod tests;
