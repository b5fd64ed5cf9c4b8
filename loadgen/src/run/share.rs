//! Which clients of a run are this loop's own, when several loops or machines carry it out together.
//!
//! Publisher n and subscriber n belong to the same loop, so that a pair stays together. The members of a
//! shared subscription all belong to the first: only one place can tell whether two of them got a message.

use crate::ids::{ClientId, PublisherId, SubscriberId};
use crate::layout::Layout;

/// One of `of` shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) index: u32,
    pub(crate) of: u32,
}

/// Which clients a wave of connects brings up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wave {
    All,
    /// All but the subscribers.
    Publishers,
    Subscribers,
}

impl Share {
    /// Everything.
    pub(crate) const WHOLE: Share = Share { index: 0, of: 1 };

    /// Whether a publisher belongs to this share.
    pub(crate) const fn owns_publisher(self, publisher: PublisherId) -> bool {
        publisher.0 % self.of == self.index
    }

    /// Items of `total` that belong to this share.
    const fn count(self, total: u32) -> u32 {
        (total + self.of - 1 - self.index) / self.of
    }

    fn subscribers(self, layout: &Layout) -> u32 {
        match (layout.shares > 0, self.index) {
            (true, 0) => layout.subscribers,
            (true, _) => 0,
            (false, _) => self.count(layout.subscribers),
        }
    }

    fn subscriber(self, layout: &Layout, number: u32) -> SubscriberId {
        match layout.shares > 0 {
            true => SubscriberId(number),
            false => SubscriberId(number * self.of + self.index),
        }
    }

    /// Clients of this share in a wave. The observer of `$SYS` goes with the first share.
    pub(crate) fn clients_of(self, layout: &Layout, wave: Wave, has_observer: bool) -> u32 {
        let publishers = self.count(layout.publishers) + u32::from(has_observer && self.index == 0);
        match wave {
            Wave::All => self.subscribers(layout) + publishers,
            Wave::Publishers => publishers,
            Wave::Subscribers => self.subscribers(layout),
        }
    }

    /// The `number`th client of a wave: subscribers first, then publishers, then the observer.
    pub(crate) fn client_of(self, layout: &Layout, wave: Wave, number: u32) -> ClientId {
        let subscribers = match wave {
            Wave::Publishers => 0,
            Wave::All | Wave::Subscribers => self.subscribers(layout),
        };
        if number < subscribers {
            return ClientId(self.subscriber(layout, number).0);
        }
        let publisher = number - subscribers;
        if publisher < self.count(layout.publishers) {
            ClientId(layout.subscribers + publisher * self.of + self.index)
        } else {
            ClientId(layout.subscribers + layout.publishers)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(layout: &Layout, of: u32, wave: Wave) -> Vec<u32> {
        let mut all = Vec::new();
        for index in 0..of {
            let share = Share { index, of };
            let count = share.clients_of(layout, wave, true);
            all.extend((0..count).map(|number| share.client_of(layout, wave, number).0));
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn every_client_belongs_to_one_share() {
        for (subscribers, publishers, shares) in [(7, 5, 0), (1, 9, 0), (0, 3, 0), (8, 4, 2)] {
            let layout = Layout {
                streams: publishers,
                publishers,
                subscribers,
                groups: 1,
                shares,
            };
            for of in 1..5 {
                let total = subscribers + publishers + 1;
                assert_eq!(
                    clients(&layout, of, Wave::All),
                    (0..total).collect::<Vec<_>>()
                );
                assert_eq!(
                    clients(&layout, of, Wave::Subscribers),
                    (0..subscribers).collect::<Vec<_>>()
                );
                assert_eq!(
                    clients(&layout, of, Wave::Publishers),
                    (subscribers..total).collect::<Vec<_>>()
                );
            }
        }
    }
}
