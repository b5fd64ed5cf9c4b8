//! Tells which shard each client lives on: `client_home HASH_SEED SHARDS < identifiers`, one identifier
//! per line in, `SHARD IDENTIFIER` out. `scripts/cross-shard` places its clients with it.
#![allow(
    clippy::disallowed_methods,
    reason = "an example may read its arguments and print; the router may not"
)]

use std::io::{BufRead, Write};
use std::sync::Arc;

use ringmq_router::{Settings, Shard, ShardConfig, ShardCount, ShardId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(hash_seed), Some(shards)) = (arguments.next(), arguments.next()) else {
        return Err("usage: client_home HASH_SEED SHARDS < identifiers".into());
    };
    let shard = Shard::new(ShardConfig {
        id: ShardId(0),
        shards: ShardCount(shards.parse()?),
        hash_seed: hash_seed.parse()?,
        random_seed: 0,
        settings: Arc::new(Settings::default()),
    });
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for client_id in std::io::stdin().lock().lines() {
        let client_id = client_id?;
        writeln!(out, "{} {client_id}", shard.home_of_client(&client_id).0)?;
    }
    Ok(())
}
