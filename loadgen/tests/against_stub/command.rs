//! Running the binary and reading its report.

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;

use crate::stub::StubBroker;

/// What one run of loadgen gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) report: Value,
    pub(crate) errors: String,
}

impl Run {
    /// A count of the report.
    pub(crate) fn count(&self, name: &str) -> u64 {
        match self.report[name].as_u64() {
            Some(count) => count,
            None => panic!("{name} in {}\n{}", self.report, self.errors),
        }
    }

    /// Compares exit code and audit: lost, duplicated, reordered, unexpected, corrupt.
    pub(crate) fn check(&self, code: i32, audit: [u64; 5]) {
        let names = ["lost", "duplicated", "reordered", "unexpected", "corrupt"];
        let found = names.map(|name| self.count(name));
        assert_eq!(
            (self.code, found),
            (code, audit),
            "{}\n{}",
            self.report,
            self.errors
        );
        assert!(self.count("published") > 0);
        assert_eq!(
            self.count("expected"),
            self.count("delivered") + self.count("lost")
        );
    }
}

/// Runs `loadgen run ARGUMENTS` as it stands.
pub(crate) fn output(arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .arg("run")
        .args(arguments.split_whitespace())
        .output()
        .expect("loadgen was built for this test")
}

/// Runs `loadgen run ARGUMENTS --json` against the stub.
pub(crate) fn run(broker: &StubBroker, arguments: &str) -> Run {
    run_at(broker.address(), arguments)
}

/// The same against whatever listens there.
pub(crate) fn run_at(address: SocketAddr, arguments: &str) -> Run {
    let output = output(&format!("{arguments} --json --broker {address}"));
    Run {
        code: output.status.code().expect("loadgen is not killed"),
        report: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A short load of a rate that any machine can take.
pub(crate) const SHORT: &str = "--rate 400 --warmup 0.1 --duration 0.4 --drain 1";
