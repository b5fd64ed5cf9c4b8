//! Message expiry: when the broker took each message that expires, and so when its time is over, as exactly
//! as anyone outside can know; and that what is put out of it tells the time that is left.

use super::{Oracle, Rule};
use crate::oracle::MessageIndex;
use crate::time::Time;

/// One transmission of a publish that expires, as the broker got it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taking {
    secs: u32,
    /// Its last byte was given to a shard.
    given: Time,
    /// The shard has certainly read it.
    taken: Option<Time>,
}

impl Taking {
    /// When it expires, from earliest to latest, in milliseconds of the router's clock.
    fn expires(&self, now: Time) -> (u64, u64) {
        let life = u64::from(self.secs) * 1_000;
        let latest = self.taken.unwrap_or(now);
        (
            self.given.millis().0 + life,
            latest.millis().0.saturating_add(life),
        )
    }

    /// Whether a PUBLISH put out now may say `left` seconds; v3 says nothing.
    fn allows(&self, now: Time, left: Option<u32>, dup: bool) -> bool {
        let (earliest, latest) = self.expires(now);
        let now = now.millis().0;
        let alive = dup || latest > now;
        let secs = |at: u64| at.saturating_sub(now).div_ceil(1_000);
        let least = secs(earliest).max(u64::from(!dup));
        alive && left.is_none_or(|left| (least..=secs(latest)).contains(&u64::from(left)))
    }
}

impl Oracle {
    /// A shard is about to be given the last byte of a publish that expires.
    pub(crate) fn taking(&mut self, message: MessageIndex, secs: u32) {
        let given = self.now;
        self.messages[message.0 as usize].takings.push(Taking {
            secs,
            given,
            taken: None,
        });
    }

    /// The shard has read it, if it ever does.
    pub(crate) fn taken(&mut self, message: MessageIndex) {
        let now = self.now;
        for taking in &mut self.messages[message.0 as usize].takings {
            taking.taken.get_or_insert(now);
        }
    }

    /// A shard puts out a message, with what it says of the time that is left. [v5 MQTT-3.3.2-5]
    /// [v5 MQTT-3.3.2-6]
    pub(crate) fn put_out(&mut self, message: MessageIndex, left: Option<u32>, dup: bool) {
        let now = self.now;
        let Some(this) = self.messages.get(message.0 as usize) else {
            return;
        };
        if this.takings.is_empty() {
            return;
        }
        let allowed = |taking: &Taking| taking.allows(now, left, dup);
        if this.takings.iter().any(allowed) {
            self.met.hit("message that expires put out");
            return;
        }
        let detail = format!(
            "{message:?} is put out with {left:?} s left, dup {dup}: {:?}",
            this.takings
        );
        self.fail(Rule::Expiry, detail);
    }

    /// Whether a message may be too old to be delivered.
    pub(crate) fn may_have_expired(&self, message: MessageIndex) -> bool {
        let expires = self.messages[message.0 as usize].expires;
        expires.is_some_and(|expires| expires <= self.now)
    }
}
