//! The parts of the module that travel when they are needed: cut out where the front end says `#[wasm_split]`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, ensure};
use wasm_split_cli_support::Options;

/// A module cut apart.
pub struct Split {
    /// The file of what is left, for wasm-bindgen.
    pub main: PathBuf,
    /// What was cut out, by file name.
    pub parts: Vec<(String, Vec<u8>)>,
    /// The script that fetches the parts.
    loader: String,
}

/// Cuts cargo's module apart.
pub fn split(compiled: &Path, work: &Path) -> anyhow::Result<Split> {
    let input = fs::read(compiled).with_context(|| compiled.display().to_string())?;
    // Emptied first: a part that is no more must not stay.
    if work.exists() {
        fs::remove_dir_all(work).with_context(|| work.display().to_string())?;
    }
    let main = work.join("main.wasm");
    let mut options = Options::new(&input);
    options.output_dir = work;
    options.main_out_path = &main;
    options.link_name = LOADER;
    options.main_module = MAIN;
    let split = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:#}"))?;
    let mut parts = Vec::new();
    for path in split.split_modules {
        let name = path.file_name().context("a part without a name")?.to_string_lossy().into_owned();
        parts.push((name, fs::read(&path).with_context(|| path.display().to_string())?));
    }
    parts.sort();
    let loader = fs::read_to_string(work.join(LOADER)).context("the script of the parts")?;
    Ok(Split { main, parts, loader })
}

impl Split {
    /// The module's script with the one that fetches the parts in it: each imports the other, and of two files named by
    /// their content neither can come first.
    pub fn join_loader(&self, script: &str) -> anyhow::Result<String> {
        let names: Vec<_> = self.parts.iter().map(|(name, _)| name.as_str()).collect();
        join(script, &self.loader, &names)
    }
}

fn join(script: &str, loader: &str, parts: &[&str]) -> anyhow::Result<String> {
    let mut joined = String::with_capacity(script.len() + loader.len());
    let mut imported = Vec::new();
    for line in script.lines() {
        let import = line.strip_prefix("import * as ").and_then(|rest| rest.split_once(" from "));
        match import {
            Some((name, from)) if from.contains(LOADER) => imported.push(name),
            _ => joined = joined + line + "\n",
        }
    }
    let mut loads = Vec::new();
    for line in loader.lines().filter(|line| !line.starts_with("import ")) {
        let exported = line.strip_prefix("export ");
        let name = exported.and_then(|rest| rest.strip_prefix("const ")?.split_once(' '));
        loads.extend(name.map(|(name, _)| name));
        let mut line = exported.unwrap_or(line).to_owned();
        for part in parts {
            line = line.replace(&format!("\"./{part}\""), &format!("\"asset:{part}\""));
        }
        joined = joined + &line + "\n";
    }
    ensure!(
        imported.is_empty() == loads.is_empty(),
        "the parts and the module disagree on how they are fetched"
    );
    for name in imported {
        joined += &format!("const {name} = {{ {} }};\n", loads.join(", "));
    }
    ensure!(
        !joined.contains(&format!("from \"{LOADER}\"")),
        "a script imports the parts in a way unknown here"
    );
    Ok(joined)
}

const LOADER: &str = "./parts.js";
const MAIN: &str = "./main.js";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_the_parts_becomes_a_piece_of_the_modules() {
        let script =
            "import * as import1 from \"./parts.js\"\nconst imports = { \"./parts.js\": import1 };\n";
        let loader = "import { initSync } from \"./main.js\";\nfunction fetcher() {}\n\
            export const load_a = fetcher(\"./a.wasm\");\n";
        let joined = join(script, loader, &["a.wasm"]).expect("joined");
        let expected = "const imports = { \"./parts.js\": import1 };\nfunction fetcher() {}\n\
            const load_a = fetcher(\"asset:a.wasm\");\nconst import1 = { load_a };\n";
        assert_eq!(joined, expected);
    }

    #[test]
    fn a_module_without_parts_stays_as_it_is() {
        assert_eq!(join("let a = 1;\n", "", &[]).expect("joined"), "let a = 1;\n");
        assert!(
            join("let a = 1;\n", "export const load_a = 1;\n", &[]).is_err(),
            "parts that nothing fetches"
        );
    }
}
