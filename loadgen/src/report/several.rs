//! The report of several loads that ran side by side.

use crate::cli::ConnectArgs;
use crate::ensemble::LoadOutcome;
use crate::report::judge::UNACCOUNTED;
use crate::report::{LoadReport, Scenario};

impl LoadReport {
    /// The report of several loads side by side: the sums, and each on its own. The broker's side is told of
    /// all of them together only.
    pub(super) fn of_several(
        name: &str,
        connect: &ConnectArgs,
        mut loads: Vec<LoadOutcome>,
    ) -> LoadReport {
        let drops = loads.iter_mut().find_map(|load| load.outcome.drops.take());
        let apart = ConnectArgs {
            pid: None,
            ..connect.clone()
        };
        let reports: Vec<LoadReport> = loads
            .iter()
            .map(|load| LoadReport::new(load.scenario.clone(), &apart, &load.outcome))
            .collect();
        let scenarios: Vec<Scenario> = loads.iter().map(|load| load.scenario.clone()).collect();
        let together = loads
            .into_iter()
            .map(|load| load.outcome)
            .reduce(|mut sum, other| {
                sum.add(other);
                sum
            });
        let mut outcome = together.expect("a scenario has at least one load");
        outcome.drops = drops;
        let mut report = LoadReport::new(Scenario::together(name, &scenarios), connect, &outcome);
        // Each load is judged by its own QoS.
        report.violations = reports
            .iter()
            .flat_map(|load| {
                load.violations
                    .iter()
                    .map(|v| format!("{}: {v}", load.scenario.name))
            })
            .collect();
        if let Some(unaccounted) = report.unaccounted.filter(|&count| count != 0) {
            report
                .violations
                .push(format!("{unaccounted} {UNACCOUNTED}"));
        }
        report.loads = reports;
        report
    }
}
