//! Shared subscriptions: `$share/group/filter`, each message for exactly one member of the group.
//!
//! All shards know how many members a group has on each shard. The publisher's shard chooses one
//! (`strategy`), asks its shard (`route`), and asks on while the answer is no (`attempt`); a shard that is
//! asked looks among its own members (`pick`). When a member goes away, what it was given and has not
//! acknowledged begins this way again from its shard (`hand_on`). Whoever publishes is told when the last
//! taker has the message.

mod attempt;
mod hand_on;
mod members;
mod membership;
mod pick;
mod route;
mod strategy;

pub(crate) use attempt::{Ask, Asked, Attempt, Origin};
pub(crate) use members::{Members, ShardMembers};
pub(crate) use route::Carried;
pub(crate) use strategy::Choice;
pub use strategy::SharedStrategy;
