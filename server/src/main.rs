//! The panel's program; what it can do stands in [`server::run`].

use std::process::ExitCode;

use clap::Parser;
use server::run::{Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
