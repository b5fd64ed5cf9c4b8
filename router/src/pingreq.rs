//! PINGREQ: answered where it is found, since neither it nor its answer holds anything.
//!
//! A million idle clients send little else.

use ringmq_codec::packet::PINGRESP;

use crate::puback::Publisher;
use crate::session::Flag;
use crate::{Outputs, Shard};

impl Shard {
    /// Answers with PINGRESP. [v5 MQTT-3.12.4-1] [v3.1.1 MQTT-3.12.4-1]
    pub(crate) fn on_pingreq(&mut self, client: Publisher, outputs: &mut Outputs) {
        let start = outputs.bytes.len();
        outputs.bytes.extend_from_slice(&PINGRESP);
        outputs.send_to(start, client.connection);
        self.stats.packets_sent_total += 1;
        self.stats.bytes_sent_total += PINGRESP.len() as u64;
        if self.sessions.hot(client.session).is(Flag::Blocked) {
            self.pause_for_replies(client.connection, PINGRESP.len() as u32, outputs);
        }
    }
}
