//! The filters of one session, by name: what must be unsubscribed at its end.

use crate::index::{FilterIndex, GroupIndex};
use crate::keyed_list::{Keyed, KeyedList};

/// Filters kept without an allocation: what fits beside a pointer, and what sensors have.
const FEW: usize = 3;

/// The filters a session is subscribed to, small for the few that most sensors have.
#[derive(Debug)]
pub(crate) enum Subscriptions {
    Few {
        len: u8,
        filters: [FilterIndex; FEW],
    },
    Many(Box<KeyedList<FilterIndex>>),
}

const _: () = assert!(size_of::<Subscriptions>() <= 16);

impl Keyed for FilterIndex {
    fn key(&self) -> u32 {
        self.0
    }
}

impl Default for Subscriptions {
    fn default() -> Subscriptions {
        Subscriptions::Few {
            len: 0,
            filters: [FilterIndex(0); FEW],
        }
    }
}

impl Subscriptions {
    pub(crate) fn as_slice(&self) -> &[FilterIndex] {
        match self {
            Subscriptions::Few { len, filters } => &filters[..usize::from(*len)],
            Subscriptions::Many(filters) => filters.as_slice(),
        }
    }

    /// The groups among them.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupIndex> {
        self.as_slice().iter().filter_map(|filter| filter.group())
    }

    /// The caller knows that it is not in yet.
    pub(crate) fn insert(&mut self, filter: FilterIndex) {
        match self {
            Subscriptions::Few { len, filters } if usize::from(*len) < FEW => {
                filters[usize::from(*len)] = filter;
                *len += 1;
            }
            Subscriptions::Few { filters, .. } => {
                let [first, second, third] = *filters;
                let mut many = KeyedList::of_two(first, second);
                many.push(third);
                many.push(filter);
                *self = Subscriptions::Many(Box::new(many));
            }
            Subscriptions::Many(filters) => filters.push(filter),
        }
    }

    pub(crate) fn remove(&mut self, filter: FilterIndex) {
        match self {
            Subscriptions::Few { len, filters } => {
                let held = &mut filters[..usize::from(*len)];
                if let Some(at) = held.iter().position(|it| *it == filter) {
                    held[at] = held[held.len() - 1];
                    *len -= 1;
                }
            }
            Subscriptions::Many(filters) => {
                filters.remove(filter.0);
                if let [first, second, third] = *filters.as_slice() {
                    *self = Subscriptions::Few {
                        len: FEW as u8,
                        filters: [first, second, third],
                    };
                }
            }
        }
    }

    /// Memory beside the value itself, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Subscriptions::Few { .. } => 0,
            Subscriptions::Many(filters) => {
                size_of::<KeyedList<FilterIndex>>() as u64 + filters.heap_bytes()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Subscriptions};
    use crate::index::FilterIndex;

    #[test]
    fn filters_come_and_go_in_any_number() {
        let mut subscriptions = Subscriptions::default();
        for count in 0..=2 * FEW as u32 {
            let mut held: Vec<u32> = subscriptions.as_slice().iter().map(|it| it.0).collect();
            held.sort_unstable();
            assert!(held.into_iter().eq(0..count));
            assert_eq!(subscriptions.bytes() > 0, count > FEW as u32);
            subscriptions.insert(FilterIndex(count));
        }
        subscriptions.remove(FilterIndex(99));
        for filter in [5, 0, 6, 2, 3, 1, 4] {
            assert!(subscriptions.as_slice().contains(&FilterIndex(filter)));
            subscriptions.remove(FilterIndex(filter));
            assert!(!subscriptions.as_slice().contains(&FilterIndex(filter)));
        }
        assert_eq!(
            (subscriptions.as_slice(), subscriptions.bytes()),
            (&[][..], 0)
        );
        subscriptions.insert(FilterIndex(7));
        subscriptions.insert(FilterIndex(8));
        subscriptions.remove(FilterIndex(7));
        assert_eq!(subscriptions.as_slice(), [FilterIndex(8)]);
    }
}
