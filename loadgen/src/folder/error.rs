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
    #[cfg(test)]
    Form {
        path: PathBuf,
        why: String,
    },
}

impl FolderError {
    pub(super) fn io(path: &Path, source: io::Error) -> FolderError {
        FolderError::Io {
            path: path.to_owned(),
            source,
        }
    }

    #[cfg(test)]
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
            #[cfg(test)]
            FolderError::Form { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for FolderError {}
