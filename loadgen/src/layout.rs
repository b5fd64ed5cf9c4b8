//! Who hears whom: publishers, the streams they carry, and the groups that tie streams to subscribers.
//!
//! A scenario makes one; audit, pacing and the run read it. A group is a contiguous range of streams, and
//! every subscriber hears exactly one group: all of fan-out and fan-in is one group, each pair is one, each
//! site of the simulated sensors is one.

use std::ops::Range;

use crate::ids::{PublisherId, StreamId, SubscriberId};

/// The shape of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Sources with a sequence of their own.
    pub(crate) streams: u32,
    /// Publishing connections, at most `streams`.
    pub(crate) publishers: u32,
    /// Subscribing connections.
    pub(crate) subscribers: u32,
    /// Groups, at least 1.
    pub(crate) groups: u32,
    /// Shared subscriptions that the subscribers are spread over, each of which hears every stream once;
    /// 0 when every subscriber hears for itself. With shared subscriptions there is one group.
    pub(crate) shares: u32,
}

/// First of `parts` balanced parts' bounds over `whole`.
const fn bound(part: u32, parts: u32, whole: u32) -> u32 {
    (part as u64 * whole as u64 / parts as u64) as u32
}

/// The part that holds `item`: the inverse of [`bound`].
const fn part_of(item: u32, parts: u32, whole: u32) -> u32 {
    (((item as u64 + 1) * parts as u64 - 1) / whole as u64) as u32
}

impl Layout {
    /// The streams of a group.
    pub(crate) const fn streams_of_group(&self, group: u32) -> Range<u32> {
        bound(group, self.groups, self.streams)..bound(group + 1, self.groups, self.streams)
    }

    /// The group a stream belongs to.
    pub(crate) const fn group_of_stream(&self, stream: StreamId) -> u32 {
        part_of(stream.0, self.groups, self.streams)
    }

    /// The group a subscriber hears.
    pub(crate) const fn group_of_subscriber(&self, subscriber: SubscriberId) -> u32 {
        subscriber.0 % self.groups
    }

    /// The streams a subscriber hears.
    pub(crate) const fn heard_by(&self, subscriber: SubscriberId) -> Range<u32> {
        self.streams_of_group(self.group_of_subscriber(subscriber))
    }

    /// Those whose books are kept apart: subscribers, or shared subscriptions.
    pub(crate) const fn audiences(&self) -> u32 {
        if self.shares > 0 {
            self.shares
        } else {
            self.subscribers
        }
    }

    /// The audience a subscriber belongs to.
    pub(crate) const fn audience_of(&self, subscriber: SubscriberId) -> u32 {
        if self.shares > 0 {
            subscriber.0 % self.shares
        } else {
            subscriber.0
        }
    }

    /// How many deliveries a message of a group makes, when only the first `subscribers` are counted.
    pub(crate) const fn hearers(&self, group: u32, subscribers: u32) -> u32 {
        if self.shares > 0 {
            return self.shares;
        }
        (subscribers + self.groups - 1 - group) / self.groups
    }

    /// The streams a publisher carries.
    pub(crate) const fn streams_of(&self, publisher: PublisherId) -> Range<u32> {
        bound(publisher.0, self.publishers, self.streams)
            ..bound(publisher.0 + 1, self.publishers, self.streams)
    }

    /// The publisher that carries a stream.
    pub(crate) const fn publisher_of(&self, stream: StreamId) -> PublisherId {
        PublisherId(part_of(stream.0, self.publishers, self.streams))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stream_has_one_group_and_one_publisher() {
        for (streams, publishers, groups) in [
            (1, 1, 1),
            (10, 3, 4),
            (5, 5, 1),
            (7, 2, 7),
            (20_000, 77, 50),
        ] {
            let layout = Layout {
                streams,
                publishers,
                subscribers: 9,
                groups,
                shares: 0,
            };
            for stream in (0..streams).map(StreamId) {
                assert!(
                    layout
                        .streams_of_group(layout.group_of_stream(stream))
                        .contains(&stream.0)
                );
                assert!(
                    layout
                        .streams_of(layout.publisher_of(stream))
                        .contains(&stream.0)
                );
            }
            let carried: u32 = (0..publishers)
                .map(|p| layout.streams_of(PublisherId(p)).len() as u32)
                .sum();
            assert_eq!(carried, streams);
        }
    }

    #[test]
    fn hearers_are_counted() {
        let layout = Layout {
            streams: 12,
            publishers: 12,
            subscribers: 10,
            groups: 4,
            shares: 0,
        };
        for subscribers in 0..=10 {
            for group in 0..4 {
                let counted = (0..subscribers)
                    .filter(|&s| layout.group_of_subscriber(SubscriberId(s)) == group)
                    .count();
                assert_eq!(layout.hearers(group, subscribers), counted as u32);
            }
        }
    }

    #[test]
    fn a_shared_subscription_hears_once() {
        let layout = Layout {
            streams: 12,
            publishers: 12,
            subscribers: 10,
            groups: 1,
            shares: 2,
        };
        assert_eq!((layout.audiences(), layout.hearers(0, 10)), (2, 2));
        assert_eq!(layout.audience_of(SubscriberId(7)), 1);
    }
}
