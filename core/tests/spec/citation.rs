//! Citations of statements, wherever they stand: in sources, tests, scripts and pages.
//!
//! Only those of numbered statements count; a section without a number is cited by its own.

use std::fmt;
use std::path::Path;

use crate::statement::{VERSIONS, root};

/// Where the project keeps text of its own.
const PLACES: [&str; 8] = [
    "README.md",
    "benches",
    "core",
    "docs",
    "loadgen",
    "net",
    "router",
    "scripts",
];

/// Build results, and files that only a fuzzer reads.
const SKIPPED: [&str; 4] = ["target", "corpus", "node_modules", "artifacts"];

/// A citation and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Citation {
    path: String,
    line: usize,
    /// Brackets and all.
    pub(crate) text: String,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// All citations of the project.
pub(crate) fn all() -> Vec<Citation> {
    let mut found = Vec::new();
    for place in PLACES {
        collect(&root().join(place), &mut found);
    }
    assert!(found.len() > 500, "the places are wrong: {}", found.len());
    found
}

fn collect(path: &Path, found: &mut Vec<Citation>) {
    if path.is_dir() {
        for entry in path.read_dir().expect("a folder of the project") {
            let path = entry.expect("a folder of the project").path();
            if !SKIPPED.iter().any(|it| path.ends_with(it)) {
                collect(&path, found);
            }
        }
    } else if let Ok(text) = std::fs::read_to_string(path) {
        found.extend(of_text(&path.display().to_string(), &text));
    }
}

/// The citations in a text; one that stands for any (`MQTT-...`) is none.
pub(crate) fn of_text(path: &str, text: &str) -> Vec<Citation> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for version in &VERSIONS {
            let open = format!("[{} MQTT-", version.name);
            for (at, _) in line.match_indices(&open) {
                let rest = &line[at..];
                let end = rest.find(']').map_or(rest.len(), |it| it + 1);
                let text = rest[..end].to_owned();
                if text == format!("{open}...]") {
                    continue;
                }
                found.push(Citation {
                    path: path.to_owned(),
                    line: number + 1,
                    text,
                });
            }
        }
    }
    found
}
