//! Replays the corpus of the fuzz target `decode`, so that what the fuzzer once found stays found.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads files"
)]

#[path = "../fuzz/round_trip.rs"]
mod round_trip;

use std::fs;
use std::path::Path;

#[test]
fn every_file_of_the_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/decode");
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus is part of the repository") {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        round_trip::check(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 100, "only {count} files in {}", folder.display());
}
