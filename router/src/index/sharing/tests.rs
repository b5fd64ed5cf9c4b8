use std::collections::BTreeMap;

use ringmq_codec::{Qos, SubscriptionOptions, TopicFilter, TopicName};

use crate::ShardId;
use crate::ids::SessionIndex;
use crate::index::{PackedOptions, Subscriber, SubscriptionIndex};
use crate::link::{GroupMembers, GroupName, InterestChange};
use crate::random::Random;

const OWN: ShardId = ShardId(1);
const FILTERS: [&str; 8] = ["a", "a/b", "+", "a/+", "#", "a/#", "+/b", "$SYS/#"];
const TOPICS: [&str; 7] = ["a", "b", "a/b", "a/c", "c/b", "$SYS/x", "$share/g/a"];

fn subscriber(session: u32) -> Subscriber {
    Subscriber {
        session: SessionIndex(session),
        options: PackedOptions::new(SubscriptionOptions::v3(Qos::AtLeastOnce)),
    }
}

/// Members by group, shard and session (of another shard: by number), with whether they are connected.
#[derive(Default)]
struct Model(BTreeMap<String, BTreeMap<(u8, u32), bool>>);

struct Pair {
    index: SubscriptionIndex,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        Pair {
            index: SubscriptionIndex::new(5),
            model: Model::default(),
        }
    }

    /// What the state machine does after each change of its own members.
    fn count(&mut self, group: super::GroupIndex) {
        let change = self.index.count_members(group);
        self.index.apply_remote(OWN, &change);
    }

    fn join(&mut self, text: &str, session: u32) {
        let members = self.model.0.entry(text.into()).or_default();
        let existed = members.contains_key(&(OWN.0, session));
        members.entry((OWN.0, session)).or_insert(true);
        let filter = TopicFilter::new(text).unwrap();
        let (group, found) = self.index.join(filter, subscriber(session));
        assert_eq!(found, existed, "{text}");
        self.count(group);
    }

    fn leave(&mut self, text: &str, session: u32) {
        let members = self.model.0.entry(text.into()).or_default();
        let existed = members.remove(&(OWN.0, session)).is_some();
        let filter = TopicFilter::new(text).unwrap();
        let Some(group) = self.index.find_group(filter) else {
            assert!(!existed, "{text}");
            return;
        };
        assert_eq!(self.index.leave(group, SessionIndex(session)), existed);
        self.count(group);
    }

    fn turn(&mut self, text: &str, session: u32, connected: bool) {
        let members = self.model.0.entry(text.into()).or_default();
        let Some(is_connected) = members.get_mut(&(OWN.0, session)) else {
            return;
        };
        *is_connected = connected;
        let group = self.index.find_group(TopicFilter::new(text).unwrap());
        let group = group.expect("it has a member");
        let members = &mut self.index.group_mut(group).unwrap().members;
        members.set_connected(SessionIndex(session), connected);
        self.count(group);
    }

    /// Another shard says how many members it has.
    fn hear(&mut self, text: &str, shard: u8, connected: u32, away: u32) {
        let members = self.model.0.entry(text.into()).or_default();
        members.retain(|(of, _), _| *of != shard);
        members.extend((0..connected + away).map(|number| ((shard, number), number < connected)));
        let told = GroupMembers {
            filter: text.into(),
            name: GroupName {
                index: u32::from(shard),
                generation: 1,
            },
            connected,
            away,
        };
        self.index
            .apply_remote(ShardId(shard), &InterestChange::Members(told));
    }

    /// Groups of a topic, with connected members and members that are away by shard.
    fn found(&mut self, topic: &str) -> BTreeMap<String, Vec<(u8, u32, u32)>> {
        let fingerprint = self.index.fingerprint(topic);
        let matches = self.index.find(TopicName::new(topic).unwrap(), fingerprint);
        let groups = matches.groups.to_vec();
        let found = groups.iter().map(|&index| {
            let group = self.index.group(index).unwrap();
            let shards = group.shards.iter();
            let shards = shards.map(|it| (it.shard.0, it.connected, it.away));
            (group.text.to_string(), shards.collect())
        });
        let found: BTreeMap<_, _> = found.collect();
        assert_eq!(found.len(), groups.len(), "each group once");
        found
    }

    fn check(&mut self) {
        // Three times: unknown, repeated, cached.
        for topic in TOPICS.iter().cycle().take(3 * TOPICS.len()) {
            let name = TopicName::new(topic).unwrap();
            let mut expected = BTreeMap::new();
            for (text, members) in &self.model.0 {
                let (_, filter) = TopicFilter::new(text).unwrap().share().unwrap();
                if members.is_empty() || !filter.matches(name) {
                    continue;
                }
                let mut shards = BTreeMap::<u8, (u32, u32)>::new();
                for ((shard, _), connected) in members {
                    let counts = shards.entry(*shard).or_default();
                    counts.0 += u32::from(*connected);
                    counts.1 += u32::from(!connected);
                }
                let shards = shards
                    .into_iter()
                    .map(|(shard, (on, off))| (shard, on, off));
                expected.insert(text.clone(), shards.collect::<Vec<_>>());
            }
            assert_eq!(self.found(topic), expected, "{topic}");
        }
        let own = self.model.0.values().flat_map(|members| members.keys());
        let memberships = own.filter(|(shard, _)| *shard == OWN.0).count();
        assert_eq!(self.index.memberships(), memberships as u64);
    }
}

#[test]
fn groups_are_found_as_their_filters_match() {
    let mut pair = Pair::new();
    let mut random = Random::new(3);
    let empty = pair.index.index_bytes();
    for round in 0..3_000 {
        let mut draw = |below: u64| (random.next() % below) as u32;
        let filter = FILTERS[draw(8) as usize];
        let text = format!(
            "$share/{}/{filter}",
            ["g", "h", "long name"][draw(3) as usize]
        );
        let session = draw(5);
        match draw(6) {
            0 | 1 => pair.join(&text, session),
            2 => pair.leave(&text, session),
            3 => pair.turn(&text, session, draw(2) == 0),
            4 => pair.hear(&text, [0, 2, 3][draw(3) as usize], draw(3), draw(2)),
            _ => {
                let filter = TopicFilter::new(filter).unwrap();
                pair.index.subscribe(filter, subscriber(session));
            }
        }
        if round % 10 == 0 {
            pair.check();
        }
    }
    // Nothing is left of it when all have gone.
    for text in pair.model.0.keys().cloned().collect::<Vec<_>>() {
        (0..5).for_each(|session| pair.leave(&text, session));
        for shard in [0, 2, 3] {
            pair.hear(&text, shard, 0, 0);
        }
    }
    for filter in FILTERS {
        for session in 0..5 {
            let filter = TopicFilter::new(filter).unwrap();
            pair.index.unsubscribe(filter, SessionIndex(session));
        }
    }
    pair.check();
    assert!(pair.index.trie.is_empty() && !pair.index.groups.has_exact());
    assert!(pair.index.index_bytes() < empty + (64 << 10));
}

#[test]
fn a_name_is_good_until_the_group_is_gone() {
    let mut pair = Pair::new();
    pair.join("$share/g/a", 1);
    let filter = TopicFilter::new("$share/g/a").unwrap();
    let group = pair.index.find_group(filter).unwrap();
    let name = pair.index.name_of_group(group);
    pair.join("$share/g/a", 2);
    pair.leave("$share/g/a", 1);
    assert_eq!(pair.index.resolve_group(name), Some(group));
    pair.leave("$share/g/a", 2);
    assert_eq!(pair.index.resolve_group(name), None);
    // Its place is another's now.
    pair.join("$share/h/a", 1);
    assert!(pair.index.group(group).is_some());
    assert_eq!(pair.index.resolve_group(name), None);
}
