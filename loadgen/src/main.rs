//! `loadgen`: drives simulated MQTT clients at any broker and measures what comes back.
//!
//! `cli` takes the arguments in, `scenario` makes a plan of them, `run` carries it out on the ring engine,
//! `audit`, `histogram`, `sys` and `broker_process` keep the books, `report` tells what was found.
#![forbid(unsafe_code)]

mod agents;
mod audit;
mod broker_process;
mod calibration;
mod cli;
mod client;
mod compare;
mod ensemble;
mod fleet;
mod folder;
mod histogram;
mod history;
mod html;
mod ids;
mod layout;
mod limit_search;
mod limits;
mod machine;
mod mqtt_options;
mod pacing;
mod perform;
mod probe;
mod progress;
mod record;
mod report;
mod run;
mod scenario;
mod scenario_file;
mod source_address;
mod stamp;
mod sys;
mod tune;

use std::fmt::Display;
use std::process::ExitCode;

use crate::cli::{Command, ScenariosCommand};
use crate::run::outcome::RunError;
use crate::scenario_file::ScenarioFile;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The audit found what must not be, or a comparison found a release worse than allowed.
const EXIT_FOUND: u8 = 2;
/// The run could not be made.
const EXIT_ERROR: u8 = 1;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let (cli, given) = match cli::parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // What cannot be printed cannot be reported either.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_ERROR } else { 0 });
        }
    };
    match cli.command {
        Command::Run { scenario } => exit_code(perform::run(scenario, given)),
        Command::Agent { listen } => exit_code(agents::serve(&listen).map(|()| true)),
        Command::Scenarios { command } => exit_code(scenarios(command).map(|()| true)),
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

/// Lists the presets, or prints one.
fn scenarios(command: Option<ScenariosCommand>) -> Result<(), RunError> {
    let Some(ScenariosCommand::Show { name }) = command else {
        for preset in scenario_file::presets() {
            let file = ScenarioFile::parse(preset.text, &[])?;
            println!("{:<26} {}", preset.name, file.description);
        }
        return Ok(());
    };
    print!("{}", scenario_file::text_of(&name)?);
    Ok(())
}
