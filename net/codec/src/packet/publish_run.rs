//! A run: PUBLISH packets one behind the other, each the first one with another payload.
//!
//! A busy publisher says several messages of one topic in a row. What was decided about the first of them
//! holds for all, and to a client of the same version they may go on as they came. Only QoS 0 without
//! RETAIN comes in runs: such a packet leaves no trace of its own. Finding a run looks at no payload.

use super::Publish;
use crate::write::length_of_variable_byte_integer;
use crate::{PACKET_SIZE_MAX, RawPacket, frame};

/// Two or more packets of QoS 0, not retained, that differ in nothing but their payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishRun<'a> {
    /// All packets, whole.
    bytes: &'a [u8],
    shape: RunShape,
}

/// Where a run has what, in bytes: what was found out about it, apart from the bytes themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunShape {
    packets: usize,
    /// What each packet has between its remaining length and its payload.
    head_len: usize,
    payload_bytes: usize,
    longest_payload_len: usize,
    /// The length of each packet, or 0 when they differ.
    packet_len: usize,
}

impl<'a> PublishRun<'a> {
    /// The run at the start of `bytes`, where `first` is, which was decoded to `publish`; `None` if it ends
    /// there. A packet longer than `packet_size_max` bytes ends a run, and so does a remaining length that
    /// takes more bytes than it needs: whoever goes on behind the run meets them.
    #[inline]
    pub fn at(
        bytes: &'a [u8],
        first: &RawPacket<'a>,
        publish: &Publish<'a>,
        packet_size_max: u32,
    ) -> Option<PublishRun<'a>> {
        // Mostly the first byte behind a packet tells.
        if bytes.get(first.length) != bytes.first() || first.header.flags != 0 {
            return None;
        }
        PublishRun::find(bytes, first, publish, packet_size_max)
    }

    fn find(
        bytes: &'a [u8],
        first: &RawPacket<'a>,
        publish: &Publish<'a>,
        packet_size_max: u32,
    ) -> Option<PublishRun<'a>> {
        let payload_len = publish.payload.len();
        let head = &first.body[..first.body.len() - payload_len];
        let mut run = PublishRun {
            bytes: &bytes[..first.length],
            shape: RunShape {
                packets: 1,
                head_len: head.len(),
                payload_bytes: payload_len,
                longest_payload_len: payload_len,
                packet_len: first.length,
            },
        };
        if !first.is_remaining_length_minimal() {
            return None;
        }
        // A packet that is as long is known by its first bytes. Of the remaining length the first byte tells
        // mostly whether it is.
        let start = &bytes[..first.length - payload_len];
        let is_surely_as_long = |rest: &[u8]| start[1] < 0x80 && rest.get(1) == Some(&start[1]);
        loop {
            let rest = &bytes[run.bytes.len()..];
            let (length, payload_len) = if rest.len() >= first.length && rest.starts_with(start) {
                (first.length, payload_len)
            } else if !is_surely_as_long(rest)
                && let Ok(Some(next)) = frame::split(rest, packet_size_max)
                && next.header == first.header
                && next.is_remaining_length_minimal()
                && next.body.starts_with(head)
            {
                run.shape.packet_len = 0;
                (next.length, next.body.len() - head.len())
            } else {
                break;
            };
            run.bytes = &bytes[..run.bytes.len() + length];
            run.shape.packets += 1;
            run.shape.payload_bytes += payload_len;
            run.shape.longest_payload_len = run.shape.longest_payload_len.max(payload_len);
        }
        (run.shape.packets > 1).then_some(run)
    }

    /// The run again whose bytes were copied.
    pub fn of(bytes: &'a [u8], shape: RunShape) -> PublishRun<'a> {
        PublishRun { bytes, shape }
    }

    /// What [`PublishRun::of`] wants beside the bytes.
    pub fn shape(&self) -> RunShape {
        self.shape
    }

    /// All packets, as they came.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// How many packets, two at least.
    pub fn packets(&self) -> usize {
        self.shape.packets
    }

    /// All payloads together, bytes.
    pub fn payload_bytes(&self) -> usize {
        self.shape.payload_bytes
    }

    /// The length of the longest payload, bytes.
    pub fn longest_payload_len(&self) -> usize {
        self.shape.longest_payload_len
    }

    /// The length of the longest packet, bytes.
    pub fn longest_len(&self) -> usize {
        let remaining = self.shape.head_len + self.shape.longest_payload_len;
        1 + length_of_variable_byte_integer(remaining as u32) + remaining
    }

    /// Where each packet ends, bytes from the start of the run.
    pub fn ends(&self) -> impl Iterator<Item = usize> + use<'a> {
        self.payloads().scan(0, |end, (_, packet)| {
            *end += packet.len();
            Some(*end)
        })
    }

    /// Each packet's payload, and the whole packet.
    pub fn payloads(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let PublishRun { mut bytes, shape } = *self;
        std::iter::from_fn(move || {
            let (length, payload_len) = if shape.packet_len == 0 {
                let raw = frame::split(bytes, PACKET_SIZE_MAX).ok()??;
                (raw.length, raw.body.len() - shape.head_len)
            } else {
                (shape.packet_len, shape.longest_payload_len)
            };
            let (packet, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            Some((&packet[length - payload_len..], packet))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::PublishRun;
    use crate::packet::Publish;
    use crate::{PACKET_SIZE_MAX, Version, frame};

    /// The run at the start of the bytes: its packets, payloads and longest payload.
    fn run(bytes: &[u8], version: Version, size_max: u32) -> Option<(usize, Vec<&[u8]>, usize)> {
        let first = frame::split(bytes, PACKET_SIZE_MAX).expect("a packet")?;
        let publish = Publish::decode(first, version, None).expect("a PUBLISH");
        let run = PublishRun::at(bytes, &first, &publish, size_max)?;
        let payloads: Vec<_> = run.payloads().map(|(payload, _)| payload).collect();
        let lengths: usize = run.payloads().map(|(_, packet)| packet.len()).sum();
        assert_eq!(lengths, run.as_bytes().len());
        let payload_bytes: usize = payloads.iter().map(|payload| payload.len()).sum();
        assert_eq!(payload_bytes, run.payload_bytes());
        assert_eq!(payloads.len(), run.packets());
        assert_eq!(run.as_bytes(), &bytes[..lengths]);
        assert_eq!(run.ends().last(), Some(lengths));
        let longest = run.payloads().map(|(_, packet)| packet.len()).max();
        assert_eq!(longest, Some(run.longest_len()));
        assert_eq!(PublishRun::of(run.as_bytes(), run.shape()), run);
        Some((lengths, payloads, run.longest_payload_len()))
    }

    #[test]
    fn payloads_of_any_length_make_one_run() {
        let long = [7; 200];
        let mut bytes = b"\x30\x04\0\x01ax\x30\x03\0\x01a\x30\x05\0\x01ayz".to_vec();
        bytes.extend_from_slice(b"\x30\xCB\x01\0\x01a");
        bytes.extend_from_slice(&long);
        let (length, payloads, longest) = run(&bytes, Version::V311, 1_000).expect("a run");
        assert_eq!((length, longest), (bytes.len(), 200));
        assert_eq!(payloads, [b"x", &b""[..], b"yz", &long]);
    }

    #[test]
    fn a_run_ends_at_whatever_is_not_the_same() {
        let start = b"\x30\x04\0\x01ax\x30\x04\0\x01ay";
        let ends: [(&str, &[u8]); 9] = [
            ("nothing", b""),
            ("half a packet", b"\x30\x04\0\x01a"),
            ("half a length", b"\x30\x84"),
            ("another topic", b"\x30\x04\0\x01bz"),
            ("a longer topic", b"\x30\x05\0\x02abz"),
            ("RETAIN", b"\x31\x04\0\x01az"),
            ("another QoS", b"\x32\x06\0\x01a\0\x01z"),
            ("a padded length", b"\x30\x84\x00\0\x01az"),
            ("no packet", b"\x30\xFF\xFF\xFF\xFF"),
        ];
        for (what, end) in ends {
            let mut bytes = start.to_vec();
            bytes.extend_from_slice(end);
            let found = run(&bytes, Version::V311, 1_000).map(|it| (it.0, it.1.len()));
            assert_eq!(found, Some((start.len(), 2)), "{what}");
            let alone = [&start[..6], end].concat();
            assert_eq!(run(&alone, Version::V311, 1_000), None, "{what}");
        }
        let mut bytes = start.to_vec();
        bytes.extend_from_slice(b"\x30\x05\0\x01azz");
        assert_eq!(run(&bytes, Version::V311, 6).expect("a run").0, start.len());
    }

    #[test]
    fn what_leaves_a_trace_comes_alone() {
        let twice = |packet: &[u8]| [packet, packet].concat();
        for packet in [
            &b"\x31\x04\0\x01ax"[..],
            b"\x32\x06\0\x01a\0\x01x",
            b"\x30\x84\x00\0\x01ax",
        ] {
            assert_eq!(run(&twice(packet), Version::V311, 1_000), None);
        }
        // DUP at QoS 0, which only 3.1 allows.
        assert_eq!(run(&twice(b"\x38\x04\0\x01ax"), Version::V31, 1_000), None);
    }

    #[test]
    fn properties_must_be_the_same() {
        let plain = b"\x30\x05\0\x01a\0x";
        let with_alias = b"\x30\x08\0\x01a\x03\x23\0\x01x";
        let by_alias = b"\x30\x07\0\0\x03\x23\0\x01x";
        for (packets, length) in [
            ([&plain[..], plain].concat(), 14),
            ([&with_alias[..], with_alias].concat(), 20),
            ([&by_alias[..], by_alias, plain].concat(), 18),
        ] {
            assert_eq!(run(&packets, Version::V5, 1_000).expect("a run").0, length);
        }
        assert_eq!(
            run(&[&with_alias[..], by_alias].concat(), Version::V5, 1_000),
            None
        );
    }
}
