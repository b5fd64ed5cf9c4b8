//! Properties of v5: kept as the validated bytes they arrived in, read through an iterator.
//!
//! The decoders make them, the router reads them and hands them on without copying each one.
//! They never allocate, except in a [`PropertiesBuffer`], which is reused.

use crate::property::{Carrier, id};
use crate::read::Reader;
use crate::{DecodeError, Field, PacketType, Property, Version, write};

/// Properties of one packet, without their length prefix. Empty for v3.
///
/// Those from [`crate::Packet::decode`] are validated: each property is known, legal for its
/// packet, not repeated where that is forbidden, and within its range. Those from a
/// [`PropertiesBuffer`] are what was pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a>(&'a [u8]);

impl<'a> Properties<'a> {
    /// No properties.
    pub const EMPTY: Properties<'static> = Properties(&[]);

    /// In the order of the wire, which is to be kept for User Properties.
    /// [v5 MQTT-3.1.3-10] [v5 MQTT-3.3.2-18]
    pub fn iter(self) -> impl Iterator<Item = Property<'a>> + Clone {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            Property::read(&mut reader).ok()
        })
    }

    /// The encoded properties, without the length prefix.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the wire with the length prefix: none before v5.
    #[inline]
    pub(crate) const fn encoded_length(self, version: Version) -> usize {
        if !version.is_v5() {
            return 0;
        }
        write::length_of_variable_byte_integer(self.0.len() as u32) + self.0.len()
    }

    /// Appends length prefix and properties: nothing before v5.
    #[inline]
    pub(crate) fn write(self, version: Version, out: &mut Vec<u8>) {
        if version.is_v5() {
            write::variable_byte_integer(self.0.len(), out);
            out.extend_from_slice(self.0);
        }
    }

    /// Reads length prefix and properties of `carrier`, and checks them: nothing before v5.
    #[inline]
    pub(crate) fn read(
        reader: &mut Reader<'a>,
        carrier: Carrier,
        version: Version,
    ) -> Result<Properties<'a>, DecodeError> {
        if !version.is_v5() {
            return Ok(Properties::EMPTY);
        }
        let length = reader.variable_byte_integer(Field::Properties)?;
        if length == 0 {
            return Ok(Properties::EMPTY);
        }
        let bytes = reader.bytes(length as usize, Field::Properties)?;
        check(bytes, carrier)?;
        Ok(Properties(bytes))
    }
}

/// Which properties are legal here, once or more often. [v5 2.2.2.2]
fn check(bytes: &[u8], carrier: Carrier) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut seen = 0u64;
    while let Some(&id) = reader.rest().first() {
        match carrier.may_carry(id) {
            None => return Err(DecodeError::PropertyUnknown(id)),
            Some(false) => return Err(DecodeError::PropertyNotAllowed(id)),
            Some(true) => {}
        }
        Property::read(&mut reader)?;
        if seen & 1 << id != 0 && !may_repeat(id, carrier) {
            return Err(DecodeError::PropertyRepeated(id));
        }
        seen |= 1 << id;
    }
    let has_data = seen & 1 << id::AUTHENTICATION_DATA != 0;
    let has_method = seen & 1 << id::AUTHENTICATION_METHOD != 0;
    if has_data && !has_method {
        return Err(DecodeError::AuthenticationDataWithoutMethod);
    }
    Ok(())
}

/// Only User Properties may repeat, and the Subscription Identifiers of a PUBLISH towards the
/// client, which matched more than one subscription. [v5 3.3.2.3.8]
fn may_repeat(id: u8, carrier: Carrier) -> bool {
    id == id::USER_PROPERTY
        || (id == id::SUBSCRIPTION_IDENTIFIER && carrier == Carrier::Packet(PacketType::Publish))
}

/// Builds [`Properties`]; reusable, so that a connection's replies need no allocation.
#[derive(Clone, Debug, Default)]
pub struct PropertiesBuffer(Vec<u8>);

impl PropertiesBuffer {
    /// An empty buffer.
    pub const fn new() -> PropertiesBuffer {
        PropertiesBuffer(Vec::new())
    }

    /// Appends one property. The caller keeps to the properties legal for its packet, and to
    /// values within their range.
    ///
    /// # Panics
    /// When a text or data is longer than the 65,535 bytes a property can carry.
    pub fn push(&mut self, property: Property<'_>) {
        let start = self.0.len();
        property.write(&mut self.0);
        debug_assert_eq!(
            Property::read(&mut Reader::new(&self.0[start..])),
            Ok(property),
            "a property out of its range"
        );
    }

    /// Appends properties already encoded, as they are.
    pub fn extend(&mut self, properties: Properties<'_>) {
        self.0.extend_from_slice(properties.0);
    }

    /// Empties it, keeping the allocation.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What was built so far.
    pub fn as_properties(&self) -> Properties<'_> {
        Properties(&self.0)
    }
}
