//! pairs: publisher n to subscriber n, on a topic of their own.

use std::fmt::Write;

use super::{Plan, Topics};
use crate::cli::PairsArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

struct Pairs {
    prefix: String,
}

impl Pairs {
    fn write(&self, pair: u32, out: &mut String) {
        write!(out, "{}/pairs/{pair}", self.prefix).expect("a String takes any text");
    }
}

impl Topics for Pairs {
    fn topic(&self, stream: StreamId, out: &mut String) {
        self.write(stream.0, out);
    }

    fn filter(&self, subscriber: SubscriberId, _number: u32, out: &mut String) {
        self.write(subscriber.0, out);
    }
}

/// The plan of `run pairs`.
pub(crate) fn plan(args: PairsArgs) -> Result<Plan, String> {
    let pairs = args.pairs.or(args.publishers).ok_or("--pairs is needed")?;
    if args
        .subscribers
        .is_some_and(|subscribers| subscribers != pairs)
    {
        return Err("pairs need as many --subscribers as --publishers".to_owned());
    }
    let layout = Layout {
        streams: pairs,
        publishers: pairs,
        subscribers: pairs,
        groups: pairs,
        shares: 0,
    };
    let topics = Pairs {
        prefix: args.connect.topic_prefix.clone(),
    };
    if args.load.time.subscriber_stall > 0 && args.load.pace.window.is_some() {
        return Err(
            "--subscriber-stall needs --rate here: a closed pair would never close".to_owned(),
        );
    }
    Plan::new("pairs", layout, Box::new(topics), args.connect).with_load(&args.load)
}
