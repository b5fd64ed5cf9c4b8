//! Packets in hex, good and bad, for every version.

use crate::{Packet, Version, frame};

#[test]
fn a_ping_is_two_bytes() {
    for version in [Version::V31, Version::V311, Version::V5] {
        let raw = frame::split(&[0xC0, 0], 100).unwrap().unwrap();
        assert_eq!(Packet::decode(raw, version), Ok(Packet::PingReq));
    }
}
