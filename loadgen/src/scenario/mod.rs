//! The plans of runs: each scenario turns its arguments into a plan, and names topics and filters.
//!
//! The run carries out any plan; what is special about a scenario stands in its file. A plan is complete
//! before anything connects and does not change afterwards.

pub(crate) mod background;
pub(crate) mod fan_in;
pub(crate) mod fan_out;
pub(crate) mod idle;
pub(crate) mod pairs;
pub(crate) mod replay;
pub(crate) mod sensors;
pub(crate) mod shared;

use ringmq_codec::Qos;

use crate::cli::{ConnectArgs, LoadArgs, TimeArgs};
use crate::fleet::Phase;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::limits::STAMP_BYTES;
use crate::mqtt_options::MqttOptions;
use crate::stamp::Stamp;

/// What makes a scenario more than its numbers.
pub(crate) trait Topics {
    /// Appends the topic a stream publishes to.
    fn topic(&self, stream: StreamId, out: &mut String);
    /// Appends the filter a subscriber asks for, out of [`Plan::filters_each`].
    fn filter(&self, subscriber: SubscriberId, number: u32, out: &mut String);
    /// Appends the next payload of a stream, with its stamp, where payloads are more than filling.
    fn payload(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        out.resize(STAMP_BYTES, b'.');
        stamp.write_raw(out);
    }
}

/// When publishes are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many a second over all streams.
    Open {
        /// Publishes a second.
        rate_per_second: f64,
    },
    /// Every stream once in an interval.
    Fleet {
        interval_secs: f64,
        /// Share of the interval by which a reading comes later, at most.
        jitter: f64,
        phase: Phase,
    },
    /// So many outstanding per publisher.
    Closed {
        /// Messages outstanding.
        window: u32,
    },
    /// None at all.
    Silent,
}

impl Pace {
    /// The same at another rate.
    pub(crate) fn scale(&mut self, factor: f64) -> Result<(), String> {
        match self {
            Pace::Open { rate_per_second } => *rate_per_second *= factor,
            Pace::Fleet { interval_secs, .. } => *interval_secs /= factor,
            Pace::Closed { .. } => {
                return Err(
                    "a closed loop finds its own rate: only open loops have a limit to search"
                        .to_owned(),
                );
            }
            Pace::Silent => {}
        }
        Ok(())
    }
}

/// Lengths of the phases, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phases {
    pub(crate) warmup: f64,
    pub(crate) duration: f64,
    pub(crate) drain: f64,
}

/// When the subscribers are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// From before the load to the end.
    Throughout,
    /// They come when everything is published, for the retained messages.
    Late,
    /// Their sessions are there throughout, they themselves leave before the load and return behind it.
    Away,
    /// Everyone is thrown out and returns at once, this many times.
    Storm {
        /// Times, at least 1.
        rounds: u32,
    },
}

impl Presence {
    /// Whether messages reach their subscribers only when these return: latency counts from there.
    pub(crate) const fn is_replay(self) -> bool {
        matches!(self, Presence::Late | Presence::Away)
    }
}

/// Everything a run needs to know.
pub(crate) struct Plan {
    /// What it is called: by the scenario's file, or as `kind`.
    pub(crate) name: String,
    /// The kind of load, as on the command line.
    pub(crate) kind: &'static str,
    /// Who hears whom.
    pub(crate) layout: Layout,
    pub(crate) topics: Box<dyn Topics + Send>,
    pub(crate) pace: Pace,
    pub(crate) qos: Qos,
    /// Bytes of raw payloads; 0: the topics write readings.
    pub(crate) payload_bytes: usize,
    pub(crate) phases: Phases,
    /// Subscribers, the last ones, that do not read while the load runs.
    pub(crate) stalled: u32,
    pub(crate) presence: Presence,
    /// Whether publishes are retained; they are removed at the end.
    pub(crate) retain: bool,
    /// Filters of each subscriber.
    pub(crate) filters_each: u32,
    /// Filters exchanged for others, a second over all subscribers.
    pub(crate) changes_per_second: f64,
    /// Whether the broker's drop counters are read.
    pub(crate) observes_sys: bool,
    /// Whether every connection is asked for a sign of life at the end.
    pub(crate) asks_at_end: bool,
    /// What CONNECT, SUBSCRIBE and PUBLISH say besides the scenario's own.
    pub(crate) mqtt: MqttOptions,
    /// The arguments every scenario shares.
    pub(crate) connect: ConnectArgs,
}

impl Plan {
    /// A plan without a load, for a scenario to fill in.
    pub(crate) fn new(
        kind: &'static str,
        layout: Layout,
        topics: Box<dyn Topics + Send>,
        connect: ConnectArgs,
    ) -> Plan {
        Plan {
            name: kind.to_owned(),
            kind,
            layout,
            topics,
            pace: Pace::Silent,
            qos: Qos::AtMostOnce,
            payload_bytes: 0,
            phases: Phases {
                warmup: 0.0,
                duration: 0.0,
                drain: 0.0,
            },
            stalled: 0,
            presence: Presence::Throughout,
            retain: false,
            filters_each: 1,
            changes_per_second: 0.0,
            observes_sys: false,
            asks_at_end: false,
            mqtt: MqttOptions::of(&connect),
            connect,
        }
    }

    /// Adds a load to a plan.
    fn with_load(mut self, load: &LoadArgs) -> Result<Plan, String> {
        self.pace = match (load.pace.rate, load.pace.window) {
            (Some(rate_per_second), _) => Pace::Open { rate_per_second },
            (None, Some(window)) => Pace::Closed { window },
            (None, None) => return Err("one of --rate and --window is needed".to_owned()),
        };
        self.qos = qos(load.qos);
        self.payload_bytes = load.payload;
        self.with_time(&load.time)
    }

    /// Sets what the shared arguments of a load say.
    fn with_time(mut self, time: &TimeArgs) -> Result<Plan, String> {
        check_stalled(time.subscriber_stall, &self.layout)?;
        self.phases = Phases {
            warmup: time.warmup,
            duration: time.duration,
            drain: time.drain,
        };
        self.stalled = time.subscriber_stall;
        self.observes_sys = time.sys;
        Ok(self)
    }
}

/// QoS of a number that was checked before.
pub(crate) fn qos(number: u8) -> Qos {
    Qos::from_bits(number).expect("the command line and scenario files take 0, 1 and 2")
}

/// Every group needs a subscriber that reads: a closed loop would never close.
pub(crate) fn check_stalled(stalled: u32, layout: &Layout) -> Result<(), String> {
    let reading = layout.subscribers.saturating_sub(stalled);
    if stalled > 0 && reading < layout.groups {
        return Err(format!(
            "--subscriber-stall {stalled} leaves too few of {} subscribers that read",
            layout.subscribers
        ));
    }
    Ok(())
}
