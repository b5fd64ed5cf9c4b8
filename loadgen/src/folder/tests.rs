//! Run folders are read back as they were written, and refuse what they should.

use super::*;
use crate::record::{EncodedLatency, Interval, Moment, ScenarioRecord, empty_latency};

/// A new folder below the build's own.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("loadgen-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

fn record() -> RunRecord {
    let interval = |second: u64, latencies_ns: &[u64]| {
        let mut latency = empty_latency();
        for &latency_ns in latencies_ns {
            latency.record(latency_ns).unwrap();
        }
        Interval {
            start_millis: second * 1_000,
            length_millis: 1_000,
            latency: EncodedLatency::of(&latency),
            published: 10,
            ..Interval::default()
        }
    };
    let mut record = RunRecord::empty(ScenarioRecord::new("x", "qos = 1\n".to_owned(), false));
    record.started = Moment {
        unix_millis: 1_795_228_742_125,
    };
    record.intervals = vec![
        interval(0, &[30_000, 45_678, 1_000_000]),
        interval(1, &[]),
        interval(2, &[3_600_000_000_000]),
    ];
    record.connect_latency = record.intervals[0].latency.clone();
    record
}

#[test]
fn a_run_is_read_back_as_it_was() {
    let path = scratch("whole").join("deep");
    let folder = RunFolder::create(&path).unwrap();
    assert!(!is_run(&path));
    folder.store(&record()).unwrap();
    assert!(is_run(&path));
    assert_eq!(read(&path).unwrap(), record());
    assert!(matches!(
        RunFolder::create(&path),
        Err(FolderError::Taken(_))
    ));
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn what_is_damaged_is_named() {
    let path = scratch("damaged");
    RunFolder::create(&path).unwrap().store(&record()).unwrap();
    let error = |name: &str, text: &str| {
        let whole = fs::read(path.join(name)).unwrap();
        fs::write(path.join(name), text).unwrap();
        let error = read(&path).unwrap_err().to_string();
        fs::write(path.join(name), whole).unwrap();
        error
    };
    assert!(error("run.json", "{").contains("run.json"));
    assert!(error("latency.hlog", "x,y\n").contains("latency.hlog"));
    assert!(error("latency.hlog", "").contains("it has 0 intervals"));
    let later = fs::read_to_string(path.join("run.json"))
        .unwrap()
        .replace("\"format\": 1", "\"format\": 2");
    assert!(error("run.json", &later).contains("its form is 2"));
    fs::remove_dir_all(&path).unwrap();
}
