//! `make bench`: the figures the panel is held to, measured. Prints a table, writes `target/bench.json`.
//!
//!     cargo run --release -p e2e --bin bench                     everything, some half an hour
//!     cargo run --release -p e2e --bin bench -- --only list      a part: see PARTS
//!     cargo run --release -p e2e --bin bench -- --only list --servers 100000 --rounds 3
//!
//! A part that fails is told at the end, and the program's exit code with it; the other parts run all the same.

mod acting;
mod again;
mod client_log;
mod crates;
mod ground;
mod lighthouse;
mod list;
mod load;
mod log_search;
mod node;
mod open;
mod outages;
mod postgres;
mod proxy;
mod proxying;
mod report;
mod service;
mod session;
mod training;
mod visitor;
mod weight;
mod world;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use e2e::harness::{browser::use_whole_chromium, programs};
use report::Report;

/// What `--only` takes, several with commas.
const PARTS: [&str; 19] = [
    "weight",
    "list",
    "cold",
    "hanging",
    "warm",
    "change",
    "pending",
    "bulk",
    "session",
    "index",
    "rows",
    "proxy",
    "client-log",
    "sockets",
    "restarts",
    "log-search",
    "log-cost",
    "outages",
    "lighthouse",
];

/// What `--only` takes as well. It measures nothing.
const TRAINING: &str = "training";

struct Options {
    parts: Vec<String>,
    servers: Vec<usize>,
    rounds: usize,
    /// Sockets that are idle.
    sockets: usize,
    /// Messages that browsers write while nodes die.
    messages: u64,
    /// Lines of the log that is searched.
    lines: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    programs::prepare_http();
    use_whole_chromium();
    let mut report = Report::default();
    println!("{:<72} {:>14} {:>10} {:>8} {:>9}", "figure", "value", "reference", "ratio", "goal");
    let mut failed = Vec::new();
    for part in &options.parts {
        if let Err(error) = run(&mut report, part, &options).await {
            println!("{part} FAILED: {error:#}");
            failed.push(part.as_str());
        }
    }
    report.finish(&programs::target_dir().join("bench.json"))?;
    if !failed.is_empty() {
        bail!("these parts failed: {}", failed.join(", "));
    }
    Ok(())
}

async fn run(report: &mut Report, part: &str, options: &Options) -> Result<()> {
    match part {
        "weight" => weight::run(report),
        "list" => {
            for servers in &options.servers {
                list::run(report, *servers, options.rounds).await?;
            }
            Ok(())
        }
        "cold" => open::cold(report, options.rounds.min(3)).await,
        "hanging" => open::hanging(report, options.rounds.min(3)).await,
        "warm" => open::warm(report, options.rounds).await,
        "change" => open::change(report, 2 * options.rounds).await,
        "pending" => acting::pending(report, options.rounds).await,
        "bulk" => acting::bulk(report).await,
        "session" => session::run(report).await,
        "index" => crates::index(report).await,
        "rows" => crates::rows(report).await,
        "proxy" => proxying::run(report, options.rounds.min(3)).await,
        "client-log" => client_log::rates(report, options.rounds.min(3)).await,
        "sockets" => client_log::sockets(report, options.sockets, options.rounds.min(5)).await,
        "restarts" => client_log::restarts(report, options.messages).await,
        "log-search" => log_search::run(report, options.lines).await,
        "log-cost" => crates::log_cost(report).await,
        "outages" => outages::run(report, options.rounds.min(4)).await,
        "lighthouse" => lighthouse::run(report).await,
        TRAINING => training::run().await,
        other => bail!("there is no part {other:?}; there are {}", PARTS.join(", ")),
    }
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            parts: PARTS.map(str::to_owned).into(),
            servers: vec![1_000, 10_000, 100_000],
            rounds: 5,
            sockets: 5_000,
            messages: 100_000,
            lines: 10_000_000,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--only" => options.parts = value()?.split(',').map(str::to_owned).collect(),
                "--servers" => {
                    options.servers = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?
                }
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--sockets" => options.sockets = value()?.parse::<usize>()?.clamp(1, 9_000),
                "--messages" => options.messages = value()?.parse::<u64>()?.max(1),
                "--rows" => options.lines = value()?.parse::<u64>()?.max(1_000),
                other => bail!(
                    "{other} is none of --only PART,… --servers N,… --rounds N --sockets N --messages N --rows N"
                ),
            }
        }
        let is_known = |part: &str| PARTS.contains(&part) || part == TRAINING;
        if let Some(unknown) = options.parts.iter().find(|part| !is_known(part)) {
            bail!("there is no part {unknown:?}; there are {}", PARTS.join(", "));
        }
        Ok(options)
    }
}
