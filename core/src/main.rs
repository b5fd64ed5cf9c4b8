//! The `ringmq` binary: a broker until it is told to stop. Everything it does is in the library.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    ringmq::start::run(&ringmq::cli::Cli::parse()).into()
}
