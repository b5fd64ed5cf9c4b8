//! Topic names and topic filters as types that cannot be invalid.
//!
//! The decoder makes them from the wire, the broker and its clients from their own strings; an
//! index of subscriptions may rely on their rules without checking again. They borrow and never
//! normalise: two topics are equal when their bytes are. [v3.1.1 MQTT-4.7.3-4] [v5 MQTT-4.7.3-4]

use memchr::{memchr, memchr2, memchr2_iter, memchr3};

/// The longest topic name or filter in bytes, set by its two bytes of length.
/// [v3.1.1 MQTT-4.7.3-3] [v5 MQTT-4.7.3-3]
const TEXT_BYTES_MAX: usize = 65_535;

/// A topic name: valid UTF-8 without U+0000, 1 to 65,535 bytes, no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName<'a>(&'a str);

/// A topic filter: valid UTF-8 without U+0000, 1 to 65,535 bytes, wildcards only where they may stand.
/// `$share/group/filter` is a valid filter here; [`TopicFilter::share`] takes it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// `None` when it is no topic name. [v3.1.1 MQTT-4.7.1-1] [v3.1.1 MQTT-4.7.3-1]
    /// [v3.1.1 MQTT-4.7.3-2] [v5 MQTT-4.7.0-1] [v5 MQTT-4.7.3-1] [v5 MQTT-4.7.3-2]
    #[inline]
    pub fn new(text: &'a str) -> Option<TopicName<'a>> {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return None;
        }
        match memchr3(b'+', b'#', 0, text.as_bytes()) {
            Some(_) => None,
            None => Some(TopicName(text)),
        }
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

/// A topic name in memory of its own, which is used for one after the other. Empty at first.
#[derive(Clone, Debug, Default)]
pub struct TopicNameBuffer(String);

impl TopicNameBuffer {
    /// Puts a topic name in the place of what there was.
    pub fn set(&mut self, topic: TopicName<'_>) {
        self.0.clear();
        self.0.push_str(topic.as_str());
    }

    /// Leaves it empty.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What was set last, if anything.
    #[inline]
    pub fn topic(&self) -> Option<TopicName<'_>> {
        match self.0.as_str() {
            "" => None,
            text => Some(TopicName(text)),
        }
    }
}

impl<'a> TopicFilter<'a> {
    /// What the filter of a shared subscription begins with. [v5 MQTT-4.8.2-1]
    pub const SHARE_PREFIX: &'static str = "$share/";

    /// `None` when it is no topic filter. [v3.1.1 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3]
    /// [v5 MQTT-4.7.1-1] [v5 MQTT-4.7.1-2]
    pub fn new(text: &'a str) -> Option<TopicFilter<'a>> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.len() > TEXT_BYTES_MAX || memchr(0, bytes).is_some() {
            return None;
        }
        let wildcards_are_placed = memchr2_iter(b'+', b'#', bytes).all(|at| {
            let opens_level = at == 0 || bytes[at - 1] == b'/';
            let closes_level = match bytes.get(at + 1) {
                None => true,
                Some(&next) => bytes[at] == b'+' && next == b'/',
            };
            opens_level && closes_level
        });
        wildcards_are_placed.then_some(TopicFilter(text))
    }

    /// What [`TopicFilter::new`] has made a filter of before.
    pub(crate) fn known(text: &'a str) -> TopicFilter<'a> {
        debug_assert!(TopicFilter::new(text).is_some());
        TopicFilter(text)
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it holds `+` or `#`.
    pub fn has_wildcard(self) -> bool {
        memchr2(b'+', b'#', self.0.as_bytes()).is_some()
    }

    /// Group and inner filter of `$share/group/filter`; `None` for a plain filter, and for one
    /// that begins like a shared filter but has no share name, a wildcard in it, or no filter
    /// behind it. [v5 MQTT-4.8.2-1] [v5 MQTT-4.8.2-2]
    pub fn share(self) -> Option<(&'a str, TopicFilter<'a>)> {
        let (group, filter) = self.0.strip_prefix(Self::SHARE_PREFIX)?.split_once('/')?;
        if group.is_empty() || memchr2(b'+', b'#', group.as_bytes()).is_some() {
            return None;
        }
        Some((group, TopicFilter::new(filter)?))
    }

    /// Whether the filter matches the topic: the ten-line reference, level by level.
    /// `#` and `+` at the first level do not match topics that begin with `$`.
    /// [v3.1.1 MQTT-4.7.2-1] [v5 MQTT-4.7.2-1]
    ///
    /// A shared filter is compared as it stands: match the inner filter of [`TopicFilter::share`].
    pub fn matches(self, topic: TopicName<'_>) -> bool {
        if topic.0.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut names = topic.0.split('/');
        for level in self.0.split('/') {
            match (level, names.next()) {
                // It also stands for the parent: `a/#` matches `a`.
                ("#", _) => return true,
                ("+", Some(_)) => {}
                (text, Some(name)) if text == name => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }
}

#[cfg(test)]
mod tests;
