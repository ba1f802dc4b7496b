//! The behaviour of the whole app, a file each. One program for all of them: linking the panel once is enough.

mod account_sessions;
mod bad_input;
mod call_log;
mod check_config;
mod connections;
mod continue_session;
mod forged_requests;
mod imports_point_one_way;
mod jobs_survive_a_kill;
mod keystone_decides;
mod lockout;
mod old_cookie;
mod open_redirect;
mod projects;
mod proxy;
mod request_log;
mod revocation_reaches_other_node;
mod second_factor;
mod security_headers;
mod session_cookie;
mod session_expiry;
mod session_survives_database_outage;
mod shell;
mod sign_in;
mod stop;
mod stored_sessions;

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
