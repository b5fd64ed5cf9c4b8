//! What an operator may set: the sections of `ringmq.toml`, their defaults, and how they become what the
//! broker is started with.
//!
//! Read once, at start-up, before any thread exists. Whatever is wrong with it is reported completely,
//! with the line, before anything is opened. A new setting goes in here, in [`file`] with its range and in
//! `ringmq.example.toml` with its comment; tests hold the three together.

mod error;
mod file;
mod listener;
mod reader;
mod value;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use ringmq_router::{AuthenticationMode, Settings};
use serde::{Serialize, Serializer};

use crate::limits;
use crate::logging::{LogFilter, LogFormat};

pub use error::{ConfigError, Problem};
pub use file::ConfigFile;
pub use listener::{ListenerSettings, MQTT_PORT, check_listeners, parse_listen_address};
pub(crate) use reader::nearest;
pub use value::{CpuList, Shards, ShareName, Strategy, ValueError};

/// All settings, one field per section of the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// `[broker]`
    pub broker: BrokerSettings,
    /// `[[listener]]`, in order.
    #[serde(rename = "listener")]
    pub listeners: Vec<ListenerSettings>,
    /// `[users]`
    pub users: UserSettings,
    /// `[limits]`
    pub limits: LimitSettings,
    /// `[shared_subscriptions]`
    pub shared_subscriptions: SharedSubscriptionSettings,
    /// `[protocol]`
    pub protocol: ProtocolSettings,
    /// `[log]`
    pub log: LogSettings,
    /// `[sys]`
    pub sys: SysSettings,
}

/// `[broker]`: the process as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrokerSettings {
    /// How many shards.
    pub shards: Shards,
    /// The CPUs that shards may be pinned to.
    pub cpus: CpuList,
    /// Connections of the whole broker.
    pub connections_max: u32,
    /// Bound on an orderly stop, in seconds.
    pub shutdown_secs: u32,
}

/// `[users]`: who may connect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UserSettings {
    /// Where the users stand; without it there are none.
    #[serde(serialize_with = "path_or_nothing")]
    pub password_file: Option<PathBuf>,
    /// Threads that check passwords; 0: one for every two CPUs.
    pub threads: u8,
}

/// `[limits]`: the settings of the router, in its order.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields of ringmq_router::Settings, documented there"
)]
pub struct LimitSettings {
    pub packet_size_bytes_max: u32,
    pub connect_timeout_secs: u32,
    pub keep_alive_secs_max: u16,
    pub inflight_max: u16,
    pub receive_max: u16,
    pub queue_messages_max: u32,
    pub queue_bytes_max: u32,
    pub session_expiry_secs_max: u32,
    pub sessions_max: u32,
    pub subscriptions_per_session_max: u32,
    pub topic_levels_max: u16,
    pub client_id_bytes_max: u16,
    pub topic_aliases_received_max: u16,
    pub topic_aliases_sent_max: u16,
    pub retained_messages_max: u32,
    pub retained_bytes_max: u64,
}

/// `[shared_subscriptions]`: how their members are chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SharedSubscriptionSettings {
    /// For all groups that are not named below.
    pub strategy: Strategy,
    /// For some, by their share name.
    pub groups: BTreeMap<ShareName, Strategy>,
}

/// `[protocol]`: what MQTT leaves to the server; settings of the router, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields of ringmq_router::Settings, documented there"
)]
pub struct ProtocolSettings {
    pub validate_payload_format: bool,
    pub response_information: String,
    pub server_reference: String,
    pub server_moved: bool,
}

/// `[log]`: what the broker writes about itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogSettings {
    /// From which level on, by subject.
    pub level: LogFilter,
    /// For people or for machines.
    pub format: LogFormat,
}

/// `[sys]`: the topics below `$SYS/broker`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SysSettings {
    /// Seconds between two publications; 0: never.
    pub interval_secs: u32,
}

impl Config {
    /// The settings as a configuration file that would set all of them.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("sections hold only numbers, strings and booleans")
    }

    /// What every shard's router is given.
    pub fn router_settings(&self) -> Settings {
        let limits = &self.limits;
        let shared = &self.shared_subscriptions;
        let authentication = match self.users.password_file {
            Some(_) => AuthenticationMode::External,
            None => AuthenticationMode::Anonymous,
        };
        Settings {
            authentication,
            packet_size_max: limits.packet_size_bytes_max,
            connect_timeout_secs: limits.connect_timeout_secs,
            keep_alive_secs_max: limits.keep_alive_secs_max,
            inflight_max: limits.inflight_max,
            receive_max: limits.receive_max,
            queue_messages_max: limits.queue_messages_max,
            queue_bytes_max: limits.queue_bytes_max,
            session_expiry_secs_max: limits.session_expiry_secs_max,
            sessions_max: limits.sessions_max,
            subscriptions_per_session_max: limits.subscriptions_per_session_max,
            topic_levels_max: limits.topic_levels_max,
            client_id_bytes_max: limits.client_id_bytes_max,
            topic_aliases_received_max: limits.topic_aliases_received_max,
            topic_aliases_sent_max: limits.topic_aliases_sent_max,
            validate_payload_format: self.protocol.validate_payload_format,
            response_information: self.protocol.response_information.as_str().into(),
            server_reference: self.protocol.server_reference.as_str().into(),
            server_moved: self.protocol.server_moved,
            retained_messages_max: limits.retained_messages_max,
            retained_bytes_max: limits.retained_bytes_max,
            sys_interval_secs: self.sys.interval_secs,
            shared_strategy: shared.strategy.0,
            shared_strategy_by_group: shared
                .groups
                .iter()
                .map(|(name, strategy)| (name.as_str().into(), strategy.0))
                .collect(),
            ..Settings::default()
        }
    }
}

/// A file holds an empty text where there is no path.
fn path_or_nothing<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.as_deref().unwrap_or("".as_ref()).display())
}

impl Default for Config {
    fn default() -> Config {
        let router = Settings::default();
        Config {
            broker: BrokerSettings {
                shards: Shards::Auto,
                cpus: CpuList::All,
                connections_max: limits::CONNECTIONS_MAX,
                shutdown_secs: limits::SHUTDOWN_SECS,
            },
            listeners: vec![ListenerSettings::default()],
            users: UserSettings {
                password_file: None,
                threads: 0,
            },
            limits: LimitSettings {
                packet_size_bytes_max: router.packet_size_max,
                connect_timeout_secs: router.connect_timeout_secs,
                keep_alive_secs_max: router.keep_alive_secs_max,
                inflight_max: router.inflight_max,
                receive_max: router.receive_max,
                queue_messages_max: router.queue_messages_max,
                queue_bytes_max: router.queue_bytes_max,
                session_expiry_secs_max: router.session_expiry_secs_max,
                sessions_max: router.sessions_max,
                subscriptions_per_session_max: router.subscriptions_per_session_max,
                topic_levels_max: router.topic_levels_max,
                client_id_bytes_max: router.client_id_bytes_max,
                topic_aliases_received_max: router.topic_aliases_received_max,
                topic_aliases_sent_max: router.topic_aliases_sent_max,
                retained_messages_max: router.retained_messages_max,
                retained_bytes_max: router.retained_bytes_max,
            },
            shared_subscriptions: SharedSubscriptionSettings::default(),
            protocol: ProtocolSettings {
                validate_payload_format: router.validate_payload_format,
                response_information: router.response_information.into(),
                server_reference: router.server_reference.into(),
                server_moved: router.server_moved,
            },
            log: LogSettings {
                level: LogFilter::default(),
                format: LogFormat::Text,
            },
            sys: SysSettings {
                interval_secs: router.sys_interval_secs,
            },
        }
    }
}
