//! `--out` keeps a run: the figures of the report, its intervals, and logs that hold every latency.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::run;
use crate::stub::{Fault, StubBroker};

/// A folder of this test that is not there yet.
fn scratch(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

#[test]
fn a_run_is_kept() {
    let broker = StubBroker::start(Fault::None);
    let path = scratch("kept");
    let arguments = format!(
        "fan-out --subscribers 2 --qos 1 --rate 200 --warmup 0.1 --duration 1.4 --drain 1 --release r1 --out {}",
        path.display()
    );
    let kept = run(&broker, &arguments);
    assert_eq!(kept.code, 0, "{}", kept.errors);
    let record: Value = serde_json::from_slice(&fs::read(path.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["versions"]["broker"], "r1");
    assert_eq!(record["scenario"]["name"], "fan-out");
    assert_eq!(record["results"]["latency_us"], kept.report["latency_us"]);
    assert_eq!(record["audit"]["delivered"], kept.report["delivered"]);
    let intervals = record["intervals"].as_array().unwrap();
    assert!(!intervals.is_empty(), "{record}");
    let log = fs::read_to_string(path.join("latency.hlog")).unwrap();
    let lines = log.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(lines, intervals.len());

    let again = run(&broker, &arguments);
    assert_eq!(again.code, 1);
    assert!(
        again.errors.contains("holds a run already"),
        "{}",
        again.errors
    );
}

#[test]
fn churning_is_kept() {
    let broker = StubBroker::start(Fault::None);
    let path = scratch("churned");
    let churned = run(
        &broker,
        &format!("churn --connections 5 --rounds 2 --out {}", path.display()),
    );
    assert_eq!(churned.code, 0, "{}", churned.errors);
    let record: Value = serde_json::from_slice(&fs::read(path.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["results"]["connections"], 10);
    assert_eq!(
        record["results"]["connect_latency_us"],
        churned.report["connect"]["latency_us"]
    );
}
