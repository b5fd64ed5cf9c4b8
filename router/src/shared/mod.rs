//! Shared subscriptions: `$share/group/filter`, each message for exactly one member of the group.
//!
//! All shards know how many members a group has on each shard. The publisher's shard chooses one
//! (`strategy`). If that is one of its own and can take the message, it is given (`group_delivery`), with others
//! of its run if there are (`deal`); else the shard asks the member's shard (`route`), and asks on while the answer is no (`attempt`). A shard that is
//! asked looks among its own members (`pick`). When a member goes away, what it was given and has not
//! acknowledged begins this way again from its shard (`hand_on`). Whoever publishes is told when the last
//! taker has the message.

mod attempt;
mod deal;
mod group_delivery;
mod hand_on;
mod members;
mod membership;
mod pick;
mod route;
mod strategy;

pub(crate) use attempt::{Ask, Asked, Attempt, Origin};
use group_delivery::Given;
pub(crate) use members::{Members, ShardMembers};
pub(crate) use route::Carried;
pub(crate) use strategy::Choice;
pub use strategy::SharedStrategy;
