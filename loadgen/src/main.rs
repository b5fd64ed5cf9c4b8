//! `loadgen`: drives simulated MQTT clients at any broker and measures what comes back.
//!
//! `cli` takes the arguments in, `scenario` makes a plan of them, `run` carries it out on the ring engine,
//! `audit`, `histogram`, `sys` and `broker_process` keep the books, `report` tells what was found.
#![forbid(unsafe_code)]

mod audit;
mod broker_process;
mod cli;
mod client;
mod compare;
mod folder;
mod histogram;
mod history;
mod html;
mod ids;
mod layout;
mod limits;
mod machine;
mod pacing;
mod progress;
mod record;
mod report;
mod run;
mod scenario;
mod source_address;
mod stamp;
mod sys;
mod tune;

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use clap::Parser;

use crate::cli::{Cli, Command, ConnectArgs, ScenarioArgs};
use crate::folder::RunFolder;
use crate::progress::Progress;
use crate::record::{EncodedLatency, Measured, Moment, RunRecord};
use crate::report::Report;
use crate::run::outcome::RunError;
use crate::scenario::{Plan, fan_in, fan_out, idle, pairs, sensors};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The audit found what must not be, or a comparison found a release worse than allowed.
const EXIT_FOUND: u8 = 2;
/// The run could not be made.
const EXIT_ERROR: u8 = 1;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What cannot be printed cannot be reported either.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_ERROR } else { 0 });
        }
    };
    match cli.command {
        Command::Run { scenario } => {
            exit_code(run(scenario).map(|report| report.violations().is_empty()))
        }
        Command::Compare(args) => exit_code(compare::execute(&args)),
        Command::Tune(args) => exit_code(tune::execute(&args)),
        Command::History(args) => exit_code(history::execute(&args)),
    }
}

/// Whether all was well, as an exit code; an error is printed.
fn exit_code<E: Display>(result: Result<bool, E>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_FOUND),
        Err(error) => {
            eprintln!("loadgen: {error}");
            ExitCode::from(EXIT_ERROR)
        }
    }
}

fn run(scenario: ScenarioArgs) -> Result<Report, RunError> {
    match scenario {
        ScenarioArgs::FanOut(args) => run_plan(fan_out::plan(args)?),
        ScenarioArgs::FanIn(args) => run_plan(fan_in::plan(args)?),
        ScenarioArgs::Pairs(args) => run_plan(pairs::plan(args)?),
        ScenarioArgs::Sensors(args) => run_plan(sensors::plan(args)?),
        ScenarioArgs::Idle(args) => run_plan(idle::plan(args)),
        ScenarioArgs::Churn(args) => {
            let connect = args.connect.clone();
            let keeper = Keeper::open(&connect)?;
            let outcome =
                in_background(&connect, move |updates| run::churn::execute(args, updates))?;
            let report = print(Report::of_churn(&connect, &outcome), &connect);
            let measured = Measured {
                intervals: Vec::new(),
                connect_latency: EncodedLatency::of(&outcome.connect_latency),
            };
            keeper.keep(&report, &connect, measured)?;
            Ok(report)
        }
    }
}

fn run_plan(plan: Plan) -> Result<Report, RunError> {
    let connect = plan.connect.clone();
    let scenario = report::Scenario::of(&plan);
    let keeper = Keeper::open(&connect)?;
    let outcome = in_background(&connect, move |updates| run::execute(plan, updates))?;
    let report = print(Report::of_load(scenario, &connect, &outcome), &connect);
    let measured = Measured {
        connect_latency: EncodedLatency::of(&outcome.connect_latency),
        intervals: outcome.intervals,
    };
    keeper.keep(&report, &connect, measured)?;
    Ok(report)
}

/// The folder that `--out` asks for, made before anything runs, so that a run is not made in vain.
struct Keeper {
    folder: Option<RunFolder>,
    started: Moment,
}

impl Keeper {
    fn open(connect: &ConnectArgs) -> Result<Keeper, RunError> {
        let folder = connect.out.as_deref().map(RunFolder::create).transpose()?;
        Ok(Keeper {
            folder,
            started: Moment::now(),
        })
    }

    fn keep(
        self,
        report: &Report,
        connect: &ConnectArgs,
        measured: Measured,
    ) -> Result<(), RunError> {
        if let Some(folder) = self.folder {
            folder.store(&RunRecord::of(report, connect, self.started, measured))?;
        }
        Ok(())
    }
}

/// Runs `work` on a thread of its own, prepared for it, while this one shows the progress.
fn in_background<T: Send>(
    connect: &ConnectArgs,
    work: impl FnOnce(Sender<Progress>) -> Result<T, RunError> + Send,
) -> Result<T, RunError> {
    machine::raise_descriptor_limit();
    if let Some(cpu) = connect.cpu {
        machine::pin(cpu)?;
    }
    let (updates, shown) = channel();
    thread::scope(|scope| {
        let worker = scope.spawn(move || {
            machine::sharpen_timers();
            work(updates)
        });
        progress::show(&shown);
        match worker.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn print(report: Report, connect: &ConnectArgs) -> Report {
    if connect.json {
        println!("{}", report::json(&report));
    } else {
        print!("{}", report::text::render(&report));
    }
    for violation in report.violations() {
        eprintln!("loadgen: {violation}");
    }
    report
}
