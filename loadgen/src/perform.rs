//! Carrying out `loadgen run`: from arguments to plans, to what is printed and kept.
//!
//! `main` calls it. The work itself is done by `run`, `ensemble` and `agents`, on threads of their own, while
//! this one shows the progress.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::agents::{self, AgentReport};
use crate::calibration::Calibration;
use crate::cli::{ChurnArgs, ConnectArgs, FileArgs, ReachArgs, ScenarioArgs};
use crate::ensemble::{self, LoadOutcome, Place};
use crate::folder::RunFolder;
use crate::limit_search::{Bounds, LimitSearch, LimitStep};
use crate::machine;
use crate::progress::{self, Progress};
use crate::record::{EncodedLatency, Measured, Moment, RunRecord};
use crate::report::{self, LimitReport, Report};
use crate::run::Part;
use crate::run::outcome::RunError;
use crate::run::stage::Stage;
use crate::run::{churn, reach};
use crate::scenario::{Plan, fan_in, fan_out, idle, pairs, sensors};
use crate::scenario_file::{self, Explicit, ScenarioFile};

/// Carries out `loadgen run`; `given` are the arguments that stand on the command line. Whether the audit
/// is clean.
pub(crate) fn run(scenario: ScenarioArgs, given: HashSet<String>) -> Result<bool, RunError> {
    let report = match scenario {
        ScenarioArgs::File(args) => return run_file(&args, &Explicit(given)),
        ScenarioArgs::FanOut(args) => run_plan(fan_out::plan(args)?),
        ScenarioArgs::FanIn(args) => run_plan(fan_in::plan(args)?),
        ScenarioArgs::Pairs(args) => run_plan(pairs::plan(args)?),
        ScenarioArgs::Sensors(args) => run_plan(sensors::plan(args)?),
        ScenarioArgs::Idle(args) => run_plan(idle::plan(args)),
        ScenarioArgs::Churn(args) => run_churn(args),
        ScenarioArgs::Reach(args) => run_reach(args),
    };
    report.map(|report| report.violations().is_empty())
}

/// Runs a scenario from a file or a preset.
fn run_file(args: &FileArgs, explicit: &Explicit) -> Result<bool, RunError> {
    let text = scenario_file::text_of(&args.source)?;
    let file = ScenarioFile::parse(&text, &args.settings())
        .map_err(|error| format!("{}: {error}", args.source))?;
    let connect = &args.connect;
    if let Some(churn) = scenario_file::churn(&file, connect, explicit)? {
        return run_churn(churn).map(|report| report.violations().is_empty());
    }
    if let Some(reach) = scenario_file::reach(&file, connect, explicit)? {
        return run_reach(reach).map(|report| report.violations().is_empty());
    }
    if args.find_limit {
        return find_limit(args, &file, explicit);
    }
    let report = run_loads(args, &file, explicit)?;
    Ok(report.violations().is_empty())
}

/// Carries out the loads of a scenario, here or on agents.
fn run_loads(
    args: &FileArgs,
    file: &ScenarioFile,
    explicit: &Explicit,
) -> Result<Report, RunError> {
    let connect = &args.connect;
    let keeper = Keeper::open(connect)?;
    let (mut loads, agents) = if args.agents.is_empty() {
        let place = Place::alone(file.run.threads);
        let make = || scenario_file::plans(file, connect, explicit);
        let loads = in_background(connect, |updates| {
            let stage = |loops| Arc::new(Stage::of(loops));
            ensemble::execute(make, &place, stage, &updates)
        })?;
        (loads, Vec::new())
    } else {
        in_background(connect, |updates| {
            agents::execute(&args.agents, file, connect, explicit, &updates)
        })?
    };
    for load in &mut loads {
        load.scenario.text = Some(file.to_text());
    }
    keep_and_print(&file.name, connect, (loads, agents), keeper)
}

/// Runs a scenario at one rate after the other.
fn find_limit(args: &FileArgs, file: &ScenarioFile, explicit: &Explicit) -> Result<bool, RunError> {
    let connect = &args.connect;
    let bounds = Bounds {
        p99_us: args.limit_p99 * 1e3,
        loss: args.limit_loss,
    };
    let mut search = LimitSearch::new();
    let mut steps: Vec<LimitStep> = Vec::new();
    while let Some(factor) = search.next_factor() {
        let make = || {
            let mut plans = scenario_file::plans(file, connect, explicit)?;
            plans
                .iter_mut()
                .try_for_each(|plan| plan.pace.scale(factor))?;
            Ok(plans)
        };
        let place = Place::alone(file.run.threads);
        let loads = in_background(connect, |updates| {
            let stage = |loops| Arc::new(Stage::of(loops));
            ensemble::execute(make, &place, stage, &updates)
        })?;
        let report = Report::of_loads(&file.name, connect, loads);
        let Report::Load(report) = report else {
            break;
        };
        let step = LimitStep::of(factor, &report, &bounds);
        if !connect.json {
            println!("{}", report::text::limit_step(&step, steps.is_empty()));
        }
        search.on_result(factor, step.crossed.is_none());
        steps.push(step);
    }
    let limit = LimitReport::new(&file.name, bounds, steps, search.knee());
    match connect.json {
        true => println!("{}", report::json(&limit)),
        false => println!("{}", report::text::knee(&limit)),
    }
    Ok(true)
}

fn run_churn(args: ChurnArgs) -> Result<Report, RunError> {
    let connect = args.connect.clone();
    let keeper = Keeper::open(&connect)?;
    let outcome = in_background(&connect, move |updates| churn::execute(args, updates))?;
    let report = print(Report::of_churn(&connect, &outcome), &connect);
    let measured = Measured {
        intervals: Vec::new(),
        connect_latency: EncodedLatency::of(&outcome.connect_latency),
    };
    keeper.keep(&report, &connect, measured)?;
    Ok(report)
}

fn run_reach(args: ReachArgs) -> Result<Report, RunError> {
    let connect = args.connect.clone();
    let keeper = Keeper::open(&connect)?;
    let outcome = in_background(&connect, move |updates| reach::execute(args, updates))?;
    let report = print(Report::of_reach(&connect, &outcome), &connect);
    let measured = Measured {
        intervals: Vec::new(),
        connect_latency: EncodedLatency::of(&outcome.connect_latency),
    };
    keeper.keep(&report, &connect, measured)?;
    Ok(report)
}

fn run_plan(plan: Plan) -> Result<Report, RunError> {
    let connect = plan.connect.clone();
    let scenario = report::Scenario::of(&plan);
    let keeper = Keeper::open(&connect)?;
    let outcome = in_background(&connect, move |updates| {
        crate::run::execute(plan, Part::whole(), updates)
    })?;
    let loads = vec![LoadOutcome { scenario, outcome }];
    keep_and_print("", &connect, (loads, Vec::new()), keeper)
}

/// Makes the report of what was found, keeps it if that is wanted, and prints it.
fn keep_and_print(
    name: &str,
    connect: &ConnectArgs,
    (loads, agents): (Vec<LoadOutcome>, Vec<AgentReport>),
    keeper: Keeper,
) -> Result<Report, RunError> {
    let measured = Measured {
        intervals: ensemble::intervals(&loads),
        connect_latency: EncodedLatency::of(&ensemble::connect_latency(&loads)),
    };
    let mut report = Report::of_loads(name, connect, loads);
    if let Report::Load(report) = &mut report {
        report.calibrate(keeper.calibration);
        report.set_agents(agents);
    }
    let report = print(report, connect);
    keeper.keep(&report, connect, measured)?;
    Ok(report)
}

/// What is done before a run: the floor is measured, and the folder that `--out` asks for made before anything runs, so that a run is not made in vain.
struct Keeper {
    folder: Option<RunFolder>,
    calibration: Calibration,
    started: Moment,
}

impl Keeper {
    fn open(connect: &ConnectArgs) -> Result<Keeper, RunError> {
        let folder = connect.out.as_deref().map(RunFolder::create).transpose()?;
        Ok(Keeper {
            folder,
            calibration: Calibration::measure(),
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
