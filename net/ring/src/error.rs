//! What can go wrong with the engine as a whole, each with one clear line.
//!
//! What goes wrong with one connection is an [`crate::Event::Closed`], never an error from here.

use std::fmt;
use std::io;

/// The engine cannot be made, or cannot go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// The kernel was built without io_uring, or a sandbox hides it.
    Unavailable,
    /// The administrator switched io_uring off (`kernel.io_uring_disabled`).
    Disabled {
        /// The value of the setting.
        value: u8,
    },
    /// A feature is missing.
    FeatureMissing {
        /// What is missing, in the kernel's words.
        feature: &'static str,
        /// First kernel release that has it.
        kernel: &'static str,
    },
    /// The locked-memory limit is too low for the rings.
    MemlockLimit {
        /// Soft limit in bytes.
        limit_bytes: u64,
    },
    /// The descriptor limit leaves no room for the rings and listeners.
    DescriptorLimit {
        /// Soft RLIMIT_NOFILE.
        limit: u64,
    },
    /// A setting of [`crate::EngineConfig`] is out of its range.
    Config {
        /// The setting and its range.
        reason: &'static str,
    },
    /// More than 4 GiB were pushed to one connection in one tick.
    FlushTooLong,
    /// An earlier call failed; the engine can only be dropped.
    Broken,
    /// A system call failed in a way that no connection is to blame for.
    System {
        /// What was being done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl EngineError {
    pub(crate) fn system(doing: &'static str, source: io::Error) -> EngineError {
        EngineError::System { doing, source }
    }

    /// Reads what a failed registration means. All that the engine registers came with one kernel.
    pub(crate) fn from_register(feature: &'static str, error: io::Error) -> EngineError {
        match error.raw_os_error() {
            Some(libc::EINVAL) => EngineError::FeatureMissing {
                feature,
                kernel: "5.19",
            },
            Some(libc::ENOMEM) => EngineError::MemlockLimit {
                limit_bytes: soft_limit(libc::RLIMIT_MEMLOCK),
            },
            Some(libc::EMFILE) => EngineError::DescriptorLimit {
                limit: soft_limit(libc::RLIMIT_NOFILE),
            },
            _ => EngineError::system(feature, error),
        }
    }

    /// Reads what a failed ring set-up means.
    pub(crate) fn from_set_up(error: io::Error) -> EngineError {
        match error.raw_os_error() {
            Some(libc::ENOSYS) => EngineError::Unavailable,
            Some(libc::EPERM) => match disabled_setting() {
                0 => EngineError::Unavailable,
                value => EngineError::Disabled { value },
            },
            Some(libc::EINVAL) => EngineError::FeatureMissing {
                feature: "IORING_SETUP_DEFER_TASKRUN",
                kernel: "6.1",
            },
            Some(libc::ENOMEM) => EngineError::MemlockLimit {
                limit_bytes: soft_limit(libc::RLIMIT_MEMLOCK),
            },
            Some(libc::EMFILE) => EngineError::DescriptorLimit {
                limit: soft_limit(libc::RLIMIT_NOFILE),
            },
            _ => EngineError::system("setting up an io_uring", error),
        }
    }
}

/// The value of `kernel.io_uring_disabled`; 0 where the kernel has no such setting.
fn disabled_setting() -> u8 {
    std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// A soft resource limit of the process; 0 if it cannot be read.
pub(crate) fn soft_limit(resource: libc::__rlimit_resource_t) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` lives across the call.
    let result = unsafe { libc::getrlimit(resource, &raw mut limit) };
    if result < 0 { 0 } else { limit.rlim_cur }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineError::Unavailable => write!(
                f,
                "io_uring is not available: the kernel was built without it or a sandbox (seccomp) forbids it"
            ),
            EngineError::Disabled { value } => write!(
                f,
                "io_uring is switched off on this kernel (kernel.io_uring_disabled = {value}); set it to 0"
            ),
            EngineError::FeatureMissing { feature, kernel } => {
                write!(f, "the kernel lacks {feature} (needs Linux {kernel})")
            }
            EngineError::MemlockLimit { limit_bytes } => write!(
                f,
                "memlock limit too low for the io_uring rings (RLIMIT_MEMLOCK = {limit_bytes} bytes); raise it with ulimit -l"
            ),
            EngineError::DescriptorLimit { limit } => write!(
                f,
                "descriptor limit too low (RLIMIT_NOFILE = {limit}); raise it with ulimit -n"
            ),
            EngineError::Config { reason } => write!(f, "engine setting out of range: {reason}"),
            EngineError::FlushTooLong => {
                write!(f, "more than 4 GiB pushed to one connection before a flush")
            }
            EngineError::Broken => write!(f, "the engine failed before and can only be dropped"),
            EngineError::System { doing, source } => write!(f, "{doing} failed: {source}"),
        }
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            EngineError::System { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A connection could not even be begun.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// All slots of all tables are in use.
    Full,
    /// A socket could not be made, bound or put into the table.
    Socket(io::Error),
    /// The engine itself failed.
    Engine(EngineError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Full => write!(f, "no free slot for another connection"),
            ConnectError::Socket(e) => write!(f, "cannot make a socket: {e}"),
            ConnectError::Engine(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConnectError::Full => None,
            ConnectError::Socket(e) => Some(e),
            ConnectError::Engine(e) => Some(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(error: EngineError) -> String {
        let line = error.to_string();
        assert!(!line.contains('\n'));
        line
    }

    #[test]
    fn each_failure_of_the_set_up_has_its_line() {
        let of = |code| line(EngineError::from_set_up(io::Error::from_raw_os_error(code)));
        assert!(of(libc::ENOSYS).contains("not available"));
        assert!(of(libc::EINVAL).contains("needs Linux 6.1"));
        assert!(of(libc::ENOMEM).contains("memlock limit too low"));
        assert!(of(libc::EMFILE).contains("descriptor limit too low"));
        assert!(of(libc::EIO).contains("setting up an io_uring failed"));
        assert_eq!(
            line(EngineError::Disabled { value: 2 }),
            "io_uring is switched off on this kernel (kernel.io_uring_disabled = 2); set it to 0"
        );
    }

    #[test]
    fn each_failure_of_a_registration_has_its_line() {
        let of = |code| {
            line(EngineError::from_register(
                "x",
                io::Error::from_raw_os_error(code),
            ))
        };
        assert_eq!(of(libc::EINVAL), "the kernel lacks x (needs Linux 5.19)");
        assert!(of(libc::ENOMEM).contains("memlock limit too low"));
        assert!(of(libc::EMFILE).contains("descriptor limit too low"));
    }
}
