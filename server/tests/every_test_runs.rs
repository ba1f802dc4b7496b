//! A crate's tests are one program, and its `tests/main.rs` names their files: one that is not named would never run.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_file_of_tests_is_part_of_its_program() {
    let programs = programs();
    assert!(programs.iter().any(|tests| tests.ends_with("server/tests")), "{programs:?}");
    for tests in programs {
        let main = fs::read_to_string(tests.join("main.rs")).expect("its main.rs");
        for entry in fs::read_dir(&tests).expect("its folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
            let is_named = name == "main" || main.contains(&format!("\nmod {name};"));
            assert!(is_named, "{} is not named in main.rs", path.display());
        }
    }
}

/// The folders of tests of those crates that say that theirs are one program.
fn programs() -> Vec<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the project");
    let manifest = fs::read_to_string(project.join("Cargo.toml")).expect("the workspace");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("its members");
    let members = members.iter().map(|member| project.join(member.as_str().expect("a folder")));
    let is_one = |member: &PathBuf| {
        let manifest = fs::read_to_string(member.join("Cargo.toml")).expect("a crate");
        manifest.contains("\nautotests = false")
    };
    members.filter(is_one).map(|member| member.join("tests")).collect()
}
