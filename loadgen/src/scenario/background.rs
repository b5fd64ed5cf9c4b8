//! background: clients with many subscriptions that no message matches, exchanged for others at a rate.
//!
//! The subscriptions fill the broker's index with exact filters and wildcards, side by side with those of
//! another part of the run; exchanging them is topic churn. Its own latency is that of SUBACK.

use std::fmt::Write;

use super::{Phases, Plan, Topics};
use crate::cli::ConnectArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct Background {
    prefix: String,
}

impl Topics for Background {
    fn topic(&self, _stream: StreamId, _out: &mut String) {}

    /// Half of them exact, a quarter each with either wildcard. Nothing is ever published there.
    fn filter(&self, subscriber: SubscriberId, number: u32, out: &mut String) {
        let Background { prefix } = self;
        let client = subscriber.0;
        match number % 4 {
            0 => write!(out, "{prefix}/background/+/{client}/{number}"),
            1 => write!(out, "{prefix}/background/{client}/{number}/#"),
            _ => write!(out, "{prefix}/background/{client}/{number}"),
        }
        .expect("a String takes any text");
    }
}

/// How many subscriptions there are and how they change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackgroundArgs {
    pub(crate) connections: u32,
    pub(crate) filters_each: u32,
    pub(crate) changes_per_second: f64,
    pub(crate) phases: Phases,
}

/// The plan of background subscriptions.
pub(crate) fn plan(args: &BackgroundArgs, connect: ConnectArgs) -> Plan {
    let layout = Layout {
        streams: 0,
        publishers: 0,
        subscribers: args.connections,
        groups: 1,
        shares: 0,
    };
    let prefix = connect.topic_prefix.clone();
    let mut plan = Plan::new(
        "background",
        layout,
        Box::new(Background { prefix }),
        connect,
    );
    plan.filters_each = args.filters_each;
    plan.changes_per_second = args.changes_per_second;
    plan.phases = args.phases;
    plan.asks_at_end = true;
    plan
}
