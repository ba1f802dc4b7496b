//! The simulated cloud from outside, a file per part of it. One program for all of them: it is linked once.

mod actions;
mod common;
mod consoles;
mod control;
mod creating;
mod images;
mod life;
mod lists;
mod network;
mod recordings;
mod volumes;

/// A file that is not named above would never run.
#[test]
fn every_file_beside_this_one_is_part_of_the_program() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let this = std::fs::read_to_string(folder.join("main.rs")).expect("this file");
    for entry in std::fs::read_dir(folder).expect("this folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(name == "main" || this.contains(&format!("\nmod {name};")), "{name} is not named in main.rs");
    }
}
