//! The look among this shard's members of a group for one that takes a message.
//!
//! From the chosen one on: a connected member that can take it now, else one that may queue it. Members
//! are only looked at here; [`Shard::give_to_member`] then delivers as to any session, and
//! [`super::group_delivery`] to one that is ready.

use ringmq_codec::Qos;

use crate::deliver::Terms;
use crate::ids::SessionIndex;
use crate::index::{Group, GroupIndex, PackedOptions, Subscriber};
use crate::link::Refusal;
use crate::publish_frame::{Message, frame_len};
use crate::sessions::Sessions;
use crate::{Outputs, Settings, Shard, SharedStrategy};

use super::{Ask, Members};

/// What decides whether a member can take a message.
pub(super) struct Look<'a> {
    pub(super) sessions: &'a Sessions,
    pub(super) settings: &'a Settings,
    pub(super) message: &'a Message<'a>,
}

impl Shard {
    /// Gives the message to a member of this shard, or says why none takes it.
    pub(crate) fn give_to_member(
        &mut self,
        group: GroupIndex,
        ask: Ask,
        message: &Message<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), Refusal> {
        let member = self.pick_member(group, ask, message)?;
        self.send_to_member((group, member), message, outputs);
        Ok(())
    }

    fn pick_member(
        &mut self,
        group: GroupIndex,
        ask: Ask,
        message: &Message<'_>,
    ) -> Result<Subscriber, Refusal> {
        let group = self.index.group_mut(group).ok_or(Refusal::NoMember)?;
        let start = start_of(group, ask.position);
        let look = Look {
            sessions: &self.sessions,
            settings: &self.settings,
            message,
        };
        let by_load = is_by_load(group);
        let connected = from(group.members.connected(), start);
        let picked = match look.among_connected(connected, by_load) {
            Ok(ready) => Ok(ready),
            Err((_, Some(busy))) if ask.may_queue => Ok(busy),
            Err((_, Some(_))) => Err(Refusal::Busy),
            Err((refusal, None)) => {
                let away = from(group.members.away(), start);
                match look.among_away(away, refusal) {
                    Ok(away) if ask.may_queue => Ok(away),
                    Ok(_) => Err(Refusal::Away),
                    Err(refusal) => Err(refusal),
                }
            }
        };
        if let Ok(member) = picked {
            group.last_member = Some(member.session);
        }
        picked
    }
}

impl Look<'_> {
    /// The member of this shard that can take the message now, the one at the position if it can.
    #[inline]
    pub(super) fn pick_ready(&self, group: &Group, position: u32) -> Option<Subscriber> {
        let connected = group.members.connected();
        let start = start_of(group, position);
        if is_by_load(group) {
            return self.among_connected(from(connected, start), true).ok();
        }
        let first = connected.get(start % connected.len().max(1)).copied();
        let first = first.filter(|member| self.takes(*member));
        first.or_else(|| self.next_ready(connected, start))
    }

    /// The first after the one at the start.
    fn next_ready(&self, connected: &[Subscriber], start: usize) -> Option<Subscriber> {
        let mut others = from(connected, start).copied().skip(1);
        others.find(|member| self.takes(*member))
    }

    /// Whether the member can take the message now.
    #[inline]
    fn takes(&self, member: Subscriber) -> bool {
        self.is_ready(member) && self.fits(member)
    }

    /// The first that can take the message now, or of those the one with the smallest load; else the most
    /// telling reason and one that may queue it.
    fn among_connected<'m>(
        &self,
        members: impl Iterator<Item = &'m Subscriber>,
        by_load: bool,
    ) -> Result<Subscriber, (Refusal, Option<Subscriber>)> {
        let mut refusal = Refusal::NoMember;
        let mut busy = None;
        let mut ready: Option<(u32, Subscriber)> = None;
        for &member in members {
            if !self.fits(member) {
                refusal = refusal.max(Refusal::TooLarge);
                continue;
            }
            if self.is_ready(member) {
                if !by_load {
                    return Ok(member);
                }
                let load = load(self.sessions, member.session);
                if ready.is_none_or(|(least, _)| load < least) {
                    ready = Some((load, member));
                }
            } else if busy.is_none() {
                match self.has_queue_room(member.session) {
                    Ok(()) => busy = Some(member),
                    Err(full) => refusal = refusal.max(full),
                }
            }
        }
        match ready {
            Some((_, member)) => Ok(member),
            None => Err((refusal, busy)),
        }
    }

    /// The first whose session may queue the message; else the most telling reason.
    fn among_away<'m>(
        &self,
        members: impl Iterator<Item = &'m Subscriber>,
        mut refusal: Refusal,
    ) -> Result<Subscriber, Refusal> {
        for &member in members {
            let why_not = if self.is_qos0_for(member) {
                Refusal::Offline
            } else {
                match self.has_queue_room(member.session) {
                    Ok(()) => return Ok(member),
                    Err(full) => full,
                }
            };
            refusal = refusal.max(why_not);
        }
        Err(refusal)
    }

    #[inline]
    fn is_qos0_for(&self, member: Subscriber) -> bool {
        self.message.qos == Qos::AtMostOnce || member.options.qos() == Qos::AtMostOnce
    }

    /// Whether the client takes a packet of this length. [v5 MQTT-3.1.2-24]
    #[inline]
    fn fits(&self, member: Subscriber) -> bool {
        let hot = self.sessions.hot(member.session);
        if hot.packet_size_max == u32::MAX {
            return true;
        }
        let envelope = terms(self.message, member.options).envelope(hot.version);
        frame_len(&self.message.content(), &envelope) <= hot.packet_size_max as usize
    }

    #[inline]
    fn is_ready(&self, member: Subscriber) -> bool {
        self.sessions.hot(member.session).is_direct()
            && (self.is_qos0_for(member) || self.sessions.get(member.session).has_room())
    }

    fn has_queue_room(&self, session: SessionIndex) -> Result<(), Refusal> {
        let outgoing = self.sessions.get(session).outgoing.as_ref();
        let (held, held_bytes) = outgoing.map_or((0, 0), |it| (it.queue.len(), it.queue_bytes));
        let bytes = self.message.content().bytes();
        if held >= self.settings.queue_messages_max as usize {
            Err(Refusal::QueueMessages)
        } else if held_bytes + bytes > u64::from(self.settings.queue_bytes_max) {
            Err(Refusal::QueueBytes)
        } else {
            Ok(())
        }
    }
}

/// The terms under which a member gets a message.
pub(super) fn terms(message: &Message<'_>, options: PackedOptions) -> Terms<'static> {
    Terms {
        qos: message.qos.min(options.qos()),
        retain: message.retain && options.retain_as_published(),
        identifiers: options.identifiers(),
    }
}

/// Where among this shard's members the look begins when it was asked to begin with this one.
#[inline]
pub(super) fn start_of(group: &Group, position: u32) -> usize {
    if group.choice.strategy != SharedStrategy::Sticky {
        return position as usize;
    }
    match group.last_member {
        None => group.fingerprint.0 as usize,
        Some(last) => group.members.position(last).unwrap_or(0),
    }
}

fn is_by_load(group: &Group) -> bool {
    group.choice.strategy == SharedStrategy::LeastInFlight
}

/// The smallest load among the members that are connected.
pub(super) fn least_load(members: &Members, sessions: &Sessions) -> u32 {
    let connected = members.connected().iter();
    let loads = connected.map(|member| load(sessions, member.session));
    loads.min().unwrap_or(0)
}

/// Messages in flight and waiting.
fn load(sessions: &Sessions, session: SessionIndex) -> u32 {
    let outgoing = sessions.get(session).outgoing.as_ref();
    outgoing.map_or(0, |it| (it.in_flight_len() + it.queue.len()) as u32)
}

/// The members, each once, beginning at a place.
#[inline]
pub(super) fn from(members: &[Subscriber], start: usize) -> impl Iterator<Item = &Subscriber> {
    // Mostly it is one of them, and a division costs as much as all the rest.
    let start = if start < members.len() {
        start
    } else {
        start % members.len().max(1)
    };
    members[start..].iter().chain(&members[..start])
}
