//! Which connections of a round are cut in the middle of a packet, and where.

use ringmq_codec::{Properties, Qos, TopicName, Version, packet};

/// Where a connection is cut, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    No,
    InConnect,
    InPublish,
}

/// The client numbered `number` of a round: so that the share is met, and both cuts take turns.
pub(super) fn cut_of(number: u32, fraction: f64) -> Cut {
    let cuts_up_to = |count: u32| (f64::from(count) * fraction) as u64;
    match (
        cuts_up_to(number + 1) > cuts_up_to(number),
        cuts_up_to(number) % 2,
    ) {
        (false, _) => Cut::No,
        (true, 0) => Cut::InConnect,
        (true, _) => Cut::InPublish,
    }
}

/// Appends the first half of a PUBLISH.
pub(super) fn half_a_publish(topic: &str, version: Version, out: &mut Vec<u8>) {
    let publish = packet::Publish {
        dup: false,
        qos: Qos::AtMostOnce,
        retain: false,
        topic: TopicName::new(topic),
        packet_id: None,
        properties: Properties::EMPTY,
        payload: &[b'.'; 64],
    };
    let start = out.len();
    publish.encode(version, out);
    out.truncate(start + (out.len() - start) / 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_met_and_both_cuts_take_turns() {
        for (fraction, expected) in [(0.0, 0), (0.1, 100), (0.5, 500), (1.0, 1_000)] {
            let cuts: Vec<Cut> = (0..1_000)
                .map(|n| cut_of(n, fraction))
                .filter(|&c| c != Cut::No)
                .collect();
            assert_eq!(cuts.len(), expected);
            let in_connect = cuts.iter().filter(|&&cut| cut == Cut::InConnect).count();
            assert_eq!(in_connect, expected / 2);
        }
    }
}
