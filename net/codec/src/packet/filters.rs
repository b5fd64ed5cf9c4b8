//! The list of topic filters that SUBSCRIBE and UNSUBSCRIBE end with.
//!
//! It stays in the bytes it came in, validated once, and is read through an iterator, so that decoding
//! allocates nothing however many filters there are. What an entry holds is its packet's.

use crate::read::Reader;
use crate::{DecodeError, PacketType, Version};

/// Reads one entry.
pub(super) type ReadEntry<'a, T> = fn(&mut Reader<'a>, Version) -> Result<T, DecodeError>;

/// A validated list of at least one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FilterList<'a> {
    bytes: &'a [u8],
    version: Version,
    len: usize,
}

impl<'a> FilterList<'a> {
    /// Validates all that `reader` has left.
    pub(super) fn read<T>(
        reader: Reader<'a>,
        (packet_type, version): (PacketType, Version),
        read_entry: ReadEntry<'a, T>,
    ) -> Result<FilterList<'a>, DecodeError> {
        if reader.is_empty() {
            return Err(DecodeError::NoTopicFilter(packet_type));
        }
        let mut rest = reader;
        let mut len = 0;
        while !rest.is_empty() {
            read_entry(&mut rest, version)?;
            len += 1;
        }
        Ok(FilterList {
            bytes: reader.rest(),
            version,
            len,
        })
    }

    /// Entries.
    pub(super) fn len(self) -> usize {
        self.len
    }

    /// In the order of the wire; `read_entry` may rely on what the list was read with.
    pub(super) fn iter<T>(
        self,
        read_entry: ReadEntry<'a, T>,
    ) -> impl Iterator<Item = T> + Clone + use<'a, T> {
        let mut reader = Reader::new(self.bytes);
        (0..self.len).map_while(move |_| read_entry(&mut reader, self.version).ok())
    }
}
