//! A client's topic aliases, in both directions: each lives as long as its connection. What stands for no
//! topic must never come. [v5 3.3.2.3.4]

use std::collections::BTreeMap;

use ringmq_codec::packet::Publish;
use ringmq_codec::{PropertiesBuffer, Property};

use crate::client::{Client, Context};
use crate::oracle::Rule;
use crate::topics::TopicId;

/// Per mille of publishes that use an alias where the broker takes some.
const USED: u64 = 500;

/// Aliases of one connection.
#[derive(Debug, Default)]
pub(crate) struct Aliases {
    /// The broker's Topic Alias Maximum.
    pub(crate) sent_max: u16,
    /// What each alias stands for, as the broker was told.
    sent: BTreeMap<u16, TopicId>,
    /// What each alias stands for, as the broker says.
    received: BTreeMap<u16, String>,
}

impl Client {
    /// Names a topic that is about to be published: whether the topic itself is sent.
    pub(super) fn name_topic(
        &mut self,
        context: &mut Context<'_>,
        topic: TopicId,
        properties: &mut PropertiesBuffer,
    ) -> bool {
        let max = self.aliases.sent_max;
        if max == 0 || !context.random.chance(USED) {
            return true;
        }
        let known = self.aliases.sent.iter().find(|(_, known)| **known == topic);
        if let Some((alias, _)) = known {
            properties.push(Property::TopicAlias(*alias));
            context.coverage.hit("topic alias to the broker");
            return context.random.chance(200);
        }
        // Perhaps one that stood for another topic so far.
        let alias = context.random.within(1..=u64::from(max)) as u16;
        self.aliases.sent.insert(alias, topic);
        properties.push(Property::TopicAlias(alias));
        true
    }

    /// The topic of a publish that came, or `None` when it has none.
    pub(super) fn topic_of(
        &mut self,
        context: &mut Context<'_>,
        packet: &Publish<'_>,
    ) -> Option<String> {
        let alias = packet
            .properties
            .iter()
            .find_map(|property| match property {
                Property::TopicAlias(alias) => Some(alias),
                _ => None,
            });
        let max = self.plan.alias_max;
        if let Some(alias) = alias
            && (alias == 0 || alias > max)
        {
            self.fail(
                context,
                Rule::Alias,
                &format!("alias {alias} of {max} came"),
            );
            return None;
        }
        match (packet.topic, alias) {
            (Some(topic), alias) => {
                if let Some(alias) = alias {
                    let topic = topic.as_str().to_owned();
                    self.aliases.received.insert(alias, topic);
                    context.coverage.hit("topic alias set by the broker");
                }
                Some(topic.as_str().to_owned())
            }
            (None, Some(alias)) => {
                let topic = self.aliases.received.get(&alias).cloned();
                match &topic {
                    Some(_) => context.coverage.hit("topic alias from the broker"),
                    None => {
                        let detail = format!("alias {alias} came, which stands for no topic");
                        self.fail(context, Rule::Alias, &detail);
                    }
                }
                topic
            }
            (None, None) => {
                self.fail(context, Rule::Alias, "a PUBLISH without topic and alias");
                None
            }
        }
    }
}
