//! DISCONNECT.
//!
//! In v3 only a client sends it, and it is two bytes; in v5 both sides do, with a reason.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, Field, PacketType, Properties, ReasonCode, Version};

/// DISCONNECT. For v3 `encode` writes the two bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Disconnect<'a> {
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

impl<'a> Disconnect<'a> {
    /// A v5 body may be empty (Normal disconnection) or end behind the reason code (no
    /// properties). [v5 3.14.2.1] [v5 3.14.2.2.1]
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<Disconnect<'a>, DecodeError> {
        let mut disconnect = Disconnect {
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        };
        let mut reader = Reader::new(body);
        if version.is_v5() && !reader.is_empty() {
            let code = reader.byte(Field::ReasonCode)?;
            disconnect.reason = ReasonCode::of_packet(PacketType::Disconnect, code)
                .ok_or(DecodeError::ReasonCode(PacketType::Disconnect, code))?;
            if !reader.is_empty() {
                let carrier = Carrier::Packet(PacketType::Disconnect);
                disconnect.properties = Properties::read(&mut reader, carrier, version)?;
            }
        }
        reader.finish(PacketType::Disconnect)?;
        Ok(disconnect)
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        write_packet(PacketType::Disconnect.first_byte(), out, |out| {
            let has_properties = !self.properties.is_empty();
            if version.is_v5() && (self.reason != ReasonCode::Success || has_properties) {
                out.push(self.reason as u8);
                if has_properties {
                    self.properties.write(version, out);
                }
            }
        });
    }
}
