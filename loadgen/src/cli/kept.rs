//! The arguments of what works on kept runs, and of tuning, which makes some.

use std::path::PathBuf;

use clap::Args;

use crate::cli::value::percentage;
use crate::compare::Metric;

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
    /// The metric to print: cpu-undisturbed, cpu, delivered, p50, p90, p99, p99.9, p99.99, connect-p99 or
    /// memory. Default: the first one that all releases have.
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
    /// The metric that --fail-above is about: cpu-undisturbed, cpu, delivered, p50, p90, p99, p99.9, p99.99,
    /// connect-p99 or memory. Default: the first one in the table.
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
