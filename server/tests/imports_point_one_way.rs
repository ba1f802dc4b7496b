//! Imports point one way: `api-types` and `ui`, then the shared modules, then `features`, then `app`.
//!
//! So a feature can be read, changed or removed alone, and the shared modules know no feature.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers of a crate, the lowest first, by the first part of a module's path. What is in none may be used by and
/// use only its own layer and those below `features`: it is shared.
struct Layers {
    /// Uses nothing of the crate but itself.
    ground: &'static [&'static str],
    /// Uses everything.
    top: &'static [&'static str],
    /// Shared modules that take the whole app, because they stand around its router.
    around: &'static [&'static str],
}

const SERVER: Layers = Layers {
    ground: &["clock", "secret"],
    top: &["app", "run", "testing", "main", "lib"],
    around: &["middleware"],
};
const FRONTEND: Layers = Layers { ground: &["ui"], top: &["app", "lib", "main"], around: &[] };

#[test]
fn the_servers_imports_point_one_way() {
    assert_one_way(&folder("server/src"), &SERVER);
}

#[test]
fn the_front_ends_imports_point_one_way() {
    assert_one_way(&folder("frontend/src"), &FRONTEND);
}

#[test]
fn api_types_knows_none_of_our_crates() {
    assert_knows_none_of(
        &["server", "simcloud", "rows", "frontend", "private-postgres", "e2e"],
        "server/api-types",
    );
}

#[test]
fn the_rows_know_no_browser() {
    assert_knows_none_of(
        &["frontend", "leptos", "web-sys", "js-sys", "wasm-bindgen", "server"],
        "frontend/rows",
    );
}

fn assert_knows_none_of(crates: &[&str], of: &str) {
    let manifest = fs::read_to_string(folder(of).join("Cargo.toml")).expect("a manifest");
    for other in crates {
        assert!(!manifest.contains(&format!("\n{other}.")), "{of} depends on {other}");
        assert!(!manifest.contains(&format!("\n{other} =")), "{of} depends on {other}");
    }
}

#[test]
fn an_import_the_wrong_way_would_be_found() {
    let found = |module: &str, text: &str| violations(module, text, &SERVER);
    assert_eq!(found("session", "use crate::features::servers::index;").len(), 1);
    assert_eq!(found("session", "fn a() { crate::app::router() }").len(), 1);
    assert_eq!(found("features/servers", "use crate::{features::account::show, session::Caller};").len(), 1);
    assert_eq!(found("features/servers", "use crate::{\n    error::ApiError,\n    run::serve,\n};").len(), 1);
    assert_eq!(found("clock", "use crate::session::Caller;").len(), 1);
    assert_eq!(
        found("features/servers", "use crate::{session::Caller, features::servers::index, app::App};").len(),
        0
    );
    assert_eq!(found("app", "use crate::features::servers;").len(), 0);
    assert_eq!(found("jobs/rate", "use crate::testing::until;").len(), 1);
    assert_eq!(found("jobs/rate/tests", "use crate::testing::until;").len(), 0);
    assert_eq!(found("session", "// crate::app is elsewhere\nuse crate::upstream::Call;").len(), 0);
}

fn assert_one_way(root: &Path, layers: &Layers) {
    let mut found = Vec::new();
    let files = rust_files(root);
    assert!(!files.is_empty(), "{} has no files", root.display());
    for file in files {
        let relative = file.strip_prefix(root).expect("below the root").with_extension("");
        let text = fs::read_to_string(&file).expect("a file");
        let module = relative.to_str().expect("a name").replace('\\', "/");
        found.extend(
            violations(&module, &text, layers).into_iter().map(|what| format!("{}: {what}", file.display())),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What a module imports that it should not know.
fn violations(module: &str, text: &str, layers: &Layers) -> Vec<String> {
    let (first, second) = split(module);
    imports(text)
        .into_iter()
        .filter(|import| {
            let (layer, feature) = split(import);
            // Tests of a room use the tools of all tests; those of a feature go through the whole app.
            let is_of_tests = module.ends_with("tests") || module.contains("/tests/");
            let is_allowed = if layers.top.contains(&first) || layer == first && first != "features" {
                true
            } else if layer == "testing" {
                is_of_tests
            } else if layers.ground.contains(&first) {
                layers.ground.contains(&layer)
            } else if first == "features" {
                // A handler names the state of the app it is a part of; of the rest of the top it knows nothing.
                match layer {
                    "features" => second.is_empty() || feature == second,
                    "app" => matches!(feature, "App"),
                    layer => !layers.top.contains(&layer),
                }
            } else if layers.around.contains(&first) {
                layer == "app" || !layers.top.contains(&layer) && layer != "features"
            } else {
                layer != "features" && !layers.top.contains(&layer)
            };
            // `crate::RELEASE` and the like stand in lib.rs and are nobody's module.
            !is_allowed && !layer.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        })
        .map(|import| format!("imports crate::{import}"))
        .collect()
}

fn split(path: &str) -> (&str, &str) {
    let mut parts = path.split(['/', ':']).filter(|part| !part.is_empty());
    (parts.next().unwrap_or(""), parts.next().unwrap_or(""))
}

/// Every path after `crate::`, with groups taken apart.
fn imports(text: &str) -> Vec<String> {
    let code: String = text.lines().map(without_comment).collect::<Vec<_>>().join("\n");
    code.match_indices("crate::").flat_map(|(at, mark)| expand(&code[at + mark.len()..])).collect()
}

fn without_comment(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// `a::{b, c::{d}}` becomes `a::b`, `a::c::d`.
fn expand(text: &str) -> Vec<String> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let end = text.find(|c| !is_path(c)).unwrap_or(text.len());
    let (path, rest) = text.split_at(end);
    let Some(group) = rest.strip_prefix('{') else { return vec![path.to_owned()] };
    let mut items = vec![String::new()];
    let mut depth = 0;
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(item) = items.last_mut()
            && !c.is_whitespace()
        {
            item.push(c);
        }
    }
    let items = items.into_iter().filter(|item| !item.is_empty());
    items.flat_map(|item| expand(&item)).map(|item| format!("{path}{item}")).collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project").join(path)
}
