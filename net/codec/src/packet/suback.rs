//! SUBACK and UNSUBACK: one reason code per topic filter.
//!
//! v3 knows one failure, 0x80, and its UNSUBACK has no payload at all: there `encode` writes less
//! than the packet holds.

use crate::frame::write_packet;
use crate::property::Carrier;
use crate::read::Reader;
use crate::{DecodeError, PacketId, PacketType, Properties, ReasonCode, Version, write};

/// SUBACK and UNSUBACK: one reason per filter. An UNSUBACK of v3 has none on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub struct SubAck<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub reasons: ReasonCodes<'a>,
}

/// A list of reason codes, each one known to be legal. Equal when the codes are.
#[derive(Clone, Copy, Debug)]
pub enum ReasonCodes<'a> {
    /// As decoded from the wire, validated.
    Wire(WireReasonCodes<'a>),
    /// As given by the sender; for v3 `encode` writes 0x80 for every failure.
    List(&'a [ReasonCode]),
}

/// Reason codes as they stood on the wire, validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireReasonCodes<'a>(&'a [u8]);

impl<'a> ReasonCodes<'a> {
    /// In the order of the filters.
    pub fn iter(self) -> impl Iterator<Item = ReasonCode> + 'a {
        (0..self.len()).map_while(move |at| match self {
            ReasonCodes::Wire(WireReasonCodes(bytes)) => ReasonCode::from_byte(bytes[at]),
            ReasonCodes::List(reasons) => Some(reasons[at]),
        })
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        match self {
            ReasonCodes::Wire(WireReasonCodes(bytes)) => bytes.len(),
            ReasonCodes::List(reasons) => reasons.len(),
        }
    }

    /// Whether there are none: only in an UNSUBACK of v3.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Validates all that `reader` has left. [v3.1.1 MQTT-3.9.3-2] [v5 MQTT-3.9.3-2]
    /// [v5 MQTT-3.11.3-2]
    fn read(
        reader: Reader<'a>,
        packet_type: PacketType,
        version: Version,
    ) -> Result<ReasonCodes<'a>, DecodeError> {
        let bytes = reader.rest();
        if bytes.is_empty() {
            return Err(DecodeError::NoReasonCode(packet_type));
        }
        let is_legal = |code: u8| match version {
            Version::V5 => ReasonCode::of_packet(packet_type, code).is_some(),
            Version::V31 | Version::V311 => matches!(code, 0 | 1 | 2 | 0x80),
        };
        match bytes.iter().find(|&&code| !is_legal(code)) {
            Some(&code) => Err(DecodeError::ReasonCode(packet_type, code)),
            None => Ok(ReasonCodes::Wire(WireReasonCodes(bytes))),
        }
    }
}

impl PartialEq for ReasonCodes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ReasonCodes<'_> {}

impl<'a> SubAck<'a> {
    pub(super) fn decode(
        packet_type: PacketType,
        body: &'a [u8],
        version: Version,
    ) -> Result<SubAck<'a>, DecodeError> {
        let mut reader = Reader::new(body);
        let packet_id = reader.packet_id()?;
        let carrier = Carrier::Packet(packet_type);
        let properties = Properties::read(&mut reader, carrier, version)?;
        let reasons = if packet_type == PacketType::UnsubAck && !version.is_v5() {
            reader.finish(packet_type)?;
            ReasonCodes::List(&[])
        } else {
            ReasonCodes::read(reader, packet_type, version)?
        };
        Ok(SubAck {
            packet_id,
            properties,
            reasons,
        })
    }

    pub(super) fn encode(&self, packet_type: PacketType, version: Version, out: &mut Vec<u8>) {
        write_packet(packet_type.first_byte(), out, |out| {
            write::two_byte_integer(self.packet_id.get(), out);
            if version.is_v5() {
                self.properties.write(version, out);
                out.extend(self.reasons.iter().map(|reason| reason as u8));
            } else if packet_type == PacketType::SubAck {
                let failure = ReasonCode::UnspecifiedError as u8;
                let codes = self.reasons.iter();
                out.extend(codes.map(|code| if code.is_error() { failure } else { code as u8 }));
            }
        });
    }
}
