//! A cluster in a folder: made, kept, shared, recovered, and never in somebody else's files.

mod support;

use std::{fs, os::unix::fs::PermissionsExt, path::Path, thread};

use private_postgres::{Error, Options, PrivatePostgres};
use support::{TempFolder, kill_hard, options, postmaster_pid, query, wait_until_gone};

#[test]
fn a_new_folder_becomes_a_cluster_with_the_roles_database() {
    let folder = TempFolder::new();
    let postgres = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    assert_eq!(
        query(postgres.url(), "SELECT current_user || ' ' || current_database()"),
        "meridian meridian"
    );
    assert_eq!(query(postgres.url(), "SHOW listen_addresses"), "");
    let mode = fs::metadata(postgres.data_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn rows_survive_a_stop_and_the_stop_waits_for_the_end() {
    let folder = TempFolder::new();
    let postgres = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    query(postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer");
    let pid_file = postgres.data_dir().join("data/postmaster.pid");
    postgres.stop().unwrap();
    assert!(!pid_file.exists());
    let again = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    assert_eq!(query(again.url(), "SELECT answer FROM kept"), "42");
}

#[test]
fn a_second_start_shares_the_running_server_and_leaves_it_running() {
    let folder = TempFolder::new();
    let first = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    let second = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    assert!(second.is_shared() && !first.is_shared());
    assert_eq!(second.url(), first.url());
    drop(second);
    assert_eq!(query(first.url(), "SELECT 1"), "1");
}

#[test]
fn two_starts_at_once_make_one_cluster() {
    let folder = TempFolder::new();
    let data_dir = folder.join("pg");
    let started = [(); 2].map(|()| {
        let options = options(&data_dir);
        thread::spawn(move || PrivatePostgres::start(options).unwrap())
    });
    let [first, second] = started.map(|thread| thread.join().unwrap());
    assert_ne!(first.is_shared(), second.is_shared());
    assert_eq!(query(first.url(), "SELECT 1"), "1");
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let folder = TempFolder::new();
    let data_dir = folder.join("pg");
    let postgres = thread::spawn(move || PrivatePostgres::start(options(&data_dir)).unwrap()).join().unwrap();
    assert_eq!(query(postgres.url(), "SELECT 1"), "1");
}

#[test]
fn a_server_killed_hard_is_recovered_by_the_next_start() {
    let folder = TempFolder::new();
    let durable = Options { data_dir: folder.join("pg"), durable: true };
    let postgres = PrivatePostgres::start(durable.clone()).unwrap();
    query(postgres.url(), "CREATE TABLE kept AS SELECT 42 AS answer");
    let pid = postmaster_pid(postgres.data_dir());
    kill_hard(pid);
    wait_until_gone(pid);
    let data = postgres.data_dir().join("data");
    assert!(data.join("postmaster.pid").exists(), "the stale file is what this is about");
    // As after a restart of the machine, when the number belongs to any other process: here, us.
    let stale = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let stale = stale.replacen(&pid.to_string(), &std::process::id().to_string(), 1);
    fs::write(data.join("postmaster.pid"), stale).unwrap();
    drop(postgres);
    let again = PrivatePostgres::start(durable).unwrap();
    assert_eq!(query(again.url(), "SELECT answer FROM kept"), "42");
}

#[test]
fn an_interrupted_initdb_is_started_over() {
    let folder = TempFolder::new();
    let postgres = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    let path = postgres.data_dir().to_path_buf();
    postgres.stop().unwrap();
    fs::rename(path.join("data"), path.join("data.new")).unwrap();
    fs::remove_file(path.join("data.new/PG_VERSION")).unwrap();
    let again = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    assert_eq!(query(again.url(), "SELECT 1"), "1");
    assert!(!path.join("data.new").exists());
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_alone() {
    let folder = TempFolder::new();
    let foreign = folder.join("home");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "dear").unwrap();
    let before = fs::metadata(&foreign).unwrap().permissions().mode();
    let error = PrivatePostgres::start(options(&foreign)).unwrap_err();
    assert!(matches!(error, Error::ForeignFiles(path) if path == foreign));
    assert_eq!(fs::metadata(&foreign).unwrap().permissions().mode(), before);
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn a_cluster_of_a_version_that_is_not_installed_is_refused_by_name() {
    let folder = TempFolder::new();
    let postgres = PrivatePostgres::start(options(&folder.join("pg"))).unwrap();
    let version_file = postgres.data_dir().join("data/PG_VERSION");
    postgres.stop().unwrap();
    fs::write(version_file, "8\n").unwrap();
    let error = PrivatePostgres::start(options(&folder.join("pg"))).unwrap_err();
    assert!(matches!(&error, Error::WrongVersion { version, .. } if version == "8"), "{error}");
}

#[test]
fn a_path_too_long_for_a_socket_or_with_odd_characters_works() {
    let folder = TempFolder::new();
    let long = folder.join(&format!("{}/it's, \"quoted\" 100%", "long-".repeat(20)));
    let postgres = PrivatePostgres::start(options(&long)).unwrap();
    assert_eq!(query(postgres.url(), "SELECT 1"), "1");
    let odd = folder.join("a b,c+d\"e%");
    let postgres = PrivatePostgres::start(options(&odd)).unwrap();
    assert_eq!(query(postgres.url(), "SELECT 1"), "1");
}

#[test]
fn a_throwaway_flushes_nothing_and_leaves_nothing() {
    let postgres = PrivatePostgres::throwaway().unwrap();
    assert_eq!(query(postgres.url(), "SHOW fsync"), "off");
    let path = postgres.data_dir().to_path_buf();
    drop(postgres);
    assert!(!Path::new(&path).exists());
}

/// Only root can be kept apart from PostgreSQL's user by a closed folder.
#[test]
fn root_in_a_closed_home_gets_a_folder_the_database_user_can_enter() {
    if !support::is_root() {
        return;
    }
    let folder = TempFolder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = folder.join("pg");
    let postgres = PrivatePostgres::start(options(&wanted)).unwrap();
    assert_eq!(postgres.moved_from(), Some(wanted.as_path()));
    assert!(postgres.data_dir().starts_with("/var/tmp"));
    assert_eq!(query(postgres.url(), "SELECT 1"), "1");
    let used = postgres.data_dir().to_path_buf();
    postgres.stop().unwrap();
    let again = PrivatePostgres::start(options(&wanted)).unwrap();
    assert_eq!(again.data_dir(), used);
    drop(again);
    fs::remove_dir_all(used).unwrap();
}
