//! fan-out: every publisher to every subscriber, on one topic.

use super::{Plan, Topics};
use crate::cli::FanArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct FanOut {
    topic: String,
}

impl Topics for FanOut {
    fn topic(&self, _stream: StreamId, out: &mut String) {
        out.push_str(&self.topic);
    }

    fn filter(&self, _subscriber: SubscriberId, _number: u32, out: &mut String) {
        out.push_str(&self.topic);
    }
}

/// The plan of `run fan-out`.
pub(crate) fn plan(args: FanArgs) -> Result<Plan, String> {
    let layout = Layout {
        streams: args.publishers,
        publishers: args.publishers,
        subscribers: args.subscribers,
        groups: 1,
        shares: 0,
    };
    let topics = FanOut {
        topic: format!("{}/fan-out", args.connect.topic_prefix),
    };
    Plan::new("fan-out", layout, Box::new(topics), args.connect).with_load(&args.load)
}
