//! Why a run folder cannot be written or read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Names the path and, where there is one, the way out.
#[derive(Debug)]
pub(crate) enum FolderError {
    /// The folder holds a run already.
    Taken(PathBuf),
    Io {
        path: PathBuf,
        source: io::Error,
    },
    /// The file is not what loadgen writes.
    Form {
        path: PathBuf,
        why: String,
    },
    /// No run is in the folder.
    Empty(PathBuf),
}

impl FolderError {
    pub(crate) fn io(path: &Path, source: io::Error) -> FolderError {
        FolderError::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn form(path: &Path, why: String) -> FolderError {
        FolderError::Form {
            path: path.to_owned(),
            why,
        }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderError::Taken(path) => write!(
                f,
                "{}: holds a run already; name another folder",
                path.display()
            ),
            FolderError::Io { path, source } => write!(f, "{}: {source}", path.display()),
            FolderError::Form { path, why } => write!(f, "{}: {why}", path.display()),
            FolderError::Empty(path) => write!(
                f,
                "{}: no run is in it; `loadgen run ... --out {}/1` makes one",
                path.display(),
                path.display()
            ),
        }
    }
}

impl std::error::Error for FolderError {}
