//! With the `openstack` program (python-openstackclient).

use serde_json::Value;

use super::{Called, parts, shell};

/// The command for a call, where the program has one.
pub fn one(call: &Called<'_>) -> Option<String> {
    let body = body_of(call);
    if is_create_server(call) {
        let name = body.get("server")?.get("name")?.as_str()?;
        return Some(create_server(call, &body, &positional(name)));
    }
    let path = parts(call.path);
    let words = match call.service {
        "compute" => compute(call.method, &path, &body)?,
        "image" => image(call.method, &path, &body)?,
        "network" => network(call.method, &path)?,
        "block-storage" => block_storage(call.method, &path)?,
        _ => return None,
    };
    Some(format!("{} {words}", program(call)))
}

/// The making of servers that differ in their name.
pub fn many(call: &Called<'_>, names: &[String]) -> Option<String> {
    let body = body_of(call);
    let create = create_server(call, &body, "-- \"$name\"");
    let names: Vec<String> = names.iter().map(|name| shell(name)).collect();
    Some(format!("for name in {}; do\n{create}\ndone", names.join(" ")))
}

fn is_create_server(call: &Called<'_>) -> bool {
    call.method == "POST" && call.service == "compute" && call.path.trim_matches('/') == "servers"
}

fn body_of(call: &Called<'_>) -> Value {
    call.body.and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default()
}

fn program(call: &Called<'_>) -> String {
    let mut text = format!("openstack --os-region-name {}", shell(call.region));
    let version = call.microversion.and_then(|version| version.strip_prefix("compute "));
    if let Some(version) = version {
        text += &format!(" --os-compute-api-version {}", shell(version));
    }
    text
}

fn create_server(call: &Called<'_>, body: &Value, name: &str) -> String {
    let mut text = program(call) + " server create";
    let server = &body["server"];
    let mut add = |option: &str, value: &str| {
        text += " \\\n  ";
        text += &with_value(option, value);
    };
    let text_at = |key: &str| server[key].as_str().filter(|value| !value.is_empty());
    if let Some(flavor) = text_at("flavorRef") {
        add("--flavor", flavor);
    }
    if let Some(image) = text_at("imageRef") {
        add("--image", image);
    }
    for device in items(&server["block_device_mapping_v2"]) {
        add("--block-device", &pairs(device));
    }
    match &server["networks"] {
        Value::String(kind) => add("--network", kind),
        networks => {
            for network in items(networks) {
                let of = |key: &str| network[key].as_str().unwrap_or_default();
                if of("port").is_empty() {
                    add("--network", of("uuid"));
                } else {
                    add("--port", of("port"));
                }
            }
        }
    }
    for group in items(&server["security_groups"]) {
        add("--security-group", group["name"].as_str().unwrap_or_default());
    }
    if let Some(key) = text_at("key_name") {
        add("--key-name", key);
    }
    if server["user_data"].is_string() {
        add("--user-data", "user-data");
    }
    if let Some(zone) = text_at("availability_zone") {
        add("--availability-zone", zone);
    }
    if let Some(description) = text_at("description") {
        add("--description", description);
    }
    for (key, value) in server["metadata"].as_object().into_iter().flatten() {
        add("--property", &format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for tag in items(&server["tags"]) {
        add("--tag", tag.as_str().unwrap_or_default());
    }
    let hints = body.get("os:scheduler_hints").or_else(|| body.get("OS-SCH-HNT:scheduler_hints"));
    if let Some(group) = hints.and_then(|hints| hints["group"].as_str()) {
        add("--hint", &format!("group={group}"));
    }
    text + " \\\n  " + name
}

fn compute(method: &str, path: &[&str], body: &Value) -> Option<String> {
    let id = |at: usize| shell(path.get(at).copied().unwrap_or_default());
    Some(match (method, path) {
        ("GET", ["servers"] | ["servers", "detail"]) => "server list --long".to_owned(),
        ("GET", ["servers", _]) => format!("server show {}", id(1)),
        ("DELETE", ["servers", _]) => format!("server delete {}", id(1)),
        ("PUT", ["servers", _]) => {
            let server = &body["server"];
            let mut text = "server set".to_owned();
            for (key, option) in [("name", "--name"), ("description", "--description")] {
                if let Some(value) = server[key].as_str() {
                    text = text + " " + &with_value(option, value);
                }
            }
            format!("{text} {}", id(1))
        }
        ("POST", ["servers", _, "action"]) => action(body, &id(1))?,
        ("GET", ["servers", _, "os-instance-actions"]) => format!("server event list {}", id(1)),
        ("GET", ["servers", _, "os-instance-actions", _]) => format!("server event show {} {}", id(1), id(3)),
        ("GET", ["servers", _, "os-volume_attachments"]) => format!("server volume list {}", id(1)),
        ("POST", ["servers", _, "os-volume_attachments"]) => {
            format!("server add volume {} {}", id(1), shell(body["volumeAttachment"]["volumeId"].as_str()?))
        }
        ("DELETE", ["servers", _, "os-volume_attachments", _]) => {
            format!("server remove volume {} {}", id(1), id(3))
        }
        ("POST", ["servers", _, "os-interface"]) => {
            let interface = &body["interfaceAttachment"];
            match (interface["port_id"].as_str(), interface["net_id"].as_str()) {
                (Some(port), _) => format!("server add port {} {}", id(1), shell(port)),
                (None, Some(network)) => format!("server add network {} {}", id(1), shell(network)),
                (None, None) => return None,
            }
        }
        ("DELETE", ["servers", _, "os-interface", _]) => format!("server remove port {} {}", id(1), id(3)),
        ("POST", ["servers", _, "remote-consoles"]) => {
            let kind = body["remote_console"]["type"].as_str().unwrap_or("novnc");
            format!("console url show {} {}", shell(&format!("--{kind}")), id(1))
        }
        ("PUT", ["servers", _, "tags"]) => {
            let tags = items(&body["tags"]).filter_map(Value::as_str).map(|tag| with_value("--tag", tag));
            format!("server set {} {}", tags.collect::<Vec<_>>().join(" "), id(1))
        }
        ("PUT" | "POST", ["servers", _, "metadata"]) => {
            let pairs = body["metadata"].as_object()?.iter();
            let pairs = pairs.map(|(key, value)| {
                with_value("--property", &format!("{key}={}", value.as_str().unwrap_or_default()))
            });
            format!("server set {} {}", pairs.collect::<Vec<_>>().join(" "), id(1))
        }
        ("GET", ["flavors"] | ["flavors", "detail"]) => "flavor list --long".to_owned(),
        ("GET", ["flavors", _]) => format!("flavor show {}", id(1)),
        ("GET", ["os-keypairs"]) => "keypair list".to_owned(),
        ("POST", ["os-keypairs"]) => {
            let pair = &body["keypair"];
            let name = positional(pair["name"].as_str()?);
            match pair["public_key"].as_str() {
                Some(_) => format!("keypair create --public-key key.pub {name}"),
                None => format!("keypair create {name} > private-key.pem"),
            }
        }
        ("DELETE", ["os-keypairs", _]) => format!("keypair delete {}", id(1)),
        ("GET", ["limits"]) => "limits show --absolute".to_owned(),
        ("GET", ["os-quota-sets", ..]) => "quota show --usage --compute".to_owned(),
        ("GET", ["os-availability-zone"]) => "availability zone list --compute".to_owned(),
        ("GET", ["os-server-groups"]) => "server group list --long".to_owned(),
        ("POST", ["os-server-groups"]) => {
            let group = &body["server_group"];
            let policy = group["policy"].as_str().or_else(|| group["policies"][0].as_str())?;
            format!("server group create --policy {} {}", shell(policy), positional(group["name"].as_str()?))
        }
        ("DELETE", ["os-server-groups", _]) => format!("server group delete {}", id(1)),
        _ => return None,
    })
}

/// Source: compute API, servers run an action.
fn action(body: &Value, id: &str) -> Option<String> {
    let (name, with) = body.as_object()?.iter().next()?;
    Some(match name.as_str() {
        "os-start" => format!("server start {id}"),
        "os-stop" => format!("server stop {id}"),
        "reboot" if with["type"] == "HARD" => format!("server reboot --hard {id}"),
        "reboot" => format!("server reboot --soft {id}"),
        "pause" => format!("server pause {id}"),
        "unpause" => format!("server unpause {id}"),
        "suspend" => format!("server suspend {id}"),
        "resume" => format!("server resume {id}"),
        "lock" => format!("server lock {id}"),
        "unlock" => format!("server unlock {id}"),
        "shelve" => format!("server shelve {id}"),
        "unshelve" => format!("server unshelve {id}"),
        "resize" => format!("server resize --flavor {} {id}", shell(with["flavorRef"].as_str()?)),
        "confirmResize" => format!("server resize confirm {id}"),
        "revertResize" => format!("server resize revert {id}"),
        "rebuild" => format!("server rebuild --image {} {id}", shell(with["imageRef"].as_str()?)),
        "rescue" => format!("server rescue {id}"),
        "unrescue" => format!("server unrescue {id}"),
        "createImage" => format!("server image create {} {id}", with_value("--name", with["name"].as_str()?)),
        "changePassword" => format!("server set --password '***' {id}"),
        "os-getConsoleOutput" => format!("console log show {id}"),
        "addSecurityGroup" => format!("server add security group {id} {}", shell(with["name"].as_str()?)),
        "removeSecurityGroup" => {
            format!("server remove security group {id} {}", shell(with["name"].as_str()?))
        }
        _ => return None,
    })
}

fn image(method: &str, path: &[&str], body: &Value) -> Option<String> {
    let id = |at: usize| shell(path.get(at).copied().unwrap_or_default());
    Some(match (method, path) {
        ("GET", ["images"]) => "image list --long".to_owned(),
        ("GET", ["images", _]) => format!("image show {}", id(1)),
        ("DELETE", ["images", _]) => format!("image delete {}", id(1)),
        ("POST", ["images"]) => {
            let of = |key: &str| body[key].as_str().unwrap_or_default();
            let name = positional(of("name"));
            let (disk, container) = (shell(of("disk_format")), shell(of("container_format")));
            format!(
                "image create --disk-format {disk} --container-format {container} --file image-file {name}"
            )
        }
        ("PATCH", ["images", _]) => {
            let changes = items(body).filter_map(image_change).collect::<Vec<_>>();
            if changes.is_empty() {
                return None;
            }
            format!("image set {} {}", changes.join(" "), id(1))
        }
        ("GET", ["images", _, "members"]) => format!("image member list {}", id(1)),
        ("POST", ["images", _, "members"]) => {
            format!("image add project {} {}", id(1), shell(body["member"].as_str()?))
        }
        ("DELETE", ["images", _, "members", _]) => format!("image remove project {} {}", id(1), id(3)),
        ("PUT", ["images", _, "members", _]) => {
            let status = match body["status"].as_str()? {
                "accepted" => "--accept",
                "rejected" => "--reject",
                _ => "--pending",
            };
            format!("image set {status} {}", id(1))
        }
        _ => return None,
    })
}

/// One step of a JSON patch.
fn image_change(change: &Value) -> Option<String> {
    let key = change["path"].as_str()?.trim_start_matches('/');
    let value = &change["value"];
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Some(match (change["op"].as_str()?, key) {
        ("remove", _) => return None,
        (_, "name") => with_value("--name", &text),
        (_, "visibility") => format!("--{text}"),
        (_, "protected") if text == "true" => "--protected".to_owned(),
        (_, "protected") => "--unprotected".to_owned(),
        (_, "min_disk") => with_value("--min-disk", &text),
        (_, "min_ram") => with_value("--min-ram", &text),
        (_, "tags") => return None,
        (_, key) => with_value("--property", &format!("{key}={text}")),
    })
}

fn network(method: &str, path: &[&str]) -> Option<String> {
    let id = |at: usize| shell(path.get(at).copied().unwrap_or_default());
    Some(match (method, path) {
        ("GET", ["networks"]) => "network list --long".to_owned(),
        ("GET", ["subnets"]) => "subnet list --long".to_owned(),
        ("GET", ["ports"]) => "port list --long".to_owned(),
        ("GET", ["security-groups"]) => "security group list".to_owned(),
        ("GET", ["floatingips"]) => "floating ip list --long".to_owned(),
        ("DELETE", ["floatingips", _]) => format!("floating ip delete {}", id(1)),
        ("GET", ["quotas", ..]) => "quota show --usage --network".to_owned(),
        _ => return None,
    })
}

fn block_storage(method: &str, path: &[&str]) -> Option<String> {
    let id = |at: usize| shell(path.get(at).copied().unwrap_or_default());
    Some(match (method, path) {
        ("GET", ["volumes"] | ["volumes", "detail"]) => "volume list --long".to_owned(),
        ("GET", ["volumes", _]) => format!("volume show {}", id(1)),
        ("DELETE", ["volumes", _]) => format!("volume delete {}", id(1)),
        ("GET", ["types"]) => "volume type list".to_owned(),
        ("GET", ["limits"]) | ("GET", ["os-quota-sets", _]) => "quota show --usage --volume".to_owned(),
        _ => return None,
    })
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `key=value,key=value`, by name: the order of a JSON object is not ours to know.
fn pairs(of: &Value) -> String {
    let pair = |(key, value): (&String, &Value)| match value {
        Value::String(text) => format!("{key}={text}"),
        other => format!("{key}={other}"),
    };
    let mut all: Vec<_> = of.as_object().into_iter().flatten().map(pair).collect();
    all.sort();
    all.join(",")
}

/// A value that looks like an option is tied to its own.
fn with_value(option: &str, value: &str) -> String {
    if value.starts_with('-') {
        shell(&format!("{option}={value}"))
    } else {
        format!("{option} {}", shell(value))
    }
}

fn positional(value: &str) -> String {
    if value.starts_with('-') { format!("-- {}", shell(value)) } else { shell(value) }
}

#[cfg(test)]
mod tests {
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
            Some("server set --password '***' 5f")
        );
        assert_eq!(action(r#"{"unknown": null}"#), None);
        assert_eq!(
            words("GET", "compute", "flavors/detail?limit=5", None).as_deref(),
            Some("flavor list --long")
        );
        assert_eq!(words("DELETE", "compute", "os-keypairs/a", None).as_deref(), Some("keypair delete a"));
        assert_eq!(words("GET", "network", "networks", None).as_deref(), Some("network list --long"));
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
        assert_eq!(words("PUT", "image", "images/1/file", None), None);
    }
}
