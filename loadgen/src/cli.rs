//! The command line.
//!
//! `main` parses it; every scenario turns its own arguments into a plan. Values are checked here as far as
//! one of them alone can be wrong.

mod connect;
mod kept;
mod load;
mod value;

pub(crate) use connect::{ConnectArgs, VersionArg};
pub(crate) use kept::{CompareArgs, HistoryArgs, TuneArgs};
pub(crate) use load::{
    ChurnArgs, FanArgs, FileArgs, IdleArgs, LoadArgs, PaceArgs, PairsArgs, ReachArgs, SensorsArgs,
    TimeArgs,
};

use std::collections::HashSet;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

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
    /// Connections held with keep-alives and then reached: a random choice each by itself, then all at once.
    Reach(ReachArgs),
    /// Connects and disconnects in rounds, some cut in the middle of a packet.
    Churn(ChurnArgs),
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
            "loadgen run reach --connections 1000000 --hold 300 --chosen 100000 --keep-alive 60",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }
}
