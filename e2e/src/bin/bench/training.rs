//! What a panel does all day, for a build of it that notes what it runs through (`server/dev/trained`).

use std::time::Duration;

use anyhow::{Result, ensure};
use api_types::routes;
use e2e::Setup;
use tokio::time::timeout;

use crate::{client_log, ground::Ground, load::Load};

const SERVERS: usize = 20_000;
const ROUNDS: usize = 4;
const CONNECTIONS: usize = 32;

/// Calls that are passed on, most of all; sessions, lists of servers, and what browsers log.
pub async fn run() -> Result<()> {
    let setup = Setup::web_shop(SERVERS)
        .with("UPSTREAM_CONCURRENCY", &(2 * CONNECTIONS).to_string())
        .with("TRUSTED_PROXIES", "127.0.0.0/8");
    let ground = Ground::start_in(setup.cloud, setup.settings).await?;
    let visitor = ground.visitor().await?;
    let (passed_on, own) = (visitor.image(&ground.cloud)?, visitor.session()?);
    for _ in 0..ROUNDS {
        Load::closed(CONNECTIONS, Duration::from_secs(3)).run(&passed_on).await?;
        Load::closed(CONNECTIONS, Duration::from_secs(1)).run(&own).await?;
        for far in [None, Some("192.0.2.1")] {
            read_list(&ground, &visitor.cookie, far).await?;
        }
    }
    // What is killed leaves no notes.
    ground.panel.terminate().await?;
    ground.stop().await?;
    client_log::use_it().await
}

/// Reads a list until nothing more comes; as somebody far away, who gets it compressed, or near.
async fn read_list(ground: &Ground, cookie: &str, far: Option<&str>) -> Result<()> {
    let project = ground.cloud.admin().project_id("web-shop").to_string();
    let url = format!("{}{}", ground.panel.url(), routes::SERVERS.replace("{project}", &project));
    let mut request = reqwest::Client::new().get(url).header("cookie", cookie);
    if let Some(address) = far {
        request = request.header("x-forwarded-for", address).header("accept-encoding", "zstd");
    }
    let mut answer = request.send().await?.error_for_status()?;
    let mut read = 0;
    while let Ok(Some(piece)) = timeout(Duration::from_secs(1), answer.chunk()).await.unwrap_or(Ok(None)) {
        read += piece.len();
    }
    ensure!(read > SERVERS, "the list was {read} bytes");
    Ok(())
}
