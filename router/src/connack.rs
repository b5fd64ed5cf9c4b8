//! CONNACK: the terms under which a client is let in, or why it is not.
//!
//! What a client wishes for stands in the properties of its CONNECT; what it is granted is bounded by the
//! settings, and told to v5 where it differs.

use ringmq_codec::{
    Packet, Properties, PropertiesBuffer, Property, ReasonCode, Version,
    packet::{ConnAck, Connect},
};

use crate::{ConnectionId, Outputs, Settings, Shard};

/// What stands for the client identifier in [`Settings::response_information`].
const CLIENT_ID_PLACEHOLDER: &str = "{client_id}";

/// No CONNACK of this broker is longer, unless the client named an authentication method or asked for
/// response information: all other properties that it may carry take 45 bytes.
const CONNACK_BYTES_MAX: u32 = 64;

/// What the properties of a v5 CONNECT ask for, or their defaults.
pub(crate) struct Wishes {
    pub(crate) session_expiry_secs: u32,
    pub(crate) receive_maximum: u16,
    pub(crate) packet_size_max: u32,
    pub(crate) names_authentication_method: bool,
    pub(crate) topic_alias_maximum: u16,
    pub(crate) problem_information: bool,
    pub(crate) response_information: bool,
}

impl Wishes {
    pub(crate) fn of(properties: Properties<'_>) -> Wishes {
        let mut wishes = Wishes {
            session_expiry_secs: 0,
            receive_maximum: u16::MAX,
            packet_size_max: u32::MAX,
            names_authentication_method: false,
            topic_alias_maximum: 0,
            problem_information: true,
            response_information: false,
        };
        for property in properties.iter() {
            match property {
                Property::SessionExpirySecs(secs) => wishes.session_expiry_secs = secs,
                Property::ReceiveMaximum(maximum) => wishes.receive_maximum = maximum,
                Property::MaximumPacketSize(bytes) => wishes.packet_size_max = bytes,
                Property::TopicAliasMaximum(maximum) => wishes.topic_alias_maximum = maximum,
                Property::RequestProblemInformation(wanted) => {
                    wishes.problem_information = wanted;
                }
                Property::RequestResponseInformation(wanted) => {
                    wishes.response_information = wanted;
                }
                Property::AuthenticationMethod(_) => wishes.names_authentication_method = true,
                _ => {}
            }
        }
        wishes
    }

    /// How long the session is to live on its own. [v5 3.1.2.11.2]
    pub(crate) fn session_expiry_granted(&self, connect: &Connect<'_>, settings: &Settings) -> u32 {
        match connect.version {
            Version::V5 => self
                .session_expiry_secs
                .min(settings.session_expiry_secs_max),
            _ if connect.clean_start => 0,
            _ => settings.session_expiry_secs_max,
        }
    }
}

/// What an accepted client is granted beside its own wishes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted<'a> {
    /// The client identifier it was given, if it named none.
    pub(crate) assigned: Option<&'a str>,
    pub(crate) session_present: bool,
    /// Authentication Method and Data, if it named a method.
    pub(crate) authentication: Option<(&'a str, &'a [u8])>,
}

/// The keep-alive in force. v3 clients cannot be told another than their own.
pub(crate) fn keep_alive_granted(connect: &Connect<'_>, settings: &Settings) -> u16 {
    let (asked, max) = (connect.keep_alive_secs, settings.keep_alive_secs_max);
    if connect.version.is_v5() && max != 0 && (asked == 0 || asked > max) {
        max
    } else {
        asked
    }
}

impl Shard {
    /// Tells the client that it may not come in, and why.
    pub(crate) fn refuse(&mut self, id: ConnectionId, reason: ReasonCode, outputs: &mut Outputs) {
        let connack = ConnAck {
            session_present: false,
            reason,
            properties: Properties::EMPTY,
        };
        self.send_with_reason(id, &Packet::ConnAck(connack), reason, outputs);
    }

    /// Lets the client in.
    pub(crate) fn send_connack(
        &mut self,
        id: ConnectionId,
        connect: &Connect<'_>,
        granted: Granted<'_>,
        outputs: &mut Outputs,
    ) {
        let mut properties = PropertiesBuffer::new();
        if connect.version.is_v5() {
            self.connack_properties(connect, granted, &mut properties);
        }
        let connack = ConnAck {
            session_present: granted.session_present,
            reason: ReasonCode::Success,
            properties: properties.as_properties(),
        };
        self.send(id, &Packet::ConnAck(connack), outputs);
    }

    /// Whether the client takes packets as long as its CONNACK; with one that does not, nothing can be
    /// agreed. [v5 MQTT-3.1.2-24]
    pub(crate) fn connack_fits(&self, connect: &Connect<'_>, granted: Granted<'_>) -> bool {
        let wishes = Wishes::of(connect.properties);
        let packet_size_max = wishes.packet_size_max;
        let is_short = granted.authentication.is_none() && !wishes.response_information;
        if packet_size_max > CONNACK_BYTES_MAX && is_short {
            return true;
        }
        let mut properties = PropertiesBuffer::new();
        self.connack_properties(connect, granted, &mut properties);
        let connack = ConnAck {
            session_present: granted.session_present,
            reason: ReasonCode::Success,
            properties: properties.as_properties(),
        };
        let mut bytes = Vec::new();
        Packet::ConnAck(connack).encode(connect.version, &mut bytes);
        bytes.len() <= packet_size_max as usize
    }

    /// What a v5 client must know of this broker's terms. [v5 3.2.2.3]
    fn connack_properties(
        &self,
        connect: &Connect<'_>,
        granted: Granted<'_>,
        properties: &mut PropertiesBuffer,
    ) {
        let settings = &*self.settings;
        let wishes = Wishes::of(connect.properties);
        let session_expiry_secs = wishes.session_expiry_granted(connect, settings);
        if session_expiry_secs != wishes.session_expiry_secs {
            properties.push(Property::SessionExpirySecs(session_expiry_secs));
        }
        if settings.receive_max != u16::MAX {
            properties.push(Property::ReceiveMaximum(settings.receive_max));
        }
        properties.push(Property::MaximumPacketSize(settings.packet_size_max));
        if settings.topic_aliases_received_max != 0 {
            let maximum = settings.topic_aliases_received_max;
            properties.push(Property::TopicAliasMaximum(maximum));
        }
        if let Some(client_id) = granted.assigned {
            properties.push(Property::AssignedClientIdentifier(client_id));
        }
        let keep_alive_secs = keep_alive_granted(connect, settings);
        if keep_alive_secs != connect.keep_alive_secs {
            properties.push(Property::ServerKeepAliveSecs(keep_alive_secs));
        }
        // [v5 MQTT-3.1.2-28]
        if wishes.response_information && !settings.response_information.is_empty() {
            let client_id = granted.assigned.unwrap_or(connect.client_id);
            let information = settings
                .response_information
                .replace(CLIENT_ID_PLACEHOLDER, client_id);
            // A longer one than MQTT can express is none.
            if information.len() <= usize::from(u16::MAX) {
                properties.push(Property::ResponseInformation(&information));
            }
        }
        // [v5 MQTT-4.12.0-5] [v5 MQTT-4.12.0-6]
        if let Some((method, data)) = granted.authentication {
            properties.push(Property::AuthenticationMethod(method));
            if !data.is_empty() {
                properties.push(Property::AuthenticationData(data));
            }
        }
    }
}
