//! The panel's program; what it can do stands in [`server::run`].

use std::process::ExitCode;

use mimalloc::MiMalloc;
use server::run::{parse, run};

/// A request that is passed on makes hundreds of small allocations; with the C library's allocator they are a quarter of
/// its processor time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match parse() {
        Ok(cli) => run(cli).await,
        Err(code) => code,
    }
}
