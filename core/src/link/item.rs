//! What travels between shards.

use ringmq_router::ShardId;
use ringmq_router::link::{Handover, LinkMessage};

/// One item of a link.
#[derive(Debug)]
pub(crate) enum LinkItem {
    /// For the router.
    Message(LinkMessage),
    /// The router's half of a connection that moves; the socket comes through the engine under the same
    /// ticket, before or after.
    HandOver {
        /// Pairs the two halves.
        ticket: Ticket,
        /// For [`ringmq_router::Input::HandedOver`].
        handover: Box<Handover>,
    },
}

/// Names one hand-over of the whole broker: the source in byte 6, a count of that source below it. The top
/// byte is zero: the engine carries 56 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Enough for a million hand-overs per second over eight years.
const COUNT_BITS: u32 = 48;

impl Ticket {
    /// The ticket of `source`'s hand-over number `count`.
    pub(crate) fn new(source: ShardId, count: u64) -> Ticket {
        Ticket(u64::from(source.0) << COUNT_BITS | count & ((1 << COUNT_BITS) - 1))
    }
}
