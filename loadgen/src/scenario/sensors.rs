//! sensors: a topic and a slowly moving value each, many on a connection or one.
//!
//! Sensor 17 of site 3 publishes JSON such as `{"id":17,"value":21.43,...}` to `PREFIX/site/3/temp/17`.
//! A simulated sensor takes 4 bytes here besides its share of the pacing and its connection.

use std::fmt::Write as _;
use std::io::Write as _;

use super::{Pace, Plan, Topics, qos};
use crate::cli::SensorsArgs;
use crate::ids::{StreamId, SubscriberId};
use crate::layout::Layout;
use crate::stamp::Stamp;

/// Subscribers of one site when `--sites` is not given.
const SUBSCRIBERS_PER_SITE: u32 = 20;

/// Where values start, how far a reading may move them, and where they turn back.
const VALUE_START: f32 = 21.0;
const VALUE_STEP: f32 = 0.05;
const VALUE_RANGE: std::ops::RangeInclusive<f32> = -20.0..=60.0;

struct Sensors {
    prefix: String,
    layout: Layout,
    values: Vec<f32>,
    random: u64,
}

impl Sensors {
    /// A random walk, by xorshift: what is drawn matters to nobody.
    fn next_value(&mut self, stream: StreamId) -> f32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let unit = (self.random >> 40) as f32 / (1u64 << 24) as f32;
        let value = &mut self.values[stream.at()];
        *value += (2.0 * unit - 1.0) * VALUE_STEP;
        *value = value.clamp(*VALUE_RANGE.start(), *VALUE_RANGE.end());
        *value
    }
}

impl Topics for Sensors {
    fn topic(&self, stream: StreamId, out: &mut String) {
        let site = self.layout.group_of_stream(stream);
        write!(out, "{}/site/{site}/temp/{}", self.prefix, stream.0)
            .expect("a String takes any text");
    }

    fn filter(&self, subscriber: SubscriberId, _number: u32, out: &mut String) {
        let site = self.layout.group_of_subscriber(subscriber);
        write!(out, "{}/site/{site}/+/+", self.prefix).expect("a String takes any text");
    }

    fn payload(&mut self, stamp: Stamp, out: &mut Vec<u8>) {
        let stream = stamp.stream;
        let value = self.next_value(stream);
        write!(
            out,
            "{{\"id\":{},\"value\":{value:.3},\"unit\":\"C\"",
            stream.0
        )
        .expect("a Vec takes any bytes");
        stamp.write_text(out);
    }
}

/// The plan of `run sensors`.
pub(crate) fn plan(args: SensorsArgs) -> Result<Plan, String> {
    let connections = args.connections.unwrap_or(args.sensors);
    if connections > args.sensors {
        return Err(format!(
            "--connections {connections}: more than the {} sensors they carry",
            args.sensors
        ));
    }
    let default_sites = (args.subscribers / SUBSCRIBERS_PER_SITE).clamp(1, args.sensors);
    let sites = args.sites.unwrap_or(default_sites);
    if sites > args.subscribers || sites > args.sensors {
        return Err(format!(
            "--sites {sites}: every site needs a sensor and a subscriber"
        ));
    }
    let layout = Layout {
        streams: args.sensors,
        publishers: connections,
        subscribers: args.subscribers,
        groups: sites,
        shares: 0,
    };
    let topics = Sensors {
        prefix: args.connect.topic_prefix.clone(),
        layout,
        values: vec![VALUE_START; args.sensors as usize],
        random: 0x2545_F491_4F6C_DD1D,
    };
    let mut plan = Plan::new("sensors", layout, Box::new(topics), args.connect);
    plan.pace = Pace::Open {
        rate_per_second: f64::from(args.sensors) / args.interval,
    };
    plan.qos = qos(args.qos);
    plan.with_time(&args.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_move_slowly() {
        let layout = Layout {
            streams: 2,
            publishers: 1,
            subscribers: 1,
            groups: 1,
            shares: 0,
        };
        let mut sensors = Sensors {
            prefix: "p".to_owned(),
            layout,
            values: vec![VALUE_START; 2],
            random: 1,
        };
        let mut last = VALUE_START;
        for _ in 0..1_000 {
            let value = sensors.next_value(StreamId(1));
            assert!((value - last).abs() <= VALUE_STEP * 1.01);
            last = value;
        }
        assert_eq!(sensors.values[0], VALUE_START);
        assert_ne!(last, VALUE_START);
        let mut topic = String::new();
        sensors.topic(StreamId(1), &mut topic);
        assert_eq!(topic, "p/site/0/temp/1");
    }
}
