//! fan-in: every publisher on a topic of its own, every subscriber hears all of them through a wildcard.

use std::fmt::Write;

use super::{Plan, Topics, plan_of_load};
use crate::cli::FanArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct FanIn {
    prefix: String,
}

impl Topics for FanIn {
    fn topic(&self, stream: StreamId, out: &mut String) {
        write!(out, "{}/fan-in/{}", self.prefix, stream.0).expect("a String takes any text");
    }

    fn filter(&self, _subscriber: SubscriberId, out: &mut String) {
        write!(out, "{}/fan-in/+", self.prefix).expect("a String takes any text");
    }
}

/// The plan of `run fan-in`.
pub(crate) fn plan(args: FanArgs) -> Result<Plan, String> {
    let layout = Layout {
        streams: args.publishers,
        publishers: args.publishers,
        subscribers: args.subscribers,
        groups: 1,
    };
    let topics = FanIn {
        prefix: args.connect.topic_prefix.clone(),
    };
    plan_of_load("fan-in", layout, Box::new(topics), &args.load, args.connect)
}
