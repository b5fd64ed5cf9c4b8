//! Packets of a client, from words to bytes. The encoder is the kit's own: it shares nothing with the
//! broker's, so a misreading of the specification there is not repeated here.
//!
//! What it writes can be wrong on purpose only in values (`qos=3`, `id=0`); for wrong forms there is the
//! notation for bytes.

use crate::bytes::protocol;
use crate::property::{named, variable_byte_integer, with_length};
use crate::words::{Version, Word};

/// Who speaks: how its names become unique on a broker that many scripts share.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    pub(crate) version: Version,
    /// The client's name in the script, and its client identifier unless the script says otherwise.
    pub(crate) name: String,
    /// Stands before client identifiers, topics and filters; empty on a broker of the script's own.
    pub(crate) prefix: String,
}

impl Speaker {
    /// A topic or filter as it goes over the wire. Those that begin with `$` keep their first level.
    pub(crate) fn topic(&self, topic: &[u8]) -> Vec<u8> {
        let head = match topic {
            [] => return Vec::new(),
            // Behind `$share/group/`.
            [b'$', b's', b'h', b'a', b'r', b'e', b'/', group @ ..] => {
                let slash = group.iter().position(|it| *it == b'/');
                "$share/".len() + slash.map_or(group.len(), |at| at + 1)
            }
            [b'$', ..] => return topic.to_vec(),
            _ => 0,
        };
        [&topic[..head], self.prefix.as_bytes(), &topic[head..]].concat()
    }

    fn client_id(&self, id: &[u8]) -> Vec<u8> {
        match id {
            [] => Vec::new(),
            _ => [self.prefix.replace('/', "-").as_bytes(), id].concat(),
        }
    }
}

/// The words of one packet, taken out as they are understood.
struct Fields<'a> {
    words: Vec<&'a Word>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, key: &str) -> Option<&'a Word> {
        let at = self
            .words
            .iter()
            .position(|it| it.key.as_deref() == Some(key))?;
        Some(self.words.remove(at))
    }

    fn number(&mut self, key: &str) -> Result<Option<u32>, String> {
        self.take(key).map(Word::number).transpose()
    }

    /// Whether the plain word stands there.
    fn flag(&mut self, name: &str) -> bool {
        let at = self.words.iter().position(|it| it.is(name));
        at.map(|at| self.words.remove(at)).is_some()
    }

    /// The next quoted text without a key.
    fn quoted(&mut self) -> Option<&'a [u8]> {
        let at = self
            .words
            .iter()
            .position(|it| it.key.is_none() && it.is_quoted)?;
        Some(&self.words.remove(at).value)
    }

    /// Encodes what is left as properties whose names begin with `prefix`: nothing before v5.
    fn properties(&mut self, prefix: &str, version: Version) -> Result<Vec<u8>, String> {
        let mut list = Vec::new();
        let mut others = Vec::new();
        for word in self.words.drain(..) {
            let name = word.key.as_deref().and_then(|it| it.strip_prefix(prefix));
            match name.and_then(named) {
                Some(kind) => kind.write(word, &mut list)?,
                None => others.push(word),
            }
        }
        self.words = others;
        if !version.is_v5() {
            return match list.is_empty() {
                true => Ok(Vec::new()),
                false => Err(format!("MQTT {version} has no properties")),
            };
        }
        let mut out = Vec::new();
        variable_byte_integer(list.len() as u32, &mut out);
        out.extend(list);
        Ok(out)
    }

    fn finish(&self) -> Result<(), String> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("what is {word}?")),
        }
    }
}

/// The bytes of the packet these words name.
pub(crate) fn packet(words: &[Word], speaker: &Speaker) -> Result<Vec<u8>, String> {
    let (name, fields) = words.split_first().ok_or("no packet")?;
    let mut fields = Fields {
        words: fields.iter().collect(),
    };
    let (first_byte, body) = match name.text()? {
        "connect" => (0x10, connect(&mut fields, speaker)?),
        "publish" => publish(&mut fields, speaker)?,
        "puback" => (0x40, acknowledgement(&mut fields, speaker.version)?),
        "pubrec" => (0x50, acknowledgement(&mut fields, speaker.version)?),
        "pubrel" => (0x62, acknowledgement(&mut fields, speaker.version)?),
        "pubcomp" => (0x70, acknowledgement(&mut fields, speaker.version)?),
        "subscribe" => (0x82, subscribe(&mut fields, speaker)?),
        "unsubscribe" => (0xA2, unsubscribe(&mut fields, speaker)?),
        "pingreq" => (0xC0, Vec::new()),
        "disconnect" => (0xE0, with_reason(&mut fields, speaker.version)?),
        "auth" => (0xF0, with_reason(&mut fields, speaker.version)?),
        other => return Err(format!("a client sends no {other:?}")),
    };
    fields.finish()?;
    let mut out = vec![first_byte];
    variable_byte_integer(body.len() as u32, &mut out);
    out.extend(body);
    Ok(out)
}

fn connect(fields: &mut Fields<'_>, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let version = speaker.version;
    let will = fields.take("will");
    let will_payload = fields.take("will_payload");
    let will_qos = fields.number("will_qos")?.unwrap_or(0);
    let (user_name, password) = (fields.take("user_name"), fields.take("password"));
    let mut flags = will_qos << 3;
    for (bit, is_set) in [
        (0x02, fields.flag("clean")),
        (0x04, will.is_some()),
        (0x20, fields.flag("will_retain")),
        (0x40, password.is_some()),
        (0x80, user_name.is_some()),
    ] {
        flags |= if is_set { bit } else { 0 };
    }
    let keep_alive = fields.number("keep_alive")?.unwrap_or(0);
    let client_id = match fields.take("client_id") {
        Some(word) => speaker.client_id(&word.value),
        None => speaker.client_id(speaker.name.as_bytes()),
    };
    let will_properties = fields.properties("will.", version)?;
    let (name, level) = protocol(version);
    let mut out = Vec::new();
    with_length(name, &mut out);
    out.push(level);
    out.push(flags as u8);
    out.extend((keep_alive as u16).to_be_bytes());
    out.extend(fields.properties("", version)?);
    with_length(&client_id, &mut out);
    if let Some(topic) = will {
        out.extend(will_properties);
        with_length(&speaker.topic(&topic.value), &mut out);
        with_length(will_payload.map_or(&[], |it| &it.value), &mut out);
    }
    for word in [user_name, password].into_iter().flatten() {
        with_length(&word.value, &mut out);
    }
    Ok(out)
}

fn publish(fields: &mut Fields<'_>, speaker: &Speaker) -> Result<(u8, Vec<u8>), String> {
    let qos = fields.number("qos")?.unwrap_or(0);
    let mut first_byte = 0x30 | (qos as u8) << 1;
    first_byte |= if fields.flag("dup") { 0x08 } else { 0 };
    first_byte |= if fields.flag("retain") { 0x01 } else { 0 };
    let topic = fields.quoted().ok_or("a publish has a topic")?;
    let payload = fields.quoted().unwrap_or_default();
    let mut out = Vec::new();
    with_length(&speaker.topic(topic), &mut out);
    if qos > 0 {
        packet_id(fields, &mut out)?;
    }
    out.extend(fields.properties("", speaker.version)?);
    out.extend(payload);
    Ok((first_byte, out))
}

fn packet_id(fields: &mut Fields<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let id = fields.number("id")?.ok_or("id=... is missing")?;
    out.extend((id as u16).to_be_bytes());
    Ok(())
}

/// The short form where there is nothing to say, as most clients have it.
fn acknowledgement(fields: &mut Fields<'_>, version: Version) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    packet_id(fields, &mut out)?;
    out.extend(with_reason(fields, version)?);
    Ok(out)
}

fn with_reason(fields: &mut Fields<'_>, version: Version) -> Result<Vec<u8>, String> {
    let reason = fields.number("reason")?;
    let properties = fields.properties("", version)?;
    if !version.is_v5() {
        return match reason {
            None => Ok(Vec::new()),
            Some(_) => Err(format!("MQTT {version} has no reason codes here")),
        };
    }
    let has_properties = properties.len() > 1;
    let mut out: Vec<u8> = reason.map(|it| it as u8).into_iter().collect();
    if has_properties {
        out.resize(1, 0);
        out.extend(properties);
    }
    Ok(out)
}

/// A filter, then its options, then the next filter.
fn subscribe(fields: &mut Fields<'_>, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    packet_id(fields, &mut out)?;
    out.extend(fields.properties("", speaker.version)?);
    for word in fields.words.drain(..) {
        if word.key.is_none() && word.is_quoted {
            with_length(&speaker.topic(&word.value), &mut out);
            out.push(0);
            continue;
        }
        let bits = match word.key.as_deref() {
            Some("qos") => word.number()?,
            Some("retain_handling") => word.number()? << 4,
            Some("options") => word.number()?,
            None if word.is("no_local") => 0x04,
            None if word.is("retain_as_published") => 0x08,
            _ => return Err(format!("what is {word}?")),
        };
        *out.last_mut().ok_or("options without a filter")? |= bits as u8;
    }
    Ok(out)
}

fn unsubscribe(fields: &mut Fields<'_>, speaker: &Speaker) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    packet_id(fields, &mut out)?;
    out.extend(fields.properties("", speaker.version)?);
    while let Some(filter) = fields.quoted() {
        with_length(&speaker.topic(filter), &mut out);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::bytes;
    use crate::words::words;

    fn check(line: &str, version: Version, expected: &str) {
        let speaker = Speaker {
            version,
            name: "me".into(),
            prefix: "p/".into(),
        };
        let packet = packet(&words(line, version).unwrap(), &speaker).unwrap();
        assert_eq!(packet, bytes(expected, version).unwrap(), "{line}");
    }

    #[test]
    fn packets_become_the_bytes_of_their_version() {
        for version in [Version::V31, Version::V311, Version::V5] {
            check(
                r#"connect clean keep_alive=60 will="w" will_payload="x" will_qos=1 user_name="u""#,
                version,
                r#"10( PROTOCOL 8e 003c {} "p-me" {} "p/w" "x" "u" )"#,
            );
            check(
                r#"publish "a" "x" qos=2 id=7 dup"#,
                version,
                r#"3c( "p/a" 0007 {} 'x' )"#,
            );
            check(
                r#"subscribe id=1 "$share/g/#" qos=1 "$SYS/#""#,
                version,
                r#"82( 0001 {} "$share/g/p/#" 01 "$SYS/#" 00 )"#,
            );
        }
        let v5 = Version::V5;
        check(
            r#"connect client_id="" receive_maximum=2 will="w" will.user=a:b"#,
            v5,
            r#"10( PROTOCOL 04 0000 { 21 0002 } "" { 26 "a" "b" } "p/w" "" )"#,
        );
        check("puback id=1", v5, "40( 0001 )");
        check("pubrec id=1 reason=0x83", v5, "50( 0001 83 )");
        check(r#"disconnect user="a:b""#, v5, r#"e0( 00 ( 26 "a" "b" ) )"#);
        check(
            r#"subscribe id=2 subscription_identifier=300 "a" no_local retain_handling=2"#,
            v5,
            r#"82( 0002 { 0b vbi:300 } "p/a" 24 )"#,
        );
    }
}
