//! Compiles `target/bundle` into the binary: writes a table of its files for `src/assets.rs`.
//!
//! Without a bundle the table is empty, so the server alone builds and is tested without the front end.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let server = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let bundle = server.parent().ok_or("the server's folder has no parent")?.join("target/bundle");
    let manifest = bundle.join("manifest.json");
    if !manifest.exists() {
        // Cargo would run us, and compile the server, each time again for a file that is not there.
        fs::create_dir_all(&bundle)?;
        fs::write(&manifest, r#"{"files":[]}"#)?;
    }
    println!("cargo::rerun-if-changed={}", manifest.display());
    let table = table(&bundle, &serde_json::from_slice(&fs::read(&manifest)?)?)?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("assets_table.rs");
    Ok(fs::write(out, table)?)
}

/// Rust source: a slice of `Asset`, sorted by file for the search by it.
fn table(bundle: &Path, manifest: &serde_json::Value) -> Result<String, Box<dyn Error>> {
    let mut files: Vec<_> = manifest["files"].as_array().ok_or("the manifest has no files")?.iter().collect();
    files.sort_by_key(|file| file["file"].as_str());
    let mut table = String::from("&[\n");
    for file in files {
        let text = |key: &str| file[key].as_str().ok_or_else(|| format!("the manifest has no {key}"));
        let name = text("file")?;
        let bytes = |suffix: &str| {
            let path = bundle.join(format!("{name}{suffix}"));
            format!("include_bytes!({:?})", path.display().to_string())
        };
        let compressed = |key: &str, suffix: &str| match file[key].is_null() {
            true => "None".to_owned(),
            false => format!("Some({})", bytes(suffix)),
        };
        let hash = text("sha256")?.get(..16).ok_or("a hash in the manifest is too short")?;
        writeln!(
            table,
            "Asset {{ name: {:?}, file: {name:?}, content_type: {:?}, hash: {hash:?}, body: {}, br: {}, gz: {} }},",
            text("name")?,
            text("content_type")?,
            bytes(""),
            compressed("size_br", ".br"),
            compressed("size_gz", ".gz"),
        )?;
    }
    table.push_str("]\n");
    Ok(table)
}
