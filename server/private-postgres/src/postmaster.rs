//! The server process, tied to the life of ours.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, POLL, folder::Folder, programs::Programs};

/// A running `postgres`.
#[derive(Debug)]
pub struct Postmaster {
    pid: i32,
    /// Spawned the process and waits for its end. The kernel ties the process to this thread, not
    /// to our process, so it has to be one that ends with the process and not before.
    keeper: Option<JoinHandle<()>>,
}

impl Postmaster {
    /// Starts `postgres`; it accepts connections after [`Self::wait_until_ready`].
    pub fn start(folder: &Folder, programs: &Programs, durable: bool) -> Result<Self, Error> {
        let log = new_log(folder).map_err(|source| Error::Io { path: folder.log_file(), source })?;
        let log_too = log.try_clone().map_err(|source| Error::Io { path: folder.log_file(), source })?;
        let program = programs.path("postgres");
        let mut command = folder.account.command_that_dies_with_its_thread(&program);
        command.arg("-D").arg(folder.data()).args(settings(folder, durable));
        // A group of its own: Ctrl-C at the terminal is for us, who let requests finish first.
        command.stdout(log).stderr(log_too).process_group(0);
        let (pid_sender, pid) = mpsc::channel();
        let keeper = thread::spawn(move || match command.spawn() {
            Ok(mut child) => {
                let _ = pid_sender.send(Ok(child.id()));
                let _ = child.wait();
            }
            Err(error) => {
                let _ = pid_sender.send(Err(error));
            }
        });
        let pid = pid.recv().unwrap_or_else(|_| Err(io::Error::other("the thread ended early")));
        let pid = pid.map_err(|source| Error::Run { program, source })?.cast_signed();
        Ok(Self { pid, keeper: Some(keeper) })
    }

    /// Returns once the server accepts connections, with its log when it ended or took too long.
    pub fn wait_until_ready(&self, folder: &Folder, limit: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + limit;
        while !self.is_ready(folder) {
            let output = || folder.log_tail();
            if !self.is_running() {
                return Err(Error::Failed { what: "the start of PostgreSQL", output: output() });
            }
            if Instant::now() > deadline {
                return Err(Error::TimedOut { what: "the start of PostgreSQL", limit, output: output() });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Fast shutdown; harder signals where that takes too long.
    pub fn stop(&mut self, folder: &Folder) -> Result<(), Error> {
        for (signal, limit) in [(Signal::INT, 20), (Signal::QUIT, 10), (Signal::KILL, 10)] {
            if self.is_running() {
                let _ = Pid::from_raw(self.pid).map(|pid| kill_process(pid, signal));
            }
            let deadline = Instant::now() + Duration::from_secs(limit);
            while self.is_running() && Instant::now() < deadline {
                thread::sleep(POLL);
            }
        }
        if self.is_running() {
            return Err(Error::Failed { what: "stopping PostgreSQL", output: folder.log_tail() });
        }
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
        Ok(())
    }

    fn is_running(&self) -> bool {
        self.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished())
    }

    /// What `pg_ctl -w` reads: line 1 of `postmaster.pid` is the process, line 8 its state.
    fn is_ready(&self, folder: &Folder) -> bool {
        let Ok(text) = fs::read_to_string(folder.data().join("postmaster.pid")) else { return false };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.first() == Some(&self.pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
    }
}

/// A start that failed half-way must not leave the server running.
impl Drop for Postmaster {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = Pid::from_raw(self.pid).map(|pid| kill_process(pid, Signal::QUIT));
        }
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Empties the log of the last start: one start's log is enough, and it does not grow for ever.
fn new_log(folder: &Folder) -> io::Result<File> {
    File::create(folder.log_file())?;
    File::options().append(true).open(folder.log_file())
}

fn settings(folder: &Folder, durable: bool) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={}", folder.socket_dir.display()),
        "port=5432".to_owned(),
        // Tests run several apps side by side, each with a pool.
        "max_connections=200".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
    ];
    if !durable {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(String::from));
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}
