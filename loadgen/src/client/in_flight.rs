//! A publisher's messages of QoS 1 and 2 that the broker has not acknowledged yet.
//!
//! Packet identifiers are handed out in ascending order and wrap behind 65,535, so that those in flight
//! are one range of numbers: a byte each, nothing hashed.

use std::collections::VecDeque;

use ringmq_codec::{PacketId, PacketType, Qos};

/// How far one message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// PUBLISH is out.
    Published,
    /// QoS 2: PUBREL is out.
    Released,
    /// Done; waits for those before it.
    Done,
}

/// What an acknowledgement means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The message is done.
    Done,
    /// PUBREL is owed. [v3.1.1 MQTT-4.3.3-1] [v5 MQTT-4.3.3-4]
    Release,
    /// Nothing in flight has this identifier, or not at this stage.
    Unknown,
}

/// The messages in flight of one publisher.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// Identifier of the first entry.
    first: PacketId,
    next: PacketId,
    stages: VecDeque<Stage>,
    unacknowledged: u32,
    /// What the broker allows. [v5 MQTT-3.3.4-7]
    receive_maximum: u16,
}

impl InFlight {
    /// Nothing in flight, at most `receive_maximum` at a time.
    pub(crate) fn new(receive_maximum: u16) -> InFlight {
        InFlight {
            first: PacketId::FIRST,
            next: PacketId::FIRST,
            stages: VecDeque::new(),
            unacknowledged: 0,
            receive_maximum,
        }
    }

    /// Sets what the broker's CONNACK allows.
    pub(crate) fn set_receive_maximum(&mut self, receive_maximum: u16) {
        self.receive_maximum = receive_maximum;
    }

    /// Messages that are not done.
    pub(crate) fn unacknowledged(&self) -> u32 {
        self.unacknowledged
    }

    /// Whether another message may be published.
    pub(crate) fn has_room(&self) -> bool {
        self.stages.len() < usize::from(u16::MAX)
            && self.unacknowledged < u32::from(self.receive_maximum)
    }

    /// The identifier of the next message; `has_room` must have said yes.
    pub(crate) fn publish(&mut self) -> PacketId {
        let id = self.next;
        self.next = id.next();
        self.stages.push_back(Stage::Published);
        self.unacknowledged += 1;
        id
    }

    /// Takes an acknowledgement. `refused`: its reason code is an error, which ends the exchange.
    /// [v5 MQTT-4.3.3-4]
    pub(crate) fn on_ack(
        &mut self,
        packet_type: PacketType,
        id: PacketId,
        qos: Qos,
        refused: bool,
    ) -> Answer {
        // Identifiers run from 1 to 65,535, so distances are taken modulo 65,535.
        let distance = (u32::from(id.get()) + 65_535 - u32::from(self.first.get())) % 65_535;
        let Some(stage) = self.stages.get_mut(distance as usize) else {
            return Answer::Unknown;
        };
        let is_done = match (packet_type, qos, *stage) {
            (PacketType::PubAck, Qos::AtLeastOnce, Stage::Published) => true,
            (PacketType::PubRec, Qos::ExactlyOnce, Stage::Published) => refused,
            (PacketType::PubComp, Qos::ExactlyOnce, Stage::Released) => true,
            _ => return Answer::Unknown,
        };
        if !is_done {
            *stage = Stage::Released;
            return Answer::Release;
        }
        *stage = Stage::Done;
        self.unacknowledged -= 1;
        while self.stages.front() == Some(&Stage::Done) {
            self.stages.pop_front();
            self.first = self.first.next();
        }
        Answer::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    #[test]
    fn identifiers_wrap_and_acknowledgements_come_in_any_order() {
        let mut in_flight = InFlight::new(u16::MAX);
        for round in 0..200_000u32 {
            let first = in_flight.publish();
            let second = in_flight.publish();
            assert_eq!(u32::from(first.get()), 2 * round % 65_535 + 1);
            for number in [second, first] {
                let answer = in_flight.on_ack(PacketType::PubAck, number, Qos::AtLeastOnce, false);
                assert_eq!(answer, Answer::Done);
            }
            assert_eq!(in_flight.unacknowledged(), 0);
        }
    }

    #[test]
    fn qos_2_takes_two_steps() {
        let mut in_flight = InFlight::new(1);
        let first = in_flight.publish();
        assert!(!in_flight.has_room());
        let mut answer =
            |packet_type| in_flight.on_ack(packet_type, first, Qos::ExactlyOnce, false);
        assert_eq!(answer(PacketType::PubComp), Answer::Unknown);
        assert_eq!(answer(PacketType::PubAck), Answer::Unknown);
        assert_eq!(answer(PacketType::PubRec), Answer::Release);
        assert_eq!(answer(PacketType::PubRec), Answer::Unknown);
        assert_eq!(answer(PacketType::PubComp), Answer::Done);
        assert_eq!(answer(PacketType::PubComp), Answer::Unknown);
        assert!(in_flight.has_room());
    }

    #[test]
    fn a_refused_message_is_done() {
        let mut in_flight = InFlight::new(5);
        let first = in_flight.publish();
        let answer = in_flight.on_ack(PacketType::PubRec, first, Qos::ExactlyOnce, true);
        assert_eq!(answer, Answer::Done);
    }

    #[test]
    fn unknown_identifiers_change_nothing() {
        let mut in_flight = InFlight::new(5);
        in_flight.publish();
        for number in [2, 3, 65_535] {
            let answer = in_flight.on_ack(PacketType::PubAck, id(number), Qos::AtLeastOnce, false);
            assert_eq!(answer, Answer::Unknown);
        }
        assert_eq!(in_flight.unacknowledged(), 1);
    }

    #[test]
    fn the_last_identifier_is_not_given_twice() {
        let mut in_flight = InFlight::new(u16::MAX);
        for _ in 0..65_535 {
            assert!(in_flight.has_room());
            in_flight.publish();
        }
        assert!(!in_flight.has_room());
        in_flight.on_ack(PacketType::PubAck, id(2), Qos::AtLeastOnce, false);
        assert!(!in_flight.has_room());
        in_flight.on_ack(PacketType::PubAck, id(1), Qos::AtLeastOnce, false);
        assert!(in_flight.has_room());
    }
}
