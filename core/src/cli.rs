//! The command line of `ringmq`. What is given here overrides the configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Config, CpuList, ListenerSettings, Shards, parse_listen_address};
use crate::logging::{LogFilter, LogFormat};
use crate::users::passwd::Passwd;

/// RingMQ: an MQTT broker for one big Linux machine (MQTT 3.1, 3.1.1 and 5.0).
///
/// Without arguments it listens on 127.0.0.1:1883 for clients of this machine, with one shard per physical
/// core. Ctrl-C or SIGTERM stops it in order.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "ringmq", version, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do instead of running a broker.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Listen on this address; may be repeated; replaces the listeners of the file.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = parse_listen_address, long_help = LISTEN_HELP)]
    pub listen: Vec<SocketAddr>,

    /// Let clients that name no user connect through all listeners.
    #[arg(long)]
    pub allow_anonymous: bool,

    /// Check clients that name a user against this file; "ringmq passwd" makes it.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Shards to run, 1 to 64, or "auto": one per physical core.
    ///
    /// A shard is a thread that serves its own connections. There may be more shards than CPUs.
    #[arg(long, value_name = "COUNT")]
    pub shards: Option<Shards>,

    /// CPUs that shards are pinned to, such as 0,2-5, or "all" that this process may use.
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<CpuList>,

    /// Read settings from this file. ringmq.example.toml shows them all.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Check the settings, print them as they take effect, and exit: 0 if they are good, else 1.
    #[arg(long)]
    pub check_config: bool,

    /// Least level that is logged: off, error, warn, info, debug or trace; single subjects may differ.
    ///
    /// "info,client=debug" shows every client that comes and goes. Subjects: broker, listener, client,
    /// session, shard.
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<LogFilter>,

    /// Log for people (text) or for machines (json, one object per line).
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// Seconds between two publications of $SYS/broker topics; 0: never.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub sys_interval_secs: Option<u32>,

    /// Key of the hash that assigns clients to shards; for tests. Random by default, as a known key lets
    /// strangers choose client identifiers that all fall on one shard.
    #[arg(long, value_name = "NUMBER", hide_short_help = true)]
    pub hash_seed: Option<u64>,
}

/// What `ringmq` does beside running a broker.
#[derive(Clone, Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Show or change the users of a password file.
    Passwd(Passwd),
}

const LISTEN_HELP: &str = "\
Listen on this address; may be repeated; replaces the listeners of the file.

An IP address, with or without a port (1883): 127.0.0.1, 0.0.0.0:1884, [::1]:1883. 0.0.0.0 is every IPv4 \
interface, [::] every IPv6 interface. Port 0 takes a free one. Addresses that other machines can reach need \
--password-file or --allow-anonymous.";

const AFTER_HELP: &str = "\
Exit codes: 0 stopped in order; 1 could not start, or the settings are wrong; 2 wrong command line;
70 a shard failed; 130 or 143 stopped at once by a second SIGINT or SIGTERM.";

impl Cli {
    /// Applies what was given here to the settings of the file. Returns whether the listeners are still the
    /// file's.
    pub fn apply_to(&self, config: &mut Config) -> bool {
        if let Some(shards) = self.shards {
            config.broker.shards = shards;
        }
        if let Some(cpus) = &self.cpus {
            config.broker.cpus = cpus.clone();
        }
        if let Some(level) = &self.log_level {
            config.log.level = level.clone();
        }
        if let Some(format) = self.log_format {
            config.log.format = format;
        }
        if let Some(secs) = self.sys_interval_secs {
            config.sys.interval_secs = secs;
        }
        if let Some(path) = &self.password_file {
            config.users.password_file = Some(path.clone());
        }
        if !self.listen.is_empty() {
            let listener = |address: &SocketAddr| ListenerSettings {
                address: *address,
                allow_anonymous: None,
            };
            config.listeners = self.listen.iter().map(listener).collect();
        }
        if self.allow_anonymous {
            for listener in &mut config.listeners {
                listener.allow_anonymous = Some(true);
            }
        }
        self.listen.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn applied(arguments: &[&str], config: Config) -> Config {
        let cli = Cli::try_parse_from(std::iter::once(&"ringmq").chain(arguments)).unwrap();
        let mut config = config;
        cli.apply_to(&mut config);
        config
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_arguments_change_nothing() {
        assert_eq!(applied(&[], Config::default()), Config::default());
    }

    #[test]
    fn arguments_override_the_file() {
        let mut file = Config::default();
        file.broker.shards = Shards::Count(9);
        file.broker.shutdown_secs = 77;
        let arguments = "--shards auto --cpus 1-2 --listen 0.0.0.0 --listen [::1]:5 --allow-anonymous \
                         --log-level warn --log-format json --sys-interval-secs 0";
        let config = applied(&arguments.split_whitespace().collect::<Vec<_>>(), file);
        assert_eq!(config.broker.shards, Shards::Auto);
        assert_eq!(config.broker.cpus, "1,2".parse().unwrap());
        assert_eq!(config.broker.shutdown_secs, 77);
        let addresses: Vec<String> = config
            .listeners
            .iter()
            .map(|l| l.address.to_string())
            .collect();
        assert_eq!(addresses, ["0.0.0.0:1883", "[::1]:5"]);
        assert!(
            config
                .listeners
                .iter()
                .all(|l| l.allow_anonymous == Some(true))
        );
        assert_eq!(config.log.level, "warn".parse().unwrap());
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(config.sys.interval_secs, 0);
    }
}
