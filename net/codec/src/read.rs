//! The data types of the protocol, read from the body of a packet. The decoders of the packets
//! call these; each error names the field that was being read.
//!
//! It never allocates, and never reads beyond the slice it was given.

use crate::{DecodeError, Field, PacketId, PacketType, TopicFilter, TopicName, Version};

/// What is left of a packet's body (or of its properties).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that is left, unread.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes behind the last field.
    #[inline]
    pub(crate) fn finish(&self, packet_type: PacketType) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::TrailingBytes(packet_type))
        }
    }

    #[inline]
    pub(crate) fn bytes(&mut self, length: usize, field: Field) -> Result<&'a [u8], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(DecodeError::Truncated(field));
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn byte(&mut self, field: Field) -> Result<u8, DecodeError> {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return Err(DecodeError::Truncated(field));
        };
        self.rest = rest;
        Ok(byte)
    }

    #[inline]
    pub(crate) fn two_byte_integer(&mut self, field: Field) -> Result<u16, DecodeError> {
        let Some((&bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(DecodeError::Truncated(field));
        };
        self.rest = rest;
        Ok(u16::from_be_bytes(bytes))
    }

    #[inline]
    pub(crate) fn four_byte_integer(&mut self, field: Field) -> Result<u32, DecodeError> {
        let Some((&bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(DecodeError::Truncated(field));
        };
        self.rest = rest;
        Ok(u32::from_be_bytes(bytes))
    }

    /// A variable byte integer in its shortest form. [v5 MQTT-1.5.5-1]
    #[inline]
    pub(crate) fn variable_byte_integer(&mut self, field: Field) -> Result<u32, DecodeError> {
        let mut value = 0;
        for position in 0..4 {
            let byte = self.byte(field)?;
            value |= u32::from(byte & 0x7F) << (7 * position);
            if byte & 0x80 == 0 {
                if byte == 0 && position > 0 {
                    return Err(DecodeError::VariableByteInteger(field));
                }
                return Ok(value);
            }
        }
        Err(DecodeError::VariableByteInteger(field))
    }

    /// Bytes behind two bytes of length. [v5 1.5.6]
    #[inline]
    pub(crate) fn binary(&mut self, field: Field) -> Result<&'a [u8], DecodeError> {
        let length = self.two_byte_integer(field)?;
        self.bytes(usize::from(length), field)
    }

    /// Well-formed UTF-8 that may still hold U+0000. A byte order mark is a character like any
    /// other. [v3.1.1 MQTT-1.5.3-1] [v3.1.1 MQTT-1.5.3-3] [v5 MQTT-1.5.4-1] [v5 MQTT-1.5.4-3]
    #[inline]
    fn utf8(&mut self, field: Field) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.binary(field)?).map_err(|_| DecodeError::NotUtf8(field))
    }

    /// Text: well-formed UTF-8 without U+0000. [v3.1.1 MQTT-1.5.3-2] [v5 MQTT-1.5.4-2]
    #[inline]
    pub(crate) fn text(&mut self, field: Field) -> Result<&'a str, DecodeError> {
        let text = self.utf8(field)?;
        if memchr::memchr(0, text.as_bytes()).is_some() {
            return Err(DecodeError::NulInText(field));
        }
        Ok(text)
    }

    /// A topic name; `None` when it is empty, which only a v5 PUBLISH with an alias may be. One with the bytes
    /// of `expected` is that one, and is not looked at again.
    #[inline]
    pub(crate) fn topic_name_or_empty(
        &mut self,
        expected: Option<TopicName<'a>>,
        field: Field,
    ) -> Result<Option<TopicName<'a>>, DecodeError> {
        let bytes = self.binary(field)?;
        if expected.is_some_and(|expected| expected.as_str().as_bytes() == bytes) {
            return Ok(expected);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8(field))?;
        if text.is_empty() {
            return Ok(None);
        }
        match TopicName::new(text) {
            Some(topic) => Ok(Some(topic)),
            None if text.contains('\0') => Err(DecodeError::NulInText(field)),
            None => Err(DecodeError::TopicName(field)),
        }
    }

    /// A topic name. [v3.1.1 MQTT-4.7.3-1] [v5 MQTT-4.7.3-1]
    pub(crate) fn topic_name(&mut self, field: Field) -> Result<TopicName<'a>, DecodeError> {
        self.topic_name_or_empty(None, field)?
            .ok_or(DecodeError::TopicName(field))
    }

    /// A topic filter; in v5 one that begins with `$share/` must be a whole shared filter.
    /// [v5 MQTT-4.8.2-1] [v5 MQTT-4.8.2-2]
    pub(crate) fn topic_filter(
        &mut self,
        version: Version,
    ) -> Result<TopicFilter<'a>, DecodeError> {
        let text = self.text(Field::TopicFilter)?;
        let is_shared = version.is_v5() && text.starts_with(TopicFilter::SHARE_PREFIX);
        match TopicFilter::new(text) {
            Some(filter) if is_shared && filter.share().is_none() => {
                Err(DecodeError::SharedTopicFilter)
            }
            Some(filter) => Ok(filter),
            None => Err(DecodeError::TopicFilter),
        }
    }

    /// A topic filter that was read by [`Reader::topic_filter`] before.
    #[inline]
    pub(crate) fn known_topic_filter(&mut self) -> Result<TopicFilter<'a>, DecodeError> {
        self.utf8(Field::TopicFilter).map(TopicFilter::known)
    }

    /// A packet identifier. [v3.1.1 MQTT-2.3.1-1] [v5 MQTT-2.2.1-3]
    #[inline]
    pub(crate) fn packet_id(&mut self) -> Result<PacketId, DecodeError> {
        let id = self.two_byte_integer(Field::PacketIdentifier)?;
        PacketId::new(id).ok_or(DecodeError::PacketIdentifierZero)
    }
}
