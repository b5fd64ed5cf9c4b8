//! The properties of MQTT 5.0 as the kit knows them, from the specification and not from the broker's code:
//! identifier, name, form on the wire, and which packets of a server may carry it.

use crate::words::{Word, quoted};

/// How a value stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Byte,
    TwoBytes,
    FourBytes,
    VariableByteInteger,
    Text,
    Binary,
    Pair,
}

/// One of the 27 properties. [v5 2.2.2.2]
#[derive(Debug)]
pub(crate) struct PropertyKind {
    pub(crate) id: u8,
    /// The specification's name with underscores; the user property is just `user`.
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// Packets of a server that may carry it: Connack, Publish, Acknowledgements of all kinds, Disconnect,
    /// aUth, by the capital letter.
    carriers: &'static str,
}

const fn kind(id: u8, name: &'static str, form: Form, carriers: &'static str) -> PropertyKind {
    PropertyKind {
        id,
        name,
        form,
        carriers,
    }
}

use Form::{Binary, Byte, FourBytes, Pair, Text, TwoBytes, VariableByteInteger};

#[rustfmt::skip]
const KINDS: [PropertyKind; 27] = [
    kind(0x01, "payload_format_indicator", Byte, "P"),
    kind(0x02, "message_expiry_interval", FourBytes, "P"),
    kind(0x03, "content_type", Text, "P"),
    kind(0x08, "response_topic", Text, "P"),
    kind(0x09, "correlation_data", Binary, "P"),
    kind(0x0B, "subscription_identifier", VariableByteInteger, "P"),
    kind(0x11, "session_expiry_interval", FourBytes, "C"),
    kind(0x12, "assigned_client_identifier", Text, "C"),
    kind(0x13, "server_keep_alive", TwoBytes, "C"),
    kind(0x15, "authentication_method", Text, "CU"),
    kind(0x16, "authentication_data", Binary, "CU"),
    kind(0x17, "request_problem_information", Byte, ""),
    kind(0x18, "will_delay_interval", FourBytes, ""),
    kind(0x19, "request_response_information", Byte, ""),
    kind(0x1A, "response_information", Text, "C"),
    kind(0x1C, "server_reference", Text, "CD"),
    kind(0x1F, "reason_string", Text, "CADU"),
    kind(0x21, "receive_maximum", TwoBytes, "C"),
    kind(0x22, "topic_alias_maximum", TwoBytes, "C"),
    kind(0x23, "topic_alias", TwoBytes, "P"),
    kind(0x24, "maximum_qos", Byte, "C"),
    kind(0x25, "retain_available", Byte, "C"),
    kind(0x26, "user", Pair, "CPADU"),
    kind(0x27, "maximum_packet_size", FourBytes, "C"),
    kind(0x28, "wildcard_subscription_available", Byte, "C"),
    kind(0x29, "subscription_identifier_available", Byte, "C"),
    kind(0x2A, "shared_subscription_available", Byte, "C"),
];

/// The property with this name.
pub(crate) fn named(name: &str) -> Option<&'static PropertyKind> {
    KINDS.iter().find(|it| it.name == name)
}

/// The property with this identifier.
pub(crate) fn numbered(id: u8) -> Option<&'static PropertyKind> {
    KINDS.iter().find(|it| it.id == id)
}

impl PropertyKind {
    /// Whether a server may send it in such a packet.
    pub(crate) fn may_stand_in(&self, packet: &str) -> bool {
        let letter = match packet {
            "connack" => 'C',
            "publish" => 'P',
            "disconnect" => 'D',
            "auth" => 'U',
            _ => 'A',
        };
        self.carriers.contains(letter)
    }

    /// Appends identifier and value. Values out of range are written all the same.
    pub(crate) fn write(&self, word: &Word, out: &mut Vec<u8>) -> Result<(), String> {
        out.push(self.id);
        match self.form {
            Byte => out.push(word.number()? as u8),
            TwoBytes => out.extend((word.number()? as u16).to_be_bytes()),
            FourBytes => out.extend(word.number()?.to_be_bytes()),
            VariableByteInteger => variable_byte_integer(word.number()?, out),
            Text | Binary => with_length(&word.value, out),
            Pair => {
                let (name, value) = pair(word)?;
                with_length(name, out);
                with_length(value, out);
            }
        }
        Ok(())
    }

    /// A value in the form in which values are compared.
    pub(crate) fn canonical(&self, word: &Word) -> Result<String, String> {
        Ok(match self.form {
            Text | Binary => quoted(&word.value),
            Pair => {
                let (name, value) = pair(word)?;
                canonical_pair(name, value)
            }
            _ => word.number()?.to_string(),
        })
    }
}

/// A user property in the form in which values are compared.
pub(crate) fn canonical_pair(name: &[u8], value: &[u8]) -> String {
    format!("{}:{}", quoted(name), quoted(value))
}

/// `name:value` of a user property, at the first colon.
fn pair(word: &Word) -> Result<(&[u8], &[u8]), String> {
    let colon = word.value.iter().position(|it| *it == b':');
    let colon = colon.ok_or_else(|| format!("{word} is not user=name:value"))?;
    Ok((&word.value[..colon], &word.value[colon + 1..]))
}

/// Appends two bytes of length and the bytes.
pub(crate) fn with_length(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).expect("a script writes no field over 65,535 bytes");
    out.extend(length.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a variable byte integer. [v5 1.5.5]
pub(crate) fn variable_byte_integer(mut value: u32, out: &mut Vec<u8>) {
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
