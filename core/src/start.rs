//! From the command line to a running broker, step by step, and to its end.
//!
//! Called by `main` and by nothing else. Whatever can be wrong with the settings or the machine is found
//! here, said in one line with the way out, and ends the process before a client was let in.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::announce::{Announcement, Entry, shards};
use crate::broker::{Broker, BrokerConfig, ListenerSet, StartError};
use crate::cli::{Cli, Command};
use crate::config::{Config, ConfigFile, CpuList, ListenerSettings, Shards, check_listeners};
use crate::descriptors::{self, TooFewDescriptors};
use crate::exit::Exit;
use crate::limits::{LINK_CAPACITY, LOG_FLUSH_MILLIS};
use crate::listener::{self, ListenError};
use crate::logging::{self, LogFormat, LogWriter, subject};
use crate::placement::{Placement, PlacementError};
use crate::signals::{self, Judging};
use crate::users::{
    Authenticator, AuthenticatorConfig, FileError, Secret, Users, is_readable_by_all,
};

/// Why the broker did not start.
#[derive(Debug)]
enum Obstacle {
    Placement(PlacementError),
    Descriptors(TooFewDescriptors),
    Engine(ringmq_ring::EngineError),
    Listen(ListenError),
    Broker(StartError),
    Users(FileError),
    System {
        doing: &'static str,
        source: io::Error,
    },
}

/// Does what the command line says. Returns when the broker has ended.
pub fn run(cli: &Cli) -> Exit {
    match &cli.command {
        None => run_broker(cli),
        Some(Command::Passwd(passwd)) => match passwd.run() {
            Ok(text) => {
                say(&text);
                Exit::Orderly
            }
            Err(error) => {
                complain(&error.to_string());
                Exit::NotStarted
            }
        },
    }
}

fn run_broker(cli: &Cli) -> Exit {
    let config = match settings(cli) {
        Ok(config) => config,
        Err(lines) => {
            for line in lines {
                complain(&line);
            }
            return Exit::NotStarted;
        }
    };
    if cli.check_config {
        return show(&config);
    }
    let log = match logging::start(&config.log) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("cannot start the log's thread: {error}"));
            return Exit::NotStarted;
        }
    };
    let exit = match panic::catch_unwind(AssertUnwindSafe(|| serve(cli, &config, &log))) {
        Ok(Ok(exit)) => exit,
        Ok(Err(obstacle)) => {
            match config.log.format {
                LogFormat::Text => complain(&obstacle.to_string()),
                LogFormat::Json => error!(target: subject::BROKER, "{obstacle}"),
            }
            Exit::NotStarted
        }
        // The panic hook has said what happened.
        Err(_) => Exit::Failed,
    };
    log.flush(Duration::from_millis(LOG_FLUSH_MILLIS));
    exit
}

/// The settings of file and command line together, or a line for each thing wrong with them.
fn settings(cli: &Cli) -> Result<Config, Vec<String>> {
    let (file, name) = match &cli.config {
        Some(path) => (ConfigFile::read(path), path.display().to_string()),
        None => (ConfigFile::parse(""), String::new()),
    };
    let ConfigFile {
        mut config,
        listener_lines,
        mut errors,
    } = file;
    let mut errors_of_arguments = Vec::new();
    let are_of_file = cli.apply_to(&mut config) && cli.config.is_some();
    let has_passwords = config.users.password_file.is_some();
    let listeners = &mut config.listeners;
    if are_of_file {
        errors.extend(check_listeners(listeners, &listener_lines, has_passwords));
        errors.sort_by_key(|error| error.line);
    } else {
        errors_of_arguments = check_listeners(listeners, &[], has_passwords);
    }
    if errors.is_empty() && errors_of_arguments.is_empty() {
        return Ok(config);
    }
    let of_file = errors.iter().map(|error| match error.line {
        Some(line) => format!("{name}:{line}: {}", error.problem),
        None => format!("{name}: {}", error.problem),
    });
    let of_arguments = errors_of_arguments
        .iter()
        .map(|error| error.problem.to_string());
    Err(of_file.chain(of_arguments).collect())
}

/// `--check-config`.
fn show(config: &Config) -> Exit {
    let draw = || Secret::draw().map_err(no_secret);
    let users = draw().and_then(|secret| users(config, &secret));
    match users.and_then(|_| place(config).map_err(Obstacle::Placement)) {
        Ok(placement) => {
            let shards = shards(&placement, one_per_core(config));
            say(&format!(
                "ok\n\n{}\n# shards on this machine: {shards}\n",
                config.to_toml()
            ));
            Exit::Orderly
        }
        Err(obstacle) => {
            complain(&obstacle.to_string());
            Exit::NotStarted
        }
    }
}

/// Starts the broker and waits for its end.
fn serve(cli: &Cli, config: &Config, log: &LogWriter) -> Result<Exit, Obstacle> {
    let limit = descriptors::raise();
    debug!(target: subject::BROKER, before = limit.before, now = limit.now, "limit of open files");
    ringmq_ring::probe().map_err(Obstacle::Engine)?;
    let placement = place(config).map_err(Obstacle::Placement)?;
    let shards = placement.shards().len();
    let (listeners, connections_max) = (&config.listeners, config.broker.connections_max);
    descriptors::check(limit, shards, listeners.len(), connections_max)
        .map_err(Obstacle::Descriptors)?;
    let judging = authenticator(config)?;
    let open = |settings: &ListenerSettings| listener::open(settings.address, shards);
    let sets = listeners.iter().map(open).collect::<Result<Vec<_>, _>>();
    let sets = sets.map_err(Obstacle::Listen)?;
    let addresses: Vec<SocketAddr> = sets.iter().map(|set| set.address).collect();
    let broker = launch(cli, config, log, (placement.clone(), sets, judging))?;
    announce(config, &placement, &addresses);
    Ok(match broker.wait() {
        Ok(()) => {
            info!(target: subject::BROKER, "stopped");
            Exit::Orderly
        }
        Err(error) => {
            error!(target: subject::BROKER, "ending the process: {error}");
            Exit::Failed
        }
    })
}

/// Starts the shards, with signals caught from before to after.
fn launch(
    cli: &Cli,
    config: &Config,
    log: &LogWriter,
    (placement, listeners, judging): (Placement, Vec<ListenerSet>, Option<Judging>),
) -> Result<Broker, Obstacle> {
    let system = |doing| move |source| Obstacle::System { doing, source };
    let random = || getrandom::u64().map_err(io::Error::other);
    let random = || random().map_err(system("drawing random seeds"));
    let caught = signals::catch().map_err(system("catching signals"))?;
    let shutdown_secs = config.broker.shutdown_secs;
    let broker = Broker::start(BrokerConfig {
        placement,
        listeners,
        router: Arc::new(config.router_settings()),
        authenticator: judging.as_ref().map(Judging::authenticator),
        connections_max: config.broker.connections_max,
        link_capacity: LINK_CAPACITY,
        shutdown_secs,
        hash_seed: cli.hash_seed.map_or_else(random, Ok)?,
        random_seed: random()?,
    })
    .map_err(Obstacle::Broker)?;
    caught
        .serve(broker.handle(), judging, shutdown_secs, log.clone())
        .map_err(system("starting the thread for signals"))?;
    Ok(broker)
}

/// The users of the password file, if one is named.
fn users(config: &Config, secret: &Secret) -> Result<Option<Users>, Obstacle> {
    let path = config.users.password_file.as_deref();
    let users = path.map(|path| Users::read(path, secret));
    users.transpose().map_err(Obstacle::Users)
}

/// Who judges clients, if there is a password file.
fn authenticator(config: &Config) -> Result<Option<Judging>, Obstacle> {
    let secret = Secret::draw().map_err(no_secret)?;
    let (Some(users), Some(path)) = (users(config, &secret)?, &config.users.password_file) else {
        return Ok(None);
    };
    info!(target: subject::BROKER, file = %path.display(), users = users.len(), "password file read");
    if is_readable_by_all(path) {
        let file = path.display();
        warn!(target: subject::BROKER, %file, "every user of this machine can read the password file; 'chmod o-r' it");
    }
    let allow_anonymous = config.listeners.iter().map(|it| it.allow_anonymous);
    let threads = match config.users.threads {
        0 => thread::available_parallelism().map_or(1, |cpus| cpus.get() / 2),
        threads => threads.into(),
    };
    let authenticator = Authenticator::start(AuthenticatorConfig {
        users,
        allow_anonymous: allow_anonymous.map(|it| it == Some(true)).collect(),
        threads: u8::try_from(threads).unwrap_or(u8::MAX),
    });
    let authenticator = authenticator.map_err(|source| Obstacle::System {
        doing: "starting the threads that check passwords",
        source,
    })?;
    Ok(Some(Judging::new(authenticator, path.clone(), secret)))
}

fn no_secret(source: getrandom::Error) -> Obstacle {
    Obstacle::System {
        doing: "drawing random numbers",
        source: io::Error::other(source),
    }
}

fn place(config: &Config) -> Result<Placement, PlacementError> {
    Placement::choose(config.broker.shards, &config.broker.cpus)
}

fn one_per_core(config: &Config) -> bool {
    config.broker.shards == Shards::Auto && config.broker.cpus == CpuList::All
}

/// Tells that the broker serves now: people in a few lines, machines in one.
fn announce(config: &Config, placement: &Placement, listeners: &[SocketAddr]) {
    let one_per_core = one_per_core(config);
    match config.log.format {
        LogFormat::Text => {
            let process = std::process::id();
            let listeners = &announced(config, listeners);
            let announcement = Announcement {
                listeners,
                placement,
                one_per_core,
                process,
            };
            say(&announcement.to_string());
        }
        LogFormat::Json => info!(
            target: subject::BROKER,
            version = env!("CARGO_PKG_VERSION"),
            listeners = listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            shards = shards(placement, one_per_core),
            process = std::process::id(),
            "started"
        ),
    }
}

/// Each listener's address with who may come in there.
fn announced(config: &Config, addresses: &[SocketAddr]) -> Vec<(SocketAddr, Entry)> {
    let entry = |settings: &ListenerSettings| match &config.users.password_file {
        None => Entry::Everyone,
        Some(_) if settings.allow_anonymous == Some(true) => Entry::UsersAndAnonymous,
        Some(_) => Entry::Users,
    };
    let entries = config.listeners.iter().map(entry);
    addresses.iter().copied().zip(entries).collect()
}

/// To standard output, whose loss must not stop a broker.
fn say(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

/// To standard error, the same.
fn complain(text: &str) {
    let mut errors = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(errors, "ringmq: {line}");
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Placement(error) => write!(f, "cpus: {error}"),
            Obstacle::Descriptors(error) => error.fmt(f),
            Obstacle::Engine(error) => error.fmt(f),
            Obstacle::Listen(error) => error.fmt(f),
            Obstacle::Broker(error) => error.fmt(f),
            Obstacle::Users(error) => error.fmt(f),
            Obstacle::System { doing, source } => write!(f, "{doing} failed: {source}"),
        }
    }
}
