//! CONNECT, and the will inside it.
//!
//! The only packet that names its own version, and the only one whose form differs in more than
//! properties: what 3.1 leaves open and later versions forbid is accepted from a 3.1 client alone.
//! Rules that owe the client a CONNACK (an empty or overlong client identifier) are the router's.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{
    DecodeError, Field, PacketType, Properties, Qos, RawPacket, TopicName, Version, write,
};

/// CONNECT. It names its own version, whatever version `decode` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Connect<'a> {
    pub version: Version,
    /// Clean Session of v3, Clean Start of v5.
    pub clean_start: bool,
    /// Zero switches keep-alive off.
    pub keep_alive_secs: u16,
    pub client_id: &'a str,
    pub will: Option<Will<'a>>,
    pub user_name: Option<&'a str>,
    /// Before v5 only with a user name. [v3.1.1 MQTT-3.1.2-22]
    pub password: Option<&'a [u8]>,
    pub properties: Properties<'a>,
}

/// The will inside a CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Will<'a> {
    pub topic: TopicName<'a>,
    pub payload: &'a [u8],
    pub qos: Qos,
    pub retain: bool,
    pub properties: Properties<'a>,
}

/// Bits of the connect flags.
mod flag {
    pub(super) const RESERVED: u8 = 1 << 0;
    pub(super) const CLEAN_START: u8 = 1 << 1;
    pub(super) const WILL: u8 = 1 << 2;
    pub(super) const WILL_QOS_SHIFT: u8 = 3;
    pub(super) const WILL_QOS: u8 = 0b11 << WILL_QOS_SHIFT;
    pub(super) const WILL_RETAIN: u8 = 1 << 5;
    pub(super) const PASSWORD: u8 = 1 << 6;
    pub(super) const USER_NAME: u8 = 1 << 7;
}

/// The protocol name of 3.1.
const NAME_V31: &str = "MQIsdp";
/// The protocol name since 3.1.1.
const NAME: &str = "MQTT";

impl<'a> Connect<'a> {
    pub(super) fn decode(raw: RawPacket<'a>) -> Result<Connect<'a>, DecodeError> {
        let mut reader = Reader::new(raw.body);
        let version = read_version(&mut reader)?;
        if version.is_v5() && !raw.is_remaining_length_minimal() {
            return Err(DecodeError::RemainingLengthNotMinimal);
        }
        let flags = reader.byte(Field::ConnectFlags)?;
        check_flags(flags, version)?;
        let keep_alive_secs = reader.two_byte_integer(Field::KeepAlive)?;
        let carrier = Carrier::Packet(PacketType::Connect);
        let properties = Properties::read(&mut reader, carrier, version)?;
        let client_id = reader.text(Field::ClientIdentifier)?;
        let will = Will::read(&mut reader, flags, version)?;
        // 3.1 has the remaining length overrule these two flags: the fields may be missing.
        let may_be_missing = version == Version::V31;
        let has =
            |bit, reader: &Reader<'_>| flags & bit != 0 && !(may_be_missing && reader.is_empty());
        let user_name = match has(flag::USER_NAME, &reader) {
            true => Some(reader.text(Field::UserName)?),
            false => None,
        };
        let password = match has(flag::PASSWORD, &reader) {
            true => Some(reader.binary(Field::Password)?),
            false => None,
        };
        reader.finish(PacketType::Connect)?;
        Ok(Connect {
            version,
            clean_start: flags & flag::CLEAN_START != 0,
            keep_alive_secs,
            client_id,
            will,
            user_name,
            password,
            properties,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        write_packet(PacketType::Connect.first_byte(), out, |out| {
            let name = if self.version == Version::V31 {
                NAME_V31
            } else {
                NAME
            };
            write::text(name, out);
            out.push(self.version as u8);
            out.push(self.flags());
            write::two_byte_integer(self.keep_alive_secs, out);
            self.properties.write(self.version, out);
            write::text(self.client_id, out);
            if let Some(will) = &self.will {
                will.properties.write(self.version, out);
                write::text(will.topic.as_str(), out);
                write::binary(will.payload, out);
            }
            if let Some(user_name) = self.user_name {
                write::text(user_name, out);
            }
            if let Some(password) = self.password {
                write::binary(password, out);
            }
        });
    }

    fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.clean_start {
            flags |= flag::CLEAN_START;
        }
        if let Some(will) = &self.will {
            flags |= flag::WILL | (will.qos as u8) << flag::WILL_QOS_SHIFT;
            if will.retain {
                flags |= flag::WILL_RETAIN;
            }
        }
        if self.user_name.is_some() {
            flags |= flag::USER_NAME;
        }
        if self.password.is_some() {
            flags |= flag::PASSWORD;
        }
        flags
    }
}

impl<'a> Will<'a> {
    /// Reads the will, if the connect flags (checked before) announce one.
    fn read(
        reader: &mut Reader<'a>,
        flags: u8,
        version: Version,
    ) -> Result<Option<Will<'a>>, DecodeError> {
        if flags & flag::WILL == 0 {
            return Ok(None);
        }
        let qos = Qos::from_bits((flags & flag::WILL_QOS) >> flag::WILL_QOS_SHIFT)
            .ok_or(DecodeError::WillQos3)?;
        let carrier = Carrier::Will;
        let properties = Properties::read(reader, carrier, version)?;
        let topic = reader.topic_name(Field::WillTopic)?;
        let payload = reader.binary(Field::WillPayload)?;
        let retain = flags & flag::WILL_RETAIN != 0;
        Ok(Some(Will {
            topic,
            payload,
            qos,
            retain,
            properties,
        }))
    }
}

/// Protocol name and level. [v3.1.1 MQTT-3.1.2-1] [v3.1.1 MQTT-3.1.2-2] [v5 MQTT-3.1.2-1]
/// [v5 MQTT-3.1.2-2]
fn read_version(reader: &mut Reader<'_>) -> Result<Version, DecodeError> {
    let name = reader.binary(Field::ProtocolName)?;
    if name != NAME.as_bytes() && name != NAME_V31.as_bytes() {
        return Err(DecodeError::ProtocolName);
    }
    let level = reader.byte(Field::ProtocolLevel)?;
    match (name == NAME.as_bytes(), level) {
        (false, 3) => Ok(Version::V31),
        (true, 4) => Ok(Version::V311),
        (true, 5) => Ok(Version::V5),
        _ => Err(DecodeError::ProtocolLevel(level)),
    }
}

/// Which connect flags may stand together. 3.1 reserves bit 0 without a rule for it, and gives the
/// will's flags no meaning where there is no will.
fn check_flags(flags: u8, version: Version) -> Result<(), DecodeError> {
    let is_strict = version != Version::V31;
    if is_strict && flags & flag::RESERVED != 0 {
        return Err(DecodeError::ConnectFlagReserved);
    }
    let has_will = flags & flag::WILL != 0;
    if is_strict && !has_will && flags & (flag::WILL_QOS | flag::WILL_RETAIN) != 0 {
        return Err(DecodeError::WillFlagsWithoutWill);
    }
    if !version.is_v5() && flags & (flag::USER_NAME | flag::PASSWORD) == flag::PASSWORD {
        return Err(DecodeError::PasswordWithoutUserName);
    }
    Ok(())
}
