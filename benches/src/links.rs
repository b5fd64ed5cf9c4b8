//! A link between two shards in one thread: what a turn of items costs besides the items.
//!
//! The ring under it is the broker's. Both ends stay awake, so nothing here makes a syscall.

use std::hint::black_box;

use ringmq_router::link::{Accepted, BatchSeq, LinkMessage};
use ringmq_router::{ShardCount, ShardId};

use crate::link::{LinkItem, Port, mesh};

/// Items a link holds; the broker's default.
const CAPACITY: usize = 1_024;

/// The port of shard 0, which sends, and that of shard 1.
#[derive(Debug)]
pub struct LinkPair {
    sender: Port<LinkItem>,
    receiver: Port<LinkItem>,
}

impl Default for LinkPair {
    fn default() -> LinkPair {
        let mut ports = mesh(ShardCount(2), CAPACITY);
        let receiver = ports.pop().expect("two ports were made");
        let sender = ports.pop().expect("two ports were made");
        LinkPair { sender, receiver }
    }
}

impl LinkPair {
    /// One tick of each shard: the items are sent and shown, then received. Returns how many came.
    pub fn exchange(&mut self, items: u32) -> u32 {
        self.sender.begin(u32::MAX);
        for seq in 0..items {
            self.sender.send(ShardId(1), answer(seq));
        }
        self.sender.commit(|_| {});
        self.receiver.begin(u32::MAX);
        let mut received = 0;
        while let Some((_, item)) = self.receiver.receive() {
            black_box(&item);
            received += 1;
        }
        self.receiver.commit(|_| {});
        received
    }
}

/// A message that owns nothing.
fn answer(seq: u32) -> LinkItem {
    LinkItem::Message(LinkMessage::Accepted(Accepted {
        seq: BatchSeq(u64::from(seq)),
        exceptions: Box::default(),
        refusals: Box::default(),
        loads: Box::default(),
    }))
}
