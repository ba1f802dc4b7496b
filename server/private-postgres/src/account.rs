//! The user PostgreSQL runs as: ourselves, or as root somebody it accepts.

use std::{ffi::OsStr, fs, path::Path, process::Command};

use crate::Error;

/// A user of this machine.
#[derive(Debug, Clone)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    /// Whether we are root and become this user for every program of PostgreSQL's.
    switch: bool,
}

impl Account {
    /// Ourselves; as root the owner of what is there already (`owner_uid`), else `postgres` or `nobody`.
    pub fn choose(owner_uid: Option<u32>) -> Result<Self, Error> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            let gid = rustix::process::getegid().as_raw();
            return Ok(Self { name: format!("uid {uid}"), uid, gid, switch: false });
        }
        let passwd = fs::read_to_string("/etc/passwd")
            .map_err(|source| Error::Io { path: "/etc/passwd".into(), source })?;
        let accounts: Vec<Account> = passwd.lines().filter_map(parse_passwd_line).collect();
        let owner = accounts.iter().find(|account| Some(account.uid) == owner_uid && account.uid != 0);
        let by_name = |name: &str| accounts.iter().find(|account| account.name == name);
        owner.or(by_name("postgres")).or(by_name("nobody")).cloned().ok_or(Error::NoAccount)
    }

    /// A command that runs `program` as this user, in `/` and with nothing of our environment:
    /// `PGPORT`, `PGDATA` and the locale of whoever starts us must not change the cluster.
    pub fn command(&self, program: &Path) -> Command {
        self.wrapped(program, &[])
    }

    /// As [`Self::command`], and the kernel sends the program SIGINT (to PostgreSQL: fast shutdown)
    /// when the thread that spawned it ends.
    pub fn command_that_dies_with_its_thread(&self, program: &Path) -> Command {
        self.wrapped(program, &["--pdeathsig", "INT"])
    }

    /// Whether this user can work in `folder`.
    pub fn can_use(&self, folder: &Path) -> bool {
        let status = self.command(Path::new("test")).arg("-w").arg(folder).status();
        status.is_ok_and(|status| status.success())
    }

    fn wrapped(&self, program: &Path, options: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        if self.switch {
            command.arg(format!("--reuid={}", self.uid)).arg(format!("--regid={}", self.gid));
            command.arg("--clear-groups");
        }
        command.args(options).arg("--").arg(program);
        let path = std::env::var_os("PATH").unwrap_or_else(|| OsStr::new("/usr/bin:/bin").into());
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.current_dir("/").stdin(std::process::Stdio::null());
        command
    }
}

fn parse_passwd_line(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(Account { name, uid, gid, switch: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passwd_line_gives_name_and_ids_and_a_broken_one_nothing() {
        let account = parse_passwd_line("postgres:x:101:104:PostgreSQL,,,:/var/lib:/bin/bash").unwrap();
        assert_eq!((account.name.as_str(), account.uid, account.gid), ("postgres", 101, 104));
        assert!(parse_passwd_line("+::::::").is_none());
        assert!(parse_passwd_line("").is_none());
    }
}
