//! Topic names and topic filters as types that cannot be invalid.

/// A topic name: valid UTF-8 without U+0000, 1 to 65,535 bytes, no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicName<'a>(&'a str);

/// A topic filter: valid UTF-8 without U+0000, 1 to 65,535 bytes, wildcards only where they may stand.
/// `$share/group/filter` is a valid filter here; [`TopicFilter::share`] takes it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter<'a>(&'a str);

impl<'a> TopicName<'a> {
    /// `None` when it is no topic name.
    pub fn new(text: &'a str) -> Option<TopicName<'a>> {
        let _ = text;
        todo!()
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> TopicFilter<'a> {
    /// `None` when it is no topic filter. [v3.1.1 MQTT-4.7.1-2] [v3.1.1 MQTT-4.7.1-3]
    pub fn new(text: &'a str) -> Option<TopicFilter<'a>> {
        let _ = text;
        todo!()
    }

    /// The text.
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether it holds `+` or `#`.
    pub fn has_wildcard(self) -> bool {
        todo!()
    }

    /// Group and inner filter of `$share/group/filter`; `None` for a plain filter.
    pub fn share(self) -> Option<(&'a str, TopicFilter<'a>)> {
        todo!()
    }

    /// Whether the filter matches the topic: the ten-line reference, level by level.
    /// `#` and `+` at the first level do not match topics that begin with `$`. [v5 MQTT-4.7.2-1]
    pub fn matches(self, topic: TopicName<'_>) -> bool {
        let _ = topic;
        todo!()
    }
}
