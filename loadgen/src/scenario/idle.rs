//! idle: connections with one subscription each, held with keep-alives and asked at the end whether they
//! still answer.

use std::fmt::Write;

use super::{Plan, Topics};
use crate::cli::IdleArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct Idle {
    prefix: String,
}

impl Topics for Idle {
    fn topic(&self, stream: StreamId, out: &mut String) {
        write!(out, "{}/idle/{}", self.prefix, stream.0).expect("a String takes any text");
    }

    fn filter(&self, subscriber: SubscriberId, _number: u32, out: &mut String) {
        write!(out, "{}/idle/{}", self.prefix, subscriber.0).expect("a String takes any text");
    }
}

/// The plan of `run idle`.
pub(crate) fn plan(args: IdleArgs) -> Plan {
    let layout = Layout {
        streams: 0,
        publishers: 0,
        subscribers: args.connections,
        groups: 1,
        shares: 0,
    };
    let prefix = args.connect.topic_prefix.clone();
    let mut plan = Plan::new("idle", layout, Box::new(Idle { prefix }), args.connect);
    plan.phases.duration = args.duration;
    plan.asks_at_end = true;
    plan
}
