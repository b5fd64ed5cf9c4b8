//! What subscriptions cost as their number grows to 1,000,000 exact and 100,000 wildcard filters: bytes of
//! each, time to make and to end one, time of a match. Prints Markdown tables; `scripts/subscription-scale`
//! builds and runs it.
//!
//! Each row is measured by a process of its own (`subscription-scale row KIND ...`), so that no row has
//! another's heap. Bytes are what the allocator was asked for, whoever asked; resident memory, with
//! the broker's allocator, stands beside them.

mod clients;
mod exchange;
mod matching;
mod memory;
mod sweep;
mod topics;

use std::error::Error;
use std::process::{Command, ExitCode};

use cap::Cap;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// Exact filters; a tenth as many wildcard filters are beside them.
const TOTALS: [&str; 4] = ["1000", "10000", "100000", "1000000"];

const USAGE: &str = "usage: subscription-scale";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => print_tables(),
        ["row", "memory", exact, sessions] => {
            let within = memory::print_row(exact.parse()?, sessions.parse()?)?;
            Ok(if within {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        ["row", "interest", kind, filters] => {
            memory::print_interest_row(kind == "wildcard", filters.parse()?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["row", "exchange", exact] => {
            exchange::print_rows(exact.parse()?);
            Ok(ExitCode::SUCCESS)
        }
        ["row", "match", exact] => {
            matching::print_rows(exact.parse()?);
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(USAGE.into()),
    }
}

/// All tables; fails when a subscription takes more than its bound.
fn print_tables() -> Result<ExitCode, Box<dyn Error>> {
    let mut within = true;
    println!("{}", memory::HEADER);
    for total in TOTALS {
        within &= print_row(&["memory", total, "0"])?;
    }
    for sessions in ["110", "1"] {
        within &= print_row(&["memory", "1000000", sessions])?;
    }
    println!("\n{}", memory::INTEREST_HEADER);
    for (kind, filters) in [
        ("exact", "1000000"),
        ("wildcard", "100000"),
        ("wildcard", "1000000"),
    ] {
        print_row(&["interest", kind, filters])?;
    }
    println!("\n{}", exchange::HEADER);
    for total in TOTALS {
        print_row(&["exchange", total])?;
    }
    println!("\n{}", matching::HEADER);
    for total in TOTALS {
        print_row(&["match", total])?;
    }
    if within {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "subscription-scale: a subscription takes more than {} bytes; see the first table",
        memory::BYTES_MAX
    );
    Ok(ExitCode::FAILURE)
}

/// Has a row measured and printed by another process; whether it keeps its bound.
fn print_row(row: &[&str]) -> Result<bool, Box<dyn Error>> {
    let status = Command::new(std::env::current_exe()?)
        .arg("row")
        .args(row)
        .status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(format!("the row {row:?} ended with {status}").into()),
    }
}
