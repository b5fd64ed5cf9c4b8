//! CONNACK: the answer to CONNECT.
//!
//! v3 has five return codes for refusals; `encode` writes the one that stands for the reason, and
//! `decode` gives the reason back that it stands for. 3.1 has no Session Present.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, Field, PacketType, Properties, ReasonCode, Version};

/// CONNACK. For v3 `encode` writes the return code that stands for `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct ConnAck<'a> {
    /// Never with a reason that refuses. [v3.1.1 MQTT-3.2.2-4] [v5 MQTT-3.2.2-6]
    pub session_present: bool,
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<ConnAck<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let flags = reader.byte(Field::ConnAckFlags)?;
        // 3.1 reserves the whole byte without a rule for it.
        if flags > 1 && version != Version::V31 {
            return Err(DecodeError::ConnAckFlags);
        }
        let session_present = flags == 1 && version != Version::V31;
        let code = reader.byte(Field::ReasonCode)?;
        let reason = match version {
            Version::V5 => ReasonCode::of_packet(PacketType::ConnAck, code),
            Version::V31 | Version::V311 => ReasonCode::from_return_code(code),
        };
        let reason = reason.ok_or(DecodeError::ReasonCode(PacketType::ConnAck, code))?;
        if session_present && reason.is_error() {
            return Err(DecodeError::SessionPresentOnRefusal);
        }
        let carrier = Carrier::Packet(PacketType::ConnAck);
        let properties = Properties::read(&mut reader, carrier, version)?;
        reader.finish(PacketType::ConnAck)?;
        Ok(ConnAck {
            session_present,
            reason,
            properties,
        })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        write_packet(PacketType::ConnAck.first_byte(), out, |out| {
            out.push(u8::from(self.session_present && version != Version::V31));
            if version.is_v5() {
                out.push(self.reason as u8);
                self.properties.write(version, out);
            } else {
                out.push(self.reason.to_return_code());
            }
        });
    }
}
