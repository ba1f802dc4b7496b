//! Runs a command with a PostgreSQL of its own in `DATABASE_URL`, and stops that afterwards.

use std::{
    error::Error as _,
    io::{IsTerminal, stdin},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Command, ExitCode},
    thread,
};

use private_postgres::{Error, Options, PrivatePostgres};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
};

const USAGE: &str = "\
usage: private-postgres [--data DIR | --throwaway] -- COMMAND [ARGUMENT...]

Runs COMMAND with DATABASE_URL set to a private PostgreSQL and stops it afterwards.
Signals are passed on, and the exit status is COMMAND's.

  --data DIR    the cluster's folder, kept between runs (default .data/postgres)
  --throwaway   a new cluster in a temporary folder, without flushes to disk, removed afterwards";

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(reason) => {
            eprintln!("{reason}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprint!("private-postgres: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
struct Arguments {
    /// `None` for a throwaway cluster.
    data_dir: Option<PathBuf>,
    command: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut data_dir = Some(PathBuf::from(".data/postgres"));
        loop {
            match words.next().as_deref() {
                Some("--data") => {
                    data_dir = Some(words.next().ok_or("--data needs a folder")?.into());
                }
                Some("--throwaway") => data_dir = None,
                Some("--") => break,
                Some(other) => return Err(format!("{other} is not understood")),
                None => return Err("the command is missing".to_owned()),
            }
        }
        let command: Vec<String> = words.collect();
        if command.is_empty() {
            return Err("the command is missing".to_owned());
        }
        Ok(Self { data_dir, command })
    }
}

/// The command's exit status; 128 and its signal where one ended it, as shells do.
fn run(arguments: &Arguments) -> Result<u8, Error> {
    let program = &arguments.command[0];
    let run_error = |source| Error::Run { program: program.into(), source };
    // From here on signals wait for us instead of ending us, so the server is always stopped.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(run_error)?;
    let postgres = match &arguments.data_dir {
        Some(data_dir) => PrivatePostgres::start(Options { data_dir: data_dir.clone(), durable: true })?,
        None => PrivatePostgres::throwaway()?,
    };
    if let Some(wanted) = postgres.moved_from() {
        let used = postgres.data_dir().display();
        eprintln!("private-postgres: PostgreSQL's user cannot enter {}; using {used}", wanted.display());
    }
    let mut command = Command::new(program);
    command.args(&arguments.command[1..]).env("DATABASE_URL", postgres.url());
    // At a terminal the command stays in our group: it may read, and Ctrl-C reaches it by itself.
    // Elsewhere it gets a group, so a signal reaches the tests that cargo started too.
    let at_terminal = stdin().is_terminal();
    if !at_terminal {
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(run_error)?;
    let pid = Pid::from_child(&child);
    let handle = signals.handle();
    let forwarder = thread::spawn(move || {
        for number in signals.forever() {
            match Signal::from_named_raw(number) {
                Some(Signal::INT | Signal::QUIT) if at_terminal => {}
                Some(signal) if at_terminal => drop(kill_process(pid, signal)),
                Some(signal) => drop(kill_process_group(pid, signal)),
                None => {}
            }
        }
    });
    let status = child.wait().map_err(run_error);
    handle.close();
    let _ = forwarder.join();
    postgres.stop()?;
    let status = status?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn the_words_after_the_dashes_are_the_command_and_keep_their_own_options() {
        let expected = Arguments { data_dir: Some("x".into()), command: vec!["ls".into(), "--data".into()] };
        assert_eq!(parse("--data x -- ls --data"), Ok(expected));
        assert_eq!(parse("--throwaway -- ls").unwrap().data_dir, None);
    }

    #[test]
    fn a_missing_command_or_an_unknown_word_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("--throwaway --").is_err());
        assert!(parse("--data").is_err());
        assert!(parse("ls").is_err());
    }
}
