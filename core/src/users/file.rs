//! The password file: a line for each user, read as a whole and replaced as a whole.
//!
//! `name:hash`, `name:hash:verifier` or `name:verifier`; see [`super::hash`] and [`super::scram_verifier`]
//! for the two. Lines that are empty or begin with `#` are kept as they are. Readers never meet a file half
//! written, and two writers one after the other.

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::Secrets;
use super::hash::PasswordHash;
use super::scram_verifier::{SCRAM_SHA_256, ScramVerifier};

/// Who may read and write a new password file: its owner.
const MODE: u32 = 0o600;

/// What stands in a password file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PasswordFile {
    lines: Vec<Line>,
}

/// One line of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A comment, or nothing.
    Comment(String),
    /// A user.
    User {
        /// As clients name it.
        name: String,
        /// To check its password against.
        secrets: Secrets,
    },
}

/// A password file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Lines of it say nothing that could be checked.
    BadLines {
        /// The file.
        path: PathBuf,
        /// Line numbers, from 1, and what is wrong with each.
        problems: Vec<(usize, LineProblem)>,
    },
    /// It cannot be written.
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was to be new.
    Exists {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with a line of a password file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineProblem {
    /// No colon, or nothing before it.
    NoName,
    /// What follows the name is no hash, or one of a kind that is not known.
    NoHash {
        /// The user.
        name: String,
    },
    /// What follows the hash is no SCRAM-SHA-256 verifier.
    NoVerifier {
        /// The user.
        name: String,
    },
    /// The user stands there twice.
    Twice {
        /// The user.
        name: String,
    },
}

impl PasswordFile {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<PasswordFile, FileError> {
        let text = fs::read_to_string(path).map_err(|source| FileError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        PasswordFile::parse(&text).map_err(|problems| FileError::BadLines {
            path: path.to_owned(),
            problems,
        })
    }

    /// Reads the text of a file; names all lines that are wrong.
    pub(super) fn parse(text: &str) -> Result<PasswordFile, Vec<(usize, LineProblem)>> {
        let mut lines = Vec::new();
        let mut problems = Vec::new();
        let mut names = std::collections::HashSet::new();
        for (number, text) in (1..).zip(text.lines()) {
            match Line::parse(text) {
                Ok(Line::User { name, .. }) if !names.insert(name.clone()) => {
                    problems.push((number, LineProblem::Twice { name }));
                }
                Ok(line) => lines.push(line),
                Err(problem) => problems.push((number, problem)),
            }
        }
        match problems.is_empty() {
            true => Ok(PasswordFile { lines }),
            false => Err(problems),
        }
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    pub(super) fn has(&self, user: &str) -> bool {
        self.lines.iter().any(|line| line.is_of(user))
    }

    /// Adds a user, or gives it new secrets.
    pub(super) fn put(&mut self, user: &str, secrets: Secrets) {
        let new = Line::User {
            name: user.to_owned(),
            secrets,
        };
        match self.lines.iter_mut().find(|line| line.is_of(user)) {
            Some(line) => *line = new,
            None => self.lines.push(new),
        }
    }

    pub(super) fn remove(&mut self, user: &str) {
        self.lines.retain(|line| !line.is_of(user));
    }

    /// Writes a file that must not exist yet.
    pub(super) fn create(&self, path: &Path) -> Result<(), FileError> {
        let written = write_beside(path, &self.to_string(), None);
        let named = written.and_then(|written| Ok(written.persist_noclobber(path)?));
        named.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists {
                path: path.to_owned(),
            },
            _ => unwritable(path)(source),
        })
    }

    /// Changes a file that exists: from reading to replacing it, no other writer comes between.
    pub(super) fn edit<E: From<FileError>>(
        path: &Path,
        change: impl FnOnce(&mut PasswordFile) -> Result<(), E>,
    ) -> Result<(), E> {
        let unreadable = |source| FileError::Unreadable {
            path: path.to_owned(),
            source,
        };
        // What a symbolic link leads to is replaced, not the link.
        let target = fs::canonicalize(path).map_err(unreadable)?;
        let locked = lock(&target).map_err(unreadable)?;
        let mut file = PasswordFile::read(path)?;
        change(&mut file)?;
        let written = write_beside(&target, &file.to_string(), Some(&locked));
        let replaced = written.and_then(|written| {
            written.persist(&target)?;
            sync_folder(&target)
        });
        Ok(replaced.map_err(unwritable(path))?)
    }
}

/// Whether every user of the machine may read the file.
pub fn is_readable_by_all(path: &Path) -> bool {
    const OTHERS_READ: u32 = 0o004;
    fs::metadata(path).is_ok_and(|file| file.mode() & OTHERS_READ != 0)
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Unwritable {
        path: path.clone(),
        source,
    }
}

/// Locks the file that the path names. Another writer may have replaced it while this one waited.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        let (named, held) = (fs::metadata(path)?, file.metadata()?);
        if (named.dev(), named.ino()) == (held.dev(), held.ino()) {
            return Ok(file);
        }
    }
}

/// A file that is whole on disk under a name that nobody else has, removed unless it is given its own. It
/// takes owner and mode of the file it is to replace.
fn write_beside(path: &Path, text: &str, replaces: Option<&File>) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new.");
    let mut written = tempfile::Builder::new()
        .prefix(&name)
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)?;
    let file = written.as_file();
    if let Some(replaced) = replaces {
        let (before, now) = (replaced.metadata()?, file.metadata()?);
        if (before.uid(), before.gid()) != (now.uid(), now.gid()) {
            fchown(file, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(before.permissions())?;
    }
    written.write_all(text.as_bytes())?;
    written.as_file().sync_all()?;
    Ok(written)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

impl Line {
    fn parse(text: &str) -> Result<Line, LineProblem> {
        if text.trim().is_empty() || text.starts_with('#') {
            return Ok(Line::Comment(text.to_owned()));
        }
        let (name, rest) = text.split_once(':').ok_or(LineProblem::NoName)?;
        if name.is_empty() {
            return Err(LineProblem::NoName);
        }
        let name = name.to_owned();
        let rest = rest.trim_end();
        let (hash, scram) = match rest.starts_with(SCRAM_SHA_256) {
            true => (None, Some(rest)),
            false => match rest.split_once(':') {
                Some((hash, scram)) => (Some(hash), Some(scram)),
                None => (Some(rest), None),
            },
        };
        let hash = hash.map(|it| {
            let name = name.clone();
            PasswordHash::parse(it).ok_or(LineProblem::NoHash { name })
        });
        let scram = scram.map(|it| {
            let name = name.clone();
            ScramVerifier::parse(it).ok_or(LineProblem::NoVerifier { name })
        });
        let secrets = Secrets {
            hash: hash.transpose()?,
            scram: scram.transpose()?,
        };
        Ok(Line::User { name, secrets })
    }

    fn is_of(&self, user: &str) -> bool {
        matches!(self, Line::User { name, .. } if name == user)
    }
}

impl fmt::Display for PasswordFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            match line {
                Line::Comment(text) => writeln!(f, "{text}")?,
                Line::User { name, secrets } => {
                    write!(f, "{name}")?;
                    if let Some(hash) = &secrets.hash {
                        write!(f, ":{hash}")?;
                    }
                    if let Some(scram) = &secrets.scram {
                        write!(f, ":{scram}")?;
                    }
                    writeln!(f)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Unreadable { path, source } => {
                write!(f, "{}: cannot be read: {source}", path.display())
            }
            FileError::Unwritable { path, source } => {
                write!(f, "{}: cannot be written: {source}", path.display())
            }
            FileError::Exists { path } => write!(
                f,
                "{}: exists already; leave out --create to add to it",
                path.display()
            ),
            FileError::BadLines { path, problems } => {
                for (at, (line, problem)) in problems.iter().enumerate() {
                    let separator = if at == 0 { "" } else { "\n" };
                    write!(f, "{separator}{}:{line}: {problem}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for FileError {}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::NoName => write!(f, "is no 'name:hash', nor a comment ('# ...')"),
            LineProblem::NoHash { name } => write!(
                f,
                "what follows '{name}' is no password hash that is known here ($argon2id$..., or Mosquitto's \
                 $7$... and $6$...); set the password again with 'ringmq passwd'"
            ),
            LineProblem::NoVerifier { name } => write!(
                f,
                "what follows the hash of '{name}' is no SCRAM-SHA-256 verifier; set the password again with \
                 'ringmq passwd'"
            ),
            LineProblem::Twice { name } => {
                write!(
                    f,
                    "the user '{name}' has a line already; remove one of the two"
                )
            }
        }
    }
}
