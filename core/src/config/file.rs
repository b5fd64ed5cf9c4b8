//! Reads `ringmq.toml`: which keys each section has, and the range of each number.
//!
//! Only the file is judged here. What the command line overrides, and what only the machine can tell
//! (whether a CPU exists), is checked later.

use std::fs;
use std::path::Path;

use ringmq_router::limits::SHARDS_MAX;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Problem};
use super::reader::{Report, Section, nearest};
use super::value::{Shards, ValueError};
use super::{
    Config, LimitSettings, ListenerSettings, ProtocolSettings, check_listeners,
    parse_listen_address,
};
use crate::limits::AUTHENTICATION_THREADS_MAX;

/// Largest packet the protocol can express, bytes: 5 of fixed header and 268,435,455 that follow.
const PACKET_SIZE_BYTES_PROTOCOL: u32 = 268_435_460;

/// Smallest useful bound on a packet, bytes: a CONNECT with long names and a will.
const PACKET_SIZE_BYTES_MIN: u32 = 256;

/// Largest bound on retained bytes: 1 PiB, beyond any machine's memory.
const RETAINED_BYTES_CEILING: u64 = 1 << 50;

/// The sections, as they are written.
const SECTIONS: [&str; 8] = [
    "[broker]",
    "[[listener]]",
    "[users]",
    "[limits]",
    "[shared_subscriptions]",
    "[protocol]",
    "[log]",
    "[sys]",
];

/// What a configuration file says.
#[derive(Debug)]
pub struct ConfigFile {
    /// The settings; defaults where the file says nothing, or something wrong.
    pub config: Config,
    /// The line of each of [`Config::listeners`]; empty when the file names none.
    pub listener_lines: Vec<usize>,
    /// All that is wrong with the file.
    pub errors: Vec<ConfigError>,
}

impl ConfigFile {
    /// Reads a file.
    pub fn read(path: &Path) -> ConfigFile {
        match fs::read_to_string(path) {
            Ok(text) => ConfigFile::parse(&text),
            Err(error) => {
                let reason = error.to_string();
                let mut file = ConfigFile::empty();
                let problem = Problem::Unreadable { reason };
                file.errors.push(ConfigError::new(None, problem));
                file
            }
        }
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> ConfigFile {
        let mut file = ConfigFile::empty();
        let mut report = Report::new(text);
        let (document, syntax_errors) = DeTable::parse_recoverable(text);
        for error in &syntax_errors {
            let message = error.message().replace('\n', ", ");
            let offset = error.span().map_or(0, |span| span.start);
            report.add(offset, Problem::Syntax { message });
        }
        // What a parser makes of the rest of a broken file is not what its author meant.
        if syntax_errors.is_empty() {
            for (key, value) in document.get_ref() {
                read_entry(&mut file, &mut report, key, value);
            }
        }
        file.errors = report.errors;
        file
    }

    fn empty() -> ConfigFile {
        ConfigFile {
            config: Config::default(),
            listener_lines: Vec::new(),
            errors: Vec::new(),
        }
    }
}

/// One entry outside of any section: in a good file, a section.
fn read_entry(
    file: &mut ConfigFile,
    report: &mut Report<'_>,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) {
    let name: &str = key.get_ref();
    if name == "listener" {
        return read_listeners(file, report, key.span().start, value);
    }
    let read = match name {
        "broker" => read_broker,
        "users" => read_users,
        "limits" => read_limits,
        "shared_subscriptions" => read_shared_subscriptions,
        "protocol" => read_protocol,
        "log" => read_log,
        "sys" => read_sys,
        _ => return report_unknown(report, key, value),
    };
    match value.get_ref() {
        DeValue::Table(table) => read(&mut file.config, report, table),
        _ => report.wrong_type(format!("[{name}]"), "a section", value),
    }
}

fn read_broker(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[broker]", table);
    read_shards(config, report, &mut section);
    let broker = &mut config.broker;
    section.text(report, "cpus", str::parse, &mut broker.cpus);
    section.integer(
        report,
        "connections_max",
        1..=16_000_000,
        &mut broker.connections_max,
    );
    section.integer(
        report,
        "shutdown_secs",
        1..=3_600,
        &mut broker.shutdown_secs,
    );
    section.finish(report, section_of);
}

/// `shards` is a number or "auto".
fn read_shards(config: &mut Config, report: &mut Report<'_>, section: &mut Section<'_, '_>) {
    let Some(value) = section.value("shards") else {
        return;
    };
    match value.get_ref() {
        DeValue::Integer(_) => {
            let mut count = 1;
            section.integer(report, "shards", 1..=SHARDS_MAX, &mut count);
            config.broker.shards = Shards::Count(count);
        }
        DeValue::String(text) if text == "auto" => config.broker.shards = Shards::Auto,
        DeValue::String(text) => {
            let key = section.full("shards");
            let text = text.clone().into_owned();
            let reason = ValueError::Shards { text };
            report.add(value.span().start, Problem::BadValue { key, reason });
        }
        _ => report.wrong_type(section.full("shards"), "a whole number or \"auto\"", value),
    }
}

/// An empty `password_file` is none.
fn read_users(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[users]", table);
    let users = &mut config.users;
    let path = |text: &str| Ok((!text.is_empty()).then(|| text.into()));
    section.text(report, "password_file", path, &mut users.password_file);
    let range = 0..=AUTHENTICATION_THREADS_MAX;
    section.integer(report, "threads", range, &mut users.threads);
    section.finish(report, section_of);
}

#[rustfmt::skip]
fn read_limits(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let LimitSettings {
        packet_size_bytes_max, connect_timeout_secs, keep_alive_secs_max, inflight_max, receive_max,
        queue_messages_max, queue_bytes_max, session_expiry_secs_max, sessions_max,
        subscriptions_per_session_max, topic_levels_max, client_id_bytes_max,
        topic_aliases_received_max, topic_aliases_sent_max, retained_messages_max, retained_bytes_max,
    } = &mut config.limits;
    let mut section = Section::new("[limits]", table);
    section.integer(report, "packet_size_bytes_max", PACKET_SIZE_BYTES_MIN..=PACKET_SIZE_BYTES_PROTOCOL, packet_size_bytes_max);
    section.integer(report, "connect_timeout_secs", 1..=3_600, connect_timeout_secs);
    section.integer(report, "keep_alive_secs_max", 0..=u16::MAX, keep_alive_secs_max);
    section.integer(report, "inflight_max", 1..=u16::MAX, inflight_max);
    section.integer(report, "receive_max", 1..=u16::MAX, receive_max);
    section.integer(report, "queue_messages_max", 1..=100_000_000, queue_messages_max);
    section.integer(report, "queue_bytes_max", 1_024..=u32::MAX, queue_bytes_max);
    section.integer(report, "session_expiry_secs_max", 0..=u32::MAX, session_expiry_secs_max);
    section.integer(report, "sessions_max", 1..=100_000_000, sessions_max);
    section.integer(report, "subscriptions_per_session_max", 1..=10_000_000, subscriptions_per_session_max);
    section.integer(report, "topic_levels_max", 1..=1_024, topic_levels_max);
    section.integer(report, "client_id_bytes_max", 23..=u16::MAX, client_id_bytes_max);
    section.integer(report, "topic_aliases_received_max", 0..=u16::MAX, topic_aliases_received_max);
    section.integer(report, "topic_aliases_sent_max", 0..=u16::MAX, topic_aliases_sent_max);
    section.integer(report, "retained_messages_max", 0..=1_000_000_000, retained_messages_max);
    section.integer(report, "retained_bytes_max", 0..=RETAINED_BYTES_CEILING, retained_bytes_max);
    section.finish(report, section_of);
}

fn read_shared_subscriptions(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[shared_subscriptions]", table);
    let shared = &mut config.shared_subscriptions;
    section.text(report, "strategy", str::parse, &mut shared.strategy);
    section.texts_by_name(report, "groups", &mut shared.groups);
    section.finish(report, section_of);
}

/// A text that fits a property of a packet.
fn mqtt_text(text: &str) -> Result<String, ValueError> {
    let is_too_long = text.len() > usize::from(u16::MAX);
    if is_too_long || text.contains('\0') {
        let text = text.chars().take(40).collect();
        return Err(ValueError::MqttText { text });
    }
    Ok(text.to_owned())
}

fn read_protocol(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[protocol]", table);
    let ProtocolSettings {
        validate_payload_format,
        response_information,
        server_reference,
        server_moved,
    } = &mut config.protocol;
    section.flag(report, "validate_payload_format", validate_payload_format);
    section.text(
        report,
        "response_information",
        mqtt_text,
        response_information,
    );
    section.text(report, "server_reference", mqtt_text, server_reference);
    section.flag(report, "server_moved", server_moved);
    section.finish(report, section_of);
}

fn read_log(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[log]", table);
    section.text(report, "level", str::parse, &mut config.log.level);
    section.text(report, "format", str::parse, &mut config.log.format);
    section.finish(report, section_of);
}

fn read_sys(config: &mut Config, report: &mut Report<'_>, table: &DeTable<'_>) {
    let mut section = Section::new("[sys]", table);
    section.integer(
        report,
        "interval_secs",
        0..=86_400,
        &mut config.sys.interval_secs,
    );
    section.finish(report, section_of);
}

/// Listeners of the file replace the default one. The parser gives no place to an array of tables as a
/// whole, so its key's is used.
fn read_listeners(
    file: &mut ConfigFile,
    report: &mut Report<'_>,
    offset: usize,
    value: &Spanned<DeValue<'_>>,
) {
    const EXPECTED: &str = "written as [[listener]], one for each address";
    let DeValue::Array(array) = value.get_ref() else {
        report.wrong_type("listener".to_owned(), EXPECTED, value);
        return;
    };
    file.config.listeners.clear();
    for listener in array {
        match listener.get_ref() {
            DeValue::Table(table) => {
                let start = listener.span().start.max(offset);
                read_listener(file, report, start, table);
            }
            _ => report.wrong_type("listener".to_owned(), EXPECTED, listener),
        }
    }
}

fn read_listener(
    file: &mut ConfigFile,
    report: &mut Report<'_>,
    offset: usize,
    table: &DeTable<'_>,
) {
    let mut section = Section::new("[[listener]]", table);
    let mut listener = ListenerSettings::default();
    if table.contains_key("address") {
        section.text(
            report,
            "address",
            parse_listen_address,
            &mut listener.address,
        );
    } else {
        section.value("address");
        let (section, key) = ("[[listener]]", "address");
        report.add(offset, Problem::MissingKey { section, key });
    }
    section.boolean(report, "allow_anonymous", &mut listener.allow_anonymous);
    section.finish(report, section_of);
    file.config.listeners.push(listener);
    file.listener_lines.push(report.line(offset));
}

fn report_unknown(
    report: &mut Report<'_>,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) {
    let name: &str = key.get_ref();
    let is_section = match value.get_ref() {
        DeValue::Table(_) => true,
        DeValue::Array(array) => array.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    };
    let problem = if is_section {
        Problem::UnknownSection {
            section: format!("[{name}]"),
            nearest: nearest_section(name),
        }
    } else {
        Problem::UnknownKey {
            section: String::new(),
            key: name.to_owned(),
            hint: format!("did you mean {}?", nearest_key(name)),
        }
    };
    report.add(key.span().start, problem);
}

fn nearest_section(name: &str) -> String {
    let bare = SECTIONS.map(bare_name);
    let best = nearest(name, bare.into_iter());
    let section = SECTIONS.into_iter().find(|s| bare_name(s) == best);
    section.unwrap_or(SECTIONS[0]).to_owned()
}

fn bare_name(section: &str) -> &str {
    section.trim_matches(['[', ']'])
}

/// The section that has this very key.
fn section_of(key: &str) -> Option<&'static str> {
    let (_, section) = all_keys().into_iter().find(|(known, _)| known == key)?;
    Some(section)
}

fn nearest_key(name: &str) -> String {
    let keys = all_keys();
    let best = nearest(name, keys.iter().map(|(key, _)| key.as_str()));
    let section = section_of(best).unwrap_or_default();
    format!("'{best}' in {section}")
}

/// Every key with its section, read off the defaults.
pub(super) fn all_keys() -> Vec<(String, &'static str)> {
    let mut defaults = Config::default();
    // Settles what a listener leaves open, which would have no key.
    check_listeners(&mut defaults.listeners, &[], false);
    let defaults = toml::Table::try_from(defaults).expect("the defaults are plain TOML");
    let mut keys = Vec::new();
    for section in SECTIONS {
        let value = &defaults[bare_name(section)];
        let table = value.get(0).unwrap_or(value).as_table();
        let table = table.expect("a section is a table or a list of tables");
        keys.extend(table.keys().map(|key| (key.clone(), section)));
    }
    keys
}
