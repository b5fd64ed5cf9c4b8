//! The `ringmq` binary as its users meet it: what it prints, how it refuses, how it ends.

#![allow(clippy::unwrap_used, reason = "tests")]

mod check_config;
mod command_line;
mod passwd;
mod pause;
mod ringmq;
mod signals;
mod start;
mod users;
