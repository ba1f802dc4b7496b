//! Configuration: every wrong value stops the start and names its key.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

use server::config::{Config, Source};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn good() -> Source {
    Source::from_map([
        ("DATABASE_URL", "postgres://meridian@localhost/meridian"),
        ("OS_AUTH_URL", "http://keystone:5000"),
        ("SESSION_KEY", KEY),
    ])
}

fn problems(source: &Source) -> Vec<String> {
    Config::load(source).expect_err("problems").0.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_required_is_enough_and_the_rest_has_defaults() {
    let config = Config::load(&good()).expect("a configuration");
    assert_eq!(config.listen.address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.keystone.auth_url.as_str(), "http://keystone:5000/v3");
    assert_eq!(config.upstream.timeout.as_secs(), 30);
    assert_eq!(config.sign_in.domains, ["Default"]);
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let problems = problems(&Source::from_map([]));
    assert_eq!(problems.len(), 3, "{problems:#?}");
    for key in ["database.url (DATABASE_URL)", "keystone.auth_url (OS_AUTH_URL)", "session.key (SESSION_KEY)"]
    {
        assert!(problems.iter().any(|problem| problem.starts_with(key)), "{key}: {problems:#?}");
    }
}

#[test]
fn every_key_refuses_a_value_that_cannot_be_used_and_names_itself() {
    // Any text will do for these.
    let free =
        ["keystone.cloud", "keystone.clouds_file", "upstream.ca_file", "sign_in.brand", "sign_in.domains"];
    for (key, variable) in Config::keys() {
        if free.contains(&key) {
            continue;
        }
        let problems = problems(&good().with_env(variable, "\u{1}no such value"));
        assert!(
            problems.iter().any(|problem| problem.starts_with(&format!("{key} ({variable})"))),
            "{key}: {problems:#?}"
        );
    }
}

#[test]
fn a_value_that_could_not_work_is_refused() {
    // The one connection would listen for revocations, and no query would ever get it.
    let one = problems(&good().with_env("DATABASE_MAX_CONNECTIONS", "1"));
    assert!(one[0].starts_with("database.max_connections (DATABASE_MAX_CONNECTIONS)"), "{one:?}");
    assert!(Config::load(&good().with_env("DATABASE_MAX_CONNECTIONS", "2")).is_ok());
    // Uses are written down once a minute: people at work would be signed out.
    let idle = problems(&good().with_env("SESSION_IDLE_SECS", "60"));
    assert!(idle[0].starts_with("session.idle_secs (SESSION_IDLE_SECS)"), "{idle:?}");
    assert!(Config::load(&good().with_env("SESSION_IDLE_SECS", "300")).is_ok());
}

#[test]
fn a_variable_that_is_no_text_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_meridian"))
        .arg("check-config")
        .env_clear()
        .envs([("DATABASE_URL", "postgres://x"), ("OS_AUTH_URL", "http://k:5000"), ("SESSION_KEY", KEY)])
        .env("UPSTREAM_TIMEOUT_SECS", OsStr::from_bytes(b"\xff7"))
        .env("NOT_OURS", OsStr::from_bytes(b"\xff"))
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(2));
    let complained = String::from_utf8(output.stderr).expect("text");
    assert!(
        complained.contains("upstream.timeout_secs (UPSTREAM_TIMEOUT_SECS): is no UTF-8"),
        "{complained}"
    );
    assert!(!complained.contains("NOT_OURS"), "{complained}");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let file = good().with_file("[upstream]\ntimeout_secs = 7\nconcurrency = 9\n");
    let config = Config::load(&file.with_env("UPSTREAM_TIMEOUT_SECS", "2.5")).expect("a configuration");
    assert_eq!(config.upstream.timeout.as_secs_f64(), 2.5);
    assert_eq!(config.upstream.concurrency, 9);
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let file = "[upstream]\ntimeout_sec = 7\n[session]\ntimeout_secs = 7\n[nonsense]\nx = 1\n[sign_in]\ndomains = [\"a\", \"b\"]\n";
    let problems = problems(&good().with_file(file));
    assert_eq!(
        problems,
        [
            "nonsense.x: is not a known key",
            "session.timeout_secs: is not a known key; database.timeout_secs is",
            "upstream.timeout_sec: is not a known key; upstream.timeout_secs is",
        ]
    );
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line_and_not_quoted() {
    let problems = problems(&good().with_file("[session]\nkey = hunter2\n"));
    assert_eq!(problems, ["meridian.toml, line 2: is not TOML"]);
}

#[test]
fn secrets_are_never_part_of_a_problem_or_of_debug_output() {
    let source = good().with_env("SESSION_KEY", "hunter2").with_env("DATABASE_URL", "hunter2");
    let problems = problems(&source);
    assert_eq!(problems.len(), 2);
    assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    let printed = format!("{:?}", Config::load(&good()).expect("a configuration"));
    assert!(!printed.contains("meridian@localhost") && printed.contains("***"), "{printed}");
}

#[test]
fn plain_http_is_refused_for_any_other_machine() {
    let problems = problems(&good().with_env("PUBLIC_URL", "http://panel.example.org"));
    assert!(problems[0].contains("plain HTTP, which is for localhost"), "{problems:?}");
}

#[test]
fn a_cloud_of_clouds_yaml_says_where_keystone_is_and_never_who_we_are() {
    let yaml = "clouds:\n  prod:\n    auth:\n      auth_url: https://keystone.example.org:5000/\n      username: admin\n      password: hunter2\n    \
                region_name: RegionOne\n    interface: internal\n    cacert: /etc/ca.pem\n    verify: true\n  odd:\n    auth: {}\n";
    let base = Source::from_map([
        ("DATABASE_URL", "postgres://x"),
        ("SESSION_KEY", KEY),
        ("OS_CLIENT_CONFIG_FILE", "/c.yaml"),
    ])
    .with_named_file("/c.yaml", yaml)
    .with_named_file("/etc/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let config = Config::load(&base.clone().with_env("OS_CLOUD", "prod")).expect("a configuration");
    assert_eq!(config.keystone.auth_url.as_str(), "https://keystone.example.org:5000/v3");
    assert_eq!(config.upstream.interface.as_str(), "internal");
    assert!(config.upstream.tls.ca_pem.is_some() && !config.upstream.tls.is_insecure);
    assert!(!format!("{config:?}").contains("hunter2"));

    let missing = problems(&base.clone().with_env("OS_CLOUD", "test"));
    assert!(missing[0].starts_with("keystone.cloud (OS_CLOUD): names the cloud \"test\""), "{missing:?}");
    let odd = problems(&base.clone().with_env("OS_CLOUD", "odd"));
    assert!(odd[0].contains("no auth.auth_url"), "{odd:?}");
    let broken = problems(&base.with_env("OS_CLOUD", "prod").with_named_file("/c.yaml", "clouds: [\n"));
    assert!(broken[0].contains("is not a clouds.yaml"), "{broken:?}");
}

#[test]
fn a_direct_auth_url_wins_over_clouds_yaml() {
    let source = good()
        .with_env("OS_CLOUD", "c")
        .with_named_file("clouds.yaml", "clouds: {c: {auth: {auth_url: 'http://other'}}}");
    let config = Config::load(&source).expect("a configuration");
    assert_eq!(config.keystone.auth_url.as_str(), "http://keystone:5000/v3");
}

#[test]
fn the_readme_lists_every_key_and_variable() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    for (key, variable) in Config::keys() {
        assert!(
            readme.contains(&format!("`{key}`")) && readme.contains(&format!("`{variable}`")),
            "{key} {variable}"
        );
    }
}

/// Runs `meridian check-config` with nothing of this machine's own configuration.
fn check(env: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_meridian"))
        .arg("check-config")
        .env_clear()
        .envs(env.iter().copied())
        .output()
        .expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn check_config_says_ok_or_names_what_is_wrong() {
    let good = [("DATABASE_URL", "postgres://x"), ("OS_AUTH_URL", "http://k:5000"), ("SESSION_KEY", KEY)];
    let (code, said, _) = check(&good);
    assert_eq!(code, Some(0));
    assert_eq!(said, "OK: http://127.0.0.1:8080 on 127.0.0.1:8080, Keystone at http://k:5000/v3\n");
    let (code, said, complained) = check(&[("OS_AUTH_URL", "k"), ("LISTEN_ADDRESS", "here")]);
    assert_eq!((code, said.as_str()), (Some(2), ""));
    for key in
        ["listen.address (LISTEN_ADDRESS)", "keystone.auth_url (OS_AUTH_URL)", "session.key", "database.url"]
    {
        assert!(complained.contains(key), "{complained}");
    }
    let (code, _, complained) = check(&[("MERIDIAN_CONFIG", "/nowhere/meridian.toml")]);
    assert_eq!(code, Some(1));
    assert!(complained.contains("/nowhere/meridian.toml cannot be read"), "{complained}");
}
