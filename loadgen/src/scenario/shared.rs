//! shared: shared subscriptions. Every publisher on a topic of its own; the subscribers are members of
//! groups, and of each group exactly one member gets each message.

use std::fmt::Write;

use super::{Plan, Topics};
use crate::cli::{ConnectArgs, LoadArgs};
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct Shared {
    prefix: String,
    shares: u32,
}

impl Topics for Shared {
    fn topic(&self, stream: StreamId, out: &mut String) {
        write!(out, "{}/shared/{}", self.prefix, stream.0).expect("a String takes any text");
    }

    fn filter(&self, subscriber: SubscriberId, _number: u32, out: &mut String) {
        let group = subscriber.0 % self.shares;
        write!(out, "$share/group-{group}/{}/shared/+", self.prefix)
            .expect("a String takes any text");
    }
}

/// Who takes part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedArgs {
    pub(crate) publishers: u32,
    /// Members of all groups together.
    pub(crate) subscribers: u32,
    pub(crate) groups: u32,
}

/// The plan of shared subscriptions.
pub(crate) fn plan(
    args: SharedArgs,
    load: &LoadArgs,
    connect: ConnectArgs,
) -> Result<Plan, String> {
    let layout = Layout {
        streams: args.publishers,
        publishers: args.publishers,
        subscribers: args.subscribers,
        groups: 1,
        shares: args.groups,
    };
    let topics = Shared {
        prefix: connect.topic_prefix.clone(),
        shares: args.groups,
    };
    Plan::new("shared", layout, Box::new(topics), connect).with_load(load)
}
