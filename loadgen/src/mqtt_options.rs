//! What clients say in CONNECT, SUBSCRIBE and PUBLISH besides what the scenario is about: version, name and
//! password, keep-alive, properties, topic aliases.
//!
//! The plan carries it, the packets are written from it. Before MQTT 5 there are no properties; asking for
//! them is an error when the scenario is read.

use ringmq_codec::{PropertiesBuffer, Property, Version};
use serde::{Deserialize, Serialize};

use crate::cli::{ConnectArgs, VersionArg};

/// Bytes of user names, passwords and property texts at most: what a length of two bytes can name.
const TEXT_BYTES_MAX: usize = 65_535;

/// The options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MqttOptions {
    pub(crate) version: VersionArg,
    pub(crate) keep_alive_secs: u16,
    pub(crate) user_name: Option<String>,
    pub(crate) password: Option<String>,
    /// Aliases a publisher uses at most, if the broker allows as many; 0: none.
    pub(crate) topic_aliases_max: u16,
    pub(crate) properties: PublishProperties,
}

/// The `[mqtt]` section of a scenario file: only what it names is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MqttSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<VersionArg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep_alive_secs: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topic_aliases_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<PublishProperties>,
}

/// Properties of every publish. [v5 3.3.2.3]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PublishProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_expiry_secs: Option<u32>,
    /// Name and value of each user property, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) user: Vec<(String, String)>,
}

impl MqttOptions {
    /// What the command line says.
    pub(crate) fn of(connect: &ConnectArgs) -> MqttOptions {
        MqttOptions {
            version: connect.version_mqtt,
            keep_alive_secs: connect.keep_alive,
            user_name: connect.user_name.clone(),
            password: connect.password.clone(),
            ..MqttOptions::default()
        }
    }

    /// The codec's version.
    pub(crate) fn version(&self) -> Version {
        self.version.version()
    }

    /// Checks that the options fit each other.
    pub(crate) fn check(&self) -> Result<(), String> {
        let has_properties = self.properties != PublishProperties::default();
        if !self.version().is_v5() && (has_properties || self.topic_aliases_max > 0) {
            return Err("properties and topic aliases need MQTT 5 (version = \"5\")".to_owned());
        }
        if !self.version().is_v5() && self.password.is_some() && self.user_name.is_none() {
            return Err("before MQTT 5 a password needs a user name".to_owned());
        }
        let user = &self.properties.user;
        let texts = [
            &self.user_name,
            &self.password,
            &self.properties.content_type,
            &self.properties.response_topic,
        ];
        let texts = texts.into_iter().flatten();
        let pairs = user.iter().flat_map(|(name, value)| [name, value]);
        match texts.chain(pairs).any(|text| text.len() > TEXT_BYTES_MAX) {
            true => Err(format!(
                "MQTT takes texts of {TEXT_BYTES_MAX} bytes at most"
            )),
            false => Ok(()),
        }
    }
}

impl PublishProperties {
    /// In the form the codec takes.
    pub(crate) fn encoded(&self) -> PropertiesBuffer {
        let mut buffer = PropertiesBuffer::new();
        if let Some(secs) = self.message_expiry_secs {
            buffer.push(Property::MessageExpirySecs(secs));
        }
        if let Some(content_type) = &self.content_type {
            buffer.push(Property::ContentType(content_type));
        }
        if let Some(topic) = &self.response_topic {
            buffer.push(Property::ResponseTopic(topic));
        }
        for (name, value) in &self.user {
            buffer.push(Property::UserProperty(name, value));
        }
        buffer
    }
}
