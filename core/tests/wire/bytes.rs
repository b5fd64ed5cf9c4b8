//! The notation for bytes: what scripts use where a packet cannot be said otherwise, and all of the tables
//! of malformed packets.
//!
//! | written | bytes |
//! |---|---|
//! | `30`, `000a` | these |
//! | `"text"` | two bytes of length, then the text |
//! | `'text'` | the text alone |
//! | `( ... )` | a variable byte integer with the length of what is inside, then that: a packet's body |
//! | `{ ... }` | a property list: like `( ... )` in MQTT 5.0, nothing before |
//! | `[ ... ]` | two bytes of length, then what is inside |
//! | `u16:5`, `u32:5`, `vbi:5` | the number in that form |
//! | `PROTOCOL` | the protocol name and level of the version |
//! | `content_type="x"` | a property, whatever its value |
//!
//! `*N` behind hexadecimal digits or a text repeats it: `00*20`, `"a"*70`.

use crate::property::{named, variable_byte_integer, with_length};
use crate::words::{Version, Word, quotation, repeated, words};

/// The bytes that `text` stands for.
pub(crate) fn bytes(text: &str, version: Version) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let rest = sequence(text, version, &mut out)?;
    match rest {
        "" => Ok(out),
        _ => Err(format!("a closing bracket too many: {rest}")),
    }
}

/// Appends elements up to a closing bracket or the end; returns what follows, bracket included.
fn sequence<'a>(text: &'a str, version: Version, out: &mut Vec<u8>) -> Result<&'a str, String> {
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            ')' | '}' | ']' => return Ok(rest),
            '(' | '{' | '[' => bracketed(rest, version, out)?,
            '"' => {
                let (bytes, behind) = quotation(rest, '"')?;
                with_length(&bytes, out);
                behind
            }
            '\'' => {
                let (bytes, behind) = quotation(rest, '\'')?;
                out.extend(bytes);
                behind
            }
            _ => element(rest, version, out)?,
        }
        .trim_start();
    }
    Ok(rest)
}

fn bracketed<'a>(text: &'a str, version: Version, out: &mut Vec<u8>) -> Result<&'a str, String> {
    let (open, inside) = text.split_at(1);
    let mut body = Vec::new();
    let rest = sequence(inside, version, &mut body)?;
    let close = match open {
        "(" => ')',
        "{" => '}',
        _ => ']',
    };
    let rest = rest
        .strip_prefix(close)
        .ok_or_else(|| format!("{close:?} is missing: {text}"))?;
    match open {
        "[" => with_length(&body, out),
        "{" if !version.is_v5() => {}
        _ => {
            variable_byte_integer(body.len() as u32, out);
            out.extend(body);
        }
    }
    Ok(rest)
}

/// Digits, a number in some form, the protocol, or a property.
fn element<'a>(text: &'a str, version: Version, out: &mut Vec<u8>) -> Result<&'a str, String> {
    let end = text
        .find(|it: char| it.is_whitespace() || "(){}[]\"'*".contains(it))
        .unwrap_or(text.len());
    let (head, behind) = text.split_at(end);
    if let Some((form, digits)) = head.split_once(':') {
        let number: u32 = digits.parse().map_err(|_| format!("{head} is no number"))?;
        match form {
            "u16" => out.extend((number as u16).to_be_bytes()),
            "u32" => out.extend(number.to_be_bytes()),
            "vbi" => variable_byte_integer(number, out),
            _ => return Err(format!("{form} is no form of a number")),
        }
        return Ok(behind);
    }
    if head.contains('=') {
        return property(text, end, version, out);
    }
    if head == "PROTOCOL" {
        let (name, level) = protocol(version);
        with_length(name, out);
        out.push(level);
        return Ok(behind);
    }
    let (digits, behind) = repeated(hexadecimal(head)?, behind)?;
    out.extend(digits);
    Ok(behind)
}

fn property<'a>(
    text: &'a str,
    end: usize,
    version: Version,
    out: &mut Vec<u8>,
) -> Result<&'a str, String> {
    let end = match text[end..].starts_with('"') {
        true => text.len() - quotation(&text[end..], '"')?.1.len(),
        false => end,
    };
    let found: Vec<Word> = words(&text[..end], version)?;
    let word = found.first().ok_or("an empty property")?;
    let name = word.key.as_deref().unwrap_or_default();
    let kind = named(name).ok_or_else(|| format!("{name:?} is no property"))?;
    kind.write(word, out)?;
    Ok(&text[end..])
}

/// Name and level by which a CONNECT tells its version.
pub(crate) fn protocol(version: Version) -> (&'static [u8], u8) {
    match version {
        Version::V31 => (b"MQIsdp", 3),
        Version::V311 => (b"MQTT", 4),
        Version::V5 => (b"MQTT", 5),
    }
}

fn hexadecimal(digits: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{digits:?} is no row of bytes");
    if !digits.is_ascii() || digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}

/// Bytes for people to read.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const SHOWN_MAX: usize = 96;
    let shown = bytes.iter().take(SHOWN_MAX);
    let mut text: Vec<String> = shown.map(|it| format!("{it:02x}")).collect();
    if bytes.len() > SHOWN_MAX {
        text.push(format!("... {} bytes", bytes.len()));
    }
    text.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, version: Version, expected: &[u8]) {
        assert_eq!(bytes(text, version).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn each_form_becomes_its_bytes() {
        let subscribe = r#"82( 000a { 0b vbi:300 } "a/b" 01 )"#;
        check(
            subscribe,
            Version::V5,
            b"\x82\x0c\x00\x0a\x03\x0b\xac\x02\x00\x03a/b\x01",
        );
        check(subscribe, Version::V311, b"\x82\x08\x00\x0a\x00\x03a/b\x01");
        check(
            "[ u16:258 ] u32:1",
            Version::V5,
            b"\0\x02\x01\x02\0\0\0\x01",
        );
        check(
            r#"PROTOCOL 'x'*2 00*3 content_type="é""#,
            Version::V5,
            b"\0\x04MQTT\x05xx\0\0\0\x03\0\x02\xc3\xa9",
        );
        assert!(bytes("30(", Version::V5).is_err());
        assert!(bytes("30)", Version::V5).is_err());
        assert!(bytes("3", Version::V5).is_err());
    }
}
