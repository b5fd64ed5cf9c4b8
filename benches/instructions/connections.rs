//! What a client costs a shard without messages: coming, subscribing, being alive, going.

use ringmq_benches::packets;
use ringmq_benches::shards::{Client, Shards};
use ringmq_benches::topics::{topic_text, wildcard_text};
use ringmq_codec::{Packet, Qos, Version};
use ringmq_router::ShardId;

use crate::counter::{Case, Counter};

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "tick/empty",
        unit: "end of a tick in which nothing came",
        run: |counter| {
            let mut shards = Shards::new(1);
            shards.connect(SHARD);
            counter.count(TICKS, || {
                for _ in 0..TICKS {
                    shards.outputs.clear();
                    shards.end_of_tick(SHARD);
                }
            });
        },
    },
    Case {
        name: "connect/v3",
        unit: "connection opened and CONNECT of v3.1.1 answered, one tick",
        run: |counter| connect(counter, Version::V311),
    },
    Case {
        name: "connect/v5",
        unit: "connection opened and CONNECT of v5 answered, one tick",
        run: |counter| connect(counter, Version::V5),
    },
    Case {
        name: "connect/disconnect",
        unit: "DISCONNECT that ends a session with one subscription, one tick",
        run: disconnect,
    },
    Case {
        name: "connect/pingreq",
        unit: "PINGREQ answered, one tick",
        run: |counter| {
            let mut shards = Shards::new(1);
            let clients: Vec<_> = (0..CLIENTS).map(|_| shards.connect(SHARD)).collect();
            let ping = packets::encoded(&Packet::PingReq, Version::V311);
            tick_each(counter, &mut shards, clients.iter().map(|it| (*it, &ping)));
        },
    },
    Case {
        name: "subscribe/exact",
        unit: "SUBSCRIBE with one filter without wildcards, first of it, one tick",
        run: |counter| subscribe(counter, topic_text),
    },
    Case {
        name: "subscribe/wildcard",
        unit: "SUBSCRIBE with one filter with a wildcard, first of it, one tick",
        run: |counter| subscribe(counter, wildcard_text),
    },
    Case {
        name: "subscribe/unsubscribe",
        unit: "UNSUBSCRIBE of the last subscription of a filter without wildcards, one tick",
        run: |counter| {
            let (mut shards, clients) = subscribed(topic_text);
            let bytes: Vec<_> = (0..CLIENTS)
                .map(|number| packets::unsubscribe(Version::V311, &topic_text(number)))
                .collect();
            tick_each(counter, &mut shards, clients.into_iter().zip(&bytes));
        },
    },
    Case {
        name: "retained/store",
        unit: "retained PUBLISH that replaces another, one tick",
        run: |counter| {
            let (mut shards, client, bytes) = with_retained();
            let clients = std::iter::repeat(client);
            tick_each(counter, &mut shards, clients.zip(&bytes));
        },
    },
    Case {
        name: "retained/replay",
        unit: "retained message replayed to a new subscriber of all 1,000",
        run: replay,
    },
];

const SHARD: ShardId = ShardId(0);
const TICKS: u64 = 1_000;
const CLIENTS: u32 = 500;
const RETAINED: u32 = 1_000;

/// One tick for each client, in which these bytes came from it and one packet goes out.
fn tick_each<'a>(
    counter: &mut Counter,
    shards: &mut Shards,
    what: impl Iterator<Item = (Client, &'a Vec<u8>)>,
) {
    let what: Vec<_> = what.collect();
    counter.count(what.len() as u64, || {
        for (client, bytes) in &what {
            shards.tick(*client, bytes);
        }
    });
}

fn connect(counter: &mut Counter, version: Version) {
    let mut shards = Shards::new(1);
    let mut connects = Vec::new();
    for _ in 0..2 * CLIENTS {
        let client_id = shards.client_id(SHARD);
        connects.push(packets::connect(version, &client_id, 0));
    }
    let (before, counted) = connects.split_at(CLIENTS as usize);
    for bytes in before {
        let client = shards.open(SHARD);
        assert_eq!(shards.tick(client, bytes), 1);
    }
    counter.count(counted.len() as u64, || {
        for bytes in counted {
            let client = shards.open(SHARD);
            shards.tick(client, bytes);
        }
    });
}

/// Clients with a subscription each.
fn subscribed(filter: fn(u32) -> String) -> (Shards, Vec<Client>) {
    let mut shards = Shards::new(1);
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = shards.connect(SHARD);
        shards.subscribe(client, &filter(number), Qos::AtMostOnce);
        clients.push(client);
    }
    (shards, clients)
}

fn subscribe(counter: &mut Counter, filter: fn(u32) -> String) {
    let (mut shards, _) = subscribed(filter);
    let clients: Vec<_> = (0..CLIENTS).map(|_| shards.connect(SHARD)).collect();
    let bytes: Vec<_> = (CLIENTS..2 * CLIENTS)
        .map(|number| packets::subscribe(Version::V311, &filter(number), Qos::AtMostOnce))
        .collect();
    tick_each(counter, &mut shards, clients.into_iter().zip(&bytes));
}

fn disconnect(counter: &mut Counter) {
    let (mut shards, clients) = subscribed(topic_text);
    let none = ringmq_codec::packet::Disconnect {
        reason: ringmq_codec::ReasonCode::Success,
        properties: ringmq_codec::Properties::EMPTY,
    };
    let bytes = packets::encoded(&Packet::Disconnect(none), Version::V311);
    tick_each(counter, &mut shards, clients.iter().map(|it| (*it, &bytes)));
}

/// A shard that holds retained messages, who published them, and the same messages again.
fn with_retained() -> (Shards, Client, Vec<Vec<u8>>) {
    let mut shards = Shards::new(1);
    let client = shards.connect(SHARD);
    let bytes: Vec<_> = (0..RETAINED)
        .map(|number| packets::retained(&topic_text(number)))
        .collect();
    for bytes in &bytes {
        shards.tick(client, bytes);
    }
    (shards, client, bytes)
}

fn replay(counter: &mut Counter) {
    let (mut shards, _, _) = with_retained();
    let bytes = packets::subscribe(Version::V311, "site/#", Qos::AtMostOnce);
    let first = shards.connect(SHARD);
    shards.tick(first, &bytes);
    let second = shards.connect(SHARD);
    let frames = counter.count(u64::from(RETAINED), || {
        shards.tick(second, &bytes);
        shards.outputs.bytes.len()
    });
    assert!(frames > RETAINED as usize * packets::PAYLOAD.len());
}
