//! Packets of the broker, from bytes to words. The decoder is the kit's own and strict: what the
//! specification forbids a server to send ends the script, whether or not the script looked for it.

use crate::property::{Form, canonical_pair, numbered};
use crate::words::{Version, quoted};

/// A packet of the broker: its fields as keys and values in the order of the wire. A field that says
/// nothing (`qos=0`, no DUP, reason 0x00) is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Received {
    /// The values of a field, in order.
    pub(crate) fn values(&self, key: &str) -> Vec<&str> {
        let fields = self.fields.iter().filter(|(it, _)| *it == key);
        fields.map(|(_, value)| value.as_str()).collect()
    }
}

impl std::fmt::Display for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        for (key, value) in &self.fields {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

/// The body of a packet, read from the front.
struct Body<'a> {
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err("it ends too early".into());
        };
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u32, String> {
        let taken = self.take(bytes)?.iter();
        Ok(taken.fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn binary(&mut self) -> Result<&'a [u8], String> {
        let length = self.number(2)?;
        self.take(length as usize)
    }

    fn text(&mut self) -> Result<&'a [u8], String> {
        let bytes = self.binary()?;
        match str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(bytes),
            _ => Err("a text is not what MQTT calls UTF-8".into()),
        }
    }

    fn variable_byte_integer(&mut self) -> Result<u32, String> {
        let mut value = 0;
        for position in 0..4 {
            let byte = self.number(1)?;
            value |= (byte & 0x7F) << (7 * position);
            if byte & 0x80 == 0 {
                return match byte == 0 && position > 0 {
                    true => Err("a variable byte integer is longer than it need be".into()),
                    false => Ok(value),
                };
            }
        }
        Err("a variable byte integer takes more than four bytes".into())
    }

    fn packet_id(&mut self) -> Result<String, String> {
        match self.number(2)? {
            0 => Err("the packet identifier is 0".into()),
            id => Ok(id.to_string()),
        }
    }
}

/// The packet that these bytes are.
pub(crate) fn decode(packet: &[u8], version: Version) -> Result<Received, String> {
    let mut body = Body { rest: &packet[1..] };
    let length = body.variable_byte_integer()?;
    if body.rest.len() != length as usize {
        return Err("it is not as long as it says".into());
    }
    let flags = packet[0] & 0x0F;
    let name = match packet[0] >> 4 {
        2 => "connack",
        3 => "publish",
        4 => "puback",
        5 => "pubrec",
        6 => "pubrel",
        7 => "pubcomp",
        9 => "suback",
        11 => "unsuback",
        13 => "pingresp",
        14 if version.is_v5() => "disconnect",
        15 if version.is_v5() => "auth",
        _ => return Err("a server sends no such packet".into()),
    };
    let flags_due = match name {
        "publish" => flags,
        "pubrel" => 2,
        _ => 0,
    };
    if flags != flags_due {
        return Err(format!("the flags of {name} are wrong"));
    }
    let mut received = Received {
        name,
        fields: Vec::new(),
    };
    match name {
        "connack" => connack(&mut body, version, &mut received)?,
        "publish" => publish(&mut body, (flags, version), &mut received)?,
        "suback" | "unsuback" => reasons(&mut body, version, &mut received)?,
        "pingresp" => {}
        "disconnect" | "auth" => reason(&mut body, version, &mut received)?,
        _ => {
            received.fields.push(("id", body.packet_id()?));
            if version.is_v5() {
                reason(&mut body, version, &mut received)?;
            }
        }
    }
    match body.rest {
        [] => Ok(received),
        _ => Err(format!("bytes behind the end of {name}")),
    }
}

fn connack(body: &mut Body<'_>, version: Version, to: &mut Received) -> Result<(), String> {
    let session_present = body.number(1)?;
    if session_present > 1 || version == Version::V31 && session_present != 0 {
        return Err("reserved flags of CONNACK are set".into());
    }
    let code = body.number(1)?;
    if session_present == 1 {
        to.fields.push(("session_present", "1".into()));
        if code != 0 {
            return Err("a refusal with session present".into());
        }
    }
    push_reason(code, to);
    properties(body, version, to)
}

fn publish(
    body: &mut Body<'_>,
    (flags, version): (u8, Version),
    to: &mut Received,
) -> Result<(), String> {
    let (dup, qos, retain) = (flags & 8 != 0, flags >> 1 & 3, flags & 1 != 0);
    if qos == 3 || (dup && qos == 0) {
        return Err("a PUBLISH with QoS 3, or with QoS 0 and DUP".into());
    }
    let topic = body.text()?;
    if topic.iter().any(|it| matches!(it, b'+' | b'#')) {
        return Err("a topic name with a wildcard".into());
    }
    to.fields.push(("topic", quoted(topic)));
    if qos > 0 {
        to.fields.push(("qos", qos.to_string()));
        to.fields.push(("id", body.packet_id()?));
    }
    for (key, is_set) in [("dup", dup), ("retain", retain)] {
        if is_set {
            to.fields.push((key, "1".into()));
        }
    }
    properties(body, version, to)?;
    if topic.is_empty() && to.values("topic_alias").is_empty() {
        return Err("a PUBLISH with neither topic nor topic alias".into());
    }
    to.fields.push(("payload", quoted(body.rest)));
    body.rest = &[];
    Ok(())
}

/// SUBACK and UNSUBACK; the UNSUBACK of v3 ends behind its identifier.
fn reasons(body: &mut Body<'_>, version: Version, to: &mut Received) -> Result<(), String> {
    to.fields.push(("id", body.packet_id()?));
    properties(body, version, to)?;
    if to.name == "unsuback" && !version.is_v5() {
        return Ok(());
    }
    let codes: Vec<String> = body.rest.iter().map(|it| format!("{it:#04x}")).collect();
    if codes.is_empty() {
        return Err("no reason codes".into());
    }
    to.fields.push(("reasons", codes.join(" ")));
    body.rest = &[];
    Ok(())
}

/// A reason code and properties, either or both of which may be missing.
fn reason(body: &mut Body<'_>, version: Version, to: &mut Received) -> Result<(), String> {
    if !body.rest.is_empty() {
        let code = body.number(1)?;
        push_reason(code, to);
    }
    if !body.rest.is_empty() {
        properties(body, version, to)?;
    }
    Ok(())
}

fn push_reason(code: u32, to: &mut Received) {
    if code != 0 {
        to.fields.push(("reason", format!("{code:#04x}")));
    }
}

/// The property list, each checked for whether it may stand there and whether it may be repeated.
fn properties(body: &mut Body<'_>, version: Version, to: &mut Received) -> Result<(), String> {
    if !version.is_v5() {
        return Ok(());
    }
    let length = body.variable_byte_integer()?;
    let mut list = Body {
        rest: body.take(length as usize)?,
    };
    while !list.rest.is_empty() {
        let id = list.number(1)? as u8;
        let kind = numbered(id).ok_or_else(|| format!("property {id:#04x} does not exist"))?;
        let value = match kind.form {
            Form::Byte => list.number(1)?.to_string(),
            Form::TwoBytes => list.number(2)?.to_string(),
            Form::FourBytes => list.number(4)?.to_string(),
            Form::VariableByteInteger => list.variable_byte_integer()?.to_string(),
            Form::Text => quoted(list.text()?),
            Form::Binary => quoted(list.binary()?),
            Form::Pair => canonical_pair(list.text()?, list.text()?),
        };
        let may_repeat = matches!(kind.name, "user" | "subscription_identifier");
        if !kind.may_stand_in(to.name) || !may_repeat && !to.values(kind.name).is_empty() {
            return Err(format!(
                "{} must not stand (again) in {}",
                kind.name, to.name
            ));
        }
        to.fields.push((kind.name, value));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::bytes;

    fn decoded(text: &str, version: Version) -> Result<String, String> {
        let bytes = bytes(text, version).unwrap();
        decode(&bytes, version).map(|it| it.to_string())
    }

    #[test]
    fn packets_of_a_server_become_words() {
        for (bytes, expected) in [
            ("20( 01 00 {} )", "connack session_present=1"),
            ("40( 0007 )", "puback id=7"),
            ("62( 0007 )", "pubrel id=7"),
            ("d000", "pingresp"),
            ("90( 0001 {} 00 80 )", "suback id=1 reasons=0x00 0x80"),
        ] {
            assert_eq!(decoded(bytes, Version::V5).as_deref(), Ok(expected));
            assert_eq!(decoded(bytes, Version::V311).as_deref(), Ok(expected));
        }
        assert_eq!(
            decoded(r#"3b( "a" 0002 { 26 "k" "v" } 'x' )"#, Version::V5).as_deref(),
            Ok(r#"publish topic="a" qos=1 id=2 dup=1 retain=1 user="k":"v" payload="x""#)
        );
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        for wrong in [
            "c000",                            // PINGREQ
            "d100",                            // flags
            "d00100",                          // trailing byte
            "40( 0000 )",                      // packet identifier 0
            r#"38( "a" {} )"#,                 // QoS 0 with DUP
            r#"30( "a/+" {} )"#,               // a wildcard
            r#"30( "" {} )"#,                  // no topic
            "20( 02 00 {} )",                  // reserved flag
            "20( 01 80 {} )",                  // session present and refused
            "90( 0001 {} )",                   // no reason codes
            "20( 00 00 { 21 0001 21 0001 } )", // a property twice
            "20( 00 00 { 23 0001 } )",         // a property of other packets
            "20( 00 00 { 30 01 } )",           // no property
            "e0( 81 8000 )",                   // a length longer than it need be
        ] {
            assert!(decoded(wrong, Version::V5).is_err(), "{wrong}");
        }
        for wrong in ["e000", "f000", "40( 0001 00 )"] {
            assert!(decoded(wrong, Version::V311).is_err(), "{wrong}");
        }
        assert!(decoded("20( 01 00 )", Version::V31).is_err());
    }
}
