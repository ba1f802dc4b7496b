//! What it costs to find out who asks.

use std::time::Instant;

use anyhow::{Context, Result};
use e2e::Setup;

use crate::{
    report::{Figure, Report, median},
    world::World,
};

/// A request with a session against one without, one after the other over one connection.
pub async fn run(report: &mut Report) -> Result<()> {
    report.section("Session lookup");
    let world = World::start(Setup::web_shop(0)).await?;
    world.sign_in().await?;
    world.browser().goto(world.scene.url("/sign-in")).await?;
    let cookies = world.browser().get_all_cookies().await?;
    let cookie =
        cookies.iter().find(|cookie| cookie.name.contains("meridian")).context("there is no session")?;
    let header = format!("{}={}", cookie.name, cookie.value);
    let url = world.scene.url(api_types::routes::SESSION);
    let with = request_ms(&url, Some(&header)).await?;
    let without = request_ms(&url, None).await?;
    let name = "session: request with a session, against one that is refused for lack of it";
    report.add(Figure::new(name, with * 1000.0, "µs").against(without * 1000.0));
    report.add(Figure::new("session: lookup, the difference", (with - without).max(0.0) * 1000.0, "µs"));
    world.stop().await
}

async fn request_ms(url: &str, cookie: Option<&str>) -> Result<f64> {
    const REQUESTS: usize = 2000;
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build()?;
    let mut took = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let start = Instant::now();
        let mut request = client.get(url);
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await?;
        anyhow::ensure!(
            answer.status().is_success() == cookie.is_some(),
            "{} answered {}",
            url,
            answer.status()
        );
        answer.bytes().await?;
        took.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(took))
}
