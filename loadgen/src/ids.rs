//! The numbers loadgen gives to what it simulates, as types that cannot be mixed up.
//!
//! All modules use them. They are dense indices from zero.

/// One publishing source with a sequence of its own: a publisher, or one simulated sensor of many on a
/// connection. It is the publisher id in the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StreamId(pub(crate) u32);

/// A publishing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PublisherId(pub(crate) u32);

/// A subscribing connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SubscriberId(pub(crate) u32);

/// Any connection of the run: subscribers first, then publishers, then the observer of `$SYS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ClientId(pub(crate) u32);

macro_rules! index {
    ($($id:ident),*) => {$(
        impl $id {
            /// As an index into a table.
            pub(crate) const fn at(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
index!(StreamId, PublisherId, SubscriberId, ClientId);
