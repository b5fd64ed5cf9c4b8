//! The filters of one session, by name: what must be unsubscribed at its end.

use crate::index::{FilterIndex, GroupIndex};

/// The filters a session is subscribed to, small for the one that most sensors have.
#[derive(Debug, Default)]
pub(crate) enum Subscriptions {
    #[default]
    None,
    One(FilterIndex),
    Many(Vec<FilterIndex>),
}

impl Subscriptions {
    pub(crate) fn as_slice(&self) -> &[FilterIndex] {
        match self {
            Subscriptions::None => &[],
            Subscriptions::One(filter) => std::slice::from_ref(filter),
            Subscriptions::Many(filters) => filters,
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
                *self = Subscriptions::Many(vec![*first, filter]);
            }
            Subscriptions::Many(filters) => filters.push(filter),
        }
    }

    pub(crate) fn remove(&mut self, filter: FilterIndex) {
        match self {
            Subscriptions::One(only) if *only == filter => *self = Subscriptions::None,
            Subscriptions::Many(filters) => {
                if let Some(at) = filters.iter().position(|it| *it == filter) {
                    filters.swap_remove(at);
                }
                if filters.is_empty() {
                    *self = Subscriptions::None;
                }
            }
            _ => {}
        }
    }

    /// Memory beside the value itself, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Subscriptions::Many(filters) => (filters.capacity() * size_of::<FilterIndex>()) as u64,
            _ => 0,
        }
    }
}
