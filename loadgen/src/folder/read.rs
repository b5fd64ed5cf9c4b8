//! Reading a run folder back.
//!
//! A folder that is not whole, or of another form, is an error that names the file.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use super::{CONNECT, FolderError, LATENCY, RUN};
use crate::record::{EncodedLatency, FORMAT, RunRecord};

/// Whether this is the folder of a run.
pub(crate) fn is_run(path: &Path) -> bool {
    path.join(RUN).is_file()
}

/// The run folders inside a folder, however deep, in the order of their names. Links are not followed.
pub(crate) fn runs_in(path: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let entries = fs::read_dir(path).map_err(|source| FolderError::io(path, source))?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|source| FolderError::io(path, source))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            folders.push(entry.path());
        }
    }
    folders.sort();
    let mut runs = Vec::new();
    for folder in folders {
        if is_run(&folder) {
            runs.push(folder);
        } else {
            runs.extend(runs_in(&folder)?);
        }
    }
    Ok(runs)
}

/// Reads a run back, latencies included.
pub(crate) fn read(path: &Path) -> Result<RunRecord, FolderError> {
    let file = path.join(RUN);
    let text = fs::read_to_string(&file).map_err(|source| FolderError::io(&file, source))?;
    let mut record: RunRecord =
        serde_json::from_str(&text).map_err(|error| FolderError::form(&file, error.to_string()))?;
    if record.format != FORMAT {
        let why = format!(
            "its form is {}, this loadgen reads form {FORMAT}",
            record.format
        );
        return Err(FolderError::form(&file, why));
    }
    let latencies = read_log(&path.join(LATENCY))?;
    if latencies.len() != record.intervals.len() {
        let why = format!(
            "it has {} intervals, {RUN} has {}",
            latencies.len(),
            record.intervals.len()
        );
        return Err(FolderError::form(&path.join(LATENCY), why));
    }
    for (interval, latency) in record.intervals.iter_mut().zip(latencies) {
        interval.latency = latency;
    }
    record.connect_latency = read_log(&path.join(CONNECT))?.pop().unwrap_or_default();
    Ok(record)
}

fn read_log(path: &Path) -> Result<Vec<EncodedLatency>, FolderError> {
    let bytes = fs::read(path).map_err(|source| FolderError::io(path, source))?;
    parse(&bytes).map_err(|why| FolderError::form(path, why))
}

/// The histograms of a log, in order. The error says what is wrong with it.
fn parse(bytes: &[u8]) -> Result<Vec<EncodedLatency>, String> {
    let mut deserializer = Deserializer::new();
    let mut latencies = Vec::new();
    for entry in IntervalLogIterator::new(bytes) {
        let entry = entry.map_err(|error| format!("no HdrHistogram log: {error:?}"))?;
        let LogEntry::Interval(interval) = entry else {
            continue;
        };
        let wrong = |why: String| format!("interval {}: {why}", latencies.len() + 1);
        let encoded = STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| wrong(error.to_string()))?;
        let histogram: Histogram<u64> = deserializer
            .deserialize(&mut encoded.as_slice())
            .map_err(|error| wrong(error.to_string()))?;
        latencies.push(EncodedLatency::of(&histogram));
    }
    Ok(latencies)
}
