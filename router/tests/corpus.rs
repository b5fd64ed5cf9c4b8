//! Replays the corpora of the fuzz targets `connection` and `index`, so that what the fuzzer once found stays found.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads files"
)]

#[path = "../fuzz/index/mod.rs"]
mod index;
#[path = "../fuzz/play/mod.rs"]
mod play;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.expect("a readable folder").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "no files in {}", folder.display());
}

/// Scripts drawn at random, for those who have no fuzzer at hand.
fn draw(scripts: u32, check: fn(&[u8])) {
    let mut state = 1_u64;
    for _ in 0..scripts {
        let script: Vec<u8> = (0..400)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        check(&script);
    }
}

#[test]
fn every_file_of_the_corpus_passes() {
    replay("connection", play::check);
    replay("index", index::check);
}

#[test]
fn random_scripts_pass() {
    draw(2_000, play::check);
}

#[test]
fn random_calls_of_the_index_pass() {
    draw(2_000, index::check);
}
