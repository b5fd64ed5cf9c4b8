//! The broker on the wire: scripts of packets, and tables of malformed ones, against the `ringmq` binary.
//! The notation is described in FORMAT.md beside this file.
//!
//! Encoder and decoder are the kit's own, from the specification: nothing here may use `ringmq-codec`.
//! `WIRE=text cargo test -p ringmq --test wire` runs only the files whose names hold the text.

#![allow(clippy::unwrap_used, reason = "tests")]

mod broker;
mod bytes;
mod connection;
mod exchange;
mod expected;
mod malformed;
mod property;
mod received;
mod run;
mod script;
mod sending;
mod suite;
mod words;

#[test]
fn scripts_pass_with_one_shard() {
    suite::check_scripts(1);
}

#[test]
fn scripts_pass_with_three_shards() {
    suite::check_scripts(3);
}

#[test]
fn malformed_packets_are_refused_with_one_shard() {
    malformed::check_tables(1);
}

#[test]
fn malformed_packets_are_refused_with_three_shards() {
    malformed::check_tables(3);
}

#[test]
fn every_script_says_which_statement_it_shows() {
    let (scripts, errors) = suite::scripts();
    assert_eq!(errors, Vec::<String>::new());
    let silent = scripts.iter().filter(|it| !it.cites);
    let silent: Vec<&str> = silent.map(|it| it.file.as_str()).collect();
    assert!(silent.is_empty(), "no statement is cited in {silent:?}");
}
