//! The arguments of each scenario that is built on the command line, and of those from files.

use clap::Args;

use crate::cli::ConnectArgs;
use crate::cli::value::{fraction, payload_bytes, rate, seconds, seconds_above_zero};

/// What is published and for how long.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoadArgs {
    /// QoS of publishes and subscriptions.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    /// Bytes of each payload; the stamp takes 32 of them, or 16 where there are no more.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = payload_bytes)]
    pub(crate) payload: usize,
    #[command(flatten)]
    pub(crate) time: TimeArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
}

/// How long a run takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct TimeArgs {
    /// Seconds that are measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) duration: f64,
    /// Seconds of the same load before them, audited but not measured.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warmup: f64,
    /// After the last publish, wait until everything came or nothing came for this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0, value_parser = seconds_above_zero)]
    pub(crate) drain: f64,
    /// Read the broker's drop counters ($SYS) before and after, and account for every message.
    #[arg(long)]
    pub(crate) sys: bool,
    /// This many subscribers stop reading while the load runs; their latency is not counted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) subscriber_stall: u32,
}

/// Open loop or closed loop.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct PaceArgs {
    /// Open loop: publishes a second over all publishers, evenly spaced, whatever the broker does.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// Closed loop: messages each publisher keeps outstanding.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) window: Option<u32>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct FileArgs {
    /// The file, or the name of a scenario that comes with loadgen.
    #[arg(value_name = "FILE|PRESET")]
    pub(crate) source: String,
    /// Change a key of the scenario, such as run.duration_secs=5, load.subscribers=50 (every load) or
    /// load.1.subscribers=50 (the second); may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seconds that are measured, instead of the scenario's.
    #[arg(long, value_name = "SECONDS", value_parser = seconds_above_zero)]
    pub(crate) duration: Option<f64>,
    /// Seconds of warm-up, instead of the scenario's.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) warmup: Option<f64>,
    /// Carry it out on these agents, each with a share of the clients. `--pid` is then a process on the
    /// machine of the first.
    #[arg(
        long,
        value_name = "HOST:PORT,...",
        value_delimiter = ',',
        conflicts_with = "find_limit"
    )]
    pub(crate) agents: Vec<String>,
    /// Raise the rate until p99 or loss crosses its bound, and report the highest that does not.
    #[arg(long)]
    pub(crate) find_limit: bool,
    /// Bound of p99 for --find-limit, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 50.0, requires = "find_limit", value_parser = seconds_above_zero)]
    pub(crate) limit_p99: f64,
    /// Bound of the share of lost messages for --find-limit.
    #[arg(long, value_name = "0..1", default_value_t = 0.0, requires = "find_limit", value_parser = fraction)]
    pub(crate) limit_loss: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

impl FileArgs {
    /// All changes to the scenario.
    pub(crate) fn settings(&self) -> Vec<String> {
        let mut settings = self.set.clone();
        let secs = [("duration", self.duration), ("warmup", self.warmup)];
        for (key, value) in secs {
            settings.extend(value.map(|value| format!("run.{key}_secs={value:?}")));
        }
        settings
    }
}

#[derive(Args, Clone, Debug)]
pub(crate) struct FanArgs {
    /// Publishing connections.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) publishers: u32,
    /// Subscribing connections.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) subscribers: u32,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct PairsArgs {
    /// Pairs of one publisher and one subscriber.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), required_unless_present = "publishers")]
    pub(crate) pairs: Option<u32>,
    /// The same, under the name other scenarios have for it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "pairs")]
    pub(crate) publishers: Option<u32>,
    /// Must equal --publishers.
    #[arg(long, value_name = "N", requires = "publishers")]
    pub(crate) subscribers: Option<u32>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct SensorsArgs {
    /// Simulated sensors.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sensors: u32,
    /// Connections that carry them, as gateways do. Default: one each.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: Option<u32>,
    /// Subscribing connections; each hears all sensors of one site.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) subscribers: u32,
    /// Sites the sensors are spread over. Default: one for each 20 subscribers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sites: Option<u32>,
    /// Seconds between two readings of one sensor; the sensors' readings are spread evenly over it.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) interval: f64,
    /// QoS of publishes and subscriptions.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) qos: u8,
    #[command(flatten)]
    pub(crate) time: TimeArgs,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct IdleArgs {
    /// Connections to hold.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Seconds to hold them.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) duration: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ChurnArgs {
    /// Connections of each round.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Rounds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Share of the connections that are cut in the middle of a packet instead of disconnecting; half of
    /// them in CONNECT, half in PUBLISH.
    #[arg(long, value_name = "0..1", default_value_t = 0.1, value_parser = fraction)]
    pub(crate) cut_fraction: f64,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ReachArgs {
    /// Connections, each with a subscription of its own and one that all have.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
    /// Seconds to hold them with nothing but keep-alives.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) hold: f64,
    /// Connections, chosen at random, that then get a message of their own.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) chosen: u32,
    /// These messages a second.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 1_000.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Messages to all connections behind them, one after the other, up to 255.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=255))]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) connect: ConnectArgs,
}
