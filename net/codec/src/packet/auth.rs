//! AUTH: the steps of an enhanced authentication, v5 only.
//!
//! Only the form is checked here; that the method stays the one of the CONNECT is the router's.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, Field, PacketType, Properties, Property, ReasonCode, Version};

/// AUTH, v5 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Auth<'a> {
    pub reason: ReasonCode,
    /// With an Authentication Method, unless the packet is the empty form of Success.
    pub properties: Properties<'a>,
}

impl<'a> Auth<'a> {
    /// The body may be empty (Success); otherwise it is whole, with an Authentication Method.
    /// [v5 3.15.2.1] [v5 3.15.2.2.2]
    pub(super) fn decode(body: &'a [u8], version: Version) -> Result<Auth<'a>, DecodeError> {
        if !version.is_v5() {
            return Err(DecodeError::PacketTypeNotInVersion(PacketType::Auth));
        }
        let mut reader = Reader::new(body);
        if reader.is_empty() {
            return Ok(Auth {
                reason: ReasonCode::Success,
                properties: Properties::EMPTY,
            });
        }
        let code = reader.byte(Field::ReasonCode)?;
        let reason = ReasonCode::of_packet(PacketType::Auth, code)
            .ok_or(DecodeError::ReasonCode(PacketType::Auth, code))?;
        let carrier = Carrier::Packet(PacketType::Auth);
        let properties = Properties::read(&mut reader, carrier, version)?;
        reader.finish(PacketType::Auth)?;
        let is_method = |property| matches!(property, Property::AuthenticationMethod(_));
        if !properties.iter().any(is_method) {
            return Err(DecodeError::AuthenticationMethodMissing);
        }
        Ok(Auth { reason, properties })
    }

    pub(super) fn encode(&self, version: Version, out: &mut Vec<u8>) {
        debug_assert!(version.is_v5(), "AUTH exists only in v5");
        write_packet(PacketType::Auth.first_byte(), out, |out| {
            if self.reason != ReasonCode::Success || !self.properties.is_empty() {
                out.push(self.reason as u8);
                self.properties.write(version, out);
            }
        });
    }
}
