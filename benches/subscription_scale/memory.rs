//! Bytes per subscription, everything counted that subscribing allocates: filter, text, subscriber, tables,
//! and the entry in the session. And bytes per filter that another shard wants.

use std::error::Error;

use ringmq_router::ShardId;
use ringmq_router::bench::BenchIndex;

use crate::ALLOCATOR;
use crate::clients::Clients;
use crate::topics::{filter, wildcards_beside, write_filter};

/// The bound of a subscription.
pub(crate) const BYTES_MAX: u64 = 200;

pub(crate) const HEADER: &str = "\
| exact filters | wildcard filters | sessions | allocated per subscription | resident per subscription | at most |
|---|---|---|---|---|---|";

pub(crate) const INTEREST_HEADER: &str = "\
| filters another shard wants | allocated per filter | resident per filter | together |
|---|---|---|---|";

/// Memory at one moment, bytes.
struct Memory {
    allocated: u64,
    resident: u64,
}

impl Memory {
    fn now() -> Result<Memory, Box<dyn Error>> {
        Ok(Memory {
            allocated: ALLOCATOR.allocated() as u64,
            resident: resident()?,
        })
    }

    fn since(&self, before: &Memory) -> Memory {
        Memory {
            allocated: self.allocated.saturating_sub(before.allocated),
            resident: self.resident.saturating_sub(before.resident),
        }
    }
}

/// With so many sessions, or with one for each subscription if 0. Whether the bound is kept.
pub(crate) fn print_row(exact: u32, sessions: u32) -> Result<bool, Box<dyn Error>> {
    let wildcards = wildcards_beside(exact);
    let count = exact + wildcards;
    let sessions = if sessions == 0 { count } else { sessions };
    let mut clients = Clients::connect(sessions);
    let before = Memory::now()?;
    for number in 0..count {
        clients.write_subscribe(exact, number);
        clients.send(number % sessions);
    }
    let grown = Memory::now()?.since(&before);
    assert_eq!(clients.subscriptions(), u64::from(count));
    let each = grown.allocated.div_ceil(u64::from(count));
    // Below a hundred thousand the page is too coarse a measure.
    let resident = match exact {
        100_000.. => format!("{} B", grown.resident / u64::from(count)),
        _ => "-".to_owned(),
    };
    println!("| {exact} | {wildcards} | {sessions} | {each} B | {resident} | {BYTES_MAX} B |");
    Ok(each <= BYTES_MAX)
}

/// For a shard without subscribers of its own.
pub(crate) fn print_interest_row(wildcard: bool, filters: u32) -> Result<(), Box<dyn Error>> {
    let kind = if wildcard { "wildcard" } else { "exact" };
    let exact = if wildcard { 0 } else { filters };
    let mut index = BenchIndex::new(1);
    let mut text = String::with_capacity(64);
    let before = Memory::now()?;
    for number in 0..filters {
        write_filter(exact, number, &mut text);
        index.other_shard_wants(filter(&text), ShardId(1));
    }
    let grown = Memory::now()?.since(&before);
    let each = |bytes: u64| bytes / u64::from(filters);
    println!(
        "| {filters} {kind} | {} B | {} B | {:.1} MB |",
        each(grown.allocated),
        each(grown.resident),
        grown.allocated as f64 / 1e6
    );
    Ok(())
}

fn resident() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("/proc/self/status names no VmRSS")?
        .parse()?;
    Ok(kib << 10)
}
