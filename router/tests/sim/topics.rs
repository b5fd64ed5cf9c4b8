//! The topics and filters of a run, and which filter matches which topic by a matcher of our own.
//!
//! Shared topics (`s/...`) are published by everyone and never retained; `r/CLIENT/value-K` belongs to one
//! publisher and one QoS and is retained; `w/CLIENT` carries that client's will; `$d/...` tests the rule
//! for topics that begin with `$`, `$g/...` is for the members of groups, and `$h/...` belongs to the drill
//! of a queue at its bound.

use crate::client::ClientIndex;

/// What members of groups subscribe to. Nobody else does, but for the watcher.
const GROUP_FILTERS: [&str; 5] = [
    "$share/a/$g/#",
    "$share/b/$g/#",
    "$share/a/$g/0",
    "$share/c/$g/+",
    "$share/b/$g/measurements",
];

/// Topics of groups.
const GROUP_TOPICS: [&str; 3] = ["$g/0", "$g/1", "$g/measurements"];

/// What the watcher asks for beside the wills.
pub(crate) const GROUP_WATCH_FILTER: &str = "$g/#";

/// What the drill's subscriber asks for.
pub(crate) const DRILL_FILTER: &str = "$h/#";

/// Position in the table of topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TopicId(pub(crate) u16);

/// Position in the table of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FilterId(pub(crate) u16);

/// All topics and filters of a run.
#[derive(Debug)]
pub(crate) struct Topics {
    names: Vec<String>,
    filters: Vec<String>,
    matches: Vec<bool>,
    shared: u16,
    retained_per_client: u16,
    retained_start: u16,
    will_start: u16,
    group_start: u16,
}

/// Level by level, as the specification reads.
fn filter_matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && (filter.starts_with('+') || filter.starts_with('#')) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// The filter of a group, or any other as it is.
fn without_group(filter: &str) -> &str {
    match filter.strip_prefix("$share/") {
        Some(rest) => rest.split_once('/').map_or(rest, |(_, filter)| filter),
        None => filter,
    }
}

impl Topics {
    /// Topics for that many clients with that many retained topics each.
    pub(crate) fn new(clients: u16, retained_per_client: u16) -> Topics {
        let mut names: Vec<String> = Vec::new();
        for a in 0..4 {
            for b in 0..3 {
                names.push(format!("s/{a}/{b}"));
            }
        }
        names.extend(
            [
                "s",
                "s//1",
                "s/0",
                "/s/0",
                "$d/0",
                "$d/1/x",
                "s/temperature/1",
                "s/humidity/1",
            ]
            .map(String::from),
        );
        let shared = names.len() as u16;
        let retained_start = shared;
        for client in 0..clients {
            for k in 0..retained_per_client {
                names.push(format!("r/{client}/value-{k}"));
            }
        }
        let will_start = names.len() as u16;
        for client in 0..clients {
            names.push(format!("w/{client}"));
        }
        let group_start = names.len() as u16;
        names.extend(GROUP_TOPICS.map(String::from));
        names.extend(["$h/0", "$h/1"].map(String::from));
        let filters = Topics::all_filters(&names, clients);
        let matches = filters
            .iter()
            .map(|filter| without_group(filter))
            .flat_map(|filter| names.iter().map(|name| filter_matches(filter, name)))
            .collect();
        Topics {
            names,
            filters,
            matches,
            shared,
            retained_per_client,
            retained_start,
            will_start,
            group_start,
        }
    }

    fn all_filters(names: &[String], clients: u16) -> Vec<String> {
        let mut filters: Vec<String> = [
            "#",
            "r/#",
            "w/#",
            "s/#",
            "+/#",
            "s/+/1",
            "s/2/+",
            "s/+/+",
            "+/+/+",
            "+/+/2",
            "r/+/value-0",
            "r/+/value-1",
            "r/+/value-2",
            "w/+",
            "$d/#",
            "$d/+",
            "+/0",
            "+/0/+",
            "s/1/#",
            "s/3/#",
            "s/+/#",
            "/#",
            "+",
            "+/s/0",
            "s/+",
            "s/0/0/#",
        ]
        .map(String::from)
        .to_vec();
        filters.extend((0..clients).map(|client| format!("r/{client}/#")));
        let apart = |name: &&String| name.starts_with("$h") || name.starts_with("$g");
        filters.extend(names.iter().filter(|name| !apart(name)).cloned());
        filters.extend(GROUP_FILTERS.map(String::from));
        filters.extend([GROUP_WATCH_FILTER, DRILL_FILTER].map(String::from));
        filters
    }

    /// The topic's name.
    pub(crate) fn name(&self, topic: TopicId) -> &str {
        &self.names[usize::from(topic.0)]
    }

    /// The filter's text.
    pub(crate) fn filter(&self, filter: FilterId) -> &str {
        &self.filters[usize::from(filter.0)]
    }

    /// Whether the filter matches the topic.
    pub(crate) fn matches(&self, filter: FilterId, topic: TopicId) -> bool {
        self.matches[usize::from(filter.0) * self.names.len() + usize::from(topic.0)]
    }

    /// The topic of that name.
    pub(crate) fn find(&self, name: &str) -> Option<TopicId> {
        let position = self.names.iter().position(|known| known == name)?;
        Some(TopicId(position as u16))
    }

    /// The filter of that text.
    pub(crate) fn find_filter(&self, text: &str) -> FilterId {
        let position = self.filters.iter().position(|known| known == text);
        FilterId(position.expect("the filter is in the table") as u16)
    }

    /// How many shared topics there are; they are the first of the table.
    pub(crate) fn shared(&self) -> u16 {
        self.shared
    }

    /// How many ordinary filters there are for the workload, from the first of the table on.
    pub(crate) fn filters(&self) -> u16 {
        (self.filters.len() - 2 - GROUP_FILTERS.len()) as u16
    }

    /// The filters of groups.
    pub(crate) fn group_filters(&self) -> impl Iterator<Item = FilterId> + use<> {
        let start = self.filters();
        (start..start + GROUP_FILTERS.len() as u16).map(FilterId)
    }

    /// Whether it is one of them.
    pub(crate) fn is_group(&self, filter: FilterId) -> bool {
        self.group_filters().any(|known| known == filter)
    }

    /// A topic of groups.
    pub(crate) fn group_topic(&self, nth: u64) -> TopicId {
        TopicId(self.group_start + nth as u16 % GROUP_TOPICS.len() as u16)
    }

    /// Whether it is one of them.
    pub(crate) fn is_for_groups(&self, topic: TopicId) -> bool {
        (self.group_start..self.group_start + GROUP_TOPICS.len() as u16).contains(&topic.0)
    }

    /// How many retained topics each client has.
    pub(crate) fn retained_per_client(&self) -> u16 {
        self.retained_per_client
    }

    /// A client's retained topic.
    pub(crate) fn retained(&self, client: ClientIndex, k: u16) -> TopicId {
        TopicId(self.retained_start + client.0 * self.retained_per_client + k)
    }

    /// All retained topics.
    pub(crate) fn all_retained(&self) -> impl Iterator<Item = TopicId> + use<> {
        (self.retained_start..self.will_start).map(TopicId)
    }

    /// Whether it is one of them.
    pub(crate) fn is_retained(&self, topic: TopicId) -> bool {
        (self.retained_start..self.will_start).contains(&topic.0)
    }

    /// One of the drill's two topics.
    pub(crate) fn drill(&self, nth: u64) -> TopicId {
        TopicId(self.names.len() as u16 - 2 + nth as u16)
    }

    /// The topic of a client's will.
    pub(crate) fn will(&self, client: ClientIndex) -> TopicId {
        TopicId(self.will_start + client.0)
    }
}

#[test]
fn the_reference_matcher_knows_the_rules() {
    assert!(filter_matches("s/#", "s"));
    assert!(filter_matches("+/+/1", "s//1"));
    assert!(filter_matches("/#", "/s/0"));
    assert!(!filter_matches("#", "$d/0"));
    assert!(!filter_matches("+/0", "$d/0"));
    assert!(filter_matches("$d/#", "$d/1/x"));
    assert!(!filter_matches("s/+", "s"));
    assert!(!filter_matches("s/+", "s/0/0"));
}
