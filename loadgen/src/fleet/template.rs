//! Topic templates: `site/{site}/{kind}/{id}`.
//!
//! Parsed once; topics and filters are written from it without searching.

/// A piece of a level.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Site,
    Kind,
    Id,
}

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    levels: Vec<Vec<Piece>>,
}

impl Template {
    /// Reads a template. Every sensor needs a topic of its own, and subscribers need to name their site
    /// when there is more than one.
    pub(super) fn parse(text: &str, sites: u32) -> Result<Template, String> {
        let wrong = |why: &str| Err(format!("topic = \"{text}\": {why}"));
        if text.is_empty() || text.contains(['+', '#', '\0']) {
            return wrong("a topic has no wildcards and is not empty");
        }
        let levels: Result<Vec<_>, _> = text.split('/').map(parse_level).collect();
        let levels = match levels {
            Ok(levels) => levels,
            Err(name) => {
                return wrong(&format!(
                    "{{{name}}} is not known; there are {{site}}, {{kind}} and {{id}}"
                ));
            }
        };
        let template = Template { levels };
        if !template.levels.iter().flatten().any(|p| *p == Piece::Id) {
            return wrong("it needs {id}, so that every sensor has a topic of its own");
        }
        let names_site = |level: &Vec<Piece>| level.contains(&Piece::Site) && !is_open(level);
        if sites > 1 && !template.levels.iter().any(names_site) {
            return wrong("with several sites it needs {site}, in a level without {kind} and {id}");
        }
        Ok(template)
    }

    /// Appends a sensor's topic.
    pub(super) fn write_topic(&self, site: u32, kind: &str, id: u32, out: &mut String) {
        for (at, level) in self.levels.iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            for piece in level {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    Piece::Site => write_number(site, out),
                    Piece::Kind => out.push_str(kind),
                    Piece::Id => write_number(id, out),
                }
            }
        }
    }

    /// Appends the filter for all sensors of a site.
    pub(super) fn write_filter(&self, site: u32, out: &mut String) {
        for (at, level) in self.levels.iter().enumerate() {
            if at > 0 {
                out.push('/');
            }
            if is_open(level) {
                out.push('+');
                continue;
            }
            for piece in level {
                match piece {
                    Piece::Text(text) => out.push_str(text),
                    _ => write_number(site, out),
                }
            }
        }
    }
}

/// Whether a level differs between the sensors of a site.
fn is_open(level: &[Piece]) -> bool {
    level.contains(&Piece::Kind) || level.contains(&Piece::Id)
}

/// The pieces of a level, or the name nobody knows.
fn parse_level(level: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = level;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').ok_or_else(|| behind.to_owned())?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(match name {
            "site" => Piece::Site,
            "kind" => Piece::Kind,
            "id" => Piece::Id,
            other => return Err(other.to_owned()),
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// Appends a number in decimal; a topic is written for every publish.
fn write_number(number: u32, out: &mut String) {
    let mut digits = [0u8; 10];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|&digit| char::from(digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, topic: &str, filter: &str) {
        let template = Template::parse(text, 9).unwrap();
        let (mut written, mut asked) = (String::new(), String::new());
        template.write_topic(3, "temp", 40_917, &mut written);
        template.write_filter(3, &mut asked);
        assert_eq!((written.as_str(), asked.as_str()), (topic, filter));
    }

    #[test]
    fn topics_and_filters_are_written() {
        check("site/{site}/{kind}/{id}", "site/3/temp/40917", "site/3/+/+");
        check("s{site}x/{kind}-{id}", "s3x/temp-40917", "s3x/+");
        check("{id}/{site}", "40917/3", "+/3");
    }

    #[test]
    fn templates_that_do_not_tell_sensors_apart_are_refused() {
        for wrong in [
            "",
            "a/{site}",
            "a/+/{id}",
            "a/{id}",
            "{site}-{id}",
            "{sight}/{id}",
            "{id",
        ] {
            assert!(Template::parse(wrong, 2).is_err(), "{wrong}");
        }
        assert!(Template::parse("a/{id}", 1).is_ok());
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 65_535, u32::MAX] {
            let mut text = String::new();
            write_number(number, &mut text);
            assert_eq!(text, number.to_string());
        }
    }
}
