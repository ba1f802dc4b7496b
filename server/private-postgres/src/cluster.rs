//! The cluster's files: made whole or not at all, and free of whoever used them before.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Error, POLL,
    folder::{Folder, ROLE},
    programs::Programs,
};

/// Runs `initdb` under another name and renames the result, so a cluster that exists is complete.
pub fn create_if_absent(folder: &Folder, programs: &Programs) -> Result<(), Error> {
    if folder.data().join("PG_VERSION").exists() {
        return Ok(());
    }
    let unfinished = folder.path.join("data.new");
    match fs::remove_dir_all(&unfinished) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::Io { path: unfinished, source });
        }
        _ => {}
    }
    let mut initdb = folder.account.command(&programs.path("initdb"));
    initdb.arg("-D").arg(&unfinished).args(["-U", ROLE, "--auth=trust"]);
    initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
    run(initdb, "initdb")?;
    fs::rename(&unfinished, folder.data()).map_err(|source| Error::Io { path: folder.data(), source })
}

/// Makes the role's own database through the running server.
pub fn create_database_if_absent(folder: &Folder, programs: &Programs) -> Result<(), Error> {
    let mut psql = Command::new(programs.path("psql"));
    // As ourselves, not as PostgreSQL's user: it proves that we can reach the socket.
    psql.env_clear().env("LC_ALL", "C.UTF-8").env("PGCONNECT_TIMEOUT", "10");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", ROLE, "-d", "postgres"]);
    psql.arg("-h").arg(&folder.socket_dir).args(["-f", "-"]);
    let sql = format!(
        "SELECT 'CREATE DATABASE {ROLE}' WHERE NOT EXISTS \
         (SELECT FROM pg_database WHERE datname = '{ROLE}') \\gexec\n"
    );
    run_with_input(psql, &sql, "the creation of the database")
}

/// Stops whatever still runs in the folder after its owner was killed. The caller holds the lock,
/// so nobody alive has a claim to it.
pub fn stop_leftovers(folder: &Folder) -> Result<(), Error> {
    let Ok(data) = fs::canonicalize(folder.data()) else { return Ok(()) };
    let pid_file = data.join("postmaster.pid");
    let postmaster = fs::read_to_string(&pid_file).ok().and_then(|text| text.lines().next()?.parse().ok());
    let started = Instant::now();
    let mut sent = None;
    loop {
        let running = processes_in(&data);
        if running.is_empty() {
            break;
        }
        // Fast shutdown by the postmaster; then SIGQUIT and SIGKILL to whoever is left.
        let signal = match started.elapsed() {
            elapsed if elapsed < Duration::from_secs(10) => Signal::INT,
            elapsed if elapsed < Duration::from_secs(15) => Signal::QUIT,
            _ => Signal::KILL,
        };
        if started.elapsed() > Duration::from_secs(20) {
            return Err(Error::Failed {
                what: "stopping the PostgreSQL left behind",
                output: format!("processes {running:?} still use {}", data.display()),
            });
        }
        if sent != Some(signal) {
            sent = Some(signal);
            let orphans = !running.iter().any(|&pid| Some(pid) == postmaster);
            // Without a postmaster SIGINT would only cancel a query: SIGTERM ends a process.
            let signal = if orphans && signal == Signal::INT { Signal::TERM } else { signal };
            let everyone = orphans || signal != Signal::INT;
            for &pid in running.iter().filter(|&&pid| everyone || Some(pid) == postmaster) {
                let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
            }
        }
        thread::sleep(POLL);
    }
    // PostgreSQL trusts this file when any process has its number, as after a restart of the machine.
    match fs::remove_file(&pid_file) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: pid_file, source })
        }
        _ => Ok(()),
    }
}

/// Every process of PostgreSQL works in its data folder.
fn processes_in(data: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let works_here = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data);
        works_here && fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| is_postgres(&exe))
    })
    .collect()
}

/// Somebody's shell may stand in the folder too. An upgraded binary reads `postgres (deleted)`.
fn is_postgres(exe: &Path) -> bool {
    exe.file_name().is_some_and(|name| name.to_string_lossy().starts_with("postgres"))
}

fn run(mut command: Command, what: &'static str) -> Result<(), Error> {
    let program = PathBuf::from(command.get_program());
    let output = command.output().map_err(|source| Error::Run { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { what, output: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}

fn run_with_input(mut command: Command, input: &str, what: &'static str) -> Result<(), Error> {
    let program = PathBuf::from(command.get_program());
    let run_error = |source| Error::Run { program: program.clone(), source };
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(run_error)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early says why on its standard error.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(run_error)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed { what, output: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
}
