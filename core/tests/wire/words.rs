//! Lines of scripts and tables, taken apart into words. Everything that reads notation begins here.
//!
//! A word is `plain`, `"quoted"` or `key=value` with either as the value. A quoted text knows the escapes
//! `\"`, `\\`, `\n` and `\xNN`, and `"x"*3` repeats it. `@5:word` stands only in runs of that version,
//! `@3:word` in runs of 3.1 and 3.1.1.

use std::fmt;

/// The version a client speaks in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V31,
    V311,
    V5,
}

impl Version {
    /// The version called so in `versions:` and behind `@`.
    pub(crate) fn named(name: &str) -> Result<Version, String> {
        match name {
            "3.1" => Ok(Version::V31),
            "3.1.1" => Ok(Version::V311),
            "5" => Ok(Version::V5),
            _ => Err(format!("{name:?} is no version: 3.1, 3.1.1 or 5")),
        }
    }

    /// Whether `@condition` holds; `@3` is both versions before 5.
    pub(crate) fn meets(self, condition: &str) -> Result<bool, String> {
        if condition == "3" {
            return Ok(self != Version::V5);
        }
        Ok(self == Version::named(condition)?)
    }

    pub(crate) fn is_v5(self) -> bool {
        self == Version::V5
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V31 => "3.1",
            Version::V311 => "3.1.1",
            Version::V5 => "5",
        })
    }
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// What stands before `=`.
    pub(crate) key: Option<String>,
    pub(crate) value: Vec<u8>,
    pub(crate) is_quoted: bool,
}

impl Word {
    /// The value as text.
    pub(crate) fn text(&self) -> Result<&str, String> {
        str::from_utf8(&self.value).map_err(|_| format!("{self} is not UTF-8"))
    }

    /// The value as a number, decimal or `0x...`.
    pub(crate) fn number(&self) -> Result<u32, String> {
        number(self.text()?).ok_or_else(|| format!("{self} is no number"))
    }

    /// Whether it is this plain word.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.key.is_none() && !self.is_quoted && self.value == name.as_bytes()
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "{key}=")?;
        }
        if self.is_quoted {
            f.write_str(&quoted(&self.value))
        } else {
            f.write_str(&String::from_utf8_lossy(&self.value))
        }
    }
}

/// A number, decimal or `0x...`.
pub(crate) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Bytes as a quoted text that reads back as the same bytes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                it if it.is_control() && it.is_ascii() => {
                    out.push_str(&format!("\\x{:02x}", it as u32));
                }
                it => out.push(it),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// The words of a line that stand in runs of this version.
pub(crate) fn words(line: &str, version: Version) -> Result<Vec<Word>, String> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let mut stands = true;
        if let Some(conditional) = rest.strip_prefix('@') {
            let (condition, behind) = conditional
                .split_once(':')
                .ok_or("a condition is `@version:word`")?;
            stands = version.meets(condition)?;
            rest = behind;
        }
        let (word, behind) = word(rest)?;
        if stands {
            found.push(word);
        }
        rest = behind.trim_start();
    }
    Ok(found)
}

/// The word at the start of `text`, and what follows it.
fn word(text: &str) -> Result<(Word, &str), String> {
    let end = text
        .find(|it: char| it.is_whitespace() || it == '"')
        .unwrap_or(text.len());
    let (head, behind) = text.split_at(end);
    let key = head.split_once('=').map(|(key, _)| key.to_owned());
    if behind.starts_with('"') && (head.is_empty() || head.ends_with('=')) {
        let (value, behind) = quotation(behind, '"')?;
        let word = Word {
            key,
            value,
            is_quoted: true,
        };
        return Ok((word, behind));
    }
    let value = head.split_once('=').map_or(head, |(_, value)| value);
    let word = Word {
        key,
        value: value.into(),
        is_quoted: false,
    };
    Ok((word, behind))
}

/// The text between quotation marks at the start of `text`, repeated if `*N` follows, and what follows.
pub(crate) fn quotation(text: &str, mark: char) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            it if it == mark => return repeated(bytes, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => bytes.push(b'\n'),
                Some((at, 'x')) => {
                    let digits = text.get(at + 1..at + 3).unwrap_or_default();
                    let byte = u8::from_str_radix(digits, 16)
                        .map_err(|_| format!("\\x{digits} is no byte"))?;
                    bytes.push(byte);
                    characters.nth(1);
                }
                Some((_, it)) if it == mark || it == '\\' => {
                    bytes.extend(it.to_string().bytes());
                }
                _ => return Err(format!("an unknown escape in {text}")),
            },
            it => bytes.extend(it.to_string().bytes()),
        }
    }
    Err(format!("the quotation never ends: {text}"))
}

/// `*N` behind bytes.
pub(crate) fn repeated(bytes: Vec<u8>, behind: &str) -> Result<(Vec<u8>, &str), String> {
    let Some(behind) = behind.strip_prefix('*') else {
        return Ok((bytes, behind));
    };
    let end = behind
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(behind.len());
    let times: usize = behind[..end].parse().map_err(|_| "`*` without a number")?;
    Ok((bytes.repeat(times), &behind[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_words_of_its_version() {
        let line = r#"publish "a b\x00" qos=1 x="y"*3 @5:reason=0x10 @3:old"#;
        let texts = |version| -> Vec<String> {
            let words = words(line, version).unwrap();
            words.iter().map(ToString::to_string).collect()
        };
        let both = ["publish", r#""a b\x00""#, "qos=1", r#"x="yyy""#];
        assert_eq!(texts(Version::V5), [&both[..], &["reason=0x10"]].concat());
        assert_eq!(texts(Version::V31), [&both[..], &["old"]].concat());
        assert!(words("\"open", Version::V5).is_err());
    }
}
