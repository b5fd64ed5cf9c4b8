//! `ringmq passwd`: shows and changes a password file.
//!
//! Called by the command line and by nothing else; a running broker is not involved, it reads the file on
//! SIGHUP. Passwords come from the terminal without echo, or from a file or pipe; never from the command
//! line, which others can see.

use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Secrets;
use super::file::{FileError, Line, PasswordFile};
use crate::limits::PASSWORD_BYTES_MAX;

/// Show or change the users of a password file.
///
/// A running broker reads the file again on SIGHUP.
#[derive(Args, Clone, Debug)]
pub struct Passwd {
    /// The password file.
    file: PathBuf,

    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Add a user.
    Add {
        /// User name.
        name: String,
        /// Make the file, which must not exist yet.
        #[arg(short, long)]
        create: bool,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Give a user another password.
    Change {
        /// User name.
        name: String,
        #[command(flatten)]
        password: PasswordArguments,
    },
    /// Remove a user.
    Delete {
        /// User name.
        name: String,
    },
    /// Print the names of all users, and what their passwords are checked against.
    List,
}

/// Without --stdin or --from-file the password is asked for, twice.
#[derive(Args, Clone, Debug)]
struct PasswordArguments {
    /// Read the password from standard input, up to the end of the line.
    #[arg(long)]
    stdin: bool,

    /// Read the password from the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "stdin")]
    from_file: Option<PathBuf>,

    /// Store no SCRAM-SHA-256 verifier: the user can then only send the password itself.
    #[arg(long)]
    without_scram: bool,
}

/// Why nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum PasswdError {
    /// The file.
    File(FileError),
    /// A name that no line can hold.
    BadName {
        /// As it was given.
        name: String,
    },
    /// It is there already.
    NameTaken {
        /// The user.
        name: String,
    },
    /// It is not there.
    NoSuchUser {
        /// The user.
        name: String,
    },
    /// The password cannot be read.
    Unreadable {
        /// From where.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// No password was given.
    Empty,
    /// More than MQTT can carry.
    TooLong,
    /// The two entries differ.
    Differ,
    /// The system gives no random numbers.
    Random(getrandom::Error),
}

impl Passwd {
    /// Does what was asked; returns what to tell the caller.
    pub fn run(&self) -> Result<String, PasswdError> {
        let path = &self.file;
        match &self.action {
            Action::List => list(path),
            Action::Delete { name } => {
                PasswordFile::edit(path, |file| {
                    must_have(file, name)?;
                    file.remove(name);
                    Ok::<(), PasswdError>(())
                })?;
                Ok(done(&format!("deleted '{name}'"), path))
            }
            Action::Change { name, password } => {
                // Before the password is asked for, and again under the lock.
                must_have(&PasswordFile::read(path)?, name)?;
                let secrets = password.secrets()?;
                PasswordFile::edit(path, |file| {
                    must_have(file, name)?;
                    file.put(name, secrets);
                    Ok::<(), PasswdError>(())
                })?;
                Ok(done(&format!("changed the password of '{name}'"), path))
            }
            Action::Add {
                name,
                create,
                password,
            } => {
                add(path, name, *create, password)?;
                Ok(done(&format!("added '{name}'"), path))
            }
        }
    }
}

fn add(
    path: &Path,
    name: &str,
    create: bool,
    password: &PasswordArguments,
) -> Result<(), PasswdError> {
    let is_bad = |c: char| c == ':' || c.is_control();
    if name.is_empty() || name.starts_with('#') || name.trim() != name || name.contains(is_bad) {
        let name = name.to_owned();
        return Err(PasswdError::BadName { name });
    }
    let mut file = match (create, path.exists()) {
        (false, _) => PasswordFile::read(path)?,
        (true, false) => PasswordFile::default(),
        (true, true) => {
            let path = path.to_owned();
            return Err(PasswdError::File(FileError::Exists { path }));
        }
    };
    must_lack(&file, name)?;
    let secrets = password.secrets()?;
    if create {
        file.put(name, secrets);
        return Ok(file.create(path)?);
    }
    PasswordFile::edit(path, |file| {
        must_lack(file, name)?;
        file.put(name, secrets);
        Ok(())
    })
}

fn list(path: &Path) -> Result<String, PasswdError> {
    let mut text = String::new();
    for line in PasswordFile::read(path)?.lines() {
        if let Line::User { name, secrets } = line {
            let hash = secrets.hash.as_ref().map(|hash| hash.kind().to_owned());
            let scram = secrets.scram.as_ref();
            let scram = scram.map(|it| format!("SCRAM-SHA-256 ({} iterations)", it.iterations));
            let both: Vec<String> = hash.into_iter().chain(scram).collect();
            text += &format!("{name}\t{}\n", both.join(", "));
        }
    }
    Ok(text)
}

fn done(what: &str, path: &Path) -> String {
    format!(
        "{what} in {}; a running broker reads it on SIGHUP\n",
        path.display()
    )
}

fn must_have(file: &PasswordFile, name: &str) -> Result<(), PasswdError> {
    let name = name.to_owned();
    match file.has(&name) {
        true => Ok(()),
        false => Err(PasswdError::NoSuchUser { name }),
    }
}

fn must_lack(file: &PasswordFile, name: &str) -> Result<(), PasswdError> {
    let name = name.to_owned();
    match file.has(&name) {
        true => Err(PasswdError::NameTaken { name }),
        false => Ok(()),
    }
}

impl PasswordArguments {
    fn secrets(&self) -> Result<Secrets, PasswdError> {
        let password = self.read()?;
        if password.is_empty() {
            return Err(PasswdError::Empty);
        }
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswdError::TooLong);
        }
        Secrets::new(&password, !self.without_scram).map_err(PasswdError::Random)
    }

    fn read(&self) -> Result<String, PasswdError> {
        let unreadable = |place: String| move |source| PasswdError::Unreadable { place, source };
        if self.stdin {
            let place = "standard input".to_owned();
            return first_line(io::stdin().lock()).map_err(unreadable(place));
        }
        if let Some(path) = &self.from_file {
            let line = std::fs::File::open(path).and_then(|file| first_line(BufReader::new(file)));
            return line.map_err(unreadable(path.display().to_string()));
        }
        let ask = |prompt| {
            let place = "the terminal (see --stdin and --from-file)".to_owned();
            rpassword::prompt_password(prompt).map_err(unreadable(place))
        };
        let password = ask("Password: ")?;
        match ask("The same again: ")? == password {
            true => Ok(password),
            false => Err(PasswdError::Differ),
        }
    }
}

fn first_line(mut input: impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

impl From<FileError> for PasswdError {
    fn from(error: FileError) -> PasswdError {
        PasswdError::File(error)
    }
}

impl fmt::Display for PasswdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswdError::File(FileError::Unreadable { path, source })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                let path = path.display();
                write!(
                    f,
                    "{path}: there is no such file; 'add NAME --create' makes it"
                )
            }
            PasswdError::File(error) => error.fmt(f),
            PasswdError::BadName { name } => write!(
                f,
                "'{}' cannot be a user name in a password file: it must not be empty, hold a colon or control \
                 characters, begin with '#', or begin or end with a space",
                name.escape_debug()
            ),
            PasswdError::NameTaken { name } => {
                write!(
                    f,
                    "there is a user '{name}' already; 'change' gives it another password"
                )
            }
            PasswdError::NoSuchUser { name } => {
                write!(
                    f,
                    "there is no user '{name}'; 'list' shows all, 'add' adds one"
                )
            }
            PasswdError::Unreadable { place, source } => {
                write!(f, "cannot read the password from {place}: {source}")
            }
            PasswdError::Empty => write!(f, "the password is empty"),
            PasswdError::TooLong => write!(
                f,
                "the password is longer than the {PASSWORD_BYTES_MAX} bytes that MQTT can carry"
            ),
            PasswdError::Differ => write!(f, "the two passwords differ; nothing was changed"),
            PasswdError::Random(source) => write!(f, "no random numbers for the salt: {source}"),
        }
    }
}

impl std::error::Error for PasswdError {}
