//! Run folders: what stays of a run on disk.
//!
//! ```text
//! DIR/run.json       the record: scenario, versions, machine, results, audit, intervals
//! DIR/latency.hlog   latencies of each interval, HdrHistogram interval log V2, in nanoseconds
//! DIR/connect.hlog   latencies of connecting, likewise, one interval
//! DIR/report.html    the page to read
//! ```
//! `run` stores, `compare` and `history` read. A folder is written once and never changed.

mod error;
mod hlog;
mod read;

pub(crate) use error::FolderError;
pub(crate) use read::{is_run, read, runs_in};

use std::fs;
use std::path::{Path, PathBuf};

use crate::html;
use crate::record::RunRecord;

const RUN: &str = "run.json";
const LATENCY: &str = "latency.hlog";
const CONNECT: &str = "connect.hlog";
const REPORT: &str = "report.html";

/// A folder that is to hold one run.
#[derive(Clone, Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder, with those above it. One that holds a run already is left alone.
    pub(crate) fn create(path: &Path) -> Result<RunFolder, FolderError> {
        if path.join(RUN).exists() {
            return Err(FolderError::Taken(path.to_owned()));
        }
        fs::create_dir_all(path).map_err(|source| FolderError::io(path, source))?;
        Ok(RunFolder {
            path: path.to_owned(),
        })
    }

    /// Writes the run; `run.json` comes last, so that a folder which has it is whole.
    pub(crate) fn store(&self, record: &RunRecord) -> Result<(), FolderError> {
        let start = record.started;
        self.write(LATENCY, &hlog::of_intervals(&record.intervals, start))?;
        self.write(CONNECT, &hlog::of_connects(record))?;
        self.write(REPORT, html::run_report(record).as_bytes())?;
        let text = serde_json::to_string_pretty(record)
            .expect("a record holds only numbers, text and maps with text keys");
        self.write(RUN, text.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
        let path = self.path.join(name);
        fs::write(&path, bytes).map_err(|source| FolderError::io(&path, source))
    }
}

#[cfg(test)]
mod tests;
