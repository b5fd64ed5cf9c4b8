//! Fuzz target `index`: arbitrary bytes as calls of the subscription index, judged by a flat list.
#![no_main]

#[path = "../index/mod.rs"]
mod index;

libfuzzer_sys::fuzz_target!(|data: &[u8]| index::check(data));
