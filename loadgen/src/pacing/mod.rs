//! When the next publish is due: open loop by the clock, at one rate or as a fleet of sensors; closed loop
//! by what is outstanding.
//!
//! The run asks one of them for the next send. Neither reads a clock: time is an argument.

mod closed;
mod fleet;
mod open;

pub(crate) use closed::ClosedLoop;
pub(crate) use fleet::FleetLoop;
pub(crate) use open::OpenLoop;

use crate::ids::{PublisherId, StreamId};

/// One publish to be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DueSend {
    /// The connection that makes it.
    pub(crate) publisher: PublisherId,
    /// The source it belongs to.
    pub(crate) stream: StreamId,
    /// Its number in that source.
    pub(crate) sequence: u64,
    /// When it was due, in nanoseconds since the start of the run.
    pub(crate) due_ns: u64,
}
