//! The packets a client sends once: CONNECT, SUBSCRIBE and DISCONNECT; and the names clients go by.

use std::fs;
use std::path::Path;

use ringmq_codec::packet::{Connect, Disconnect, encode_subscribe};
use ringmq_codec::{
    Packet, PacketId, Properties, PropertiesBuffer, Property, Qos, ReasonCode, SubscriptionOptions,
    TopicFilter, Version,
};

use crate::cli::ConnectArgs;
use crate::ids::{PublisherId, SubscriberId};
use crate::mqtt_options::MqttOptions;

/// Client identifiers of a run.
#[derive(Debug)]
pub(crate) struct ClientIds {
    prefix: String,
    publishers: Vec<String>,
    subscribers: Vec<String>,
}

impl ClientIds {
    /// Reads the files the arguments name.
    pub(crate) fn load(args: &ConnectArgs) -> Result<ClientIds, String> {
        let lines = |path: &Option<std::path::PathBuf>| match path {
            Some(path) => read_lines(path),
            None => Ok(Vec::new()),
        };
        let default_prefix = || format!("lg{}", std::process::id());
        Ok(ClientIds {
            prefix: args.client_prefix.clone().unwrap_or_else(default_prefix),
            publishers: lines(&args.publisher_ids)?,
            subscribers: lines(&args.subscriber_ids)?,
        })
    }

    /// Checks that a given list names as many clients as are needed: a name taken twice would throw the
    /// first client out.
    pub(crate) fn check(&self, publishers: u32, subscribers: u32) -> Result<(), String> {
        for (kind, given, needed) in [
            ("publisher", self.publishers.len(), publishers),
            ("subscriber", self.subscribers.len(), subscribers),
        ] {
            if given > 0 && given < needed as usize {
                return Err(format!(
                    "--{kind}-ids names {given} clients, {needed} are needed"
                ));
            }
        }
        Ok(())
    }

    /// The name of a publisher.
    pub(crate) fn publisher(&self, publisher: PublisherId) -> String {
        match self.publishers.get(publisher.at()) {
            Some(name) => name.clone(),
            None => format!("{}-p{}", self.prefix, publisher.0),
        }
    }

    /// The name of a subscriber.
    pub(crate) fn subscriber(&self, subscriber: SubscriberId) -> String {
        match self.subscribers.get(subscriber.at()) {
            Some(name) => name.clone(),
            None => format!("{}-s{}", self.prefix, subscriber.0),
        }
    }

    /// The name of the observer of `$SYS`.
    pub(crate) fn observer(&self) -> String {
        format!("{}-sys", self.prefix)
    }
}

fn read_lines(path: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .map(str::to_owned)
        .collect();
    match names.is_empty() {
        true => Err(format!("{}: no client identifiers in it", path.display())),
        false => Ok(names),
    }
}

/// What a CONNECT says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectPacket<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) clean_start: bool,
    /// How long the session outlives the connection, from MQTT 5 on.
    pub(crate) session_expiry_secs: u32,
    pub(crate) mqtt: &'a MqttOptions,
}

impl ConnectPacket<'_> {
    /// Appends it.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let version = self.mqtt.version();
        let mut properties = PropertiesBuffer::new();
        if version.is_v5() && self.session_expiry_secs > 0 {
            properties.push(Property::SessionExpirySecs(self.session_expiry_secs));
        }
        let connect = Connect {
            version,
            clean_start: self.clean_start,
            keep_alive_secs: self.mqtt.keep_alive_secs,
            client_id: self.client_id,
            will: None,
            user_name: self.mqtt.user_name.as_deref(),
            password: self.mqtt.password.as_deref().map(str::as_bytes),
            properties: properties.as_properties(),
        };
        Packet::Connect(connect).encode(version, out);
    }
}

/// Appends a SUBSCRIBE. `None` when a filter is no topic filter.
pub(crate) fn subscribe(
    version: Version,
    packet_id: PacketId,
    filters: &[impl AsRef<str>],
    qos: Qos,
    out: &mut Vec<u8>,
) -> Option<()> {
    let options = SubscriptionOptions::v3(qos);
    let filters = filters
        .iter()
        .map(|filter| TopicFilter::new(filter.as_ref()).map(|filter| (filter, options)))
        .collect::<Option<Vec<_>>>()?;
    encode_subscribe(version, packet_id, Properties::EMPTY, &filters, out);
    Some(())
}

/// Appends a DISCONNECT: the client leaves in order.
pub(crate) fn disconnect(version: Version, out: &mut Vec<u8>) {
    let disconnect = Disconnect {
        reason: ReasonCode::Success,
        properties: Properties::EMPTY,
    };
    Packet::Disconnect(disconnect).encode(version, out);
}
