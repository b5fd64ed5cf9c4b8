//! `--set KEY=VALUE`: one key of a scenario given on the command line.
//!
//! `run.duration_secs=5` is the key of a section, `load.subscribers=50` that of every load,
//! `load.1.subscribers=50` that of the second. Whether the key exists is found out when the result is read.

use toml::{Table, Value};

/// Puts one setting into a scenario.
pub(super) fn apply(scenario: &mut Table, setting: &str) -> Result<(), String> {
    let (key, text) = setting
        .split_once('=')
        .ok_or_else(|| format!("--set {setting}: it has the form KEY=VALUE"))?;
    let value = value_of(text.trim());
    let path: Vec<&str> = key.trim().split('.').collect();
    match path.as_slice() {
        ["load", number, rest @ ..] if number.parse::<usize>().is_ok() && !rest.is_empty() => {
            let at: usize = number.parse().unwrap_or_default();
            let loads = loads_of(scenario);
            let count = loads.len();
            match loads.get_mut(at).and_then(Value::as_table_mut) {
                Some(load) => put(load, rest, value),
                None => Err(format!(
                    "--set {setting}: there are {count} loads, counted from 0"
                )),
            }
        }
        ["load", rest @ ..] if !rest.is_empty() => loads_of(scenario)
            .iter_mut()
            .filter_map(Value::as_table_mut)
            .try_for_each(|load| put(load, rest, value.clone())),
        path => put(scenario, path, value),
    }
    .map_err(|why| match why.starts_with("--set") {
        true => why,
        false => format!("--set {setting}: {why}"),
    })
}

fn loads_of(scenario: &mut Table) -> &mut [Value] {
    match scenario.get_mut("load") {
        Some(Value::Array(loads)) => loads,
        _ => &mut [],
    }
}

fn put(table: &mut Table, path: &[&str], value: Value) -> Result<(), String> {
    match path {
        [] => Err("a key is missing".to_owned()),
        [key] => {
            table.insert((*key).to_owned(), value);
            Ok(())
        }
        [section, rest @ ..] => {
            let inner = table
                .entry(*section)
                .or_insert_with(|| Value::Table(Table::new()));
            match inner {
                Value::Table(inner) => put(inner, rest, value),
                _ => Err(format!("`{section}` is no section")),
            }
        }
    }
}

/// The value as TOML would read it; what is no TOML value is a text.
fn value_of(text: &str) -> Value {
    let line = format!("value = {text}");
    match line.parse::<Table>() {
        Ok(mut table) => table
            .remove("value")
            .unwrap_or_else(|| Value::String(text.to_owned())),
        Err(_) => Value::String(text.to_owned()),
    }
}
