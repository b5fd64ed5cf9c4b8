//! What a script expects a client to get, and whether that is what it got.
//!
//! Every field of the packet must be expected, with two exceptions: a reason string is for people and may
//! come with any code, and CONNACK may tell terms that the script does not look at.

use std::collections::BTreeMap;

use crate::property::named;
use crate::received::Received;
use crate::sending::Speaker;
use crate::words::{Word, number, quoted};

/// A packet with patterns for the values of its fields.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    name: String,
    fields: Vec<(String, Pattern)>,
}

/// Which values are good.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    /// This one.
    Value(String),
    /// `a/b`: any of these.
    OneOf(Vec<String>),
    /// `*`: any, but it must be there.
    Any,
    /// `none`: it must not be there.
    Absent,
    /// `5..10`: a number in that range, both ends included.
    Range(u32, u32),
    /// `$name`: any, and `$name` stands for it from then on.
    Bind(String),
}

/// Values that packets have given to `$name`s.
pub(crate) type Bindings = BTreeMap<String, String>;

impl Expected {
    /// What these words say.
    pub(crate) fn new(words: &[Word], speaker: &Speaker) -> Result<Expected, String> {
        let (name, rest) = words.split_first().ok_or("no packet")?;
        let name = name.text()?.to_owned();
        let mut fields = Vec::new();
        let mut codes = Vec::new();
        let mut texts = ["topic", "payload"].into_iter();
        for word in rest {
            match &word.key {
                None if word.is_quoted => {
                    let key = texts.next().ok_or("a text too many")?;
                    let value = match key {
                        "topic" => speaker.topic(&word.value),
                        _ => word.value.clone(),
                    };
                    fields.push((key.to_owned(), Pattern::Value(quoted(&value))));
                }
                None if matches!(name.as_str(), "suback" | "unsuback") => codes.push(code(word)?),
                None if ["dup", "retain", "session_present"]
                    .iter()
                    .any(|it| word.is(it)) =>
                {
                    fields.push((word.to_string(), Pattern::Value("1".into())));
                }
                None => return Err(format!("what is {word}?")),
                Some(key) => fields.push((key.clone(), pattern(key, word)?)),
            }
        }
        if !codes.is_empty() {
            fields.push(("reasons".into(), Pattern::Value(codes.join(" "))));
        }
        if name == "publish" && texts.next() == Some("payload") {
            fields.push(("payload".into(), Pattern::Value(quoted(b""))));
        }
        Ok(Expected { name, fields })
    }

    /// The first thing in which the packet differs.
    pub(crate) fn difference(&self, got: &Received, bindings: &mut Bindings) -> Option<String> {
        if self.name != got.name {
            return Some(format!("it is no {}", self.name));
        }
        let expected_keys = self.fields.iter().map(|(key, _)| key.as_str());
        let keys = expected_keys.chain(got.fields.iter().map(|(key, _)| *key));
        for key in keys {
            let mut values = got.values(key);
            let patterns: Vec<&Pattern> = self
                .fields
                .iter()
                .filter(|(it, _)| it == key)
                .map(|(_, pattern)| pattern)
                .collect();
            let is_free = key == "reason_string"
                || self.name == "connack" && !matches!(key, "reason" | "session_present");
            if patterns.is_empty() && is_free {
                continue;
            }
            if key == "subscription_identifier" {
                values.sort_by_key(|it| number(it));
            }
            if values.is_empty()
                && !patterns.is_empty()
                && let Some(zero) = zero(key)
            {
                values.push(zero);
            }
            if patterns == [&Pattern::Absent] && values.is_empty() {
                continue;
            }
            if values.len() != patterns.len() {
                return Some(format!("{key} differs"));
            }
            for (pattern, value) in patterns.iter().zip(&values) {
                if !pattern.takes(value, bindings) {
                    return Some(format!("{key} differs"));
                }
            }
        }
        None
    }
}

impl Pattern {
    fn takes(&self, value: &str, bindings: &mut Bindings) -> bool {
        match self {
            Pattern::Value(expected) => expected == value,
            Pattern::OneOf(expected) => expected.iter().any(|it| it == value),
            Pattern::Any => true,
            Pattern::Absent => false,
            Pattern::Range(least, most) => {
                number(value).is_some_and(|it| (*least..=*most).contains(&it))
            }
            Pattern::Bind(name) => {
                bindings.insert(name.clone(), value.to_owned());
                true
            }
        }
    }
}

/// The value behind `key=` as a pattern.
fn pattern(key: &str, word: &Word) -> Result<Pattern, String> {
    if !word.is_quoted {
        let text = word.text()?;
        if text == "*" {
            return Ok(Pattern::Any);
        }
        if text == "none" {
            return Ok(Pattern::Absent);
        }
        if let Some(name) = text.strip_prefix('$') {
            return Ok(Pattern::Bind(name.to_owned()));
        }
        if let Some((least, most)) = text.split_once("..") {
            let bound = |it| number(it).ok_or_else(|| format!("{word} is no range"));
            return Ok(Pattern::Range(bound(least)?, bound(most)?));
        }
    }
    let canonical = |text: &str| -> Result<String, String> {
        let number = number(text).ok_or_else(|| format!("{word} is no number"))?;
        Ok(match key {
            "reason" => format!("{number:#04x}"),
            _ => number.to_string(),
        })
    };
    if key == "id" || zero(key).is_some() {
        let values = word.text()?.split('/').map(canonical);
        return Ok(Pattern::OneOf(values.collect::<Result<_, _>>()?));
    }
    let kind = named(key).ok_or_else(|| format!("what is {word}?"))?;
    Ok(Pattern::Value(kind.canonical(word)?))
}

/// What a field means that is left out because it says nothing.
fn zero(key: &str) -> Option<&'static str> {
    match key {
        "reason" => Some("0x00"),
        "qos" | "dup" | "retain" | "session_present" => Some("0"),
        _ => None,
    }
}

fn code(word: &Word) -> Result<String, String> {
    Ok(format!("{:#04x}", word.number()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::bytes;
    use crate::received::decode;
    use crate::words::{Version, words};

    fn difference(expected: &str, got: &str) -> Option<String> {
        let speaker = Speaker {
            version: Version::V5,
            name: "me".into(),
            prefix: "p/".into(),
        };
        let expected = Expected::new(&words(expected, Version::V5).unwrap(), &speaker).unwrap();
        let got = decode(&bytes(got, Version::V5).unwrap(), Version::V5).unwrap();
        expected.difference(&got, &mut Bindings::new())
    }

    #[test]
    fn what_is_expected_passes() {
        for (expected, got) in [
            ("puback id=7", "40( 0007 )"),
            ("puback id=7 reason=0x00", "40( 0007 )"),
            ("puback id=$any reason=0x10", "40( 0007 10 )"),
            ("disconnect reason=0x81/0x82", "e0( 82 )"),
            ("disconnect reason=0x82", r#"e0( 82 { 1f "why" } )"#),
            ("connack", "20( 00 00 { 21 0005 } )"),
            (
                "connack receive_maximum=5 topic_alias=none",
                "20( 00 00 { 21 0005 } )",
            ),
            ("suback id=1 0x00 0x87", "90( 0001 {} 00 87 )"),
            (
                r#"publish "a" "x" message_expiry_interval=1..5"#,
                r#"30( "p/a" { 02 u32:4 } 'x' )"#,
            ),
            (
                r#"publish "a" subscription_identifier=1 subscription_identifier=2"#,
                r#"30( "p/a" { 0b 02 0b 01 } )"#,
            ),
        ] {
            assert_eq!(difference(expected, got), None, "{expected}");
        }
    }

    #[test]
    fn whatever_differs_is_found() {
        for (expected, got) in [
            ("pubrec id=7", "40( 0007 )"),
            ("puback id=8", "40( 0007 )"),
            ("puback id=7", "40( 0007 10 )"),
            ("puback id=7 reason=0x10", "40( 0007 )"),
            ("connack", "20( 01 00 {} )"),
            ("connack receive_maximum=none", "20( 00 00 { 21 0005 } )"),
            ("connack receive_maximum=*", "20( 00 00 {} )"),
            (
                "disconnect reason=0x82 reason_string=none",
                r#"e0( 82 { 1f "why" } )"#,
            ),
            ("suback id=1 0x00", "90( 0001 {} 00 00 )"),
            (r#"publish "a""#, r#"30( "p/a" {} 'x' )"#),
            (r#"publish "a" "x""#, r#"31( "p/a" {} 'x' )"#),
            (r#"publish "a" "x""#, r#"30( "p/a" { 26 "k" "v" } 'x' )"#),
            (
                r#"publish "a" user=a:1 user=b:2"#,
                r#"30( "p/a" { 26 "b" "2" 26 "a" "1" } )"#,
            ),
        ] {
            assert!(difference(expected, got).is_some(), "{expected}");
        }
    }
}
