//! Properties of a PUBLISH or a will: what is forwarded to subscribers, and what is for the broker.
//!
//! Forwarded properties stay encoded and in their order. [v5 MQTT-3.3.2-4] [v5 MQTT-3.3.2-15]
//! [v5 MQTT-3.3.2-16] [v5 MQTT-3.3.2-17] [v5 MQTT-3.3.2-18] [v5 MQTT-3.3.2-20]

use ringmq_codec::{Properties, PropertiesBuffer, Property};

/// The properties that are for the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BrokerProperties {
    pub(crate) message_expiry_secs: Option<u32>,
    pub(crate) will_delay_secs: u32,
    pub(crate) topic_alias: Option<u16>,
    /// Says that the payload is UTF-8; forwarded too.
    pub(crate) payload_is_text: bool,
    pub(crate) has_subscription_identifier: bool,
}

/// Splits properties into the broker's and the forwarded ones, which are copied to `buffer` only when
/// some must be left out.
pub(crate) fn split<'a>(
    properties: Properties<'a>,
    buffer: &'a mut PropertiesBuffer,
) -> (BrokerProperties, &'a [u8]) {
    let mut broker = BrokerProperties::default();
    if properties.is_empty() {
        return (broker, &[]);
    }
    let mut left_out = false;
    for property in properties.iter() {
        match property {
            Property::MessageExpirySecs(secs) => broker.message_expiry_secs = Some(secs),
            Property::WillDelaySecs(secs) => broker.will_delay_secs = secs,
            Property::TopicAlias(alias) => broker.topic_alias = Some(alias),
            Property::SubscriptionIdentifier(_) => broker.has_subscription_identifier = true,
            Property::PayloadFormatIndicator(is_text) => {
                broker.payload_is_text = is_text;
                continue;
            }
            _ => continue,
        }
        left_out = true;
    }
    if !left_out {
        return (broker, properties.as_bytes());
    }
    buffer.clear();
    for property in properties.iter() {
        match property {
            Property::MessageExpirySecs(_)
            | Property::WillDelaySecs(_)
            | Property::TopicAlias(_)
            | Property::SubscriptionIdentifier(_) => {}
            _ => buffer.push(property),
        }
    }
    (broker, buffer.as_properties().as_bytes())
}

#[cfg(test)]
mod tests {
    use ringmq_codec::{PropertiesBuffer, Property};

    use super::{BrokerProperties, split};

    #[test]
    fn the_brokers_properties_are_left_out_and_the_others_stay_in_order() {
        let mut sent = PropertiesBuffer::new();
        let mut expected = PropertiesBuffer::new();
        sent.push(Property::UserProperty("b", "1"));
        sent.push(Property::MessageExpirySecs(60));
        sent.push(Property::PayloadFormatIndicator(true));
        sent.push(Property::ResponseTopic("reply"));
        sent.push(Property::TopicAlias(3));
        sent.push(Property::UserProperty("a", "2"));
        expected.push(Property::UserProperty("b", "1"));
        expected.push(Property::PayloadFormatIndicator(true));
        expected.push(Property::ResponseTopic("reply"));
        expected.push(Property::UserProperty("a", "2"));
        let mut buffer = PropertiesBuffer::new();
        let (broker, forwarded) = split(sent.as_properties(), &mut buffer);
        assert_eq!(forwarded, expected.as_properties().as_bytes());
        let expected = BrokerProperties {
            message_expiry_secs: Some(60),
            topic_alias: Some(3),
            payload_is_text: true,
            ..BrokerProperties::default()
        };
        assert_eq!(broker, expected);
    }

    #[test]
    fn properties_that_are_all_forwarded_are_not_copied() {
        let mut sent = PropertiesBuffer::new();
        sent.push(Property::ContentType("text"));
        let properties = sent.as_properties();
        let mut buffer = PropertiesBuffer::new();
        let (broker, forwarded) = split(properties, &mut buffer);
        assert_eq!(broker, BrokerProperties::default());
        assert!(std::ptr::eq(forwarded, properties.as_bytes()));
    }
}
