//! Builds what the browser loads into `target/bundle`: the wasm module and its script, the styles
//! and the small scripts; under names made from their content, and compressed.
//!
//! The server compiles the result in (`server/build.rs`), so one binary is all there is to ship.

mod assets;
mod lean;
mod module;
mod names;
mod order;
mod pack;
mod parts;
mod references;
mod styles;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};

use crate::{
    lean::lean,
    module::Profile,
    pack::{Bundle, Manifest},
};

const USAGE: &str = "\
usage: bundle [--dev | --lint]

Builds target/bundle from frontend/ and assets/. Does nothing when nothing changed.

  --dev    the dev profile: builds quicker, and the module is about twice as large
  --lint   builds nothing; runs clippy on the front end as the browser gets it";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let task: fn(&Path) -> anyhow::Result<()> =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => |root| build(root, Profile::Release),
            ["--dev"] => |root| build(root, Profile::Dev),
            ["--lint"] => module::lint,
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        };
    match project_folder().and_then(|root| task(&root)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundle: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build(root: &Path, profile: Profile) -> anyhow::Result<()> {
    let started = Instant::now();
    let out = root.join("target/bundle");
    let compiled = module::compile(root, profile)?;
    let sources = assets::read(&root.join("assets"))?;
    let inputs = pack::digest_inputs(&compiled, &sources)?;
    if let Some(manifest) = Manifest::current(&out, &inputs) {
        println!("bundle: unchanged, {}", manifest.page_weight());
        return Ok(());
    }

    let mut bundle = Bundle::default();
    for file in &sources.files {
        bundle.add(&file.name, file.content.clone())?;
    }
    let module = module::bind(&compiled, &root.join("target/parts"))?;
    bundle.add(module::WASM, module.wasm)?;
    for (name, part) in module.parts {
        bundle.add(&name, part)?;
    }
    bundle.add_all_linked(module.scripts)?;
    for (name, sheets) in [("styles.css", &sources.styles), ("parts.css", &sources.part_styles)] {
        if !sheets.is_empty() {
            bundle.add_all_linked(vec![(name.to_owned(), styles::minify(sheets)?)])?;
        }
    }
    bundle.add_all_linked(sources.scripts.into_iter().map(|(name, text)| (name, lean(&text))).collect())?;

    let manifest = bundle.write(&out, &inputs)?;
    print!("{}", manifest.table());
    println!(
        "bundle: {} in {:.1} s, {}",
        out.display(),
        started.elapsed().as_secs_f64(),
        manifest.page_weight()
    );
    Ok(())
}

/// The folder of the workspace: cargo says where this crate is, a bare call stands in it.
fn project_folder() -> anyhow::Result<PathBuf> {
    let root = match env::var_os("CARGO_MANIFEST_DIR") {
        Some(this_crate) => PathBuf::from(this_crate).join("../.."),
        None => env::current_dir()?,
    };
    let root = root.canonicalize().context("the project's folder")?;
    if !root.join("frontend/Cargo.toml").exists() {
        bail!("{} is not the project's folder", root.display());
    }
    Ok(root)
}
