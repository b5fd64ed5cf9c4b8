//! What can be wrong with a configuration, one line each: where, what, and the way out.

use std::fmt;

use super::value::ValueError;

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError {
    /// Line of the file, from 1; `None` when it came from the command line or concerns the whole file.
    pub line: Option<usize>,
    /// What.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The file cannot be read.
    Unreadable {
        /// The system's answer.
        reason: String,
    },
    /// It is not TOML.
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// There is no such section.
    UnknownSection {
        /// As it was written.
        section: String,
        /// The section that looks most like it.
        nearest: String,
    },
    /// There is no such key in this section.
    UnknownKey {
        /// Where it was written; empty outside of any section.
        section: String,
        /// As it was written.
        key: String,
        /// What was probably meant, or what there is.
        hint: String,
    },
    /// A key without which its section says nothing.
    MissingKey {
        /// Of the section.
        section: &'static str,
        /// The missing key.
        key: &'static str,
    },
    /// A value of another type.
    WrongType {
        /// Section and key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A number outside of its range.
    OutOfRange {
        /// Section and key.
        key: String,
        /// The value given.
        value: String,
        /// Smallest value allowed.
        min: i128,
        /// Largest value allowed.
        max: i128,
    },
    /// A text that does not say what it should.
    BadValue {
        /// Section and key.
        key: String,
        /// Why not.
        reason: ValueError,
    },
    /// A listener that other machines can reach, without passwords or permission to let everyone in.
    OpenToStrangers {
        /// Its address.
        address: String,
    },
    /// A listener that nobody could use.
    NobodyAllowed {
        /// Its address.
        address: String,
    },
    /// Two listeners that cannot both be bound.
    SameAddress {
        /// The later one.
        address: String,
        /// The one before it.
        other: String,
    },
    /// More listeners than can be told apart.
    TooManyListeners {
        /// How many.
        count: usize,
    },
    /// No listener at all.
    NoListener,
}

impl ConfigError {
    pub(super) fn new(line: Option<usize>, problem: Problem) -> ConfigError {
        ConfigError { line, problem }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unreadable { reason } => write!(f, "cannot be read: {reason}"),
            Problem::Syntax { message } => write!(f, "not valid TOML: {message}"),
            Problem::UnknownSection { section, nearest } => {
                write!(f, "unknown section {section}; did you mean {nearest}?")
            }
            Problem::UnknownKey { section, key, hint } if section.is_empty() => {
                write!(f, "unknown key '{key}' outside of any section; {hint}")
            }
            Problem::UnknownKey { section, key, hint } => {
                write!(f, "unknown key '{key}' in {section}; {hint}")
            }
            Problem::MissingKey { section, key } => write!(f, "{section} lacks the key '{key}'"),
            Problem::WrongType {
                key,
                expected,
                found,
            } => write!(f, "{key} must be {expected}, not {found}"),
            Problem::OutOfRange {
                key,
                value,
                min,
                max,
            } => write!(f, "{key} = {value} is out of range: {min} to {max}"),
            Problem::BadValue { key, reason } => write!(f, "{key}: {reason}"),
            Problem::OpenToStrangers { address } => write!(
                f,
                "listener {address} can be reached from other machines, and there is no password file, so \
                 anyone could connect; name one ('password_file' in [users], or --password-file; 'ringmq \
                 passwd' makes it), or, if everyone may, say 'allow_anonymous = true' in its [[listener]] (or \
                 --allow-anonymous), otherwise listen on 127.0.0.1"
            ),
            Problem::NobodyAllowed { address } => write!(
                f,
                "listener {address} has 'allow_anonymous = false', and there is no password file, so nobody \
                 could connect; name one ('password_file' in [users]), or remove that line or the listener"
            ),
            Problem::SameAddress { address, other } => {
                write!(f, "listener {address} is already covered by {other}")
            }
            Problem::TooManyListeners { count } => write!(
                f,
                "{count} listeners; there may be {} at most",
                crate::limits::LISTENERS_MAX
            ),
            Problem::NoListener => write!(
                f,
                "no listener; write a [[listener]] with an address, or leave 'listener' out for {}",
                super::ListenerSettings::default().address
            ),
        }
    }
}
