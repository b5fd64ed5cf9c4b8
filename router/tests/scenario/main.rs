//! Scenarios: scripts of packets in and packets out, run against shards that are linked directly.
//!
//! A test is one call of `check` with a script (its language is described in `script`). What holds for
//! one shard and matters across shards is checked for both.
#![allow(clippy::unwrap_used, reason = "a test")]

mod acknowledgements;
mod auth;
mod backpressure;
mod broker;
mod client_identifiers;
mod connect;
mod connect_form;
mod control;
mod notation;
mod packet_form;
mod packets;
mod payload_format;
mod publish;
mod publish_properties;
mod qos_flows;
mod queue;
mod reason_strings;
mod response_information;
mod retain_flag;
mod retained;
mod script;
mod session;
mod session_state;
mod shared;
mod shared_away;
mod shared_random;
mod suback;
mod subscribe;
mod subscription_identifiers;
mod topic_aliases;
mod topic_names;
mod will;
mod will_message;
