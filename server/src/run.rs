//! The subcommands: what `meridian` does.

pub mod demo;
pub mod health;
pub mod serve;
mod systemd;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{Config, ConfigErrors, DatabaseConfig, Source},
    log::{Log, LogEnd, LogLayer, Place},
    metrics, migrations,
};

/// The panel for OpenStack clouds: your servers in every region, in one list.
#[derive(Debug, Parser)]
#[command(name = "meridian", version)]
pub struct Cli {
    /// The configuration file (TOML). The environment wins over it.
    #[arg(long, env = "MERIDIAN_CONFIG", global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the panel until SIGTERM or Ctrl-C.
    Serve,
    /// Bring the database up to this release; safe to run twice.
    Migrate,
    /// Say whether the configuration can be used, and everything that is wrong with it.
    CheckConfig,
    /// Print the list of metrics, as it stands in server/METRICS.md.
    Metrics,
    /// Ask a node how it is: prints one line, exits as Nagios expects (0 OK, 1 warning, 2 critical, 3 unknown).
    Health(health::HealthOptions),
    /// Serve the panel with a simulated cloud and a private PostgreSQL.
    Demo(demo::DemoOptions),
}

/// Reads the command line. What cannot be understood ends the program, with 2 and a text on how it is meant.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| {
        let is_health = std::env::args_os().nth(1).is_some_and(|first| first == "health");
        if is_health && error.use_stderr() {
            return health::misunderstood(&error);
        }
        error.exit()
    })
}

/// Runs a subcommand to its end. Exit codes: 0, 1 it failed, 2 the configuration cannot be used; those of `health` are
/// its own.
pub async fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Serve => run_serve(cli.config).await,
        Command::Migrate => run_migrate(cli.config).await,
        Command::CheckConfig => check_config(cli.config),
        Command::Health(options) => return health::run(options).await,
        Command::Metrics => print_metrics(),
        Command::Demo(options) => demo::run(options).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let wrong_config = error.downcast_ref::<ConfigErrors>();
            match wrong_config {
                Some(errors) => eprintln!("meridian: the configuration cannot be used:\n{errors}"),
                None => eprintln!("meridian: {error:#}"),
            }
            ExitCode::from(if wrong_config.is_some() { 2 } else { 1 })
        }
    }
}

/// Connections are made when they are needed, so that a node starts while its database is away.
pub fn connect(config: &DatabaseConfig) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = config.url.expose().parse()?;
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(config.timeout)
        .connect_lazy_with(options.application_name("meridian")))
}

/// Starts the log, which ends with what is given back. `to_stderr` keeps standard output for a person.
///
/// Errors: there can be no thread for it.
pub fn start_log(config: &Config, to_stderr: bool) -> std::io::Result<(Log, LogEnd)> {
    let place = Place::of(&config.node);
    let (log, end) = if to_stderr {
        Log::start(&config.log, place, std::io::stderr())?
    } else {
        Log::start(&config.log, place, std::io::stdout())?
    };
    // A second start in one process, as in tests, keeps the first log.
    let _ = tracing_subscriber::registry().with(LogLayer::new(log.clone())).try_init();
    Ok((log, end))
}

async fn run_serve(file: Option<PathBuf>) -> anyhow::Result<()> {
    let config = load(file)?;
    let (log, _end) = start_log(&config, false)?;
    serve::run(config, log).await
}

async fn run_migrate(file: Option<PathBuf>) -> anyhow::Result<()> {
    let config = load(file)?;
    let db = connect(&config.database)?;
    match migrations::migrate(&db).await? {
        0 => println!("the database is up to date"),
        1 => println!("1 migration was applied"),
        applied => println!("{applied} migrations were applied"),
    }
    Ok(())
}

fn check_config(file: Option<PathBuf>) -> anyhow::Result<()> {
    let config = load(file)?;
    println!(
        "OK: {} on {}, Keystone at {}",
        config.listen.public_url, config.listen.address, config.keystone.auth_url
    );
    Ok(())
}

fn print_metrics() -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(metrics::markdown().as_bytes())?)
}

fn load(file: Option<PathBuf>) -> anyhow::Result<Config> {
    Ok(Config::load(&Source::from_process(file.as_deref())?)?)
}
