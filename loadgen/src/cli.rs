//! The command line.
//!
//! `main` parses it; every scenario turns its own arguments into a plan. Values are checked here as far as
//! one of them alone can be wrong.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::compare::Metric;
use crate::limits::{PAYLOAD_BYTES_MAX, STAMP_BYTES_MIN};
use crate::scenario_file::preset;

/// Drives simulated MQTT clients at a broker and measures latency, throughput, loss and order.
#[derive(Debug, Parser)]
#[command(name = "loadgen", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one of it")]
pub(crate) enum Command {
    /// Runs one scenario against a broker.
    ///
    /// Exit code: 0 when the audit is clean, 1 when the run could not be made, 2 when the broker lost,
    /// repeated, swapped or changed what it must not.
    ///
    /// `loadgen run FILE.toml` and `loadgen run PRESET` run a scenario from a file or one that comes with
    /// loadgen; the subcommands below build one from their options.
    Run {
        #[command(subcommand)]
        scenario: ScenarioArgs,
    },
    /// Compares the kept runs of releases: what changed, by how much, and how sure that is.
    ///
    /// Exit code: 0, 1 when nothing could be compared, 2 when --fail-above says so.
    Compare(CompareArgs),
    /// Shows a metric over many releases, from their kept runs.
    History(HistoryArgs),
    /// Starts a RingMQ broker with different numbers of shards and recommends one for this machine.
    ///
    /// The scenario stands behind `--`: loadgen tune --broker-binary ./ringmq -- pairs --pairs 500 --window 4
    Tune(TuneArgs),
    /// Waits for coordinators (`loadgen run --agents`) and carries out their scenarios.
    ///
    /// It does what any of them says: listen in a closed network only.
    Agent {
        /// Address to listen on.
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1893")]
        listen: String,
    },
    /// Lists the scenarios that come with loadgen.
    Scenarios {
        #[command(subcommand)]
        command: Option<ScenariosCommand>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScenariosCommand {
    /// Prints one of them as TOML, to run as it is or to begin a file of one's own with.
    Show {
        /// Its name.
        name: String,
    },
}

/// What to tune with.
#[derive(Args, Clone, Debug)]
pub(crate) struct TuneArgs {
    /// The broker to start: a `ringmq` binary.
    #[arg(long, value_name = "PATH")]
    pub(crate) broker_binary: PathBuf,
    /// Numbers of shards to try. Default: powers of two up to the CPUs.
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) shards: Vec<u32>,
    /// CPUs to put them on, such as 0-3 or all; may be repeated. Default: all, and all but the last.
    #[arg(long, value_name = "LIST")]
    pub(crate) cpus: Vec<String>,
    /// Runs of each setting, in turn.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Compare the recommendation with what the broker chooses itself, in five more runs of each.
    #[arg(long)]
    pub(crate) check: bool,
    /// Keep all runs in this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// The scenario, as `loadgen run` takes it, without --broker, --pid, --out and --release.
    #[arg(last = true, value_name = "SCENARIO", default_values = ["pairs", "--pairs", "200", "--window", "8", "--duration", "5"])]
    pub(crate) scenario: Vec<String>,
}

/// Which runs to draw.
#[derive(Args, Clone, Debug)]
pub(crate) struct HistoryArgs {
    /// Run folders, or folders that hold them.
    #[arg(value_name = "FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// The metric to print: cpu, delivered, p50, p90, p99, p99.9, p99.99, connect-p99 or memory.
    /// Default: the first one that there is.
    #[arg(long, value_name = "NAME", value_parser = Metric::parse)]
    pub(crate) metric: Option<Metric>,
    /// Write a page with all metrics to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// Which runs to compare, and what is to be made of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct CompareArgs {
    /// Run folders, or folders that hold them. Without --new the first one is the base and the others are
    /// compared with it, a group for each release.
    #[arg(value_name = "FOLDER", required = true)]
    pub(crate) folders: Vec<PathBuf>,
    /// Folders of the new side; all others are the base then.
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    pub(crate) new: Vec<PathBuf>,
    /// Changes within this share are no change.
    #[arg(long, value_name = "PERCENT", default_value = "3%", value_parser = percentage)]
    pub(crate) same_within: f64,
    /// Exit with 2 when the metric is surely worse, and by more than this.
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    pub(crate) fail_above: Option<f64>,
    /// The metric that --fail-above is about: cpu, delivered, p50, p90, p99, p99.9, p99.99, connect-p99 or
    /// memory. Default: the first one in the table.
    #[arg(long, value_name = "NAME", value_parser = Metric::parse)]
    pub(crate) metric: Option<Metric>,
    /// Compare although the scenarios differ.
    #[arg(long)]
    pub(crate) across_scenarios: bool,
    /// Compare although the machines differ.
    #[arg(long)]
    pub(crate) across_machines: bool,
    /// Write a page with percentile curves and all runs to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioArgs {
    /// A scenario from a TOML file, or one that comes with loadgen (`loadgen scenarios`). The word `file`
    /// may be left out.
    File(FileArgs),
    /// Every publisher to every subscriber, on one topic.
    FanOut(FanArgs),
    /// Every publisher on a topic of its own, every subscriber hears all through a wildcard.
    FanIn(FanArgs),
    /// Publisher n to subscriber n, on a topic of their own.
    Pairs(PairsArgs),
    /// Simulated sensors with a slowly moving value each, on connections that carry one or many.
    Sensors(SensorsArgs),
    /// Connections with one subscription each, held with keep-alives.
    Idle(IdleArgs),
    /// Connects and disconnects in rounds, some cut in the middle of a packet.
    Churn(ChurnArgs),
}

/// Where the broker is and how to talk to it.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConnectArgs {
    /// Address of the broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub(crate) broker: String,
    /// MQTT version.
    #[arg(long, value_enum, default_value_t = VersionArg::V311)]
    pub(crate) version_mqtt: VersionArg,
    /// Process id of the broker, on this machine: CPU time and memory go into the report.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Print the report as one JSON object to standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the run in this new folder: figures, latencies of each second, and a report to read.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What the broker's release is called in the folder; runs of one release belong together.
    #[arg(long, value_name = "NAME", requires = "out")]
    pub(crate) release: Option<String>,
    /// CPU to pin loadgen to.
    #[arg(long, value_name = "N")]
    pub(crate) cpu: Option<usize>,
    /// New connections a second at most; 0 means as fast as the broker answers.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 0)]
    pub(crate) connect_rate: u32,
    /// Seconds over which --connect-rate is reached, evenly from zero.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = seconds)]
    pub(crate) connect_ramp: f64,
    /// Connects under way at once at most.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connect_outstanding: u32,
    /// Source addresses to spread connections over: `auto` (127.0.x.y when the broker is on the loopback
    /// and there are many connections), `none`, one address, several with commas, or FIRST-LAST.
    #[arg(long, value_name = "ADDRESSES", default_value = "auto")]
    pub(crate) source_addresses: String,
    /// Seconds without any progress after which a connect or a message is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) timeout: f64,
    /// Keep-alive of the connections in seconds; 0 switches it off.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) keep_alive: u16,
    /// User name of every client.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_name: Option<String>,
    /// Password of every client.
    #[arg(long, value_name = "TEXT")]
    pub(crate) password: Option<String>,
    /// Client identifiers begin with this. Default: `lg` and loadgen's process id.
    #[arg(long, value_name = "TEXT")]
    pub(crate) client_prefix: Option<String>,
    /// Client identifiers of the publishers, one a line, at least as many as there are publishers.
    #[arg(long, value_name = "FILE")]
    pub(crate) publisher_ids: Option<PathBuf>,
    /// Client identifiers of the subscribers, likewise.
    #[arg(long, value_name = "FILE")]
    pub(crate) subscriber_ids: Option<PathBuf>,
    /// Topics begin with this.
    #[arg(long, value_name = "TEXT", default_value = "loadgen")]
    pub(crate) topic_prefix: String,
}

impl Default for ConnectArgs {
    /// What the command line says when it says nothing.
    fn default() -> ConnectArgs {
        #[derive(Parser)]
        struct Nothing {
            #[command(flatten)]
            connect: ConnectArgs,
        }
        Nothing::parse_from(["loadgen"]).connect
    }
}

/// What is published and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// QoS of publishes and subscriptions.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    /// Bytes of each payload; the stamp takes 32 of them, or 16 where there are no more.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = payload_bytes)]
    pub(crate) payload: usize,
    #[command(flatten)]
    pub(crate) time: TimeArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

/// How long a run takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct TimeArgs {
    /// Seconds that are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) duration: f64,
    /// Seconds of the same load before them, audited but not measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warmup: f64,
    /// After the last publish, wait until everything came or nothing came for this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds_above_zero)]
    pub(crate) drain: f64,
    /// Read the broker's drop counters ($SYS) before and after, and account for every message.
    #[arg(long)]
    pub(crate) sys: bool,
    /// This many subscribers stop reading while the load runs; their latency is not counted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) subscriber_stall: u32,
}

/// Open loop or closed loop.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct PaceArgs {
    /// Open loop: publishes a second over all publishers, evenly spaced, whatever the broker does.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Closed loop: messages each publisher keeps outstanding.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) window: Option<u32>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct FileArgs {
    /// The file, or the name of a scenario that comes with loadgen.
    #[arg(value_name = "FILE|PRESET")]
    pub(crate) source: String,
    /// Change a key of the scenario, such as run.duration_secs=5, load.subscribers=50 (every load) or
    /// load.1.subscribers=50 (the second); may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seconds that are measured, instead of the scenario's.
    #[arg(long, value_name = "SECONDS", value_parser = seconds_above_zero)]
    pub(crate) duration: Option<f64>,
    /// Seconds of warm-up, instead of the scenario's.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) warmup: Option<f64>,
    /// Carry it out on these agents, each with a share of the clients. `--pid` is then a process on the
    /// machine of the first.
    #[arg(
        long,
        value_name = "HOST:PORT,...",
        value_delimiter = ',',
        conflicts_with = "find_limit"
    )]
    pub(crate) agents: Vec<String>,
    /// Raise the rate until p99 or loss crosses its bound, and report the highest that does not.
    #[arg(long)]
    pub(crate) find_limit: bool,
    /// Bound of p99 for --find-limit, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50.0, requires = "find_limit", value_parser = seconds_above_zero)]
    pub(crate) limit_p99: f64,
    /// Bound of the share of lost messages for --find-limit.
    #[arg(long, value_name = "0..1", default_value_t = 0.0, requires = "find_limit", value_parser = fraction)]
    pub(crate) limit_loss: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl FileArgs {
    /// All changes to the scenario.
    pub(crate) fn settings(&self) -> Vec<String> {
        let mut settings = self.set.clone();
        let secs = [("duration", self.duration), ("warmup", self.warmup)];
        for (key, value) in secs {
            settings.extend(value.map(|value| format!("run.{key}_secs={value:?}")));
        }
        settings
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct FanArgs {
    /// Publishing connections.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) publishers: u32,
    /// Subscribing connections.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) subscribers: u32,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct PairsArgs {
    /// Pairs of one publisher and one subscriber.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "publishers")]
    pub(crate) pairs: Option<u32>,
    /// The same, under the name other scenarios have for it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "pairs")]
    pub(crate) publishers: Option<u32>,
    /// Must equal --publishers.
    #[arg(long, value_name = "N", requires = "publishers")]
    pub(crate) subscribers: Option<u32>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SensorsArgs {
    /// Simulated sensors.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sensors: u32,
    /// Connections that carry them, as gateways do. Default: one each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: Option<u32>,
    /// Subscribing connections; each hears all sensors of one site.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) subscribers: u32,
    /// Sites the sensors are spread over. Default: one for each 20 subscribers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sites: Option<u32>,
    /// Seconds between two readings of one sensor; the sensors' readings are spread evenly over it.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) interval: f64,
    /// QoS of publishes and subscriptions.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    #[command(flatten)]
    pub(crate) time: TimeArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct IdleArgs {
    /// Connections to hold.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Seconds to hold them.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) duration: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ChurnArgs {
    /// Connections of each round.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Share of the connections that are cut in the middle of a packet instead of disconnecting; half of
    /// them in CONNECT, half in PUBLISH.
    #[arg(long, value_name = "0..1", default_value_t = 0.1, value_parser = fraction)]
    pub(crate) cut_fraction: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum VersionArg {
    #[value(name = "3.1")]
    #[serde(rename = "3.1")]
    V31,
    #[value(name = "3.1.1")]
    #[serde(rename = "3.1.1")]
    #[default]
    V311,
    #[value(name = "5", alias = "5.0")]
    #[serde(rename = "5", alias = "5.0")]
    V5,
}

/// Parses a command line, and tells which arguments stand on it. A scenario's file or name may follow `run`
/// directly.
pub(crate) fn parse(
    arguments: &[std::ffi::OsString],
) -> Result<(Cli, HashSet<String>), clap::Error> {
    let parse = |arguments: &[_]| Cli::command().try_get_matches_from(arguments);
    let matches = parse(arguments).or_else(|error| match with_file(arguments) {
        // Some presets have the name of a subcommand: its own complaint is the one to hear.
        Some(with_file) => parse(&with_file).map_err(|other| match error.kind() {
            ErrorKind::InvalidSubcommand => other,
            _ => error,
        }),
        None => Err(error),
    })?;
    let cli = Cli::from_arg_matches(&matches)?;
    let mut leaf = &matches;
    while let Some((_, inner)) = leaf.subcommand() {
        leaf = inner;
    }
    let is_given = |id: &&str| leaf.value_source(id) == Some(ValueSource::CommandLine);
    let given = leaf.ids().map(clap::Id::as_str).filter(is_given);
    let given = given.map(str::to_owned).collect();
    Ok((cli, given))
}

/// The same arguments with `file` behind `run`, where a file's or preset's name stands there.
fn with_file(arguments: &[std::ffi::OsString]) -> Option<Vec<std::ffi::OsString>> {
    let [program, command, source, rest @ ..] = arguments else {
        return None;
    };
    let name = source.to_str()?;
    let is_source = name.ends_with(".toml") || preset(name).is_some() || name.contains('/');
    if command != "run" || !is_source {
        return None;
    }
    let front = [
        program.clone(),
        command.clone(),
        "file".into(),
        source.clone(),
    ];
    Some(front.into_iter().chain(rest.iter().cloned()).collect())
}

impl VersionArg {
    /// The codec's version.
    pub(crate) const fn version(self) -> ringmq_codec::Version {
        match self {
            VersionArg::V31 => ringmq_codec::Version::V31,
            VersionArg::V311 => ringmq_codec::Version::V311,
            VersionArg::V5 => ringmq_codec::Version::V5,
        }
    }
}

fn number(text: &str, is_legal: impl Fn(f64) -> bool, range: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if is_legal(value) {
        Ok(value)
    } else {
        Err(format!("must be {range}"))
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| (0.0..=1e7).contains(&value),
        "between 0 and 10,000,000",
    )
}

fn seconds_above_zero(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| value > 0.0 && value <= 1e7,
        "above 0 and at most 10,000,000",
    )
}

fn rate(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| value > 0.0 && value <= 1e9,
        "above 0 and at most 1,000,000,000",
    )
}

fn fraction(text: &str) -> Result<f64, String> {
    number(
        text,
        |value| (0.0..=1.0).contains(&value),
        "between 0 and 1",
    )
}

/// `5%` or `5` as 0.05.
fn percentage(text: &str) -> Result<f64, String> {
    let digits = text.strip_suffix('%').unwrap_or(text).trim_end();
    number(
        digits,
        |value| (0.0..=1000.0).contains(&value),
        "between 0% and 1000%",
    )
    .map(|value| value / 100.0)
}

fn payload_bytes(text: &str) -> Result<usize, String> {
    let bytes: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if bytes < STAMP_BYTES_MIN {
        Err(format!(
            "at least {STAMP_BYTES_MIN} bytes: the stamp that latency and audit rest on"
        ))
    } else if bytes > PAYLOAD_BYTES_MAX {
        Err(format!("at most {PAYLOAD_BYTES_MAX} bytes"))
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_scenario_may_follow_run_directly() {
        for (line, source) in [
            ("loadgen run my.toml --json", "my.toml"),
            ("loadgen run fan-out", "fan-out"),
            ("loadgen run fan-out --set load.qos=1 --pid 5", "fan-out"),
            ("loadgen run topic-churn --broker x:1", "topic-churn"),
        ] {
            let arguments: Vec<_> = line.split(' ').map(Into::into).collect();
            let (cli, given) = parse(&arguments).unwrap();
            let Command::Run { scenario } = cli.command else {
                panic!("{line}");
            };
            assert!(
                matches!(scenario, ScenarioArgs::File(ref args) if args.source == source),
                "{line}"
            );
            assert_eq!(
                given.contains("broker"),
                line.contains("--broker"),
                "{line}"
            );
        }
        let arguments: Vec<_> = "loadgen run fan-out --rate 5"
            .split(' ')
            .map(Into::into)
            .collect();
        let (cli, _) = parse(&arguments).unwrap();
        assert!(matches!(
            cli.command,
            Command::Run {
                scenario: ScenarioArgs::FanOut(_)
            }
        ));
    }

    #[test]
    fn wrong_values_are_refused() {
        for line in [
            "loadgen run fan-out",
            "loadgen run fan-out --rate 5 --window 5",
            "loadgen run fan-out --rate 5 --payload 15",
            "loadgen run fan-out --rate 0",
            "loadgen run pairs --window 1",
            "loadgen run churn --cut-fraction 1.5",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        for line in [
            "loadgen run fan-out --rate 5 --payload 32 --json",
            "loadgen run pairs --pairs 5 --window 1 --qos 2 --version-mqtt 5",
            "loadgen run churn --connections 20000 --rounds 50 --cut-fraction 0.1",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
