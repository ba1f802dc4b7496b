//! The folder of one cluster: where it is, who may enter it, where its socket lies.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::{Error, account::Account, lock::Lock};

/// Role and database that [`Folder::url`] names. The role is the cluster's superuser, since the
/// tests make a database each.
pub const ROLE: &str = "meridian";

/// A folder that exists, has mode 0700 and belongs to the account that runs PostgreSQL.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub socket_dir: PathBuf,
    pub account: Account,
    pub moved_from: Option<PathBuf>,
}

impl Folder {
    /// Makes the folder, or the one in its place where the account cannot enter it.
    pub fn prepare(wanted: &Path) -> Result<Self, Error> {
        let wanted =
            std::path::absolute(wanted).map_err(|source| Error::Io { path: wanted.into(), source })?;
        let account = Account::choose(owner_of(&wanted.join("data")))?;
        refuse_foreign_files(&wanted)?;
        make_private(&wanted, &account)?;
        if account.can_use(&wanted) {
            return Self::with_socket_dir(wanted, account, None);
        }
        let fallback = PathBuf::from(format!("/var/tmp/private-postgres-{:016x}", fnv1a(&wanted)));
        let account = Account::choose(owner_of(&fallback.join("data")))?;
        make_private(&fallback, &account)?;
        if account.can_use(&fallback) {
            return Self::with_socket_dir(fallback, account, Some(wanted));
        }
        Err(Error::Unreachable { account: account.name, folder: wanted, fallback })
    }

    /// The cluster itself.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub fn log_file(&self) -> PathBuf {
        self.path.join("postgres.log")
    }

    /// The end of the log, for error messages.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Understood by sqlx and libpq alike: `host` with a path means the socket in it.
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}@localhost/{ROLE}?host={}", self.socket_dir.display())
    }

    /// Removes the socket's folder where it is not the cluster's own.
    pub fn remove_short_socket_dir(&self) {
        if self.socket_dir != self.path {
            let _ = fs::remove_dir(&self.socket_dir);
        }
    }

    fn with_socket_dir(path: PathBuf, account: Account, moved_from: Option<PathBuf>) -> Result<Self, Error> {
        let socket_dir = if fits_a_socket(&path) {
            path.clone()
        } else {
            let short = PathBuf::from(format!("/tmp/pg-{:016x}", fnv1a(&path)));
            make_private(&short, &account)?;
            short
        };
        Ok(Self { path, socket_dir, account, moved_from })
    }
}

/// The folder for a new throwaway cluster: short, and like no other.
pub fn throwaway_path() -> PathBuf {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
    std::env::temp_dir().join(format!("{THROWAWAY_PREFIX}{}-{:x}", std::process::id(), nanos & 0xffff_ffff))
}

/// Removes throwaway folders whose process was killed before it could: old ones nobody holds.
pub fn remove_abandoned_throwaways() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_throwaway =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(THROWAWAY_PREFIX));
        let lock_file = path.join("lock");
        if is_throwaway
            && is_older_than(&lock_file, ABANDONED_AFTER)
            && let Ok(Some(_lock)) = Lock::try_take(&lock_file)
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

const THROWAWAY_PREFIX: &str = "pg-throwaway-";

/// A folder that was just made may not be locked yet.
const ABANDONED_AFTER: Duration = Duration::from_secs(600);

fn is_older_than(path: &Path, age: Duration) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|elapsed| elapsed > age))
}

fn owner_of(path: &Path) -> Option<u32> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.uid())
}

/// Somebody's home given by mistake must not be handed over to PostgreSQL's user.
fn refuse_foreign_files(path: &Path) -> Result<(), Error> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(unusable(path, source)),
    };
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    let is_ours = names.iter().any(|name| name == "lock");
    if is_ours || names.is_empty() { Ok(()) } else { Err(Error::ForeignFiles(path.into())) }
}

/// Makes `path` a folder of mode 0700 that belongs to `account`, which it may already be.
fn make_private(path: &Path, account: &Account) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| Error::Io { path: parent.into(), source })?;
    }
    let io = |source| Error::Io { path: path.into(), source };
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(io(error)),
        _ => {}
    }
    // Not following links: in /tmp and /var/tmp anybody may have put one here before us.
    let metadata = fs::symlink_metadata(path).map_err(io)?;
    let ourselves = rustix::process::geteuid().as_raw();
    if !metadata.is_dir() || (metadata.uid() != account.uid && metadata.uid() != ourselves) {
        return Err(Error::ForeignFolder { folder: path.into(), uid: metadata.uid() });
    }
    if metadata.uid() != account.uid {
        chown(path, Some(account.uid), Some(account.gid)).map_err(io)?;
    }
    if metadata.mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io)?;
    }
    Ok(())
}

fn unusable(path: &Path, source: std::io::Error) -> Error {
    match owner_of(path) {
        Some(uid) if source.kind() == ErrorKind::PermissionDenied => {
            Error::ForeignFolder { folder: path.into(), uid }
        }
        _ => Error::Io { path: path.into(), source },
    }
}

/// Unix socket paths end at 107 bytes on Linux; a comma separates hosts for libpq, and other
/// characters would mean something in the URL or in PostgreSQL's own settings.
fn fits_a_socket(folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let path = folder.as_os_str().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-._".contains(byte);
    path.len() + "/.s.PGSQL.5432".len() <= 107 && path.iter().all(is_plain)
}

/// FNV-1a: the same on every machine and in every release, which std's hasher does not promise.
fn fnv1a(path: &Path) -> u64 {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_lies_in_a_folder_of_up_to_93_plain_bytes() {
        assert!(fits_a_socket(Path::new(&"x".repeat(93))));
        assert!(!fits_a_socket(Path::new(&"x".repeat(94))));
        assert!(!fits_a_socket(Path::new("/tmp/a,b")));
        assert!(!fits_a_socket(Path::new("/tmp/ä")));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(fnv1a(Path::new("")), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(Path::new("a")), 0xaf63_dc4c_8601_ec8c);
    }
}
