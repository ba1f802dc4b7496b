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

const ALL: [&str; 4] = ["performance", "accessibility", "best-practices", "seo"];
/// Without accessibility: axe-core looks at every element, which takes minutes on ten thousand rows, while
/// Lighthouse gives it one. The rows are all alike; that category is asked about few of them.
const OF_LONG_LIST: [&str; 3] = ["performance", "best-practices", "seo"];

/// Runs it in the browser that is signed in, so that the list can be seen.
pub async fn run(report: &mut Report) -> Result<()> {
    report.section("Lighthouse 12");
    let world = World::start(Setup::web_shop(10_000)).await?;
    let sign_in = world.scene.url("/sign-in");
    for form in ["desktop", "mobile"] {
        for (category, score) in scores(&world, &sign_in, "sign-in", form, &ALL).await? {
            report.add(
                Figure::new(format!("lighthouse: sign-in, {form}, {category}"), score, "").at_least(100.0),
            );
        }
    }
    world.warm_up().await?;
    let long = world.scene.url(&format!("/projects/{}/servers", world.project));
    let short = world.scene.url(&format!("/projects/{}/servers", world.scene.project("three")));
    for (form, performance) in [("desktop", 100.0), ("mobile", 95.0)] {
        for (category, score) in scores(&world, &long, "servers-10000", form, &OF_LONG_LIST).await? {
            let least = if category == "performance" { performance } else { 100.0 };
            let name = format!("lighthouse: servers 10000, {form}, {category}");
            report.add(Figure::new(name, score, "").at_least(least));
        }
        for (category, score) in scores(&world, &short, "servers-3", form, &["accessibility"]).await? {
            report.add(
                Figure::new(format!("lighthouse: servers 3, {form}, {category}"), score, "").at_least(100.0),
            );
        }
    }
    world.stop().await
}

async fn scores(
    world: &World,
    url: &str,
    page: &str,
    form: &str,
    categories: &[&'static str],
) -> Result<Vec<(&'static str, f64)>> {
    let capabilities = serde_json::to_value(world.browser().capabilities())?;
    let debugger = capabilities["goog:chromeOptions"]["debuggerAddress"].as_str().unwrap_or_default();
    let port = debugger.rsplit(':').next().context("the browser has no debugging port")?;
    let bench = programs::root().join("e2e/bench");
    let program = bench.join("node_modules/.bin/lighthouse");
    ensure!(program.exists(), "{} is not there: npm ci in e2e/bench", program.display());
    let kept = programs::target_dir().join("e2e");
    std::fs::create_dir_all(&kept)?;
    let path = kept.join(format!("lighthouse-{page}-{form}.json"));
    let mut command = Command::new(program);
    command
        .arg(url)
        .args(["--quiet", "--output=json", "--disable-storage-reset", "--no-enable-error-reporting"])
        .arg(format!("--only-categories={}", categories.join(",")))
        .arg(format!("--port={port}"))
        .arg(format!("--output-path={}", path.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if form == "desktop" {
        command.arg("--preset=desktop");
    }
    ensure!(command.status().await?.success(), "lighthouse failed on {url}");
    read(&path, url, categories)
}

fn read(path: &Path, url: &str, categories: &[&'static str]) -> Result<Vec<(&'static str, f64)>> {
    let result: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let shown = result["finalDisplayedUrl"].as_str().unwrap_or_default();
    ensure!(shown.starts_with(url), "lighthouse saw {shown} instead of {url}");
    let score = |category: &'static str| {
        let score = result["categories"][category]["score"].as_f64();
        Ok((category, score.with_context(|| format!("lighthouse has no score for {category}"))? * 100.0))
    };
    categories.iter().copied().map(score).collect()
}
