//! Where the broker is and how to talk to it: the arguments that every run shares.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cli::value::{seconds, seconds_above_zero};

/// Where the broker is and how to talk to it.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConnectArgs {
    /// Address of the broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub(crate) broker: String,
    /// MQTT version.
    #[arg(long, value_enum, default_value_t = VersionArg::V311)]
    pub(crate) version_mqtt: VersionArg,
    /// Process id of the broker, on this machine: CPU time and memory go into the report.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Print the report as one JSON object to standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep the run in this new folder: figures, latencies of each second, and a report to read.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// What the broker's release is called in the folder; runs of one release belong together.
    #[arg(long, value_name = "NAME", requires = "out")]
    pub(crate) release: Option<String>,
    /// CPU to pin loadgen to.
    #[arg(long, value_name = "N")]
    pub(crate) cpu: Option<usize>,
    /// New connections a second at most; 0 means as fast as the broker answers.
    #[arg(long, value_name = "PER_SECOND", default_value_t = 0)]
    pub(crate) connect_rate: u32,
    /// Seconds over which --connect-rate is reached, evenly from zero.
    #[arg(long, value_name = "SECONDS", default_value_t = 0.0, value_parser = seconds)]
    pub(crate) connect_ramp: f64,
    /// Connects under way at once at most.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connect_outstanding: u32,
    /// Source addresses to spread connections over: `auto` (127.0.x.y when the broker is on the loopback
    /// and there are many connections), `none`, one address, several with commas, or FIRST-LAST.
    #[arg(long, value_name = "ADDRESSES", default_value = "auto")]
    pub(crate) source_addresses: String,
    /// Seconds without any progress after which a connect or a message is given up.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds_above_zero)]
    pub(crate) timeout: f64,
    /// Keep-alive of the connections in seconds; 0 switches it off.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) keep_alive: u16,
    /// User name of every client.
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_name: Option<String>,
    /// Password of every client.
    #[arg(long, value_name = "TEXT")]
    pub(crate) password: Option<String>,
    /// Client identifiers begin with this. Default: `lg` and loadgen's process id.
    #[arg(long, value_name = "TEXT")]
    pub(crate) client_prefix: Option<String>,
    /// Client identifiers of the publishers, one a line, at least as many as there are publishers.
    #[arg(long, value_name = "FILE")]
    pub(crate) publisher_ids: Option<PathBuf>,
    /// Client identifiers of the subscribers, likewise.
    #[arg(long, value_name = "FILE")]
    pub(crate) subscriber_ids: Option<PathBuf>,
    /// Topics begin with this.
    #[arg(long, value_name = "TEXT", default_value = "loadgen")]
    pub(crate) topic_prefix: String,
}

impl Default for ConnectArgs {
    /// What the command line says when it says nothing.
    fn default() -> ConnectArgs {
        #[derive(Parser)]
        struct Nothing {
            #[command(flatten)]
            connect: ConnectArgs,
        }
        Nothing::parse_from(["loadgen"]).connect
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum VersionArg {
    #[value(name = "3.1")]
    #[serde(rename = "3.1")]
    V31,
    #[value(name = "3.1.1")]
    #[serde(rename = "3.1.1")]
    #[default]
    V311,
    #[value(name = "5", alias = "5.0")]
    #[serde(rename = "5", alias = "5.0")]
    V5,
}

impl VersionArg {
    /// The codec's version.
    pub(crate) const fn version(self) -> ringmq_codec::Version {
        match self {
            VersionArg::V31 => ringmq_codec::Version::V31,
            VersionArg::V311 => ringmq_codec::Version::V311,
            VersionArg::V5 => ringmq_codec::Version::V5,
        }
    }
}
