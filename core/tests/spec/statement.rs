//! A statement of the specification: a row of a table in `docs/spec`.
//!
//! `| MQTT-1.5.4-1 | both | what it says | tests |`, where the tests are names in backquotes, or
//! `reason: ...`, or `-` where no server is bound.

use std::fmt;
use std::path::{Path, PathBuf};

/// A version of the specification that numbers its statements.
#[derive(Debug)]
pub(crate) struct SpecVersion {
    /// As citations write it.
    pub(crate) name: &'static str,
    /// The page with its table.
    pub(crate) page: &'static str,
    /// How many statements its appendix lists.
    pub(crate) statements: usize,
}

/// MQTT 3.1 has no numbers.
pub(crate) const VERSIONS: [SpecVersion; 2] = [
    SpecVersion {
        name: "v3.1.1",
        page: "docs/spec/mqtt-3.1.1.md",
        statements: 141,
    },
    SpecVersion {
        name: "v5",
        page: "docs/spec/mqtt-5.0.md",
        statements: 251,
    },
];

/// Whom a statement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binds {
    Client,
    Server,
    Both,
}

/// What stands beside a statement.
#[derive(Clone, Debug)]
pub(crate) enum Shown {
    Tests(Vec<String>),
    Reason(String),
    Nothing,
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) version: &'static str,
    pub(crate) id: String,
    pub(crate) binds: Binds,
    pub(crate) shown: Shown,
}

impl Statement {
    /// How tests and sources name it.
    pub(crate) fn citation(&self) -> String {
        format!("[{} {}]", self.version, self.id)
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.id)
    }
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The statements of a version, as its page has them.
pub(crate) fn table(version: &SpecVersion) -> Vec<Statement> {
    let text = std::fs::read_to_string(root().join(version.page)).expect(version.page);
    let rows = text.lines().filter(|line| line.starts_with("| MQTT-"));
    rows.map(|line| row(version.name, line)).collect()
}

fn row(version: &'static str, line: &str) -> Statement {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let &[id, binds, words, shown] = cells.as_slice() else {
        panic!("not four cells: {line}");
    };
    assert!(words.len() > 10, "a statement without words: {line}");
    Statement {
        version,
        id: id.to_owned(),
        binds: match binds {
            "client" => Binds::Client,
            "server" => Binds::Server,
            "both" => Binds::Both,
            other => panic!("{other} is nobody that can be bound: {line}"),
        },
        shown: match shown.strip_prefix("reason: ") {
            Some(reason) => Shown::Reason(reason.to_owned()),
            None if shown == "-" => Shown::Nothing,
            None => Shown::Tests(names(shown, line)),
        },
    }
}

fn names(shown: &str, line: &str) -> Vec<String> {
    let quoted = |it: &str| {
        let name = it.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
        name.unwrap_or_else(|| panic!("{it} is no test in backquotes: {line}"))
            .to_owned()
    };
    shown.split(", ").map(quoted).collect()
}
