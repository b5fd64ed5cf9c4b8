//! What is kept of a run: plain data, written to and read from `run.json`.
//!
//! `run` fills it, `folder` stores it, `html`, `compare` and `history` read it. Nothing here measures or
//! judges. A field added later needs a serde default, so that older folders stay readable.

pub(crate) mod interval;
mod machine;
mod moment;
mod of_report;

pub(crate) use interval::{EncodedLatency, Interval, empty_latency};
pub(crate) use machine::MachineRecord;
pub(crate) use moment::Moment;
pub(crate) use of_report::Measured;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::histogram::Percentiles;
use crate::probe::NotProbed;

/// Version of the form of `run.json`; raised when older readers would misread it.
pub(crate) const FORMAT: u32 = 1;

/// One run, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// [`FORMAT`].
    pub(crate) format: u32,
    pub(crate) scenario: ScenarioRecord,
    pub(crate) versions: Versions,
    pub(crate) machine: MachineRecord,
    /// When loadgen was told to begin.
    pub(crate) started: Moment,
    /// How the scenario was run here: addresses, CPU, timeouts. Does not make it another scenario.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) results: Results,
    pub(crate) audit: AuditRecord,
    /// What the reader of the figures should know.
    pub(crate) warnings: Vec<String>,
    /// The measured phase in pieces of a second, then what came while draining.
    pub(crate) intervals: Vec<Interval>,
    /// Empty for a run of one load.
    #[serde(default)]
    pub(crate) loads: Vec<LoadRecord>,
    /// Empty for a run on this machine alone.
    #[serde(default)]
    pub(crate) agents: Vec<AgentRecord>,
    /// From the beginning of each connect until the client may take part. Stands in `connect.hlog`.
    #[serde(skip)]
    pub(crate) connect_latency: EncodedLatency,
}

impl RunRecord {
    /// A record with no figures, begun now on this machine.
    pub(crate) fn empty(scenario: ScenarioRecord) -> RunRecord {
        RunRecord {
            format: FORMAT,
            scenario,
            versions: Versions {
                loadgen: env!("CARGO_PKG_VERSION").to_owned(),
                broker: None,
            },
            machine: MachineRecord::here(),
            started: Moment::now(),
            settings: BTreeMap::new(),
            results: Results::default(),
            audit: AuditRecord::default(),
            warnings: Vec::new(),
            intervals: Vec::new(),
            loads: Vec::new(),
            agents: Vec::new(),
            connect_latency: EncodedLatency::default(),
        }
    }

    /// All latencies of the measured phase, in nanoseconds.
    pub(crate) fn latency(&self) -> Histogram<u64> {
        let mut whole = empty_latency();
        for interval in &self.intervals {
            if !interval.latency.is_empty() {
                whole
                    .add(interval.latency.histogram())
                    .expect("both histograms have the same bounds");
            }
        }
        whole
    }
}

/// What was run. Two runs are comparable when `text` is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScenarioRecord {
    pub(crate) name: String,
    /// The scenario as TOML.
    pub(crate) text: String,
    /// [`hash_of`] the text, for names and tables.
    pub(crate) hash: String,
    /// Whether latency counts from when a message was sent, not from when it was due.
    pub(crate) closed_loop: bool,
}

impl ScenarioRecord {
    /// A scenario with its hash. A password in the text is not kept.
    pub(crate) fn new(name: &str, text: String, closed_loop: bool) -> ScenarioRecord {
        let text = without_password(text);
        ScenarioRecord {
            name: name.to_owned(),
            hash: hash_of(&text),
            text,
            closed_loop,
        }
    }
}

/// The text with the password of its `[mqtt]` section left out: records get published. The same text when
/// there is none.
fn without_password(text: String) -> String {
    let Ok(mut table) = text.parse::<toml::Table>() else {
        return text;
    };
    let mqtt = table.get_mut("mqtt").and_then(toml::Value::as_table_mut);
    match mqtt.and_then(|mqtt| mqtt.get_mut("password")) {
        Some(password) => *password = "(not kept)".into(),
        None => return text,
    }
    toml::to_string(&table).expect("what was read can be written")
}

/// FNV-1a in 64 bits, as 16 hexadecimal digits.
pub(crate) fn hash_of(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Who measured and who was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) loadgen: String,
    /// The broker's release: what the caller named it, else what it calls itself; `None` if unknown.
    pub(crate) broker: Option<String>,
}

/// The figures of the measured phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) published_per_second: f64,
    pub(crate) delivered_per_second: f64,
    /// All zero where nothing was published.
    pub(crate) latency_us: Percentiles,
    /// Connections that came up.
    pub(crate) connections: u64,
    pub(crate) connect_seconds: f64,
    pub(crate) connect_latency_us: Percentiles,
    /// `None` when the broker's process was not watched.
    pub(crate) broker: Option<BrokerFigures>,
    /// Share of one CPU that loadgen used.
    pub(crate) loadgen_cpu_share: f64,
    /// Publishes sent more than a millisecond after they were due.
    pub(crate) late_sends: u64,
    pub(crate) late_max_us: f64,
    /// Clients that left and returned, or came when all was published: from the beginning of a connect
    /// until the client may take part.
    #[serde(default)]
    pub(crate) return_latency_us: Option<Percentiles>,
    /// Subscriptions exchanged beside the load: until SUBACK.
    #[serde(default)]
    pub(crate) change_latency_us: Option<Percentiles>,
    /// What loadgen measures when there is no broker: a wake-up's delay and half a round trip on the
    /// loopback, medians in microseconds.
    #[serde(default)]
    pub(crate) floor_us: Option<[f64; 2]>,
}

/// One load of a run that had several side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoadRecord {
    pub(crate) name: String,
    pub(crate) published_per_second: f64,
    pub(crate) delivered_per_second: f64,
    pub(crate) latency_us: Percentiles,
    pub(crate) lost: u64,
}

/// A machine that carried clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct AgentRecord {
    pub(crate) address: String,
    pub(crate) connections: u32,
    /// Its clock minus the coordinator's, and within what that is right.
    pub(crate) clock_offset_us: f64,
    pub(crate) clock_error_us: f64,
}

/// The broker's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BrokerFigures {
    /// `None` where nothing was delivered.
    pub(crate) cpu_us_per_delivery: Option<f64>,
    /// The same of the time in which nobody disturbed the broker's CPU; `None` where that was too little.
    #[serde(default)]
    pub(crate) cpu_us_per_delivery_undisturbed: Option<f64>,
    /// Share of that time; `None` where no probe looked.
    #[serde(default)]
    pub(crate) undisturbed_share: Option<f64>,
    /// What a probe takes on an undisturbed CPU, in microseconds: the speed of the machine.
    #[serde(default)]
    pub(crate) probe_quick_us: Option<f64>,
    /// Which work the probe did; `None` of the first, and where no probe looked.
    #[serde(default)]
    pub(crate) probe_work: Option<u32>,
    /// Why no probe looked.
    #[serde(default)]
    pub(crate) not_probed: Option<NotProbed>,
    /// Share of one CPU.
    pub(crate) cpu_share: f64,
    pub(crate) rss_bytes: u64,
    pub(crate) rss_bytes_before: u64,
    pub(crate) rss_bytes_peak: u64,
    pub(crate) rss_bytes_per_connection: f64,
}

/// What became of every message of the run, warm-up included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditRecord {
    pub(crate) qos: u8,
    pub(crate) published: u64,
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
    pub(crate) unexpected: u64,
    pub(crate) corrupt: u64,
    /// What the broker says it dropped, by reason; `None` when it was not asked.
    pub(crate) drops: Option<BTreeMap<String, u64>>,
    /// Expected, but neither delivered nor dropped by the broker's own account.
    pub(crate) unaccounted: Option<i64>,
    pub(crate) refused: u64,
    pub(crate) connections_lost: u64,
    pub(crate) connect_failures: u64,
    pub(crate) protocol_errors: u64,
    /// What must not have been, a sentence each; empty for a clean run.
    pub(crate) violations: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_kept() {
        let text = "name = \"x\"\n\n[mqtt]\npassword = \"sec\\nret\"\nuser_name = \"u\"\n";
        let record = ScenarioRecord::new("x", text.to_owned(), false);
        assert!(!record.text.contains("sec") && record.text.contains("(not kept)"));
        assert!(record.text.contains("user_name"));
        let plain = "name = \"x\" # as it is\n";
        assert_eq!(
            ScenarioRecord::new("x", plain.to_owned(), false).text,
            plain
        );
    }

    #[test]
    fn the_hash_is_fnv() {
        assert_eq!(hash_of(""), "cbf29ce484222325");
        assert_eq!(hash_of("foobar"), "85944171f73967e8");
    }
}
