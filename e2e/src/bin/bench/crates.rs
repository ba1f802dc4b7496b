//! The benchmarks of the crates themselves; they print a figure a line as JSON.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use e2e::harness::programs;
use serde::Deserialize;
use tokio::process::Command;

use crate::report::{Figure, Report};

#[derive(Deserialize)]
struct Line {
    name: String,
    value: f64,
    unit: String,
    #[serde(default)]
    reference: Option<f64>,
}

/// The server index: filling, diffs, memory per row.
pub async fn index(report: &mut Report) -> Result<()> {
    report.section("The server index by itself");
    run(report, "server", "index", None).await
}

/// The rows of the front end, natively: apply, search, sort, memory per row.
pub async fn rows(report: &mut Report) -> Result<()> {
    report.section("The front end's rows by themselves, natively");
    run(report, "rows", "rows", None).await
}

/// What a measurement and a line of the log cost where they are made.
pub async fn log_cost(report: &mut Report) -> Result<()> {
    report.section("What a measurement and a line of the log cost a request");
    run(report, "server", "metrics", Some(1.0)).await?;
    run(report, "server", "log", Some(5.0)).await
}

/// `goal_us` is for every figure that is a time.
async fn run(report: &mut Report, package: &str, bench: &str, goal_us: Option<f64>) -> Result<()> {
    // Not where the programs that are measured stand: cargo would build those anew, as they are not shipped.
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "--package", package, "--bench", bench, "--target-dir"])
        .arg(programs::target_dir().join("benches"))
        .current_dir(programs::root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(output.status.success(), "cargo bench -p {package} --bench {bench} ended with {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = false;
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let line: Line = serde_json::from_str(line).with_context(|| format!("{package} printed {line}"))?;
        let figure = Figure::new(format!("{package}: {}", line.name), line.value, &line.unit);
        let figure = match line.reference {
            Some(reference) => figure.against(reference),
            None => figure,
        };
        report.add(match (goal_us, &*line.unit) {
            (Some(most), "µs") => figure.at_most(most),
            (Some(most), "ns") => figure.at_most(most * 1_000.0),
            _ => figure,
        });
        found = true;
    }
    ensure!(found, "cargo bench -p {package} --bench {bench} printed no figure");
    Ok(())
}
