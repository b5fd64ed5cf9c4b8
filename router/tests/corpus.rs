//! Replays the corpus of the fuzz target `connection`, so that what the fuzzer once found stays found.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads files"
)]

#[path = "../fuzz/play/mod.rs"]
mod play;

use std::fs;
use std::path::Path;

#[test]
fn every_file_of_the_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/connection");
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        play::check(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 0, "no files in {}", folder.display());
}

/// Scripts drawn at random, for those who have no fuzzer at hand.
#[test]
fn random_scripts_pass() {
    let mut state = 1_u64;
    for _ in 0..2_000 {
        let script: Vec<u8> = (0..400)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        play::check(&script);
    }
}
