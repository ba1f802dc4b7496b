//! What a person does in the browser, a file per feature. One program for all: it is linked once, and whichever
//! tests are long, the others go on beside them.

mod accessibility;
mod console;
mod create_server;
mod create_server_drafts;
mod eight_tabs;
mod frame;
mod hostile_names;
mod images;
mod jobs;
mod key_pairs;
mod layout_shift;
mod parts;
mod projects;
mod quotas;
mod server_actions;
mod server_actions_bulk;
mod server_actions_dialogs;
mod server_actions_refused;
mod server_detail;
mod servers;
mod servers_keyboard;
mod servers_live;
mod servers_regions;
mod servers_search;
mod servers_select_export;
mod sessions;
mod sign_in;
mod startup;

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
