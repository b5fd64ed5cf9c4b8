//! UNSUBSCRIBE: from its UNSUBACK on nothing new is sent for the filter; what waits already still comes.
//! [v5 MQTT-3.10.4-2] [v5 MQTT-3.10.4-3]

use ringmq_codec::{
    Packet, Properties, ReasonCode, TopicFilter,
    packet::{ReasonCodes, SubAck, Unsubscribe},
};

use crate::ids::SessionIndex;
use crate::reason_string::reason_to_tell;
use crate::{CloseReason, ConnectionId, Outputs, Shard};

impl Shard {
    /// A client wants messages no more.
    pub(crate) fn on_unsubscribe(
        &mut self,
        id: ConnectionId,
        index: SessionIndex,
        unsubscribe: Unsubscribe<'_>,
        outputs: &mut Outputs,
    ) -> Result<(), CloseReason> {
        let filters = unsubscribe.filters;
        self.check_answer_fits(index, filters.len())?;
        let mut reasons = Vec::with_capacity(filters.len());
        reasons.extend(
            filters
                .iter()
                .map(|filter| self.unsubscribe_one(index, filter, outputs)),
        );
        let unsuback = Packet::UnsubAck(SubAck {
            packet_id: unsubscribe.packet_id,
            properties: Properties::EMPTY,
            reasons: ReasonCodes::List(&reasons),
        });
        self.send_with_reason(id, &unsuback, reason_to_tell(&reasons), outputs);
        Ok(())
    }

    fn unsubscribe_one(
        &mut self,
        index: SessionIndex,
        filter: TopicFilter<'_>,
        outputs: &mut Outputs,
    ) -> ReasonCode {
        if filter.share().is_some() {
            return if self.leave_group(index, filter, outputs) {
                ReasonCode::Success
            } else {
                ReasonCode::NoSubscriptionExisted
            };
        }
        let Some(unsubscribed) = self.index.unsubscribe(filter, index) else {
            return ReasonCode::NoSubscriptionExisted;
        };
        let session = self.sessions.get_mut(index);
        session.subscriptions.remove(unsubscribed.filter);
        self.barriers.note_removal(unsubscribed.interest);
        self.stop_replays_of(index, filter);
        ReasonCode::Success
    }
}
