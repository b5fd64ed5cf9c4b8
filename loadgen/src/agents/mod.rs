//! Several machines as one run: agents that carry out shares of a scenario, and the coordinator that
//! starts them together and adds up what they found.
//!
//! ```text
//! coordinator                               agent
//!   Clock, many times                    ->   its clock               the offset, with its error
//!   Job: scenario, share, zero of time   ->   connects; Standing, Standing, ...
//!   Start: at which time of the run      ->   load; Standing, ...
//!   Complete, when the sums agree        ->   Found: outcomes, histograms whole
//! ```
//! Messages are lines of JSON over TCP. An agent does what any coordinator tells it, so it belongs into a
//! closed network.

mod coordinator;
mod message;
mod offset;
mod serve;
mod wire;

pub(crate) use coordinator::{AgentReport, execute};
pub(crate) use serve::serve;
