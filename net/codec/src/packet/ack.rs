//! PUBACK, PUBREC, PUBREL and PUBCOMP: the acknowledgements of QoS 1 and 2, one layout.
//!
//! On the message path: nothing is allocated, and the form without reason and properties, which
//! is nearly all of them, is four bytes.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, Field, PacketId, PacketType, Properties, ReasonCode, Version, write};

/// PUBACK, PUBREC, PUBREL and PUBCOMP share one layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct Ack<'a> {
    pub packet_id: PacketId,
    /// `Success` in v3, which has no reason codes here.
    pub reason: ReasonCode,
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// A v5 body may end behind the packet identifier (Success) or behind the reason code (no
    /// properties). [v5 3.4.2.1] [v5 3.4.2.2.1]
    #[inline]
    pub(super) fn decode(
        packet_type: PacketType,
        body: &'a [u8],
        version: Version,
    ) -> Result<Ack<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let mut ack = Ack {
            packet_id,
            reason: ReasonCode::Success,
            properties: Properties::EMPTY,
        };
        if !version.is_v5() {
            reader.finish(packet_type)?;
            return Ok(ack);
        }
        if !reader.is_empty() {
            let code = reader.byte(Field::ReasonCode)?;
            ack.reason = ReasonCode::of_packet(packet_type, code)
                .ok_or(DecodeError::ReasonCode(packet_type, code))?;
        }
        if !reader.is_empty() {
            ack.properties = Properties::read(&mut reader, Carrier::Packet(packet_type), version)?;
        }
        reader.finish(packet_type)?;
        Ok(ack)
    }

    #[inline]
    pub(super) fn encode(&self, packet_type: PacketType, version: Version, out: &mut Vec<u8>) {
        let first_byte = packet_type.first_byte();
        let [high, low] = self.packet_id.get().to_be_bytes();
        let has_properties = version.is_v5() && !self.properties.is_empty();
        let has_reason = version.is_v5() && self.reason != ReasonCode::Success;
        match (has_properties, has_reason) {
            (false, false) => out.extend_from_slice(&[first_byte, 2, high, low]),
            (false, true) => {
                out.extend_from_slice(&[first_byte, 3, high, low, self.reason as u8]);
            }
            (true, _) => write_packet(first_byte, out, |out| {
                write::two_byte_integer(self.packet_id.get(), out);
                out.push(self.reason as u8);
                self.properties.write(version, out);
            }),
        }
    }
}
