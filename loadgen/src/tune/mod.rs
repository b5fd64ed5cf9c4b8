//! `loadgen tune`: which number of shards, on which CPUs, serves a load best on this machine.
//!
//! Starts the broker anew for every run, each time with another setting, and has loadgen run the scenario
//! against it as a process of its own, in rounds, so that drift of the machine meets all settings alike.
//! `setting` says what is tried, `broker` starts and stops, `recommend` chooses, `text` tells.

mod broker;
mod recommend;
mod setting;
mod text;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use broker::Broker;
use setting::Setting;

use crate::cli::TuneArgs;
use crate::compare::{Comparison, Group, METRICS, SAME_WITHIN, median};
use crate::folder::{self, FolderError};
use crate::record::RunRecord;

/// Pairs of runs by which `--check` compares the recommendation with the broker's own choice.
const CHECK_PAIRS: u32 = 5;

/// What a setting showed: medians over its runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measurement {
    pub(crate) setting: Setting,
    pub(crate) delivered_per_second: f64,
    /// Share of one CPU.
    pub(crate) cpu_share: f64,
    pub(crate) cpu_us_per_delivery: f64,
    pub(crate) p99_us: f64,
    /// No run lost, repeated or swapped what it must not.
    pub(crate) is_clean: bool,
}

/// Why tuning stopped.
#[derive(Debug)]
pub(crate) enum TuneError {
    /// The broker does not start, or does not listen.
    Broker {
        setting: Setting,
        why: String,
    },
    /// A run could not be made; loadgen has said why.
    Run(Setting),
    Start(io::Error),
    Folder(FolderError),
    /// No setting passed its audit.
    NothingClean,
}

impl fmt::Display for TuneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TuneError::Broker { setting, why } => {
                write!(f, "the broker with {setting}: {why}")
            }
            TuneError::Run(setting) => write!(
                f,
                "the scenario did not run with {setting}; try it alone with `loadgen run` first"
            ),
            TuneError::Start(source) => write!(f, "loadgen cannot start itself: {source}"),
            TuneError::Folder(error) => write!(f, "{error}"),
            TuneError::NothingClean => f.write_str(
                "no setting passed the audit, so none is recommended; ask for a lower load",
            ),
        }
    }
}

impl std::error::Error for TuneError {}

impl From<FolderError> for TuneError {
    fn from(error: FolderError) -> TuneError {
        TuneError::Folder(error)
    }
}

/// Tries the settings, prints the table and the recommendation.
pub(crate) fn execute(args: &TuneArgs) -> Result<bool, TuneError> {
    let kept = args.out.clone();
    let folder = kept.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("loadgen-tune-{}", std::process::id()))
    });
    let result = tune(args, &folder);
    if kept.is_none() {
        // What is left over in the folder for temporary files harms nobody.
        let _ = fs::remove_dir_all(&folder);
    }
    result.map(|()| true)
}

fn tune(args: &TuneArgs, folder: &Path) -> Result<(), TuneError> {
    let settings = setting::all(args);
    for round in 1..=args.rounds {
        // Every other round backwards, so that none always comes first.
        let order: Vec<&Setting> = match round % 2 {
            1 => settings.iter().collect(),
            _ => settings.iter().rev().collect(),
        };
        for setting in order {
            eprintln!("round {round} of {}: {setting}", args.rounds);
            run(args, setting, &folder_of(folder, setting, round))?;
        }
    }
    let mut measurements = Vec::new();
    for setting in &settings {
        let runs: Vec<PathBuf> = (1..=args.rounds)
            .map(|round| folder_of(folder, setting, round))
            .collect();
        measurements.push(measure(setting, &read_all(&runs)?));
    }
    let best = recommend::best(&measurements).ok_or(TuneError::NothingClean)?;
    print!("{}", text::render(&measurements, best));
    if args.check {
        let found = check(args, &measurements[best].setting, folder)?;
        println!("{found}");
    }
    Ok(())
}

fn folder_of(folder: &Path, setting: &Setting, round: u32) -> PathBuf {
    folder.join(setting.folder_name()).join(round.to_string())
}

fn read_all(folders: &[PathBuf]) -> Result<Vec<RunRecord>, FolderError> {
    folders.iter().map(|folder| folder::read(folder)).collect()
}

/// One run against a broker of its own.
fn run(args: &TuneArgs, setting: &Setting, out: &Path) -> Result<(), TuneError> {
    let failed = |why: String| TuneError::Broker {
        setting: setting.clone(),
        why,
    };
    let broker = Broker::start(&args.broker_binary, setting).map_err(failed)?;
    let own = std::env::current_exe().map_err(TuneError::Start)?;
    let status = Command::new(own)
        .arg("run")
        .args(&args.scenario)
        .args(["--broker", &broker.address().to_string()])
        .args(["--pid", &broker.pid().to_string()])
        .args(["--release", &setting.to_string()])
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .status()
        .map_err(TuneError::Start)?;
    broker.stop().map_err(failed)?;
    // A failed audit is a result too; without a folder there is none.
    match status.code() {
        Some(_) if folder::is_run(out) => Ok(()),
        _ => Err(TuneError::Run(setting.clone())),
    }
}

fn measure(setting: &Setting, runs: &[RunRecord]) -> Measurement {
    let of = |value: fn(&RunRecord) -> f64| median(runs.iter().map(value).collect());
    Measurement {
        setting: setting.clone(),
        delivered_per_second: of(|run| run.results.delivered_per_second),
        cpu_share: of(|run| run.results.broker.map_or(0.0, |broker| broker.cpu_share)),
        cpu_us_per_delivery: of(|run| {
            let broker = run.results.broker;
            broker
                .and_then(|broker| broker.cpu_us_per_delivery)
                .unwrap_or(0.0)
        }),
        p99_us: of(|run| run.results.latency_us.p99),
        is_clean: runs.iter().all(|run| run.audit.violations.is_empty()),
    }
}

/// Runs the recommendation and the broker's own choice in turn, and says how they compare.
fn check(args: &TuneArgs, best: &Setting, folder: &Path) -> Result<String, TuneError> {
    let own = Setting::automatic();
    let mut sides = [own, best.clone()].map(|setting| (setting, Vec::new()));
    for pair in 1..=CHECK_PAIRS {
        sides.reverse();
        for (setting, folders) in &mut sides {
            eprintln!("check {pair} of {CHECK_PAIRS}: {setting}");
            let out = folder
                .join("check")
                .join(setting.folder_name())
                .join(pair.to_string());
            run(args, setting, &out)?;
            folders.push(out);
        }
    }
    if sides[0].0 == *best {
        sides.reverse();
    }
    let mut groups = Vec::new();
    for (setting, folders) in sides {
        groups.push(Group {
            name: setting.to_string(),
            runs: read_all(&folders)?,
        });
    }
    let new = groups.pop().expect("there are two sides");
    let base = groups.pop().expect("there are two sides");
    let comparison = Comparison::of(base, new, SAME_WITHIN);
    let summaries = METRICS
        .into_iter()
        .filter(|metric| ["cpu", "delivered", "p99"].contains(&metric.name));
    let lines: Vec<String> = summaries
        .filter_map(|metric| {
            Some(format!(
                "  {:<22} {}",
                metric.title,
                comparison.summary(metric)?
            ))
        })
        .collect();
    Ok(format!(
        "checked against what the broker chooses itself:\n{}",
        lines.join("\n")
    ))
}
