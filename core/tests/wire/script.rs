//! A script file: its header, and its lines as steps. What the lines do is in `run`.

use std::path::{Path, PathBuf};

use crate::words::Version;

/// One script: one behaviour of the broker.
#[derive(Debug)]
pub(crate) struct Script {
    /// The file, relative to `core/tests/wire`.
    pub(crate) file: String,
    /// The versions it runs for.
    pub(crate) versions: Vec<Version>,
    /// Whether it wants a broker of its own, with topics and client identifiers as they stand.
    pub(crate) alone: bool,
    /// The broker's configuration file.
    pub(crate) config: String,
    /// Whether it says which statements it shows, or that it goes beyond them.
    pub(crate) cites: bool,
    pub(crate) steps: Vec<Step>,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    /// `@5`: only in runs of that version.
    pub(crate) condition: Option<String>,
    pub(crate) action: Action,
}

/// What a line does.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// `name> packet`
    Send { client: String, packet: String },
    /// `name< packet`
    Expect { client: String, packet: String },
    /// `name~ packet`: one of a row of lines whose packets may come in any order.
    ExpectUnordered { client: String, packet: String },
    /// `name: packet`: sends it and expects the answer that a well-behaved exchange has.
    Exchange { client: String, packet: String },
    /// `wait seconds`
    Wait(u64),
    /// `stop`: orders the broker to stop.
    Stop,
}

impl Script {
    /// Reads a script.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Script, String> {
        let mut script = Script {
            file: file.to_owned(),
            versions: Vec::new(),
            alone: false,
            config: String::new(),
            cites: cites(text),
            steps: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let at = |error| format!("{file}:{}: {error}", index + 1);
            if let Some(versions) = line.strip_prefix("versions:") {
                let versions = versions.split_whitespace().map(Version::named);
                script.versions = versions.collect::<Result<_, _>>().map_err(at)?;
            } else if let Some(setting) = line.strip_prefix("config:") {
                script.config += setting.trim();
                script.config.push('\n');
            } else if line == "alone" {
                script.alone = true;
            } else {
                let step = Step::parse(index + 1, line).map_err(at)?;
                script.steps.push(step);
            }
        }
        if script.versions.is_empty() {
            return Err(format!("{file}: `versions: ...` is missing"));
        }
        Ok(script)
    }

    /// The steps of a run, with those that make a row of `~` lines together.
    pub(crate) fn rows(&self, version: Version) -> Result<Vec<Vec<&Step>>, String> {
        let mut rows: Vec<Vec<&Step>> = Vec::new();
        for step in &self.steps {
            if let Some(condition) = &step.condition
                && !version.meets(condition)?
            {
                continue;
            }
            match (rows.last_mut(), step.unordered_client()) {
                (Some(row), Some(client)) if row[0].unordered_client() == Some(client) => {
                    row.push(step);
                }
                _ => rows.push(vec![step]),
            }
        }
        Ok(rows)
    }
}

impl Step {
    fn parse(line: usize, text: &str) -> Result<Step, String> {
        let (condition, text) = match text.strip_prefix('@') {
            Some(rest) => {
                let (condition, rest) = rest.split_once(' ').ok_or("`@version step`")?;
                (Some(condition.to_owned()), rest.trim_start())
            }
            None => (None, text),
        };
        Ok(Step {
            line,
            condition,
            action: Action::parse(text)?,
        })
    }

    fn unordered_client(&self) -> Option<&str> {
        match &self.action {
            Action::ExpectUnordered { client, .. } => Some(client),
            _ => None,
        }
    }
}

impl Action {
    fn parse(text: &str) -> Result<Action, String> {
        if text == "stop" {
            return Ok(Action::Stop);
        }
        if let Some(secs) = text.strip_prefix("wait ") {
            let secs: u64 = secs.parse().map_err(|_| "`wait seconds`")?;
            return match secs {
                0..=10 => Ok(Action::Wait(secs)),
                _ => Err("a script waits 10 seconds at most".into()),
            };
        }
        let end = text
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '_')
            .ok_or("a line is `client> packet`, `client< packet` or `client: packet`")?;
        let (client, rest) = text.split_at(end);
        let client = client.to_owned();
        let mut characters = rest.chars();
        let mark = characters.next();
        let packet = characters.as_str().trim().to_owned();
        match mark {
            _ if client.is_empty() || packet.is_empty() => Err("a client and a packet".into()),
            Some('>') => Ok(Action::Send { client, packet }),
            Some('<') => Ok(Action::Expect { client, packet }),
            Some('~') => Ok(Action::ExpectUnordered { client, packet }),
            Some(':') => Ok(Action::Exchange { client, packet }),
            _ => Err(format!("what is {text:?}?")),
        }
    }
}

/// Whether the comments name a statement of the specification, or say that there is none.
pub(crate) fn cites(text: &str) -> bool {
    let mut comments = text.lines().filter(|it| it.starts_with('#'));
    comments.any(|it| {
        ["[v5 ", "[v3.1.1 ", "[v3.1 "]
            .iter()
            .any(|id| it.contains(id))
            || it.contains("beyond the specification")
    })
}

/// The files with this extension below `core/tests/wire`, sorted, as (name, text).
pub(crate) fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire");
    let mut pending: Vec<PathBuf> = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is part of the source") {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                let name = path.strip_prefix(&root).expect("below the root").display();
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                found.push((name.to_string(), text));
            }
        }
    }
    found.sort();
    found
}
