//! What an operator may set; given at the start and replaced as a whole by [`crate::Input::Settings`].

use std::collections::BTreeMap;

use crate::{SharedStrategy, limits};

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationMode {
    /// Everyone is let in.
    Anonymous,
    /// Each CONNECT is judged outside ([`crate::Output::Authenticate`]).
    External,
}

/// Settings of the router. Defaults and reasons stand in [`limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Who is let in.
    pub authentication: AuthenticationMode,
    /// Whether acknowledgements wait for the durable log.
    pub log: bool,
    /// Largest packet accepted, in bytes, fixed header included.
    pub packet_size_max: u32,
    /// Time a connection has for its CONNECT, in seconds.
    pub connect_timeout_secs: u32,
    /// Keep-alive asked of v5 clients that want more or none, in seconds; 0: whatever the client wants.
    pub keep_alive_secs_max: u16,
    /// QoS 1 and 2 messages unacknowledged towards one client.
    pub inflight_max: u16,
    /// QoS 1 and 2 publishes taken from one client before their acknowledgement (v5 Receive Maximum).
    pub receive_max: u16,
    /// Messages that wait for one session.
    pub queue_messages_max: u32,
    /// Bytes of messages that wait for one session.
    pub queue_bytes_max: u32,
    /// Longest life of a session without a connection, in seconds (also of v3 sessions, which name none).
    pub session_expiry_secs_max: u32,
    /// Sessions on one shard.
    pub sessions_max: u32,
    /// Subscriptions of one session.
    pub subscriptions_per_session_max: u32,
    /// Levels of a topic or filter.
    pub topic_levels_max: u16,
    /// Topic aliases that one v5 client may set (Topic Alias Maximum); 0: none.
    pub topic_aliases_received_max: u16,
    /// Topic aliases that one v5 client is told, if it takes so many; 0: none.
    pub topic_aliases_sent_max: u16,
    /// Longest client identifier, bytes; not below 23. [v3.1.1 MQTT-3.1.3-5]
    pub client_id_bytes_max: u16,
    /// Response Information for v5 clients that ask for it, with `{client_id}` for theirs; empty: none.
    pub response_information: Box<str>,
    /// Where v5 clients are sent with 0x9C or 0x9D (Server Reference); empty: nowhere.
    pub server_reference: Box<str>,
    /// Whether they are sent there for good (0x9D), when the broker stops, or for the time being (0x9C).
    pub server_moved: bool,
    /// Whether payloads that are said to be UTF-8 must be.
    pub validate_payload_format: bool,
    /// Retained messages whose home is one shard.
    pub retained_messages_max: u32,
    /// Bytes of retained messages whose home is one shard.
    pub retained_bytes_max: u64,
    /// Seconds between two publications of `$SYS`; 0: never.
    pub sys_interval_secs: u32,
    /// How the members of a shared subscription are chosen.
    pub shared_strategy: SharedStrategy,
    /// The same for some share names (the `group` of `$share/group/filter`).
    pub shared_strategy_by_group: BTreeMap<Box<str>, SharedStrategy>,
}

impl Settings {
    /// How the members of shared subscriptions with this share name are chosen.
    pub(crate) fn strategy_of(&self, share_name: &str) -> SharedStrategy {
        let own = self.shared_strategy_by_group.get(share_name);
        own.copied().unwrap_or(self.shared_strategy)
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            authentication: AuthenticationMode::Anonymous,
            log: false,
            packet_size_max: limits::PACKET_SIZE_MAX_BYTES,
            connect_timeout_secs: limits::CONNECT_TIMEOUT_SECS,
            keep_alive_secs_max: limits::KEEP_ALIVE_SECS_MAX,
            inflight_max: limits::INFLIGHT_MAX,
            receive_max: limits::RECEIVE_MAX,
            queue_messages_max: limits::QUEUE_MESSAGES_MAX,
            queue_bytes_max: limits::QUEUE_BYTES_MAX,
            session_expiry_secs_max: limits::SESSION_EXPIRY_SECS_MAX,
            sessions_max: limits::SESSIONS_MAX,
            subscriptions_per_session_max: limits::SUBSCRIPTIONS_PER_SESSION_MAX,
            topic_levels_max: limits::TOPIC_LEVELS_MAX,
            topic_aliases_received_max: limits::TOPIC_ALIASES_RECEIVED_MAX,
            topic_aliases_sent_max: limits::TOPIC_ALIASES_SENT_MAX,
            client_id_bytes_max: limits::CLIENT_ID_BYTES_MAX,
            response_information: Box::default(),
            server_reference: Box::default(),
            server_moved: false,
            validate_payload_format: false,
            retained_messages_max: limits::RETAINED_MESSAGES_MAX,
            retained_bytes_max: limits::RETAINED_BYTES_MAX,
            sys_interval_secs: limits::SYS_INTERVAL_SECS,
            shared_strategy: SharedStrategy::default(),
            shared_strategy_by_group: BTreeMap::new(),
        }
    }
}
