//! Wills: the message a client leaves for the case that it goes without saying so.
//!
//! Published when the connection ends without a DISCONNECT of reason 0x00, after the will delay or at the
//! session's end, whichever comes first. [v5 MQTT-3.1.2-8] [v5 MQTT-3.1.3-9] [v3.1.1 MQTT-3.1.2-8]

use ringmq_codec::{PropertiesBuffer, TopicName, packet};

use crate::ids::SessionIndex;
use crate::link::StoredMessage;
use crate::publish_frame::{Content, Message};
use crate::{Millis, Outputs, Shard, forwarded};

/// A session's will.
#[derive(Debug)]
pub(crate) struct Will {
    message: StoredMessage,
    delay_secs: u32,
    /// Counted from the publication.
    expiry_secs: Option<u32>,
    /// When it is to be published, once the connection is gone.
    due: Option<Millis>,
}

impl Will {
    /// The will of a CONNECT.
    pub(crate) fn new(will: &packet::Will<'_>) -> Will {
        let mut buffer = PropertiesBuffer::new();
        let (broker, properties) = forwarded::split(will.properties, &mut buffer);
        let topic = will.topic.as_str().as_bytes();
        let bytes = [topic, properties, will.payload].concat();
        Will {
            message: StoredMessage {
                bytes: bytes.into(),
                topic_len: topic.len() as u16,
                properties_len: properties.len() as u32,
                qos: will.qos,
                retain: will.retain,
                expires: None,
            },
            delay_secs: broker.will_delay_secs,
            expiry_secs: broker.message_expiry_secs,
            due: None,
        }
    }

    /// When it is to be published; `None` while its client is connected.
    pub(crate) fn due(&self) -> Option<Millis> {
        self.due
    }

    /// Memory, bytes.
    pub(crate) fn bytes(&self) -> u64 {
        (size_of::<Will>() + self.message.bytes.len()) as u64
    }
}

impl Shard {
    /// The session's connection is gone and the session goes on: publish its will, now or later.
    pub(crate) fn schedule_will(&mut self, index: SessionIndex, outputs: &mut Outputs) {
        let now = self.now;
        let Some(will) = self.sessions.get_mut(index).will_mut() else {
            return;
        };
        if will.delay_secs == 0 {
            let will = self.sessions.get_mut(index).replace_will(None);
            self.publish_will(index, will, outputs);
            return;
        }
        will.due = Some(Millis(now.0 + u64::from(will.delay_secs) * 1_000));
    }

    /// Publishes the will of a session without a connection if its delay is over.
    pub(crate) fn publish_due_will(
        &mut self,
        index: SessionIndex,
        by: Millis,
        outputs: &mut Outputs,
    ) {
        let session = self.sessions.get_mut(index);
        let due = session.will().and_then(Will::due);
        if due.is_some_and(|due| due <= by) {
            let will = session.replace_will(None);
            self.publish_will(index, will, outputs);
        }
    }

    /// Publishes a will as any message of its client. Those to `$SYS` are let go.
    pub(crate) fn publish_will(
        &mut self,
        client: SessionIndex,
        will: Option<Box<Will>>,
        outputs: &mut Outputs,
    ) {
        let Some(will) = will else {
            return;
        };
        let content = Content::of(&will.message);
        let topic = std::str::from_utf8(content.topic)
            .ok()
            .and_then(TopicName::new);
        let topic = topic.expect("the CONNECT was decoded");
        if topic.as_str().starts_with("$SYS/") {
            return;
        }
        let expires = will
            .expiry_secs
            .map(|secs| Millis(self.now.0 + u64::from(secs) * 1_000));
        let message = Message {
            topic,
            topic_hash: self.index.fingerprint(topic.as_str()),
            properties: content.properties,
            payload: content.payload,
            qos: will.message.qos,
            retain: will.message.retain,
            expires,
            publisher: Some(client),
        };
        self.stats.wills_published_total += 1;
        self.route(&message, None, outputs);
    }
}
