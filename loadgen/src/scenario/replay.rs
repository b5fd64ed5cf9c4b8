//! retained-replay and session-backlog: everything is published before its subscribers come for it.
//!
//! `retained-replay` publishes one retained message to each of many topics; then the subscribers come and
//! each is to get all of them. `session-backlog` has sessions whose clients are away while the load runs
//! and then return for what was kept.

use std::fmt::Write;

use super::{Pace, Phases, Plan, Presence, Topics};
use crate::cli::ConnectArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::scenario::qos;

struct Replay {
    prefix: String,
    word: &'static str,
    /// Asked for instead of this load's topics.
    filter: Option<String>,
}

impl Topics for Replay {
    fn topic(&self, stream: StreamId, out: &mut String) {
        write!(out, "{}/{}/{}", self.prefix, self.word, stream.0).expect("a String takes any text");
    }

    fn filter(&self, _subscriber: SubscriberId, _number: u32, out: &mut String) {
        match &self.filter {
            Some(filter) => out.push_str(filter),
            None => {
                write!(out, "{}/{}/+", self.prefix, self.word).expect("a String takes any text");
            }
        }
    }
}

/// What is to be published and fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplayArgs {
    /// Topics, one stream each.
    pub(crate) topics: u32,
    pub(crate) publishers: u32,
    pub(crate) subscribers: u32,
    /// Messages on each topic.
    pub(crate) messages_each: u32,
    /// Publishes a second while they are stored.
    pub(crate) rate_per_second: f64,
    pub(crate) qos: u8,
    pub(crate) payload_bytes: usize,
    /// Seconds without a message after which no more are waited for.
    pub(crate) drain: f64,
}

/// The plan of retained messages, fetched by subscribers that come later: through `filter`, or all of this
/// load's through `+`.
pub(crate) fn retained(args: &ReplayArgs, filter: Option<String>, connect: ConnectArgs) -> Plan {
    let args = ReplayArgs {
        messages_each: 1,
        ..*args
    };
    let topics = Replay {
        prefix: connect.topic_prefix.clone(),
        word: "retained",
        filter,
    };
    let mut plan = plan("retained-replay", topics, &args, connect);
    plan.presence = Presence::Late;
    plan.retain = true;
    plan
}

/// The plan of sessions that are away while messages for them arrive.
pub(crate) fn backlog(args: &ReplayArgs, connect: ConnectArgs) -> Plan {
    let topics = Replay {
        prefix: connect.topic_prefix.clone(),
        word: "backlog",
        filter: None,
    };
    let mut plan = plan("session-backlog", topics, args, connect);
    plan.presence = Presence::Away;
    plan
}

fn plan(name: &'static str, topics: Replay, args: &ReplayArgs, connect: ConnectArgs) -> Plan {
    let layout = Layout {
        streams: args.topics,
        publishers: args.publishers.min(args.topics),
        subscribers: args.subscribers,
        groups: 1,
        shares: 0,
    };
    let mut plan = Plan::new(name, layout, Box::new(topics), connect);
    let messages = f64::from(args.topics) * f64::from(args.messages_each);
    plan.pace = Pace::Open {
        rate_per_second: args.rate_per_second,
    };
    plan.qos = qos(args.qos);
    plan.payload_bytes = args.payload_bytes;
    plan.phases = Phases {
        warmup: 0.0,
        duration: messages / args.rate_per_second,
        drain: args.drain,
    };
    plan
}
