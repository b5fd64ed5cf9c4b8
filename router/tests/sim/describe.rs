//! Inputs and outputs of a shard as lines of the trace: payloads by the message they belong to.

use ringmq_router::link::LinkMessage;
use ringmq_router::{Input, Output, Outputs};

use crate::oracle::parse;

/// An input, for the trace.
pub(crate) fn describe_input(input: &Input<'_>) -> String {
    match input {
        Input::Received { connection, bytes } => {
            format!(
                "{connection:?} received {} bytes {:02x?}",
                bytes.len(),
                &bytes[..bytes.len().min(48)]
            )
        }
        Input::Link { from, message } => format!("from {}: {}", from.0, describe_link(message)),
        other => format!("{other:?}"),
    }
}

/// An output, for the trace.
pub(crate) fn describe_output(output: &Output, outputs: &Outputs) -> String {
    match output {
        Output::Send { frame, targets, .. } => {
            let bytes = outputs.frame(*frame);
            format!(
                "send {} bytes {:02x?} to {:?}",
                bytes.len(),
                &bytes[..bytes.len().min(48)],
                outputs.receivers(*targets)
            )
        }
        Output::Link { to, message } => format!("to {}: {}", to.0, describe_link(message)),
        other => format!("{other:?}"),
    }
}

fn describe_link(message: &LinkMessage) -> String {
    match message {
        LinkMessage::Publishes(batch) => {
            let mut text = format!("publishes {:?}:", batch.seq);
            for item in &batch.items {
                let item = &batch.data.items[*item as usize];
                let topic =
                    &batch.data.bytes[item.topic_start as usize..item.properties_start as usize];
                let payload = &batch.data.bytes[item.payload_start as usize..item.end as usize];
                text += &format!(
                    " [{} {:?} qos {:?} retain {} seq {} live {:b}]",
                    String::from_utf8_lossy(topic),
                    parse(payload),
                    item.qos,
                    item.retain,
                    item.retain_seq,
                    item.live
                );
            }
            text
        }
        LinkMessage::RetainedReply(reply) => {
            let mut text = format!(
                "retained reply {:?} more {:?}:",
                reply.query, reply.more_after
            );
            for item in &reply.items {
                let topic = &item.message.bytes[..usize::from(item.message.topic_len)];
                text += &format!(
                    " [{} origin {:?} seq {} live {:b}]",
                    String::from_utf8_lossy(topic),
                    item.origin,
                    item.retain_seq,
                    item.live
                );
            }
            text
        }
        LinkMessage::Stats(_) => String::from("stats"),
        other => format!("{other:?}"),
    }
}
