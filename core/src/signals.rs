//! What the process does when it is signalled: SIGTERM and SIGINT stop it in order, the second of them at
//! once; SIGHUP has it read the password file again.

use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{error, info, warn};

use crate::broker::BrokerHandle;
use crate::exit::Exit;
use crate::limits::{LOG_FLUSH_MILLIS, SHUTDOWN_GRACE_SECS};
use crate::logging::{LogWriter, subject};
use crate::users::{Authenticator, Secret, Users};

/// Who judges clients, and what that takes to be renewed.
#[derive(Debug)]
pub(crate) struct Judging {
    authenticator: Arc<Authenticator>,
    password_file: PathBuf,
    secret: Secret,
}

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
        judging: Option<Judging>,
        shutdown_secs: u32,
        log: LogWriter,
    ) -> io::Result<()> {
        let thread = thread::Builder::new().name("signals".to_owned());
        thread.spawn(move || {
            let mut stopping = false;
            for signal in self.signals.forever() {
                match signal {
                    SIGHUP => match &judging {
                        Some(judging) => judging.renew(),
                        None => warn!(
                            target: subject::BROKER,
                            "SIGHUP ignored: there is no password file, and settings are read at the start only"
                        ),
                    },
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

impl Judging {
    pub(crate) fn new(
        authenticator: Authenticator,
        password_file: PathBuf,
        secret: Secret,
    ) -> Judging {
        Judging {
            authenticator: Arc::new(authenticator),
            password_file,
            secret,
        }
    }

    pub(crate) fn authenticator(&self) -> Arc<Authenticator> {
        Arc::clone(&self.authenticator)
    }

    /// Reads the password file again. One that is wrong changes nothing.
    fn renew(&self) {
        match Users::read(&self.password_file, &self.secret) {
            Ok(users) => {
                let (file, users_read) = (self.password_file.display(), users.len());
                self.authenticator.replace(users);
                info!(target: subject::BROKER, %file, users = users_read, "SIGHUP: password file read");
            }
            Err(error) => error!(
                target: subject::BROKER,
                "SIGHUP: the users stay as they were, since the password file is wrong: {error}"
            ),
        }
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
