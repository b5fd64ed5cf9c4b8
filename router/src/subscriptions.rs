//! The filters of one session, by name: what must be unsubscribed at its end.

use crate::index::{FilterIndex, GroupIndex};
use crate::keyed_list::{Keyed, KeyedList};

/// The filters a session is subscribed to, small for the one that most sensors have.
#[derive(Debug, Default)]
pub(crate) enum Subscriptions {
    #[default]
    None,
    One(FilterIndex),
    Many(Box<KeyedList<FilterIndex>>),
}

impl Keyed for FilterIndex {
    fn key(&self) -> u32 {
        self.0
    }
}

impl Subscriptions {
    pub(crate) fn as_slice(&self) -> &[FilterIndex] {
        match self {
            Subscriptions::None => &[],
            Subscriptions::One(filter) => std::slice::from_ref(filter),
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
            Subscriptions::None => *self = Subscriptions::One(filter),
            Subscriptions::One(first) => {
                let many = KeyedList::of_two(*first, filter);
                *self = Subscriptions::Many(Box::new(many));
            }
            Subscriptions::Many(filters) => filters.push(filter),
        }
    }

    pub(crate) fn remove(&mut self, filter: FilterIndex) {
        match self {
            Subscriptions::One(only) if *only == filter => *self = Subscriptions::None,
            Subscriptions::Many(filters) => {
                filters.remove(filter.0);
                match *filters.as_slice() {
                    [] => *self = Subscriptions::None,
                    [last] => *self = Subscriptions::One(last),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Memory beside the value itself, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Subscriptions::Many(filters) => {
                size_of::<KeyedList<FilterIndex>>() as u64 + filters.heap_bytes()
            }
            _ => 0,
        }
    }
}
