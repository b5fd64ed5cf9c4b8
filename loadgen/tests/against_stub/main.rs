//! loadgen as a whole, against a small broker in this process that can be told to misbehave.
//!
//! What is checked is that the audit counts exactly what the stub broker did wrong, and that the exit code
//! says so.

#![allow(clippy::unwrap_used, reason = "all of this is a test")]

mod agents;
mod audit;
mod command;
mod compare;
mod files;
mod folder;
mod proxy;
mod scenarios;
mod stub;
mod sys;
mod tampering;
