//! What one client waits for: its publishes in the acknowledgement gate, and the identifiers of its QoS 2
//! messages between PUBLISH and PUBREL.
//!
//! A session has this only while it is needed. It outlives connections: a QoS 2 message is routed once
//! even when the client repeats its PUBLISH on another connection. [v5 MQTT-4.3.3-10]

use std::collections::VecDeque;

use ringmq_codec::PacketId;

use crate::gate::Gate;

/// The receiving side of one session.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    /// QoS 2 identifiers received and not released, ascending.
    received: VecDeque<PacketId>,
    pub(crate) gate: Gate,
}

impl Inbound {
    /// Notes a QoS 2 PUBLISH; false when one with this identifier was taken before.
    #[inline]
    pub(crate) fn insert(&mut self, id: PacketId) -> bool {
        // Clients count upwards.
        if self.received.back().is_none_or(|last| *last < id) {
            self.received.push_back(id);
            return true;
        }
        let place = self.received.binary_search(&id);
        place
            .map_err(|place| self.received.insert(place, id))
            .is_err()
    }

    /// Forgets a QoS 2 identifier; false when it was not known.
    #[inline]
    pub(crate) fn remove(&mut self, id: PacketId) -> bool {
        if self.received.front() == Some(&id) {
            self.received.pop_front();
            return true;
        }
        let place = self.received.binary_search(&id);
        place.map(|place| self.received.remove(place)).is_ok()
    }

    /// Whether nothing is awaited.
    pub(crate) fn is_empty(&self) -> bool {
        self.received.is_empty() && self.gate.is_empty()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let received = self.received.capacity() * size_of::<PacketId>();
        (size_of::<Inbound>() + received) as u64 + self.gate.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Inbound;
    use ringmq_codec::PacketId;

    #[test]
    fn identifiers_are_known_from_publish_to_release() {
        let mut inbound = Inbound::default();
        let ids = [7, 3, 65_535, 3].map(|id| PacketId::new(id).expect("not zero"));
        assert_eq!(ids.map(|id| inbound.insert(id)), [true, true, true, false]);
        assert!(!inbound.remove(PacketId::FIRST));
        assert!(inbound.remove(ids[1]));
        assert!(!inbound.remove(ids[1]));
        assert!(inbound.remove(ids[0]) && inbound.remove(ids[2]));
        assert!(inbound.is_empty());
    }
}
