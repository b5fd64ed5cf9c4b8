//! What each session is subscribed to, as far as anyone outside the broker can know: certain from the
//! SUBACK on, possible from the SUBSCRIBE on, and the same at the other end with UNSUBSCRIBE and UNSUBACK.

use ringmq_codec::{Qos, RetainHandling, SubscriptionOptions};

use super::Oracle;
use super::session::{AttemptId, EpochId};
use crate::oracle::MessageIndex;
use crate::time::Time;
use crate::topics::FilterId;

/// Position in the table of subscription records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RecordId(pub(crate) u32);

/// One filter of one SUBSCRIBE.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) filter: FilterId,
    pub(crate) options: SubscriptionOptions,
    /// `$share/...`: some member of the group gets what matches.
    pub(crate) is_group: bool,
    pub(crate) identifier: Option<u32>,
    pub(crate) sent: Time,
    pub(crate) confirmed: Option<Time>,
    pub(crate) unsubscribe_sent: Option<Time>,
    pub(crate) unsubscribed: Option<Time>,
    /// A later SUBSCRIBE to the same filter.
    pub(crate) superseded_sent: Option<Time>,
    pub(crate) superseded: Option<Time>,
    /// The session may have had the filter already.
    pub(crate) may_exist: bool,
    /// It had it for certain.
    pub(crate) exists: bool,
}

/// What a session's subscriptions say of one message in one span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Some subscription may have matched at some time.
    pub(crate) possible: bool,
    /// Some subscription matched all the time.
    pub(crate) certain: bool,
    pub(crate) qos_low: Qos,
    pub(crate) qos_high: Qos,
    /// Some subscription that may have matched asks for the publisher's retain flag.
    pub(crate) retain_as_published: bool,
    /// Some does not.
    pub(crate) retain_cleared: bool,
}

fn before(time: Option<Time>, limit: Time) -> bool {
    time.is_some_and(|time| time < limit)
}

impl Record {
    /// Whether the SUBSCRIBE asked for the retained messages, whatever the session had before.
    pub(crate) fn wants_replay(&self) -> bool {
        match self.options.retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => !self.may_exist,
            RetainHandling::DoNotSend => false,
        }
    }

    /// Whether the SUBSCRIBE may have been answered with retained messages.
    pub(crate) fn may_replay(&self) -> bool {
        match self.options.retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => !self.exists,
            RetainHandling::DoNotSend => false,
        }
    }

    /// Whether the subscription was over before `from`, for certain.
    pub(crate) fn over(&self, from: Time) -> bool {
        before(self.unsubscribed, from) || before(self.superseded, from)
    }

    /// Whether the subscription certainly holds from `from` to `until`.
    pub(crate) fn holds(&self, from: Time, until: Time) -> bool {
        before(self.confirmed, from) && self.unsubscribe_sent.is_none_or(|sent| sent > until)
    }
}

impl Oracle {
    fn records_of(&self, attempt: AttemptId) -> &[RecordId] {
        let this = &self.attempts[attempt.0 as usize];
        match this.epoch {
            Some(epoch) => &self.epochs[epoch.0 as usize].records,
            None => &this.early_records,
        }
    }

    /// A client sends one filter of a SUBSCRIBE.
    pub(crate) fn subscribe_sent(
        &mut self,
        attempt: AttemptId,
        filter: FilterId,
        (options, identifier): (SubscriptionOptions, Option<u32>),
    ) -> RecordId {
        let now = self.now;
        let id = RecordId(self.records.len() as u32);
        let (mut may_exist, mut exists) = (false, false);
        for old in self.records_of(attempt).to_vec() {
            let old = &mut self.records[old.0 as usize];
            if old.filter == filter {
                old.superseded_sent.get_or_insert(now);
                may_exist |= old.unsubscribed.is_none();
                exists |= old.confirmed.is_some() && old.unsubscribe_sent.is_none();
            }
        }
        self.records.push(Record {
            filter,
            options,
            is_group: self.topics.is_group(filter),
            identifier,
            sent: now,
            confirmed: None,
            unsubscribe_sent: None,
            unsubscribed: None,
            superseded_sent: None,
            superseded: None,
            may_exist,
            exists,
        });
        let this = &mut self.attempts[attempt.0 as usize];
        match this.epoch {
            Some(epoch) => self.epochs[epoch.0 as usize].records.push(id),
            None => this.early_records.push(id),
        }
        id
    }

    /// Its SUBACK came.
    pub(crate) fn subscribe_confirmed(&mut self, attempt: AttemptId, record: RecordId) {
        let now = self.now;
        let filter = self.records[record.0 as usize].filter;
        for old in self.records_of(attempt).to_vec() {
            let held = &mut self.records[old.0 as usize];
            if held.filter == filter && old < record {
                held.superseded.get_or_insert(now);
            }
        }
        self.records[record.0 as usize].confirmed = Some(now);
    }

    /// A client sends one filter of an UNSUBSCRIBE.
    pub(crate) fn unsubscribe_sent(&mut self, attempt: AttemptId, filter: FilterId) {
        let now = self.now;
        for record in self.records_of(attempt).to_vec() {
            let record = &mut self.records[record.0 as usize];
            if record.filter == filter {
                record.unsubscribe_sent.get_or_insert(now);
            }
        }
    }

    /// Its UNSUBACK came; `sent` is when the UNSUBSCRIBE went out.
    pub(crate) fn unsubscribe_confirmed(
        &mut self,
        attempt: AttemptId,
        filter: FilterId,
        sent: Time,
    ) {
        let now = self.now;
        for record in self.records_of(attempt).to_vec() {
            let record = &mut self.records[record.0 as usize];
            if record.filter == filter && record.sent <= sent {
                record.unsubscribed.get_or_insert(now);
            }
        }
    }

    /// Filters the session of an attempt may be subscribed to now.
    pub(crate) fn filters_of(&self, attempt: AttemptId) -> Vec<FilterId> {
        let mut filters: Vec<FilterId> = self
            .records_of(attempt)
            .iter()
            .map(|record| &self.records[record.0 as usize])
            .filter(|record| record.unsubscribe_sent.is_none())
            .map(|record| record.filter)
            .collect();
        filters.sort_unstable();
        filters.dedup();
        filters
    }

    /// The session's records that match a message, for the report.
    pub(crate) fn records_for(&self, epoch: EpochId, message: MessageIndex) -> Vec<&Record> {
        let topic = self.messages[message.0 as usize].topic;
        let records = self.epochs[epoch.0 as usize].records.iter();
        records
            .map(|record| &self.records[record.0 as usize])
            .filter(|record| self.topics.matches(record.filter, topic))
            .collect()
    }

    /// Whether the publisher itself is subscribed, without wanting its own messages.
    pub(crate) fn kept_back(&self, message: &super::Message) -> bool {
        let publisher = self.attempts.get(message.attempt.0 as usize);
        let Some(epoch) = publisher.and_then(|publisher| publisher.epoch) else {
            return false;
        };
        let records = &self.epochs[epoch.0 as usize].records;
        let records = records.iter().map(|it| &self.records[it.0 as usize]);
        let mut own = records.filter(|record| {
            record.holds(self.now, self.now) && self.topics.matches(record.filter, message.topic)
        });
        own.any(|record| record.options.no_local)
    }

    /// What the session's subscriptions say of a message between its publish and `until`.
    pub(crate) fn granted(&self, epoch: EpochId, message: MessageIndex, until: Time) -> Granted {
        let message = &self.messages[message.0 as usize];
        let from = message.first_sent;
        let held = &self.epochs[epoch.0 as usize];
        let publisher = &self.attempts[message.attempt.0 as usize];
        let same_client = publisher.client_id == self.attempts[held.attempt.0 as usize].client_id;
        let same_session = same_client && publisher.epoch == Some(epoch);
        let mut granted = Granted {
            possible: false,
            certain: false,
            qos_low: Qos::AtMostOnce,
            qos_high: Qos::AtMostOnce,
            retain_as_published: false,
            retain_cleared: false,
        };
        for record in &held.records {
            let record = &self.records[record.0 as usize];
            if record.sent > until || !self.topics.matches(record.filter, message.topic) {
                continue;
            }
            let options = record.options;
            if !record.over(from) {
                // One that no-local silences matches all the same and counts for the QoS.
                granted.possible |= !(options.no_local && same_session);
                granted.qos_high = granted.qos_high.max(options.qos);
                granted.retain_as_published |= options.retain_as_published;
                granted.retain_cleared |= !options.retain_as_published;
            }
            let local = options.no_local && same_client;
            if record.holds(from, until) && !local && !record.is_group {
                let replaced = record.superseded_sent.is_some_and(|sent| sent <= until);
                // A replacement may have switched no-local on.
                granted.certain |= !(replaced && same_client);
                if !replaced {
                    granted.qos_low = granted.qos_low.max(options.qos);
                }
            }
        }
        granted
    }
}
