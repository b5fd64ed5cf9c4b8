//! PINGREQ: answered where it is found, since neither it nor its answer holds anything.
//!
//! A million idle clients send little else.

use ringmq_codec::packet::PINGRESP;

use crate::puback::Publisher;
use crate::{Outputs, Shard, Wait};

impl Shard {
    /// Answers with PINGRESP. [v5 MQTT-3.12.4-1] [v3.1.1 MQTT-3.12.4-1]
    pub(crate) fn on_pingreq(&mut self, client: Publisher, outputs: &mut Outputs) {
        self.reply(client.session, &PINGRESP, Wait::No, outputs);
    }
}
