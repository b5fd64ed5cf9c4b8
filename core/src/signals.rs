//! What the process does when it is signalled: SIGTERM and SIGINT stop it in order, the second of them at
//! once; SIGHUP is noted, as there is nothing to reload.

use std::io;
use std::process;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{error, info, warn};

use crate::broker::BrokerHandle;
use crate::exit::Exit;
use crate::limits::{LOG_FLUSH_MILLIS, SHUTDOWN_GRACE_SECS};
use crate::logging::{LogWriter, subject};

/// Signals caught from now on; they wait until [`Caught::serve`] has something to stop.
pub(crate) struct Caught {
    signals: Signals,
}

/// Catches the signals. Called before the broker starts, so that none of them meets a broker half started.
pub(crate) fn catch() -> io::Result<Caught> {
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    Ok(Caught { signals })
}

impl Caught {
    /// Starts the thread that acts on signals. It lives as long as the process.
    pub(crate) fn serve(
        mut self,
        broker: BrokerHandle,
        shutdown_secs: u32,
        log: LogWriter,
    ) -> io::Result<()> {
        let thread = thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || {
            let mut stopping = false;
            for signal in self.signals.forever() {
                match signal {
                    SIGHUP => warn!(
                        target: subject::BROKER,
                        "SIGHUP ignored: settings are read at the start only"
                    ),
                    signal if stopping => {
                        warn!(target: subject::BROKER, "{} again: stopping at once", name(signal));
                        log.flush(Duration::from_millis(LOG_FLUSH_MILLIS));
                        process::exit(Exit::by_signal(signal));
                    }
                    signal => {
                        stopping = true;
                        info!(target: subject::BROKER, shutdown_secs, "{}: stopping", name(signal));
                        limit_stop(shutdown_secs, log.clone());
                        broker.shut_down();
                    }
                }
            }
        })?;
        Ok(())
    }
}

/// Ends the process when the orderly stop has not ended it in time.
fn limit_stop(shutdown_secs: u32, log: LogWriter) {
    let bound = Duration::from_secs(u64::from(shutdown_secs) + SHUTDOWN_GRACE_SECS);
    let guard = thread::Builder::new().name("stop".to_owned());
    let spawned = guard.spawn(move || {
        thread::sleep(bound);
        error!(target: subject::BROKER, "the stop hangs; ending the process");
        log.flush(Duration::from_millis(LOG_FLUSH_MILLIS));
        process::exit(Exit::Failed.code());
    });
    if let Err(error) = spawned {
        warn!(target: subject::BROKER, %error, "cannot limit the time of the stop");
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGTERM => "SIGTERM",
        SIGINT => "SIGINT",
        _ => "signal",
    }
}
