//! fan-in: every publisher on a topic of its own, every subscriber hears all of them through a wildcard.

use std::fmt::Write;

use super::{Plan, Topics};
use crate::cli::FanArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct FanIn {
    prefix: String,
    /// Subscribers name every topic instead of a wildcard.
    is_exact: bool,
}

impl Topics for FanIn {
    fn topic(&self, stream: StreamId, out: &mut String) {
        write!(out, "{}/fan-in/{}", self.prefix, stream.0).expect("a String takes any text");
    }

    fn filter(&self, _subscriber: SubscriberId, number: u32, out: &mut String) {
        if self.is_exact {
            return self.topic(StreamId(number), out);
        }
        write!(out, "{}/fan-in/+", self.prefix).expect("a String takes any text");
    }
}

/// The plan of `run fan-in`.
pub(crate) fn plan(args: FanArgs) -> Result<Plan, String> {
    plan_with(args, false)
}

/// The same, with a filter for every topic instead of a wildcard if `is_exact`.
pub(crate) fn plan_with(args: FanArgs, is_exact: bool) -> Result<Plan, String> {
    let layout = Layout {
        streams: args.publishers,
        publishers: args.publishers,
        subscribers: args.subscribers,
        groups: 1,
        shares: 0,
    };
    let topics = FanIn {
        prefix: args.connect.topic_prefix.clone(),
        is_exact,
    };
    let filters_each = if is_exact { args.publishers } else { 1 };
    let mut plan =
        Plan::new("fan-in", layout, Box::new(topics), args.connect).with_load(&args.load)?;
    plan.filters_each = filters_each;
    Ok(plan)
}
