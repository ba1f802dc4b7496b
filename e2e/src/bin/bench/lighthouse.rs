//! Lighthouse on the sign-in page and on the list, as desktop and as phone.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{Setup, harness::programs};
use serde_json::Value;
use tokio::process::Command;

use crate::{
    report::{Figure, Report},
    world::World,
};

const CATEGORIES: [&str; 4] = ["performance", "accessibility", "best-practices", "seo"];

/// Runs it in the browser that is signed in, so that the list can be seen.
pub async fn run(report: &mut Report) -> Result<()> {
    report.section("Lighthouse 12");
    let world = World::start(Setup::web_shop(10_000)).await?;
    let sign_in = world.scene.url("/sign-in");
    for form in ["desktop", "mobile"] {
        let scores = scores(&world, &sign_in, form).await?;
        for (category, score) in scores {
            report.add(
                Figure::new(format!("lighthouse: sign-in, {form}, {category}"), score, "").at_least(100.0),
            );
        }
    }
    world.warm_up().await?;
    let list = world.scene.url(&format!("/projects/{}/servers", world.project));
    for (form, performance) in [("desktop", 100.0), ("mobile", 95.0)] {
        for (category, score) in scores(&world, &list, form).await? {
            let least = if category == "performance" { performance } else { 100.0 };
            let name = format!("lighthouse: servers 10000, {form}, {category}");
            report.add(Figure::new(name, score, "").at_least(least));
        }
    }
    world.stop().await
}

async fn scores(world: &World, url: &str, form: &str) -> Result<Vec<(&'static str, f64)>> {
    let capabilities = serde_json::to_value(world.browser().capabilities())?;
    let debugger = capabilities["goog:chromeOptions"]["debuggerAddress"].as_str().unwrap_or_default();
    let port = debugger.rsplit(':').next().context("the browser has no debugging port")?;
    let bench = programs::root().join("e2e/bench");
    let program = bench.join("node_modules/.bin/lighthouse");
    ensure!(program.exists(), "{} is not there: npm ci in e2e/bench", program.display());
    let kept = programs::target_dir().join("e2e");
    std::fs::create_dir_all(&kept)?;
    let page = if url.ends_with("/sign-in") { "sign-in" } else { "servers" };
    let path = kept.join(format!("lighthouse-{page}-{form}.json"));
    let mut command = Command::new(program);
    command
        .arg(url)
        .args(["--quiet", "--output=json", "--disable-storage-reset", "--no-enable-error-reporting"])
        .arg(format!("--port={port}"))
        .arg(format!("--output-path={}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if form == "desktop" {
        command.arg("--preset=desktop");
    }
    ensure!(command.status().await?.success(), "lighthouse failed on {url}");
    read(&path, url)
}

fn read(path: &Path, url: &str) -> Result<Vec<(&'static str, f64)>> {
    let result: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let shown = result["finalDisplayedUrl"].as_str().unwrap_or_default();
    ensure!(shown.starts_with(url), "lighthouse saw {shown} instead of {url}");
    let score = |category: &'static str| {
        let score = result["categories"][category]["score"].as_f64();
        Ok((category, score.with_context(|| format!("lighthouse has no score for {category}"))? * 100.0))
    };
    CATEGORIES.map(score).into_iter().collect()
}
