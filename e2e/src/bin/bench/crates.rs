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

/// What a measurement costs, in the panel's own threads.
pub async fn metric(report: &mut Report) -> Result<()> {
    run(report, "server", "metrics", Some(1_000.0)).await
}

/// What a line of the log costs, in the panel's own threads.
pub async fn log_line(report: &mut Report) -> Result<()> {
    run(report, "server", "log", Some(5_000.0)).await
}

/// `goal_ns` holds for every figure in nanoseconds.
async fn run(report: &mut Report, package: &str, bench: &str, goal_ns: Option<f64>) -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "--package", package, "--bench", bench])
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
        report.add(match goal_ns.filter(|_| line.unit == "ns") {
            Some(most) => figure.at_most(most),
            None => figure,
        });
        found = true;
    }
    ensure!(found, "cargo bench -p {package} --bench {bench} printed no figure");
    Ok(())
}
