//! How the process ends, as its parent sees it. Scripts and service managers rely on these numbers.

use std::process::ExitCode;

/// Exit codes of `ringmq`. A wrong command line ends with 2, by clap's convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Stopped in order, or a question (`--check-config`) was answered with yes.
    Orderly,
    /// Could not start, or the settings are wrong. Nothing was served.
    NotStarted,
    /// Failed while it ran: a shard panicked, its rings failed, or the stop hung. EX_SOFTWARE of sysexits.h.
    Failed,
}

impl Exit {
    /// The number.
    pub fn code(self) -> i32 {
        i32::from(self.byte())
    }

    /// The number of a process that a signal ended, by the shells' convention.
    pub fn by_signal(signal: i32) -> i32 {
        128 + signal
    }

    fn byte(self) -> u8 {
        match self {
            Exit::Orderly => 0,
            Exit::NotStarted => 1,
            Exit::Failed => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.byte())
    }
}
