//! Where PostgreSQL's programs are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Error, folder::Folder};

/// The folder with `initdb`, `postgres` and `psql` of one version.
#[derive(Debug)]
pub struct Programs {
    bin: PathBuf,
}

impl Programs {
    /// The version that made the folder's cluster, for a new one the highest there is.
    pub fn find(folder: &Folder) -> Result<Self, Error> {
        let installed = installed();
        let Some(version) = cluster_version(folder) else {
            return installed
                .into_iter()
                .next_back()
                .map(|(_, bin)| Self { bin })
                .or_else(|| on_path().map(|bin| Self { bin }))
                .ok_or(Error::NoPrograms);
        };
        if let Some((_, bin)) = installed.into_iter().find(|(number, _)| *number == version) {
            return Ok(Self { bin });
        }
        let bin = on_path().ok_or(Error::NoPrograms)?;
        let wrong = || Error::WrongVersion { folder: folder.path.clone(), version: version.to_string() };
        if version_of(&bin) == Some(version) { Ok(Self { bin }) } else { Err(wrong()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Debian keeps each major version in its own folder. Lowest first.
fn installed() -> Vec<(u32, PathBuf)> {
    let Ok(entries) = fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| has_all(bin))
        .collect();
    versions.sort();
    versions
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter_map(|dir| fs::canonicalize(dir.join("pg_ctl")).ok()?.parent().map(Path::to_path_buf))
        .find(|bin| has_all(bin))
}

/// The client package alone brings a `bin` with `psql` but no server.
fn has_all(bin: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|name| bin.join(name).exists())
}

fn cluster_version(folder: &Folder) -> Option<u32> {
    fs::read_to_string(folder.data().join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_of(bin: &Path) -> Option<u32> {
    let output = std::process::Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().nth(2)?.split('.').next()?.parse().ok()
}
