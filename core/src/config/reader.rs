//! Reads one section of a TOML file key by key: wrong types, wrong ranges and unknown keys are collected
//! with their lines, so that one run shows all that is wrong.
//!
//! A key is known because somebody asked for it; whatever is left at [`Section::finish`] is not.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::{ConfigError, Problem};
use super::value::ValueError;

/// The file's text and what is wrong with it so far.
pub(super) struct Report<'t> {
    text: &'t str,
    pub(super) errors: Vec<ConfigError>,
}

/// One section while it is read.
pub(super) struct Section<'a, 'i> {
    /// As it is written in the file, brackets included.
    name: &'static str,
    table: &'a DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Report<'t> {
        Report {
            text,
            errors: Vec::new(),
        }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    pub(super) fn add(&mut self, offset: usize, problem: Problem) {
        let line = self.line(offset);
        self.errors.push(ConfigError::new(Some(line), problem));
    }

    pub(super) fn wrong_type(
        &mut self,
        key: String,
        expected: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) {
        let found = type_name(value.get_ref());
        let problem = Problem::WrongType {
            key,
            expected,
            found,
        };
        self.add(value.span().start, problem);
    }
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn new(name: &'static str, table: &'a DeTable<'i>) -> Section<'a, 'i> {
        Section {
            name,
            table,
            known: Vec::new(),
        }
    }

    /// The value of a key, which is known from now on.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Reads a whole number into `target`, if it is there and in range.
    pub(super) fn integer<T>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        range: RangeInclusive<T>,
        target: &mut T,
    ) where
        T: Copy + Into<i128> + TryFrom<i128>,
    {
        let Some(value) = self.value(key) else { return };
        let DeValue::Integer(integer) = value.get_ref() else {
            report.wrong_type(self.full(key), "a whole number", value);
            return;
        };
        let (min, max) = ((*range.start()).into(), (*range.end()).into());
        let number = number(integer).filter(|number| (min..=max).contains(number));
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => *target = number,
            None => report.add(
                value.span().start,
                Problem::OutOfRange {
                    key: self.full(key),
                    value: integer.as_str().to_owned(),
                    min,
                    max,
                },
            ),
        }
    }

    /// Reads a text that `parse` understands into `target`, if it is there.
    pub(super) fn text<T>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ValueError>,
        target: &mut T,
    ) {
        let Some(value) = self.value(key) else { return };
        let DeValue::String(text) = value.get_ref() else {
            report.wrong_type(self.full(key), "a text in quotes", value);
            return;
        };
        match parse(text) {
            Ok(parsed) => *target = parsed,
            Err(reason) => report.add(
                value.span().start,
                Problem::BadValue {
                    key: self.full(key),
                    reason,
                },
            ),
        }
    }

    /// Reads a table of texts by name, such as `{ name = "text" }`; what is there replaces `target`.
    pub(super) fn texts_by_name<K, V>(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        target: &mut BTreeMap<K, V>,
    ) where
        K: Ord + FromStr<Err = ValueError>,
        V: FromStr<Err = ValueError>,
    {
        let Some(value) = self.value(key) else { return };
        let DeValue::Table(table) = value.get_ref() else {
            report.wrong_type(self.full(key), "names with texts in quotes", value);
            return;
        };
        target.clear();
        for (name, value) in table {
            let name_read = name.get_ref().parse::<K>();
            let key = format!("{} {key}.{}", self.name, name.get_ref());
            let DeValue::String(text) = value.get_ref() else {
                report.wrong_type(key, "a text in quotes", value);
                continue;
            };
            match (name_read, text.parse::<V>()) {
                (Ok(name), Ok(value)) => {
                    target.insert(name, value);
                }
                (Err(reason), _) | (_, Err(reason)) => {
                    let problem = Problem::BadValue { key, reason };
                    report.add(name.span().start, problem);
                }
            }
        }
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(
        &mut self,
        report: &mut Report<'_>,
        key: &'static str,
        target: &mut Option<bool>,
    ) {
        let Some(value) = self.value(key) else { return };
        match value.get_ref() {
            DeValue::Boolean(boolean) => *target = Some(*boolean),
            _ => report.wrong_type(self.full(key), "true or false", value),
        }
    }

    /// Reads `true` or `false`, where there is a default.
    pub(super) fn flag(&mut self, report: &mut Report<'_>, key: &'static str, target: &mut bool) {
        let mut read = None;
        self.boolean(report, key, &mut read);
        *target = read.unwrap_or(*target);
    }

    /// Section and key, as a reader of the file would say it.
    pub(super) fn full(&self, key: &str) -> String {
        format!("{} {key}", self.name)
    }

    /// Reports the keys that nobody asked for. `elsewhere` names the section a key belongs to.
    pub(super) fn finish(
        self,
        report: &mut Report<'_>,
        elsewhere: impl Fn(&str) -> Option<&'static str>,
    ) {
        for (key, _) in self.table {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let hint = match elsewhere(name) {
                Some(section) => format!("did you mean '{name}' in {section}?"),
                None => hint(name, &self.known),
            };
            let problem = Problem::UnknownKey {
                section: self.name.to_owned(),
                key: name.to_owned(),
                hint,
            };
            report.add(key.span().start, problem);
        }
    }
}

/// From this likeness on (Jaro and Winkler, 0 to 1) a name is taken for a slip of the keyboard.
const ALIKE_MIN: f64 = 0.75;

/// The known key that was probably meant, or all of them when none looks like it.
fn hint(name: &str, known: &[&str]) -> String {
    let nearest = nearest(name, known.iter().copied());
    if strsim::jaro_winkler(name, nearest) >= ALIKE_MIN {
        format!("did you mean '{nearest}'?")
    } else {
        format!("its keys are {}", known.join(", "))
    }
}

/// The candidate that looks most like `text`; empty when there is none.
pub(crate) fn nearest<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> &'c str {
    let score = |candidate: &str| strsim::jaro_winkler(text, candidate);
    candidates
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .unwrap_or_default()
}

fn number(integer: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
