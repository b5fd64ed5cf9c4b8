//! Topic aliases: numbers that stand for topics on one connection, in each direction its own.
//! [v5 3.3.2.3.4]
//!
//! What the client sets is kept with its connection, what it was told with its session while that is
//! connected; neither outlives the connection [v5 MQTT-3.3.2-7]. A topic is given an alias when it repeats, so that topics
//! that come once cost the client nothing.

use hashbrown::HashTable;

use crate::publish_frame::TopicForm;

/// The aliases a client has set.
#[derive(Debug, Default)]
pub(crate) struct ReceivedAliases {
    /// By alias - 1.
    topics: Vec<Option<Box<str>>>,
    /// Memory of the topics, bytes.
    topic_bytes: usize,
}

impl ReceivedAliases {
    /// From now on `alias`, which is not 0, stands for `topic`. [v5 3.3.2.3.4]
    pub(crate) fn set(&mut self, alias: u16, topic: &str) {
        let place = usize::from(alias) - 1;
        if place >= self.topics.len() {
            self.topics.resize(place + 1, None);
        }
        let held = &mut self.topics[place];
        if held.as_deref() != Some(topic) {
            self.topic_bytes -= held.as_ref().map_or(0, |it| it.len());
            self.topic_bytes += topic.len();
            *held = Some(topic.into());
        }
    }

    /// The topic of an alias, if it was set.
    pub(crate) fn get(&self, alias: u16) -> Option<&str> {
        self.topics.get(usize::from(alias) - 1)?.as_deref()
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let table = self.topics.capacity() * size_of::<Option<Box<str>>>();
        (size_of::<ReceivedAliases>() + table + self.topic_bytes) as u64
    }
}

/// Shortest topic that is given an alias, bytes: an alias takes three.
const TOPIC_BYTES_MIN: usize = 8;

/// Topics remembered as sent once, for each alias there may be, and at least.
const SENT_ONCE_PLACES: usize = 4;
const SENT_ONCE_PLACES_MIN: usize = 64;

/// Places in which a topic may be remembered; the one sent longest ago makes room.
const GROUP: usize = 4;

/// An alias is given to another topic only when it was not used for so many messages for each alias there
/// may be: topics that take turns keep theirs.
const IDLE_MESSAGES: u32 = 8;

/// Aliases looked at for one that may be given to another topic.
const LOOKED_AT_MAX: usize = 4;

/// The aliases a client was told.
#[derive(Debug)]
pub(crate) struct SentAliases {
    /// The client's Topic Alias Maximum, or this broker's bound; not 0.
    max: u16,
    /// By alias - 1.
    aliased: Vec<Aliased>,
    /// Places in `aliased` by the hash of the topic.
    table: HashTable<u16>,
    /// Parts of the hashes of topics sent once, each in the group that other parts of it name.
    sent_once: Box<[u32]>,
    /// Messages named so far.
    messages: u32,
    /// The place looked at last for one that is idle.
    hand: usize,
    /// Memory of the topics, bytes.
    topic_bytes: usize,
}

#[derive(Debug)]
struct Aliased {
    topic: Box<[u8]>,
    hash: u64,
    /// Which message used it last.
    used: u32,
}

impl SentAliases {
    /// None yet; `max` is not 0.
    pub(crate) fn new(max: u16) -> SentAliases {
        SentAliases {
            max,
            aliased: Vec::new(),
            table: HashTable::new(),
            sent_once: Box::default(),
            messages: 0,
            hand: 0,
            topic_bytes: 0,
        }
    }

    /// How the topic is named in a frame that is put out now; `may_set` when the frame has room for an alias
    /// beside the topic. The frame must go out, since its alias counts as known from here on.
    pub(crate) fn name(&mut self, topic: &[u8], hash: u64, may_set: bool) -> TopicForm {
        if topic.len() < TOPIC_BYTES_MIN {
            return TopicForm::Full;
        }
        self.messages = self.messages.wrapping_add(1);
        let aliased = &mut self.aliased;
        let found = self.table.find(hash, |&place| {
            let it = &aliased[usize::from(place)];
            it.hash == hash && *it.topic == *topic
        });
        if let Some(&place) = found {
            aliased[usize::from(place)].used = self.messages;
            return TopicForm::Alias(place + 1);
        }
        if !self.note(hash) || !may_set {
            return TopicForm::Full;
        }
        match self.free_place() {
            Some(place) => {
                self.set(place, topic, hash);
                TopicForm::SetsAlias(place + 1)
            }
            None => TopicForm::Full,
        }
    }

    /// Notes that a topic was sent; true when that is noted already.
    fn note(&mut self, hash: u64) -> bool {
        if self.sent_once.is_empty() {
            let places = (usize::from(self.max) * SENT_ONCE_PLACES).max(SENT_ONCE_PLACES_MIN);
            self.sent_once = vec![0; places.next_power_of_two()].into();
        }
        let group = hash as usize % (self.sent_once.len() / GROUP) * GROUP;
        let group = &mut self.sent_once[group..group + GROUP];
        // The lowest bit is set so that no topic looks like an empty place.
        let part = (hash >> 32) as u32 | 1;
        if group.contains(&part) {
            return true;
        }
        group.rotate_right(1);
        group[0] = part;
        false
    }

    /// A place that was never used, or else one whose topic has not come for long.
    fn free_place(&mut self) -> Option<u16> {
        if self.aliased.len() < usize::from(self.max) {
            return Some(self.aliased.len() as u16);
        }
        let idle = IDLE_MESSAGES * u32::from(self.max);
        for _ in 0..LOOKED_AT_MAX {
            self.hand = (self.hand + 1) % self.aliased.len();
            if self.messages.wrapping_sub(self.aliased[self.hand].used) > idle {
                return Some(self.hand as u16);
            }
        }
        None
    }

    fn set(&mut self, place: u16, topic: &[u8], hash: u64) {
        let at = usize::from(place);
        let entry = Aliased {
            topic: topic.into(),
            hash,
            used: self.messages,
        };
        self.topic_bytes += topic.len();
        if at == self.aliased.len() {
            self.aliased.push(entry);
        } else {
            let before = std::mem::replace(&mut self.aliased[at], entry);
            self.topic_bytes -= before.topic.len();
            if let Ok(found) = self.table.find_entry(before.hash, |&other| other == place) {
                found.remove();
            }
        }
        let SentAliases { aliased, table, .. } = self;
        table.insert_unique(hash, place, |&other| aliased[usize::from(other)].hash);
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        let lists = self.aliased.capacity() * size_of::<Aliased>() + size_of_val(&*self.sent_once);
        let tables = lists + self.table.allocation_size();
        (size_of::<SentAliases>() + tables + self.topic_bytes) as u64
    }
}

#[cfg(test)]
mod tests;
