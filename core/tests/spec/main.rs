//! The tables of `docs/spec` against tests and sources: every statement that binds a server names tests
//! or a reason, every named test exists and cites the statement, every citation is of a statement.
//!
//! Nothing runs here: whether the named tests pass is for them to say. `scripts/spec-coverage` counts.
#![allow(clippy::unwrap_used, reason = "a test")]

mod citation;
mod named;
mod statement;

use std::collections::BTreeSet;

use statement::{Binds, Shown, Statement, VERSIONS};

/// Fails with one line per fault.
#[track_caller]
fn check(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn all_statements() -> Vec<Statement> {
    VERSIONS.iter().flat_map(statement::table).collect()
}

#[test]
fn the_tables_are_whole() {
    for version in &VERSIONS {
        let statements = statement::table(version);
        let ids: BTreeSet<&str> = statements.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), statements.len(), "{}: an id twice", version.page);
        assert_eq!(ids.len(), version.statements, "{}", version.page);
    }
}

#[test]
fn what_binds_a_server_has_tests_or_a_reason() {
    let lacking = all_statements().into_iter().filter(|it| match &it.shown {
        Shown::Tests(_) => false,
        Shown::Reason(reason) => !reason.ends_with('.'),
        Shown::Nothing => it.binds != Binds::Client,
    });
    check(
        lacking
            .map(|it| format!("{it}: neither test nor reason"))
            .collect(),
    );
}

#[test]
fn named_tests_exist_and_cite_the_statement() {
    let mut faults = Vec::new();
    for statement in all_statements() {
        let Shown::Tests(names) = &statement.shown else {
            continue;
        };
        for name in names {
            match named::text(name) {
                Err(fault) => faults.push(format!("{statement}: {name}: {fault}")),
                Ok(text) if !text.contains(&statement.citation()) => faults.push(format!(
                    "{statement}: {name} does not say {}",
                    statement.citation()
                )),
                Ok(_) => {}
            }
        }
    }
    check(faults);
}

#[test]
fn cited_statements_exist() {
    let known: BTreeSet<String> = all_statements().iter().map(Statement::citation).collect();
    let unknown = citation::all()
        .into_iter()
        .filter(|it| !known.contains(&it.text));
    check(unknown.map(|it| format!("{it} is in no table")).collect());
}

/// MQTT 3.1 numbers nothing, so its page is a list of differences.
#[test]
fn the_page_of_3_1_names_tests() {
    let page = statement::root().join("docs/spec/mqtt-3.1.md");
    let text = std::fs::read_to_string(page).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let names: Vec<&str> = quoted
        .filter(|it| it.contains("::") || it.ends_with(".wire"))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    let faults = names
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", named::text(name).err()?)));
    check(faults.collect());
}

/// What the check is made of, on text that is written here.
#[test]
fn citations_are_found_and_others_left_alone() {
    let open = "[v5";
    let text =
        format!("{open} MQTT-1.5.4-1] {open} 3.1.2] a[0] {open} MQTT-...]\n{open} MQTT-9.9]");
    let found: Vec<_> = citation::of_text("x", &text)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            format!("x:1: {open} MQTT-1.5.4-1]"),
            format!("x:2: {open} MQTT-9.9]")
        ]
    );
}
