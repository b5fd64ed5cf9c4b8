//! Starting and stopping a broker of one's own.
//!
//! The broker takes a free port of the loopback and says on standard output which. Whatever happens, the
//! process does not outlive its [`Broker`].

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::setting::Setting;

/// How long a broker may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A broker that runs.
pub(super) struct Broker {
    child: Child,
    address: SocketAddr,
}

impl Broker {
    /// Starts the binary and waits until it listens. The error says what went wrong.
    pub(super) fn start(binary: &Path, setting: &Setting) -> Result<Broker, String> {
        let mut child = Command::new(binary)
            .args(["--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(setting.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| format!("{}: {source}", binary.display()))?;
        let output = child.stdout.take().expect("its standard output is a pipe");
        let mut broker = Broker {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        broker.address = addresses(output)
            .recv_timeout(PATIENCE)
            .map_err(|_| "it did not say where it listens".to_owned())?;
        match TcpStream::connect_timeout(&broker.address, PATIENCE) {
            Ok(_) => Ok(broker),
            Err(source) => Err(format!(
                "it does not listen on {}: {source}",
                broker.address
            )),
        }
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has it end in order.
    pub(super) fn stop(mut self) -> Result<(), String> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).map_err(|source| format!("SIGTERM: {source}"))?;
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) => thread::sleep(LOOK_EVERY),
                Err(source) => return Err(source.to_string()),
            }
        }
        Err("it did not end after SIGTERM".to_owned())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first address in what the broker writes. Goes on reading, so that the broker never waits for us.
fn addresses(output: ChildStdout) -> Receiver<SocketAddr> {
    let (found, addresses) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = line.split_whitespace().find_map(|word| word.parse().ok()) {
                // Only the first one is waited for.
                let _ = found.send(address);
            }
        }
    });
    addresses
}
