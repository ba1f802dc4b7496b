//! One chromedriver for all tests of a process, started by ourselves on a port of its own.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::sync::OnceCell;

use super::{programs, wait};

/// Its address, once it takes sessions.
pub async fn url() -> Result<String> {
    static DRIVER: OnceCell<String> = OnceCell::const_new();
    DRIVER.get_or_try_init(start).await.cloned()
}

async fn start() -> Result<String> {
    programs::prepare_http();
    let port = programs::free_port()?;
    let mut command = programs::lifelong("chromedriver");
    command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = programs::start(command).context("chromedriver (Debian's package chromium-driver)")?;
    let url = format!("http://127.0.0.1:{port}");
    let client = reqwest::Client::new();
    wait::until("chromedriver to take sessions", async || {
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("chromedriver ended: {status}");
        }
        let answer = client.get(format!("{url}/status")).send().await?;
        Ok(answer.status().is_success().then_some(()))
    })
    .await?;
    Ok(url)
}
