//! The memory of an idle connection and of a subscription: what the router accounts stays within its bound.
//!
//! The bounds of the design are 512 bytes of user space for connection, session and one exact subscription,
//! and 200 bytes for each further subscription.

#[path = "support/sensors.rs"]
mod sensors;

use ringmq_router::{Input, MemoryUse, Millis, Outputs};
use sensors::{connect, connection, lone_shard, write_subscribe};

/// Bytes per idle connection, session and subscription.
const IDLE_BYTES_MAX: u64 = 512;

/// Bytes per subscription, exact or with wildcards.
const SUBSCRIPTION_BYTES_MAX: u64 = 200;

#[test]
fn an_idle_connection_fits_its_bound() {
    let mut shard = lone_shard();
    let mut outputs = Outputs::new();
    // Just over a power of two, where doubling tables have the most room to spare.
    for connections in [1_000, 20_000, 33_000] {
        let held = shard.stats().connections as u32;
        for index in held..connections {
            connect(&mut shard, index, &[], &mut outputs);
        }
        let stats = shard.stats();
        assert_eq!(stats.sessions, u64::from(connections));
        assert_eq!(stats.subscriptions, u64::from(connections));
        let each = stats.memory.total() / u64::from(connections);
        let categories = per_connection(stats.memory, u64::from(connections));
        assert!(
            each <= IDLE_BYTES_MAX,
            "{connections}: {each} B: {categories:?}"
        );
    }
}

fn per_connection(memory: MemoryUse, connections: u64) -> [(&'static str, u64); 7] {
    [
        ("connections", memory.connections / connections),
        ("sessions", memory.sessions / connections),
        ("queues", memory.queues / connections),
        ("retained", memory.retained / connections),
        ("index", memory.index / connections),
        ("interest", memory.interest / connections),
        ("buffers", memory.buffers / connections),
    ]
}

#[test]
fn a_subscription_fits_its_bound() {
    const EACH: u64 = 9_000;
    for kind in ["exact", "+ inside", "# behind"] {
        let mut shard = lone_shard();
        let mut outputs = Outputs::new();
        connect(&mut shard, 0, &[], &mut outputs);
        let before = shard.stats();
        let connection = connection(0);
        for number in 0..EACH {
            let mut bytes = Vec::new();
            let site = number % 100;
            let filter = match kind {
                "exact" => format!("site/{site:03}/sensor/{number:08}"),
                "+ inside" => format!("site/+/sensor/{number:08}"),
                _ => format!("site/{site:03}/sensor/{number:08}/#"),
            };
            write_subscribe(&[&filter], &mut bytes);
            let bytes = &bytes;
            shard.handle(
                Millis(0),
                Input::Received { connection, bytes },
                &mut outputs,
            );
            outputs.clear();
        }
        let after = shard.stats();
        assert_eq!(after.subscriptions - before.subscriptions, EACH, "{kind}");
        let each = (after.memory.total() - before.memory.total()) / EACH;
        assert!(each <= SUBSCRIPTION_BYTES_MAX, "{kind}: {each} B");
    }
}
