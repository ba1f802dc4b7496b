use super::*;

fn call<'a>(method: &'a str, service: &'a str, path: &'a str, body: Option<&'a str>) -> Called<'a> {
    Called { method, service, path, body, region: "RegionOne", ..Called::default() }
}

fn words(method: &str, service: &str, path: &str, body: Option<&str>) -> Option<String> {
    let text = one(&call(method, service, path, body))?;
    text.strip_prefix("openstack --os-region-name RegionOne ").map(str::to_owned)
}

#[test]
fn making_a_server_names_all_it_is_made_of() {
    let body = r#"{"server": {"name": "-x", "flavorRef": "f1", "imageRef": "i1", "networks": [{"uuid": "n1"}],
        "security_groups": [{"name": "my web"}], "key_name": "lap'top", "user_data": "eA==",
        "metadata": {"env": "a b"}, "tags": ["-t"]}, "os:scheduler_hints": {"group": "g1"}}"#;
    let call =
        Called { microversion: Some("compute 2.79"), ..call("POST", "compute", "servers", Some(body)) };
    let expected = [
        "openstack --os-region-name RegionOne --os-compute-api-version 2.79 server create",
        "--flavor f1",
        "--image i1",
        "--network n1",
        "--security-group 'my web'",
        r"--key-name 'lap'\''top'",
        "--user-data user-data",
        "--property 'env=a b'",
        "--tag=-t",
        "--hint group=g1",
        "-- -x",
    ];
    assert_eq!(one(&call), Some(expected.join(" \\\n  ")));
}

#[test]
fn many_servers_are_made_in_a_loop() {
    let body = r#"{"server": {"name": "a", "flavorRef": "f1", "networks": "none"}}"#;
    let names = ["a b".to_owned(), "c".to_owned()];
    let written = many(&call("POST", "compute", "servers", Some(body)), &names).expect("a loop");
    assert!(
        written.starts_with("for name in 'a b' c; do\n") && written.ends_with("-- \"$name\"\ndone"),
        "{written}"
    );
    assert!(written.contains("--network none"));
}

#[test]
fn a_volume_to_boot_from_is_told_by_its_parts() {
    let body = r#"{"server": {"name": "a", "block_device_mapping_v2": [{"boot_index": 0, "uuid": "i1",
        "source_type": "image", "destination_type": "volume", "volume_size": 20}]}}"#;
    let written = one(&call("POST", "compute", "servers", Some(body))).expect("a command");
    assert!(
        written.contains(
            "--block-device boot_index=0,destination_type=volume,source_type=image,uuid=i1,volume_size=20"
        ),
        "{written}"
    );
}

#[test]
fn actions_and_lists_have_their_commands() {
    let action = |body| words("POST", "compute", "servers/5f/action", Some(body));
    assert_eq!(action(r#"{"reboot": {"type": "HARD"}}"#).as_deref(), Some("server reboot --hard 5f"));
    assert_eq!(
        action(r#"{"changePassword": {"adminPass": "geheim"}}"#).as_deref(),
        Some(r#"server set --password "${SECRET_ADMINPASS:?}" 5f"#)
    );
    assert_eq!(
        action(r#"{"lock": {"locked_reason": "do not touch"}}"#).as_deref(),
        Some("server lock --reason 'do not touch' 5f")
    );
    assert_eq!(action(r#"{"lock": null}"#).as_deref(), Some("server lock 5f"));
    assert_eq!(
        action(r#"{"rescue": {"rescue_image_ref": "i1"}}"#).as_deref(),
        Some("server rescue --image i1 5f")
    );
    assert_eq!(action(r#"{"rescue": null}"#).as_deref(), Some("server rescue 5f"));
    assert_eq!(action(r#"{"unknown": null}"#), None);
    assert_eq!(
        words("GET", "compute", "flavors/detail?limit=5", None).as_deref(),
        Some("flavor list --long")
    );
    assert_eq!(words("DELETE", "compute", "os-keypairs/a", None).as_deref(), Some("keypair delete a"));
    assert_eq!(words("GET", "network", "networks", None).as_deref(), Some("network list --long"));
}

#[test]
fn a_single_label_is_set_or_taken_away_and_all_at_once_cannot_be() {
    let of = |method, path, body| words(method, "compute", path, body);
    assert_eq!(of("PUT", "servers/5f/tags/a%20b%2Fc", None).as_deref(), Some("server set --tag 'a b/c' 5f"));
    assert_eq!(of("DELETE", "servers/5f/tags/-x", None).as_deref(), Some("server unset --tag=-x 5f"));
    assert_eq!(
        of("DELETE", "servers/5f/metadata/my%20key", None).as_deref(),
        Some("server unset --property 'my key' 5f")
    );
    assert_eq!(
        of("POST", "servers/5f/metadata", Some(r#"{"metadata": {"env": "a b", "-db token": "geheim"}}"#))
            .as_deref(),
        Some(r#"server set '--property=-db token='"${SECRET__DB_TOKEN:?}" --property 'env=a b' 5f"#)
    );
    assert_eq!(of("PUT", "servers/5f/tags", Some(r#"{"tags": ["a"]}"#)), None);
}

#[test]
fn a_floating_ip_is_made_attached_and_detached() {
    let of = |method, path, body| words(method, "network", path, Some(body));
    assert_eq!(
        of("POST", "floatingips", r#"{"floatingip": {"floating_network_id": "n1", "port_id": "p1"}}"#)
            .as_deref(),
        Some("floating ip create --port p1 n1")
    );
    assert_eq!(
        of("PUT", "floatingips/f1", r#"{"floatingip": {"port_id": "p1", "fixed_ip_address": "10.0.0.2"}}"#)
            .as_deref(),
        Some("floating ip set --port p1 --fixed-ip-address 10.0.0.2 f1")
    );
    assert_eq!(
        of("PUT", "floatingips/f1", r#"{"floatingip": {"port_id": null}}"#).as_deref(),
        Some("floating ip unset --port f1")
    );
    assert_eq!(of("PUT", "floatingips/f1", r#"{"floatingip": {}}"#), None);
}

#[test]
fn an_image_is_made_with_all_it_has() {
    let body = r#"{"name": "my image", "disk_format": "raw", "container_format": "bare", "visibility": "private",
        "min_disk": 10, "os_distro": "debian"}"#;
    assert_eq!(
        words("POST", "image", "images", Some(body)).as_deref(),
        Some(
            "image create --disk-format raw --container-format bare --min-disk 10 --property os_distro=debian \
             --private --file image-file 'my image'"
        )
    );
}

/// What the program is called with, a list for each call, when a shell runs it.
fn arguments(command: &str, secrets: &[(&str, &str)]) -> Vec<Vec<String>> {
    let script = format!("openstack() {{ printf '%s\\0' \"$@\"; printf '\\0'; }}\n{command}");
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &script])
        .envs(secrets.iter().copied())
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{command}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let calls = text.split_terminator("\0\0");
    calls.map(|call| call.split('\0').map(str::to_owned).collect()).collect()
}

const HOSTILE: &[&str] = &[
    "it's",
    "$(touch /x)",
    "`id`",
    "; rm -rf ~ #",
    "a\nb",
    "--os-auth-url=http://elsewhere",
    "\u{1b}[2J",
    "\u{202e}gpj",
    "*",
    "~",
    "!!",
    "a\\'b",
    "\"quoted\"",
    "{a,b}",
    "=ls",
    " blank ",
];

#[test]
fn hostile_names_reach_the_program_as_they_are() {
    for name in HOSTILE {
        let body = serde_json::json!({"server": {"name": name, "flavorRef": name, "networks": "none", "tags": [name],
            "description": name, "metadata": {"key": name}}})
        .to_string();
        let run = arguments(&one(&call("POST", "compute", "servers", Some(&body))).expect("a command"), &[]);
        let of = |option: &str| {
            let at = run[0].iter().position(|word| word == option);
            let tied = run[0].iter().find_map(|word| word.strip_prefix(&format!("{option}=")));
            at.map(|at| run[0][at + 1].as_str()).or(tied).unwrap_or_default().to_owned()
        };
        assert_eq!(run.len(), 1, "{name}");
        assert_eq!(run[0].last().map(String::as_str), Some(*name));
        for option in ["--flavor", "--tag", "--description"] {
            assert_eq!(of(option), *name, "{option}");
        }
        assert_eq!(of("--property"), format!("key={name}"));
        if name.starts_with('-') {
            assert!(run[0].contains(&"--".to_owned()), "{run:?}");
        }
    }
}

#[test]
fn hostile_names_are_gone_through_one_by_one() {
    let names: Vec<String> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    let body = r#"{"server": {"name": "a", "networks": "none"}}"#;
    let written = many(&call("POST", "compute", "servers", Some(body)), &names).expect("a loop");
    let made: Vec<_> = arguments(&written, &[]).into_iter().filter_map(|call| call.last().cloned()).collect();
    assert_eq!(made, names);
}

#[test]
fn a_name_in_a_path_is_decoded_and_never_an_option() {
    for name in HOSTILE {
        let path: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let command =
            one(&call("DELETE", "compute", &format!("os-keypairs/{path}"), None)).expect("a command");
        let run = arguments(&command, &[]);
        assert_eq!(run[0].last().map(String::as_str), Some(*name));
        assert_eq!(run[0][run[0].len() - 2] == "--", name.starts_with('-'), "{command}");
    }
}

#[test]
fn a_secret_is_taken_from_a_variable_whatever_is_in_it() {
    let body = r#"{"server": {"name": "a", "networks": "none", "metadata": {"db pass": "geheim"}}}"#;
    let written = one(&call("POST", "compute", "servers", Some(body))).expect("a command");
    assert!(!written.contains("geheim"), "{written}");
    let run = arguments(&written, &[("SECRET_DB_PASS", "$(x) 'y'")]);
    assert!(run[0].contains(&"db pass=$(x) 'y'".to_owned()), "{run:?}");
}

#[test]
fn an_image_is_changed_by_what_changes() {
    let body = r#"[{"op": "replace", "path": "/name", "value": "my image"},
        {"op": "replace", "path": "/visibility", "value": "shared"},
        {"op": "add", "path": "/os_distro", "value": "debian"}]"#;
    assert_eq!(
        words("PATCH", "image", "images/1", Some(body)).as_deref(),
        Some("image set --name 'my image' --shared --property os_distro=debian 1")
    );
    let taken = r#"[{"op": "replace", "path": "/name", "value": "n"}, {"op": "remove", "path": "/a~1b"}]"#;
    assert_eq!(
        words("PATCH", "image", "images/1", Some(taken)).as_deref(),
        Some("image set --name n 1\nopenstack --os-region-name RegionOne image unset --property a/b 1")
    );
    let tags = r#"[{"op": "replace", "path": "/tags", "value": ["a"]}]"#;
    assert_eq!(words("PATCH", "image", "images/1", Some(tags)), None);
    assert_eq!(words("PUT", "image", "images/1/file", None), None);
}
