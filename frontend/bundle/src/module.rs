//! The wasm module: compiled by cargo, bound to JavaScript by wasm-bindgen's own library.
//!
//! No `wasm-opt`: after brotli it gains nothing, and the version Debian ships breaks the module
//! while reporting success.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{lean::lean, names::shorten, order::by_likeness, parts};

/// How cargo builds the module.
#[derive(Debug, Clone, Copy)]
pub enum Profile {
    /// What is shipped: small first.
    Release,
    /// What is quick to build.
    Dev,
}

/// The module as the browser takes it.
#[derive(Debug)]
pub struct Module {
    pub wasm: Vec<u8>,
    /// What travels when it is needed, by file name.
    pub parts: Vec<(String, Vec<u8>)>,
    /// `frontend.js` and the snippets it imports, referring to each other by `asset:`.
    pub scripts: Vec<(String, String)>,
}

/// Compiles `frontend` for wasm32 and returns cargo's file.
pub fn compile(root: &Path, profile: Profile) -> anyhow::Result<PathBuf> {
    let mut cargo = Toolchain::find()?.cargo();
    cargo.current_dir(root).args(["build", "-p", "frontend", "--lib", "--target", TARGET]);
    cargo.args([
        "--profile",
        match profile {
            Profile::Release => "wasm-release",
            Profile::Dev => "dev",
        },
    ]);
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", rust_flags());
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let output = cargo.spawn().and_then(|child| child.wait_with_output()).context("cargo build")?;
    ensure!(output.status.success(), "cargo build -p frontend failed");
    let messages = String::from_utf8(output.stdout).context("cargo's messages")?;
    messages.lines().filter_map(module_in_message).next_back().context("cargo built no wasm module")
}

/// Runs clippy on `frontend` for wasm32: what is behind `cfg(target_arch = "wasm32")` is seen only there.
pub fn lint(root: &Path) -> anyhow::Result<()> {
    let mut cargo = Toolchain::find()?.cargo();
    cargo.current_dir(root).args(["clippy", "--quiet", "-p", "frontend", "--lib", "--target", TARGET]);
    let status = cargo.args(["--", "-D", "warnings"]).status().context("cargo clippy")?;
    ensure!(status.success(), "clippy has found something in the front end");
    Ok(())
}

/// Makes the module, its parts and its scripts from cargo's file; `work` is a folder for what lies between.
pub fn bind(compiled: &Path, work: &Path) -> anyhow::Result<Module> {
    let split = parts::split(compiled, work)?;
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&split.main).out_name(STEM).typescript(false);
    // The parts take from the module what it keeps to itself otherwise.
    bindgen.keep_lld_exports(true);
    // The page names the module, so that it can be fetched beside the script instead of after it.
    bindgen.omit_default_module_path(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.web(true)?.generate_output().context("wasm-bindgen")?;
    ensure!(
        output.npm_dependencies().is_empty(),
        "a crate of the front end wants npm packages, which nothing here installs"
    );

    let mut script = output.js().to_owned();
    let mut scripts = Vec::new();
    for (path, text) in output.local_modules() {
        let name = flat_name(path);
        script = script.replace(&format!("./snippets/{path}"), &format!("asset:{name}"));
        scripts.push((name, text.clone()));
    }
    for (folder, inline) in output.snippets() {
        for (number, text) in inline.iter().enumerate() {
            let path = format!("{folder}/inline{number}.js");
            let name = flat_name(&path);
            script = script.replace(&format!("./snippets/{path}"), &format!("asset:{name}"));
            scripts.push((name, text.clone()));
        }
    }
    if script.contains("./snippets/") {
        bail!("wasm-bindgen's script imports a snippet this program does not know");
    }
    let (wasm, script) = shorten(&output.wasm_mut().emit_wasm(), &script)?;
    scripts.push((format!("{STEM}.js"), lean(&split.join_loader(&script)?)));
    let wasm = by_likeness(&wasm)?;
    Ok(Module { wasm, parts: split.parts, scripts })
}

/// What the compiler is told beside the profile.
///
/// `erase_components` lets Leptos hold the parts of a view behind one type instead of a type each: 8 KB less after
/// brotli. Paths of this machine's registry stand in panic messages: they are nobody's business and only weight.
/// `--emit-relocs` leaves in the module what cutting it apart needs to know; the parts and the module lose it again.
fn rust_flags() -> String {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let sources = home.map(|home| home.join("registry/src"));
    let remapped = sources.map(|sources| format!(" --remap-path-prefix={}=", sources.display()));
    // Cargo splits at blanks; a home with one keeps its paths.
    let remapped = remapped.filter(|flag| flag.trim().split(' ').count() == 1).unwrap_or_default();
    format!("--cfg erase_components -Clink-args=--emit-relocs -Ctarget-feature=+simd128{remapped}")
}

/// The module's name in the bundle.
pub const WASM: &str = "frontend_bg.wasm";

const STEM: &str = "frontend";
const TARGET: &str = "wasm32-unknown-unknown";

/// Which compiler builds for wasm32.
#[derive(Debug)]
enum Toolchain {
    /// The one in use, when it has the target's standard library.
    Own,
    /// Debian's `rustc-web`, which has no standard library for this target but, with `rust-web-src`
    /// and `rust-web-llvm`, all that is needed to build it.
    DebianWeb,
}

impl Toolchain {
    fn find() -> anyhow::Result<Self> {
        if has_wasm_std("rustc") {
            return Ok(Self::Own);
        }
        if has_std_source(DEBIAN_RUSTC) && Path::new(DEBIAN_CARGO).exists() {
            return Ok(Self::DebianWeb);
        }
        bail!(
            "the standard library for {TARGET} is missing: run `rustup target add {TARGET}`, \
             or on Debian install rustc-web, cargo-web, rust-web-src and rust-web-llvm"
        )
    }

    fn cargo(&self) -> Command {
        match self {
            Self::Own => {
                // The cargo that runs us, where one does.
                Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            }
            Self::DebianWeb => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                // Building the standard library is not stable yet; this unlocks it in a release compiler.
                cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTC", DEBIAN_RUSTC);
                // rustup, when it runs us, has put its own toolchain here.
                cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTDOC").env_remove("CARGO");
                // clippy too has to be Debian's, though rustup's come first in the search path.
                let path = std::env::var("PATH").unwrap_or_default();
                cargo.env("PATH", format!("/usr/bin:{path}"));
                cargo.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
                cargo
            }
        }
    }
}

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";

fn has_wasm_std(rustc: &str) -> bool {
    let folder = rustc_prints(rustc, &["--print", "target-libdir", "--target", TARGET]);
    let files = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    files.is_some_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
    })
}

fn has_std_source(rustc: &str) -> bool {
    let sysroot = rustc_prints(rustc, &["--print", "sysroot"]);
    sysroot.is_some_and(|sysroot| {
        Path::new(&sysroot).join("lib/rustlib/src/rust/library/std/Cargo.toml").exists()
    })
}

fn rustc_prints(rustc: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(rustc).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn module_in_message(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" || message["target"]["name"] != "frontend" {
        return None;
    }
    let files = message["filenames"].as_array()?.iter().filter_map(|file| file.as_str());
    files.filter(|file| file.ends_with(".wasm")).map(PathBuf::from).next_back()
}

/// `leptos-1a2b/inline0.js` has no folder in the bundle: `leptos-1a2b-inline0.js`.
fn flat_name(path: &str) -> String {
    path.replace('/', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_taken_from_cargos_message_about_the_front_end() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"frontend"},"filenames":["/t/libfrontend.rlib","/t/frontend.wasm"]}"#;
        assert_eq!(module_in_message(line), Some(PathBuf::from("/t/frontend.wasm")));
        assert_eq!(module_in_message(&line.replace(r#":"frontend""#, r#":"other""#)), None);
        assert_eq!(module_in_message("not JSON"), None);
    }
}
