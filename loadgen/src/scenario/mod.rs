//! The scenarios: each turns its arguments into a plan, and names topics and filters.
//!
//! The run carries out any plan; what is special about a scenario stands in its file. A plan is complete
//! before anything connects and does not change afterwards.

pub(crate) mod fan_in;
pub(crate) mod fan_out;
pub(crate) mod idle;
pub(crate) mod pairs;
pub(crate) mod sensors;

use ringmq_codec::Qos;

use crate::cli::{ConnectArgs, LoadArgs, TimeArgs};
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;

/// What makes a scenario more than its numbers.
pub(crate) trait Topics {
    /// Appends the topic a stream publishes to.
    fn topic(&self, stream: StreamId, out: &mut String);
    /// Appends the filter a subscriber asks for.
    fn filter(&self, subscriber: SubscriberId, out: &mut String);
    /// Begins a text payload for the next reading of a stream, or leaves `out` empty for a raw one.
    fn reading(&mut self, _stream: StreamId, _out: &mut Vec<u8>) {}
}

/// When publishes are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many a second over all streams.
    Open {
        /// Publishes a second.
        rate_per_second: f64,
    },
    /// So many outstanding per publisher.
    Closed {
        /// Messages outstanding.
        window: u32,
    },
    /// None at all.
    Silent,
}

/// Lengths of the phases, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phases {
    pub(crate) warmup: f64,
    pub(crate) duration: f64,
    pub(crate) drain: f64,
}

/// Everything a run needs to know.
pub(crate) struct Plan {
    /// Name of the scenario, as on the command line.
    pub(crate) name: &'static str,
    /// Who hears whom.
    pub(crate) layout: Layout,
    pub(crate) topics: Box<dyn Topics + Send>,
    pub(crate) pace: Pace,
    pub(crate) qos: Qos,
    /// Bytes of raw payloads.
    pub(crate) payload_bytes: usize,
    pub(crate) phases: Phases,
    /// Subscribers, the last ones, that do not read while the load runs.
    pub(crate) stalled: u32,
    /// Whether the broker's drop counters are read.
    pub(crate) observes_sys: bool,
    /// Whether every connection is asked for a sign of life at the end.
    pub(crate) asks_at_end: bool,
    /// The arguments every scenario shares.
    pub(crate) connect: ConnectArgs,
}

/// QoS of a number that the command line has checked.
pub(crate) fn qos(number: u8) -> Qos {
    Qos::from_bits(number).expect("the command line takes 0, 1 and 2")
}

/// The plan of a scenario with publishers on raw payloads.
fn plan_of_load(
    name: &'static str,
    layout: Layout,
    topics: Box<dyn Topics + Send>,
    load: &LoadArgs,
    connect: ConnectArgs,
) -> Result<Plan, String> {
    let pace = match (load.pace.rate, load.pace.window) {
        (Some(rate_per_second), _) => Pace::Open { rate_per_second },
        (None, Some(window)) => Pace::Closed { window },
        (None, None) => return Err("one of --rate and --window is needed".to_owned()),
    };
    check_stalled(load.time.subscriber_stall, &layout)?;
    Ok(Plan {
        name,
        layout,
        topics,
        pace,
        qos: qos(load.qos),
        payload_bytes: load.payload,
        phases: phases(&load.time),
        stalled: load.time.subscriber_stall,
        observes_sys: load.time.sys,
        asks_at_end: false,
        connect,
    })
}

fn phases(time: &TimeArgs) -> Phases {
    Phases {
        warmup: time.warmup,
        duration: time.duration,
        drain: time.drain,
    }
}

/// Every group needs a subscriber that reads: a closed loop would never close.
fn check_stalled(stalled: u32, layout: &Layout) -> Result<(), String> {
    let reading = layout.subscribers.saturating_sub(stalled);
    if stalled > 0 && reading < layout.groups {
        return Err(format!(
            "--subscriber-stall {stalled} leaves too few of {} subscribers that read",
            layout.subscribers
        ));
    }
    Ok(())
}
