//! Subscription identifiers: a message carries those of all subscriptions it matched, a replay that of its
//! subscription, and none other. [v5 MQTT-3.3.4-3] [v5 MQTT-3.3.4-4]

use std::collections::BTreeMap;

use ringmq_codec::Property;

use super::delivery::Received;
use super::session::EpochId;
use super::{Oracle, Rule};
use crate::oracle::MessageIndex;

impl Oracle {
    /// Judges the identifiers of a delivery.
    pub(crate) fn check_identifiers(
        &mut self,
        epoch: EpochId,
        index: MessageIndex,
        got: Received<'_>,
    ) {
        let mut came: BTreeMap<u32, u32> = BTreeMap::new();
        for property in got.properties.iter() {
            if let Property::SubscriptionIdentifier(identifier) = property {
                *came.entry(identifier).or_default() += 1;
            }
        }
        if came.values().sum::<u32>() > 1 {
            self.met.hit("several subscription identifiers");
        }
        let granted = self.granted(epoch, index, self.now);
        let may_replay = got.retain && self.messages[index.0 as usize].retain;
        let legal = (self.is_for_member(epoch, index) && self.is_of_a_group(epoch, index, &came))
            || (may_replay && self.is_of_a_replay(epoch, index, &came))
            || ((!may_replay || granted.retain_as_published)
                && self.is_of_all_that_match(epoch, index, &came));
        if !legal {
            let records = self.records_for(epoch, index);
            let detail = format!("{index:?} ({got:?}) came with {came:?}, subscribed {records:?}");
            self.fail(Rule::Identifiers, detail);
        }
    }

    fn is_of_a_replay(
        &self,
        epoch: EpochId,
        message: MessageIndex,
        came: &BTreeMap<u32, u32>,
    ) -> bool {
        let records = self.records_for(epoch, message);
        let mut asked = records.iter().filter(|record| record.may_replay());
        asked.any(|record| match record.identifier {
            Some(identifier) => came.len() == 1 && came.get(&identifier) == Some(&1),
            None => came.is_empty(),
        })
    }

    /// Each delivery through a group stands for itself.
    fn is_of_a_group(
        &self,
        epoch: EpochId,
        message: MessageIndex,
        came: &BTreeMap<u32, u32>,
    ) -> bool {
        let records = self.records_for(epoch, message);
        records.iter().any(|record| match record.identifier {
            Some(identifier) => came.len() == 1 && came.get(&identifier) == Some(&1),
            None => came.is_empty(),
        })
    }

    /// Between those of the subscriptions that matched for certain and those that may have.
    fn is_of_all_that_match(
        &self,
        epoch: EpochId,
        index: MessageIndex,
        came: &BTreeMap<u32, u32>,
    ) -> bool {
        let message = &self.messages[index.0 as usize];
        let publisher = &self.attempts[message.attempt.0 as usize];
        let held = &self.epochs[epoch.0 as usize];
        let same_client = publisher.client_id == self.attempts[held.attempt.0 as usize].client_id;
        let mut certain: BTreeMap<u32, u32> = BTreeMap::new();
        let mut possible: BTreeMap<u32, u32> = BTreeMap::new();
        for record in self.records_for(epoch, index) {
            let silenced = record.options.no_local;
            let Some(identifier) = record.identifier else {
                continue;
            };
            // One that no-local silences matches all the same: it may be told or not.
            if record.sent <= self.now && !record.over(message.first_sent) {
                *possible.entry(identifier).or_default() += 1;
            }
            let replaced = record.superseded_sent.is_some();
            if record.holds(message.first_sent, self.now) && !replaced && !(silenced && same_client)
            {
                *certain.entry(identifier).or_default() += 1;
            }
        }
        let within = |(identifier, count): (&u32, &u32)| {
            possible.get(identifier).is_some_and(|most| count <= most)
        };
        let count = |identifier: &u32| came.get(identifier).copied().unwrap_or(0);
        came.iter().all(within) && certain.iter().all(|(it, least)| count(it) >= *least)
    }
}
