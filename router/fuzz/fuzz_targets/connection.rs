//! Fuzz target `connection`: arbitrary bytes as what happens to one or two shards, as `play` has it.
#![no_main]

#[path = "../play/mod.rs"]
mod play;

libfuzzer_sys::fuzz_target!(|data: &[u8]| play::check(data));
