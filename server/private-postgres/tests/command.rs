//! The program `private-postgres`: what its command sees, returns and receives.

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use private_postgres::PrivatePostgres;
use support::{TempFolder, kill, kill_hard, options, postmaster_pid, query, wait_until_gone};

#[test]
fn the_command_gets_a_database_url_and_its_exit_status_is_passed_on() {
    let folder = TempFolder::new();
    let output = program(&folder, &["sh", "-c", "psql -XAtc 'SELECT 6 * 7' \"$DATABASE_URL\"; exit 3"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "42\n");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_command_that_does_not_exist_is_named() {
    let folder = TempFolder::new();
    let output = program(&folder, &["no-such-command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("no-such-command"), "{stderr}");
}

#[test]
fn a_signal_reaches_the_command_and_the_commands_children_before_the_server_stops() {
    let folder = TempFolder::new();
    // The inner shell stands for a test that cargo started; only it answers the signal.
    let script = "sh -c 'trap \"psql -XAtc \\\"SELECT 6 * 7\\\" \\\"$DATABASE_URL\\\"; exit\" TERM; \
                  echo waiting; tail -f /dev/null & wait' & wait; wait";
    let mut child = program(&folder, &["sh", "-c", &format!("trap : TERM; {script}")]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "waiting");
    let postmaster = postmaster_pid(&folder.join("pg"));
    kill("TERM", child.id());
    assert_eq!(lines.next().unwrap().unwrap(), "42");
    child.wait().unwrap();
    wait_until_gone(postmaster);
}

#[test]
fn the_status_of_a_command_ended_by_a_signal_is_128_and_the_signal() {
    let folder = TempFolder::new();
    let status = program(&folder, &["sh", "-c", "kill -TERM $$"]).status().unwrap();
    assert_eq!(status.code(), Some(128 + 15));
}

#[test]
fn the_server_ends_with_a_process_that_was_killed_hard_and_starts_again() {
    let folder = TempFolder::new();
    let (mut child, command_pid) = running(&folder);
    let postmaster = postmaster_pid(&folder.join("pg"));
    kill_hard(child.id());
    child.wait().unwrap();
    // At once, while the old server may still be on its way out.
    let postgres = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    assert!(!postgres.is_shared());
    assert_eq!(query(postgres.url(), "SELECT 1"), "1");
    wait_until_gone(postmaster);
    kill_hard(command_pid);
}

fn program(folder: &TempFolder, command: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_private-postgres"));
    program.arg("--data").arg(folder.join("pg")).arg("--").args(command);
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// The program with a command that waits, and the command's process id.
fn running(folder: &TempFolder) -> (Child, u32) {
    let mut child = program(folder, &["sh", "-c", "echo $$; exec tail -f /dev/null"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    (child, line.trim().parse().unwrap())
}
