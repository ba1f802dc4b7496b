//! A PostgreSQL of our own in a folder, so that `make run`, the tests and the benchmarks need no
//! database server and touch none that is there.
//!
//! ```no_run
//! # fn main() -> Result<(), private_postgres::Error> {
//! use private_postgres::{Options, PrivatePostgres};
//! let postgres = PrivatePostgres::start(Options { data_dir: ".data/postgres".into(), durable: true })?;
//! println!("{}", postgres.url());
//! postgres.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! What one can count on:
//!
//! - **Binaries.** Those of the highest version under `/usr/lib/postgresql`, else the ones beside
//!   `pg_ctl` on the PATH, else an error that names the package. An existing cluster is opened with
//!   the version that made it.
//! - **Reach.** It listens on a unix socket in a folder of mode 0700 and on no network address, so
//!   it needs no password and clashes with no other PostgreSQL.
//! - **User.** PostgreSQL refuses to run as root. As root it runs as the user who owns the cluster,
//!   for a new one `postgres` or `nobody`. Where that user cannot enter the folder (a project under
//!   `/root`), a folder under `/var/tmp` derived from its path takes its place:
//!   [`PrivatePostgres::moved_from`].
//! - **Life.** It lives as long as the process that started it: [`PrivatePostgres::stop`] and `Drop`
//!   shut it down, and when that process is killed hard, the kernel sends PostgreSQL the signal for
//!   a fast shutdown (`setpriv --pdeathsig`). Whatever still runs in the folder is stopped by the
//!   next start.
//! - **Sharing.** A second start on the same folder uses the running one and leaves it running. The
//!   one who started it ends it for both.
//! - **Half-made clusters.** `initdb` works under another name; the finished cluster is renamed.
//!
//! The folder holds `data/` (the cluster), `postgres.log` (of the last start), `lock`, and the
//! socket, unless the path is too long or too odd for one: then that is in `/tmp/pg-<hash of the path>`.

mod account;
mod cluster;
mod folder;
mod lock;
mod postmaster;
mod programs;

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use folder::Folder;
use lock::Lock;
use postmaster::Postmaster;

/// Where the cluster lives and how much it cares.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder; made when absent. Relative paths count from the current folder.
    pub data_dir: PathBuf,
    /// `false` leaves out every flush to disk: quicker, and lost with the machine's power.
    pub durable: bool,
}

/// A running PostgreSQL, stopped when dropped unless another process started it.
#[derive(Debug)]
pub struct PrivatePostgres {
    folder: Folder,
    url: String,
    /// `None` where another process started the server and we are its guest.
    owned: Option<Owned>,
    remove_folder: bool,
}

/// The lock is released after the server has stopped: fields drop in this order.
#[derive(Debug)]
struct Owned {
    postmaster: Postmaster,
    lock: Lock,
}

/// Why there is no PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("PostgreSQL's programs were not found: install the package `postgresql`")]
    NoPrograms,
    #[error(
        "the cluster in {} was made by PostgreSQL {version}, which is not installed: \
         install postgresql-{version}, or move the folder away", folder.display()
    )]
    WrongVersion { folder: PathBuf, version: String },
    #[error("{} holds other files, so it is not used for a database", .0.display())]
    ForeignFiles(PathBuf),
    #[error("{} belongs to another user (uid {uid})", folder.display())]
    ForeignFolder { folder: PathBuf, uid: u32 },
    #[error("running as root, and there is neither a user `postgres` nor `nobody` to run PostgreSQL as")]
    NoAccount,
    #[error("the user {account} can enter neither {} nor {}", folder.display(), fallback.display())]
    Unreachable { account: String, folder: PathBuf, fallback: PathBuf },
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{} cannot be run", program.display())]
    Run { program: PathBuf, source: io::Error },
    #[error("{what} failed:\n{output}")]
    Failed { what: &'static str, output: String },
    #[error("{what} took longer than {} s:\n{output}", limit.as_secs())]
    TimedOut { what: &'static str, limit: Duration, output: String },
}

/// Longest wait for the server to accept connections; recovery after a crash is the slow case.
const START_LIMIT: Duration = Duration::from_secs(60);

impl PrivatePostgres {
    /// Starts the cluster in `options.data_dir`, making it first where there is none, and returns
    /// once it accepts connections: 0.2 s, with a new cluster about 1 s. Blocks the thread.
    pub fn start(options: Options) -> Result<Self, Error> {
        let folder = Folder::prepare(&options.data_dir)?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if let Some(lock) = Lock::try_take(&folder.lock_file())? {
                return Self::start_owned(folder, lock, options.durable);
            }
            if Lock::holder_is_ready(&folder.lock_file()) {
                let url = folder.url();
                return Ok(Self { folder, url, owned: None, remove_folder: false });
            }
            if Instant::now() > deadline {
                return Err(Error::TimedOut {
                    what: "the start of PostgreSQL by another process",
                    limit: START_LIMIT,
                    output: folder.log_tail(),
                });
            }
            thread::sleep(POLL);
        }
    }

    /// Starts a new cluster in a temporary folder that goes away with it, without flushes to disk.
    pub fn throwaway() -> Result<Self, Error> {
        folder::remove_abandoned_throwaways();
        let data_dir = folder::throwaway_path();
        let mut postgres = Self::start(Options { data_dir, durable: false })?;
        postgres.remove_folder = true;
        Ok(postgres)
    }

    /// The address for `DATABASE_URL`: the superuser `meridian` and its database, over the socket.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder in use; not the one asked for where [`Self::moved_from`] says so.
    pub fn data_dir(&self) -> &Path {
        &self.folder.path
    }

    /// The folder asked for, when PostgreSQL's user cannot enter it and another one took its place.
    pub fn moved_from(&self) -> Option<&Path> {
        self.folder.moved_from.as_deref()
    }

    /// Whether another process started this server, and will end it.
    pub fn is_shared(&self) -> bool {
        self.owned.is_none()
    }

    /// Shuts the server down, cutting open connections, and returns once it is gone.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn start_owned(folder: Folder, lock: Lock, durable: bool) -> Result<Self, Error> {
        cluster::stop_leftovers(&folder)?;
        let programs = programs::Programs::find(&folder)?;
        cluster::create_if_absent(&folder, &programs)?;
        let postmaster = Postmaster::start(&folder, &programs, durable)?;
        let owned = Owned { postmaster, lock };
        owned.postmaster.wait_until_ready(&folder, START_LIMIT)?;
        cluster::create_database_if_absent(&folder, &programs)?;
        owned.lock.say_ready().map_err(|source| Error::Io { path: folder.lock_file(), source })?;
        let url = folder.url();
        Ok(Self { folder, url, owned: Some(owned), remove_folder: false })
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        let Some(mut owned) = self.owned.take() else { return Ok(()) };
        owned.lock.say_stopping();
        let stopped = owned.postmaster.stop(&self.folder);
        self.folder.remove_short_socket_dir();
        if self.remove_folder {
            let _ = std::fs::remove_dir_all(&self.folder.path);
        }
        stopped
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            eprintln!("private-postgres: {error}");
        }
    }
}

/// Between two looks at a file or process we have no event for.
const POLL: Duration = Duration::from_millis(10);
