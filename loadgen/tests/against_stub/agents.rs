//! Agents carry out one run together, and the rate is searched that a broker takes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::command::{output, run};
use crate::stub::{Fault, StubBroker};

/// An agent that ends with the test.
struct Agent {
    process: Child,
    address: String,
}

impl Agent {
    fn start() -> Agent {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(["agent", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        lines.read_line(&mut line).unwrap();
        // What it says later is of no interest, but its pipe must not fill or break.
        std::thread::spawn(move || for _ in lines.lines() {});
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        Agent { process, address }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = (self.process.kill(), self.process.wait());
    }
}

#[test]
fn agents_share_a_run_and_add_up() {
    let agents = [Agent::start(), Agent::start()];
    let addresses = agents
        .each_ref()
        .map(|agent| agent.address.as_str())
        .join(",");
    let arguments = format!(
        "fan-in --agents {addresses} --set load.publishers=5 --set load.subscribers=3 \
         --set load.qos=1 --set load.rate_per_second=400 --duration 1 --warmup 0.2"
    );
    let broker = StubBroker::start(Fault::None);
    // Agents serve one run after the other.
    for _ in 0..2 {
        let run = run(&broker, &arguments);
        run.check(0, [0; 5]);
        assert_eq!(run.count("expected"), 3 * run.count("published"));
        assert_eq!(run.count("published"), 480);
        assert_eq!(run.count("connections"), 8);
        assert_eq!(run.report["latency_us"]["count"].as_u64(), Some(3 * 400));
        let reports = run.report["agents"].as_array().unwrap();
        assert_eq!(reports.len(), 2);
        for report in reports {
            let error_us = report["clock_error_us"].as_f64().unwrap();
            assert!(error_us > 0.0 && error_us < 1e6, "{report}");
        }
        let warnings = run.report["warnings"].to_string();
        assert!(
            warnings.contains("between agents are right to within"),
            "{warnings}"
        );
    }
    let broker = StubBroker::start(Fault::Drop(50));
    run(&broker, &arguments).check(2, [1, 0, 0, 0, 0]);
}

#[test]
fn what_an_agent_cannot_do_is_told_by_the_coordinator() {
    let agents = [Agent::start(), Agent::start()];
    let addresses = agents
        .each_ref()
        .map(|agent| agent.address.as_str())
        .join(",");
    let nobody = output(&format!("pairs --agents {addresses} --broker 127.0.0.1:1"));
    assert_eq!(nobody.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(errors.contains("is a broker listening there?"), "{errors}");
    let no_agent = output("pairs --agents 127.0.0.1:1");
    let errors = String::from_utf8_lossy(&no_agent.stderr).into_owned();
    assert!(
        errors.contains("does `loadgen agent --listen` run there?"),
        "{errors}"
    );
}

#[test]
fn the_highest_rate_is_searched() {
    let broker = StubBroker::start(Fault::Drop(0));
    let search = "pairs --find-limit --duration 0.3 --warmup 0 --set load.publishers=1 \
                  --set run.drain_secs=0.5 --set load.rate_per_second=4 --limit-p99 60000";
    let run = run(&broker, search);
    assert_eq!(run.code, 0, "{}", run.errors);
    let steps = run.report["steps"].as_array().unwrap();
    assert!(
        steps[0]["crossed"].as_str().unwrap().contains("lost"),
        "{steps:?}"
    );
    // The stub loses one message only, so all the others passed until the gap was closed.
    let knee = run.report["knee"]["factor"].as_f64().unwrap();
    assert!((1.0 / 1.05..1.0).contains(&knee), "{}", run.report);
}
