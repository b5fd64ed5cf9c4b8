//! Fleets of simulated sensors: what they measure, how they write it down, and on which topics.
//!
//! Sensor n of a fleet is stream n. A scenario describes the fleet in a few lines; the run asks for topics
//! and payloads. A simulated sensor takes a few bytes here besides its share of pacing and audit, so that
//! a million fit a small machine: `bytes_per_sensor` in the tests counts them all.

mod payload;
mod template;
mod value;

pub(crate) use payload::PayloadForm;
pub(crate) use value::ValueModel;

use serde::{Deserialize, Serialize};

use crate::cli::ConnectArgs;
use crate::fleet::template::Template;
use crate::fleet::value::Values;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::scenario::{Pace, Phases, Plan, Topics, check_stalled, qos};
use crate::stamp::Stamp;

/// When the sensors of a fleet speak within their common interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Evenly spread, one behind the other.
    #[default]
    Even,
    /// Each at a moment of its own, at random.
    Random,
    /// All at once, as clocks that wake on the full minute do.
    Together,
}

/// A fleet, as a scenario describes it.
#[derive(Clone, Debug)]
pub(crate) struct FleetArgs {
    pub(crate) sensors: u32,
    /// Connections that carry them.
    pub(crate) gateways: u32,
    pub(crate) subscribers: u32,
    pub(crate) stalled: u32,
    pub(crate) sites: u32,
    pub(crate) kinds: Vec<String>,
    /// Topics below the prefix, with `{site}`, `{kind}` and `{id}`.
    pub(crate) topic: String,
    pub(crate) interval_secs: f64,
    /// Share of the interval by which a reading comes later, at most.
    pub(crate) jitter: f64,
    pub(crate) phase: Phase,
    pub(crate) form: PayloadForm,
    /// Bytes of raw payloads.
    pub(crate) payload_bytes: usize,
    pub(crate) value: ValueModel,
    pub(crate) qos: u8,
    pub(crate) phases: Phases,
}

/// The sensors.
#[derive(Debug)]
struct Fleet {
    prefix: String,
    template: Template,
    kinds: Vec<String>,
    layout: Layout,
    values: Values,
    form: PayloadForm,
    payload_bytes: usize,
}

impl Fleet {
    fn kind_of(&self, stream: StreamId) -> &str {
        &self.kinds[stream.at() % self.kinds.len()]
    }
}

impl Topics for Fleet {
    fn topic(&self, stream: StreamId, out: &mut String) {
        let site = self.layout.group_of_stream(stream);
        out.push_str(&self.prefix);
        out.push('/');
        self.template
            .write_topic(site, self.kind_of(stream), stream.0, out);
    }

    fn filter(&self, subscriber: SubscriberId, _number: u32, out: &mut String) {
        let site = self.layout.group_of_subscriber(subscriber);
        out.push_str(&self.prefix);
        out.push('/');
        self.template.write_filter(site, out);
    }

    fn payload(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        let value = self.values.next(stamp.stream, stamp.due_ns);
        let kind = &self.kinds[stamp.stream.at() % self.kinds.len()];
        match self.form {
            PayloadForm::Json => payload::write_json(stamp, kind, value, out),
            PayloadForm::Cbor => payload::write_cbor(stamp, kind, value, out),
            PayloadForm::Raw => payload::write_raw(stamp, value, self.payload_bytes, out),
        }
    }
}

/// The plan of a fleet.
pub(crate) fn plan(args: &FleetArgs, connect: ConnectArgs) -> Result<Plan, String> {
    if args.gateways > args.sensors {
        return Err(format!(
            "gateways = {}: more than the {} sensors they carry",
            args.gateways, args.sensors
        ));
    }
    if args.sites > args.subscribers || args.sites > args.sensors {
        return Err(format!(
            "sites = {}: every site needs a sensor and a subscriber",
            args.sites
        ));
    }
    if args.kinds.is_empty() {
        return Err("kinds: at least one".to_owned());
    }
    args.value.check()?;
    let layout = Layout {
        streams: args.sensors,
        publishers: args.gateways,
        subscribers: args.subscribers,
        groups: args.sites,
        shares: 0,
    };
    check_stalled(args.stalled, &layout)?;
    let fleet = Fleet {
        prefix: connect.topic_prefix.clone(),
        template: Template::parse(&args.topic, args.sites)?,
        kinds: args.kinds.clone(),
        layout,
        values: Values::new(args.value.clone(), args.sensors, args.interval_secs),
        form: args.form,
        payload_bytes: args.payload_bytes,
    };
    let mut plan = Plan::new("fleet", layout, Box::new(fleet), connect);
    plan.pace = Pace::Fleet {
        interval_secs: args.interval_secs,
        jitter: args.jitter,
        phase: args.phase,
    };
    plan.qos = qos(args.qos);
    plan.phases = args.phases;
    plan.stalled = args.stalled;
    Ok(plan)
}

#[cfg(test)]
mod tests;
