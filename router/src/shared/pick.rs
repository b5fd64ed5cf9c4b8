//! The look among this shard's members of a group for one that takes a message.
//!
//! From the chosen one on: a connected member that can take it now, else one that may queue it. Members
//! are only looked at here; [`Shard::give_to_member`] then delivers as to any session.

use ringmq_codec::Qos;

use crate::deliver::{Shared, Terms};
use crate::ids::SessionIndex;
use crate::index::{GroupIndex, PackedOptions, Subscriber};
use crate::link::Refusal;
use crate::publish_frame::{Message, frame_len};
use crate::session::Sessions;
use crate::{Outputs, Settings, Shard, SharedStrategy};

use super::Ask;

/// What decides whether a member can take a message.
struct Look<'a> {
    sessions: &'a Sessions,
    settings: &'a Settings,
    message: &'a Message<'a>,
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
        let terms = terms(message, member.options);
        let mut shared = Shared::for_group(message, group);
        let taken = self
            .delivery(outputs)
            .offer(member.session, terms, &mut shared);
        debug_assert!(taken.taken, "the member was picked as it can take it");
        Ok(())
    }

    fn pick_member(
        &mut self,
        group: GroupIndex,
        ask: Ask,
        message: &Message<'_>,
    ) -> Result<Subscriber, Refusal> {
        let group = self.index.group_mut(group).ok_or(Refusal::NoMember)?;
        let strategy = group.choice.strategy;
        let start = match (strategy, group.last_member) {
            (SharedStrategy::Sticky, None) => group.fingerprint.0 as usize,
            (SharedStrategy::Sticky, Some(last)) => group.members.position(last).unwrap_or(0),
            _ => ask.position as usize,
        };
        let look = Look {
            sessions: &self.sessions,
            settings: &self.settings,
            message,
        };
        let by_load = strategy == SharedStrategy::LeastInFlight;
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

    /// The smallest load among this shard's connected members.
    pub(crate) fn least_load(&self, group: GroupIndex) -> u32 {
        let members = self.index.group(group).map(|group| &group.members);
        let connected = members.map_or(&[][..], |members| members.connected());
        let loads = connected
            .iter()
            .map(|member| load(&self.sessions, member.session));
        loads.min().unwrap_or(0)
    }
}

impl Look<'_> {
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
            let why_not = if self.qos_for(member) == Qos::AtMostOnce {
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

    fn qos_for(&self, member: Subscriber) -> Qos {
        self.message.qos.min(member.options.qos())
    }

    /// Whether the client takes a packet of this length. [v5 MQTT-3.1.2-24]
    fn fits(&self, member: Subscriber) -> bool {
        let hot = self.sessions.hot(member.session);
        if hot.packet_size_max == u32::MAX {
            return true;
        }
        let envelope = terms(self.message, member.options).envelope(hot.version);
        frame_len(&self.message.content(), &envelope) <= hot.packet_size_max as usize
    }

    fn is_ready(&self, member: Subscriber) -> bool {
        self.sessions.hot(member.session).is_direct()
            && (self.qos_for(member) == Qos::AtMostOnce
                || self.sessions.get(member.session).has_room())
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

/// Messages in flight and waiting.
fn load(sessions: &Sessions, session: SessionIndex) -> u32 {
    let outgoing = sessions.get(session).outgoing.as_ref();
    outgoing.map_or(0, |it| (it.in_flight_len() + it.queue.len()) as u32)
}

/// The members, each once, beginning at a place.
fn from(members: &[Subscriber], start: usize) -> impl Iterator<Item = &Subscriber> {
    let start = start % members.len().max(1);
    members[start..].iter().chain(&members[..start])
}
