//! What a visitor downloads before the first use.

use anyhow::{Context, Result};
use e2e::harness::programs;
use serde::Deserialize;

use crate::report::{Figure, Report};

#[derive(Deserialize)]
struct Manifest {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    size: u64,
    size_br: Option<u64>,
}

/// Wasm, script and style, after brotli, from the bundle the panel was built with.
pub fn run(report: &mut Report) -> Result<()> {
    report.section("Page weight");
    let path = programs::target_dir().join("bundle/manifest.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{}: cargo run -p bundle", path.display()))?;
    let manifest: Manifest = serde_json::from_str(&text)?;
    let mut total = 0;
    // Parts of the module, the other wasm files, and their style come when they are needed.
    for (kind, ending) in [("wasm", "frontend_bg.wasm"), ("js", ".js"), ("css", "styles.css")] {
        let files = manifest.files.iter().filter(|file| file.name.ends_with(ending));
        let bytes: u64 = files.map(|file| file.size_br.unwrap_or(file.size)).sum();
        report.add(Figure::new(format!("page weight: {kind}, brotli"), bytes as f64 / 1000.0, "KB"));
        total += bytes;
    }
    report.add(Figure::new("page weight: to first use, brotli", total as f64 / 1000.0, "KB").at_most(300.0));
    Ok(())
}
