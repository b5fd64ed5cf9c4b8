//! The audit on made-up sequences.

use super::*;

const LAYOUT: Layout = Layout {
    streams: 4,
    publishers: 4,
    subscribers: 2,
    groups: 2,
    shares: 0,
};

/// Delivers `sequences` of stream 0 to subscriber 0 and compares (delivered, duplicated, reordered).
fn check(sequences: &[u64], expected: (u64, u64, u64)) {
    let mut audit = Audit::new(&LAYOUT);
    for &sequence in sequences {
        audit.on_delivery(SubscriberId(0), StreamId(0), sequence);
    }
    let counts = audit.counts();
    assert_eq!(
        (counts.delivered, counts.duplicated, counts.reordered),
        expected,
        "{sequences:?}"
    );
}

#[test]
fn order_is_clean() {
    check(&[0, 1, 2, 3], (4, 0, 0));
}

#[test]
fn a_lost_message_is_missing() {
    check(&[0, 1, 3, 4], (4, 0, 0));
    check(&[3], (1, 0, 0));
}

#[test]
fn a_repeated_message_is_a_duplicate() {
    check(&[0, 1, 1, 2, 0], (3, 2, 0));
    check(&[0, 3, 3], (2, 1, 0));
}

#[test]
fn swapped_messages_are_one_disorder() {
    check(&[0, 2, 1, 3], (4, 0, 1));
    check(&[1, 0], (2, 0, 1));
}

#[test]
fn a_gap_is_filled_from_anywhere_once() {
    check(&[9, 4, 4, 0, 8, 3, 5, 8], (6, 2, 5));
    check(&[9, 1, 2, 3, 0, 8, 7, 6, 5, 4, 4], (10, 1, 9));
}

#[test]
fn a_late_message_of_a_forgotten_gap_is_a_duplicate() {
    let every_other: Vec<u64> = (0..=GAPS_MAX as u64 + 1).map(|n| 2 * n + 1).collect();
    let count = every_other.len() as u64;
    check(&every_other, (count, 0, 0));
    let with_late = [&every_other[..], &[0], &[2 * count - 2]].concat();
    check(&with_late, (count + 1, 1, 1));
}

#[test]
fn streams_and_subscribers_are_apart() {
    let mut audit = Audit::new(&LAYOUT);
    for (subscriber, stream) in [(0, 0), (0, 1), (1, 2), (1, 3)] {
        assert_eq!(
            audit.on_delivery(SubscriberId(subscriber), StreamId(stream), 0),
            Verdict::New
        );
    }
    assert_eq!(audit.counts().delivered, 4);
}

#[test]
fn a_stream_nobody_asked_for_is_unexpected() {
    let mut audit = Audit::new(&LAYOUT);
    for stream in [2, 3, 4, u32::MAX] {
        assert_eq!(
            audit.on_delivery(SubscriberId(0), StreamId(stream), 0),
            Verdict::Unexpected
        );
    }
    assert_eq!(audit.counts().unexpected, 4);
    assert_eq!(audit.counts().delivered, 0);
}

/// Delivers (member, sequence) of stream 1 to a shared subscription and compares (delivered, duplicated,
/// reordered).
fn check_shared(deliveries: &[(u32, u64)], expected: (u64, u64, u64)) {
    let layout = Layout {
        streams: 2,
        publishers: 2,
        subscribers: 3,
        groups: 1,
        shares: 1,
    };
    let mut audit = Audit::new(&layout);
    for &(member, sequence) in deliveries {
        audit.on_delivery(SubscriberId(member), StreamId(1), sequence);
    }
    let counts = audit.counts();
    assert_eq!(
        (counts.delivered, counts.duplicated, counts.reordered),
        expected,
        "{deliveries:?}"
    );
}

#[test]
fn members_of_a_share_overtake_each_other_in_good_order() {
    check_shared(&[(0, 0), (1, 2), (0, 1), (2, 5), (1, 3), (0, 4)], (6, 0, 0));
}

#[test]
fn a_message_for_two_members_is_a_duplicate() {
    check_shared(&[(0, 0), (1, 1), (2, 1)], (2, 1, 0));
}

#[test]
fn a_member_that_gets_an_older_message_sees_disorder() {
    check_shared(&[(0, 0), (0, 2), (0, 1)], (3, 0, 1));
}
