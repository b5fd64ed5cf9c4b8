//! Fuzz target `decode`: arbitrary bytes through framing and decoder, as `round_trip` has it.
#![no_main]

#[path = "../round_trip.rs"]
mod round_trip;

libfuzzer_sys::fuzz_target!(|data: &[u8]| round_trip::check(data));
