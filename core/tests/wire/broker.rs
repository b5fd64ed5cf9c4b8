//! The broker under test: the `ringmq` binary with a configuration, on a port of the kernel's choice.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

/// Key of the hash that gives clients their shards: fixed, so that tests can say who lives where.
pub(crate) const HASH_SEED: u64 = 1;

/// A running broker; killed when it is dropped before it was stopped.
#[derive(Debug)]
pub(crate) struct Broker {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) shards: u8,
    config: PathBuf,
    is_stopping: AtomicBool,
}

impl Broker {
    /// Starts it with `config` as its configuration file, and waits until it serves.
    pub(crate) fn start(shards: u8, config: &str) -> Result<Broker, String> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("wire-{}-{number}.toml", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        // By itself it stops within milliseconds; the bound must not end it on a machine that is busy.
        let config = format!("broker.shutdown_secs = 60\n{config}");
        std::fs::write(&path, config).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringmq"))
            .args(["--listen", "127.0.0.1:0", "--sys-interval-secs", "0"])
            .args(["--log-level", "warn"])
            .args(["--shards", &shards.to_string()])
            .args(["--hash-seed", &HASH_SEED.to_string()])
            .arg("--config")
            .arg(&path)
            // Where `files/...` of a script's configuration is found.
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wire"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the broker: {error}"))?;
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut announcement = String::new();
        while !announcement.contains("stop with") {
            if stdout.read_line(&mut announcement).unwrap_or(0) == 0 {
                let errors = errors_of(&mut child);
                return Err(format!("the broker did not start: {announcement}{errors}"));
            }
        }
        let line = announcement.lines().find(|it| it.contains("listening on"));
        let address = line.and_then(|it| it.split_whitespace().nth(2)?.parse().ok());
        let address = address.ok_or("the broker does not say where it listens")?;
        Ok(Broker {
            child,
            address,
            shards,
            config: path,
            is_stopping: AtomicBool::new(false),
        })
    }

    /// Orders it to stop in order, once: told twice, it stops at once.
    pub(crate) fn order_stop(&self) {
        if self.is_stopping.swap(true, Ordering::Relaxed) {
            return;
        }
        let process = i32::try_from(self.child.id()).expect("a process id");
        let process = Pid::from_raw(process).expect("not zero");
        // A broker that has ended by itself is found out by `stop`.
        let _ = kill_process(process, Signal::TERM);
    }

    /// Stops it; an error when it did not end in order, or has warned about itself meanwhile.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        self.order_stop();
        let errors = errors_of(&mut self.child);
        match self.child.wait() {
            Ok(status) if status.success() && !errors.contains("panicked") => Ok(()),
            status => Err(format!("the broker ended with {status:?}:\n{errors}")),
        }
    }
}

fn errors_of(child: &mut Child) -> String {
    let mut errors = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        // What cannot be read is not needed to see that it failed.
        let _ = stderr.read_to_string(&mut errors);
    }
    errors
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.config);
    }
}
