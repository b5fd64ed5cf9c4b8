//! idle: connections with one subscription each, held with keep-alives and asked at the end whether they
//! still answer.

use std::fmt::Write;

use ringmq_codec::Qos;

use super::{Pace, Phases, Plan, Topics};
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

    fn filter(&self, subscriber: SubscriberId, out: &mut String) {
        write!(out, "{}/idle/{}", self.prefix, subscriber.0).expect("a String takes any text");
    }
}

/// The plan of `run idle`.
pub(crate) fn plan(args: IdleArgs) -> Plan {
    Plan {
        name: "idle",
        layout: Layout {
            streams: 0,
            publishers: 0,
            subscribers: args.connections,
            groups: 1,
        },
        topics: Box::new(Idle {
            prefix: args.connect.topic_prefix.clone(),
        }),
        pace: Pace::Silent,
        qos: Qos::AtMostOnce,
        payload_bytes: 0,
        phases: Phases {
            warmup: 0.0,
            duration: args.duration,
            drain: 0.0,
        },
        stalled: 0,
        observes_sys: false,
        asks_at_end: true,
        connect: args.connect,
    }
}
