use super::{Choice, Circumstances, Place, SharedStrategy};
use crate::link::{Fingerprint, GroupName};
use crate::random::Random;
use crate::shared::ShardMembers;
use crate::{Millis, ShardId};

const GROUP: Fingerprint = Fingerprint(0x00AB_CDEF_0123_4567);

/// A group with connected members and members that are away, per shard.
fn shards(members: &[(u32, u32)]) -> Vec<ShardMembers> {
    let name = GroupName {
        index: 0,
        generation: 1,
    };
    (0..)
        .zip(members)
        .filter(|(_, count)| **count != (0, 0))
        .map(|(shard, &(connected, away))| {
            let mut members = ShardMembers::new(ShardId(shard), name);
            members.connected = connected;
            members.away = away;
            members
        })
        .collect()
}

fn circumstances(draw: u64) -> Circumstances {
    Circumstances {
        own: ShardId(1),
        now: Millis(0),
        draw,
        own_load: 0,
    }
}

/// How often each member is chosen in 1,000 messages, with random numbers to draw from.
fn spread_of(strategy: SharedStrategy, members: &[(u32, u32)]) -> Vec<((u8, u32), u32)> {
    let shards = shards(members);
    let mut choice = Choice::new(strategy);
    let mut random = Random::new(11);
    choice.begin_at(|| random.next());
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..1_000 {
        let place = choice.choose(GROUP, &shards, circumstances(random.next()));
        let Place { shard, position } = place.expect("there are members");
        *counts.entry((shard.0, position)).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

#[test]
fn round_robin_is_exact_over_all_shards() {
    let counts = spread_of(
        SharedStrategy::RoundRobin,
        &[(2, 0), (0, 5), (1, 3), (2, 0)],
    );
    let members = [(0, 0), (0, 1), (2, 0), (3, 0), (3, 1)];
    assert_eq!(counts, members.map(|member| (member, 200)));
}

#[test]
fn random_and_hashes_reach_all_members_evenly() {
    for strategy in [
        SharedStrategy::Random,
        SharedStrategy::HashClientId,
        SharedStrategy::HashTopic,
    ] {
        let counts = spread_of(strategy, &[(2, 0), (1, 0), (2, 0)]);
        assert_eq!(counts.len(), 5);
        assert!(
            counts.iter().all(|(_, count)| (150..250).contains(count)),
            "{strategy:?}: {counts:?}"
        );
    }
}

#[test]
fn a_hash_names_one_member_on_every_shard() {
    let shards = shards(&[(2, 0), (1, 0), (2, 0)]);
    for hash in 0..100 {
        let choose = |own| {
            let circumstances = Circumstances {
                own: ShardId(own),
                ..circumstances(hash << 40 | hash)
            };
            Choice::new(SharedStrategy::HashTopic).choose(GROUP, &shards, circumstances)
        };
        assert_eq!(choose(0), choose(2));
    }
}

#[test]
fn sticky_begins_alike_and_stays_with_the_taker() {
    let members = shards(&[(2, 0), (1, 0), (2, 0)]);
    let mut choices = [3, 4].map(|start| {
        let mut choice = Choice::new(SharedStrategy::Sticky);
        choice.begin_at(|| start);
        choice
    });
    let [one, other] = &mut choices;
    let first = one.choose(GROUP, &members, circumstances(1));
    assert_eq!(first, other.choose(GROUP, &members, circumstances(2)));
    one.last_taker = Some(ShardId(1));
    let now = one.choose(GROUP, &members, circumstances(3));
    assert_eq!(now.map(|it| it.shard), Some(ShardId(1)));
    // Until that shard has nobody connected any more.
    let left = shards(&[(0, 1), (0, 1), (2, 0)]);
    let now = one.choose(GROUP, &left, circumstances(4));
    assert_eq!(now.map(|it| it.shard), Some(ShardId(2)));
}

#[test]
fn local_first_stays_on_its_shard_while_it_has_members() {
    let counts = spread_of(SharedStrategy::LocalFirst, &[(2, 0), (2, 0), (2, 0)]);
    assert_eq!(counts, [((1, 0), 500), ((1, 1), 500)]);
    let counts = spread_of(SharedStrategy::LocalFirst, &[(2, 0), (0, 2), (2, 0)]);
    assert_eq!(counts.len(), 4);
}

#[test]
fn the_least_loaded_shard_is_asked() {
    let mut members = shards(&[(1, 0), (1, 0), (2, 0)]);
    let mut choice = Choice::new(SharedStrategy::LeastInFlight);
    let mut shard = |members: &[ShardMembers], own_load| {
        let circumstances = Circumstances {
            own_load,
            ..circumstances(0)
        };
        let place = choice.choose(GROUP, members, circumstances);
        place.expect("there are members").shard.0
    };
    members[0].note_answer(Some(4), Millis(0));
    members[2].note_answer(Some(3), Millis(0));
    assert_eq!(shard(&members, 2), 1);
    assert_eq!(shard(&members, 5), 2);
    // Two messages on the way to two members count one.
    (0..4).for_each(|_| members[2].note_asked());
    assert_eq!(shard(&members, 6), 0);
    // With equal loads all have their turn.
    let equal = shards(&[(1, 0), (1, 0), (1, 0)]);
    let turns: Vec<u8> = (0..3).map(|_| shard(&equal, 0)).collect();
    let mut sorted = turns.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [0, 1, 2], "{turns:?}");
}

#[test]
fn members_that_are_away_are_chosen_when_nobody_is_connected() {
    let counts = spread_of(SharedStrategy::RoundRobin, &[(0, 1), (0, 3)]);
    assert_eq!(counts.len(), 4);
    let mut choice = Choice::new(SharedStrategy::RoundRobin);
    assert_eq!(choice.choose(GROUP, &[], circumstances(0)), None);
}
