//! With Terraform and its OpenStack provider: what a call that makes something leaves behind.

use std::fmt::Write;

use serde_json::Value;

use super::{
    Called, by_name, hcl,
    masks::{Variables, is_secret},
    parts,
};

/// The resource that a call makes; `None` for calls that make nothing to keep.
pub fn one(call: &Called<'_>) -> Option<String> {
    let body: Value = serde_json::from_str(call.body?).ok()?;
    match (call.method, call.service, parts(call.path).as_slice()) {
        ("POST", "compute", ["servers"]) => {
            let name = body["server"]["name"].as_str()?;
            Some(server(call, &body, &label(name), "", &hcl(name)))
        }
        ("POST", "compute", ["os-keypairs"]) => {
            let pair = &body["keypair"];
            let name = pair["name"].as_str()?;
            let mut text = head("openstack_compute_keypair_v2", &label(name));
            put(&mut text, "region", &hcl(call.region));
            put(&mut text, "name", &hcl(name));
            if let Some(key) = pair["public_key"].as_str() {
                put(&mut text, "public_key", &hcl(key.trim()));
            }
            Some(text + "}")
        }
        ("POST", "compute", ["os-server-groups"]) => {
            let group = &body["server_group"];
            let name = group["name"].as_str()?;
            let policy = group["policy"].as_str().or_else(|| group["policies"][0].as_str())?;
            let mut text = head("openstack_compute_servergroup_v2", &label(name));
            put(&mut text, "region", &hcl(call.region));
            put(&mut text, "name", &hcl(name));
            put(&mut text, "policies", &format!("[{}]", hcl(policy)));
            Some(text + "}")
        }
        ("POST", "image", ["images"]) => {
            let name = body["name"].as_str()?;
            let mut text = head("openstack_images_image_v2", &label(name));
            put(&mut text, "region", &hcl(call.region));
            put(&mut text, "name", &hcl(name));
            put(&mut text, "local_file_path", "\"image-file\"");
            for key in ["disk_format", "container_format", "visibility"] {
                if let Some(value) = body[key].as_str() {
                    put(&mut text, key, &hcl(value));
                }
            }
            for (key, name) in [("min_disk", "min_disk_gb"), ("min_ram", "min_ram_mb")] {
                if let Some(value) = body[key].as_u64().filter(|value| *value > 0) {
                    put(&mut text, name, &value.to_string());
                }
            }
            let known =
                ["name", "disk_format", "container_format", "visibility", "min_disk", "min_ram", "tags"];
            let own = by_name(&body).into_iter().filter(|(key, _)| !known.contains(&key.as_str()));
            let variables = pairs(&mut text, "properties", own);
            Some(variables + &text + "}")
        }
        _ => None,
    }
}

/// The making of servers that differ in their name.
pub fn many(call: &Called<'_>, names: &[String]) -> Option<String> {
    let body: Value = serde_json::from_str(call.body?).ok()?;
    let list = names.iter().map(|name| hcl(name)).collect::<Vec<_>>().join(", ");
    let for_each = format!("  for_each = toset([{list}])\n\n");
    Some(server(call, &body, "servers", &for_each, "each.value"))
}

/// Source: provider documentation, openstack_compute_instance_v2.
fn server(call: &Called<'_>, body: &Value, label: &str, before: &str, name: &str) -> String {
    let server = &body["server"];
    let mut text = head("openstack_compute_instance_v2", label) + before;
    put(&mut text, "region", &hcl(call.region));
    put(&mut text, "name", name);
    let texts = [
        ("imageRef", "image_id"),
        ("flavorRef", "flavor_id"),
        ("key_name", "key_pair"),
        ("availability_zone", "availability_zone"),
    ];
    for (key, argument) in texts {
        if let Some(value) = server[key].as_str().filter(|value| !value.is_empty()) {
            put(&mut text, argument, &hcl(value));
        }
    }
    let groups: Vec<_> =
        items(&server["security_groups"]).filter_map(|group| group["name"].as_str()).map(hcl).collect();
    if !groups.is_empty() {
        put(&mut text, "security_groups", &format!("[{}]", groups.join(", ")));
    }
    if server["user_data"].is_string() {
        // Whatever bytes are in it; the provider takes base64 as it is.
        put(&mut text, "user_data", "filebase64(\"user-data\")");
    }
    let tags: Vec<_> = items(&server["tags"]).filter_map(Value::as_str).map(hcl).collect();
    if !tags.is_empty() {
        put(&mut text, "tags", &format!("[{}]", tags.join(", ")));
    }
    let variables = pairs(&mut text, "metadata", by_name(&server["metadata"]).into_iter());
    for device in items(&server["block_device_mapping_v2"]) {
        let keys =
            ["uuid", "source_type", "destination_type", "volume_size", "boot_index", "delete_on_termination"];
        block(&mut text, "block_device", device, &keys);
    }
    for network in items(&server["networks"]) {
        block(&mut text, "network", network, &["uuid", "port", "fixed_ip"]);
    }
    if let Some(mode) = server["networks"].as_str() {
        put(&mut text, "network_mode", &hcl(mode));
    }
    let hints = body.get("os:scheduler_hints").or_else(|| body.get("OS-SCH-HNT:scheduler_hints"));
    if let Some(hints) = hints {
        block(&mut text, "scheduler_hints", hints, &["group"]);
    }
    variables + &text + "}"
}

/// Names with their values, and before the resource the variables that secrets among them are read from.
fn pairs<'a>(text: &mut String, name: &str, pairs: impl Iterator<Item = (&'a String, &'a Value)>) -> String {
    let (mut declared, mut names) = (String::new(), Variables::default());
    let mut lines = String::new();
    for (key, value) in pairs {
        let Some(value) = value.as_str() else { continue };
        let value = if is_secret(key) {
            let variable = names.name(key).to_ascii_lowercase();
            declared += &format!("variable \"{variable}\" {{\n  type = string\n  sensitive = true\n}}\n\n");
            format!("var.{variable}")
        } else {
            hcl(value)
        };
        _ = writeln!(lines, "    {} = {value}", hcl(key));
    }
    if !lines.is_empty() {
        *text += &format!("\n  {name} = {{\n{lines}  }}\n");
    }
    declared
}

fn head(kind: &str, label: &str) -> String {
    format!("resource \"{kind}\" \"{label}\" {{\n")
}

fn put(text: &mut String, argument: &str, value: &str) {
    _ = writeln!(text, "  {argument} = {value}");
}

fn block(text: &mut String, name: &str, of: &Value, keys: &[&str]) {
    _ = writeln!(text, "\n  {name} {{");
    for key in keys {
        match &of[*key] {
            Value::Null => {}
            Value::String(value) => _ = writeln!(text, "    {key} = {}", hcl(value)),
            value => _ = writeln!(text, "    {key} = {value}"),
        }
    }
    *text += "  }\n";
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A name Terraform allows for a resource.
fn label(name: &str) -> String {
    let letters = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
    let label: String = letters.take(60).collect();
    if label.starts_with(|first: char| first.is_ascii_alphabetic()) { label } else { format!("r_{label}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(body: &str) -> Called<'_> {
        Called {
            method: "POST",
            service: "compute",
            region: "RegionOne",
            path: "servers",
            body: Some(body),
            ..Called::default()
        }
    }

    #[test]
    fn a_server_becomes_a_resource() {
        let body = r#"{"server": {"name": "web ${1}", "flavorRef": "f", "imageRef": "i", "adminPass": "geheim",
            "networks": [{"uuid": "n"}], "user_data": "eA==", "metadata": {"a.b": "c"}},
            "os:scheduler_hints": {"group": "g"}}"#;
        let expected = r#"resource "openstack_compute_instance_v2" "web___1_" {
  region = "RegionOne"
  name = "web $${1}"
  image_id = "i"
  flavor_id = "f"
  user_data = filebase64("user-data")

  metadata = {
    "a.b" = "c"
  }

  network {
    uuid = "n"
  }

  scheduler_hints {
    group = "g"
  }
}"#;
        assert_eq!(one(&create(body)).as_deref(), Some(expected));
    }

    #[test]
    fn many_servers_are_one_resource_for_each_name() {
        let names = ["a".to_owned(), "b\"".to_owned()];
        let text =
            many(&create(r#"{"server": {"name": "a", "flavorRef": "f"}}"#), &names).expect("a resource");
        assert!(
            text.contains(r#"for_each = toset(["a", "b\""])"#) && text.contains("name = each.value"),
            "{text}"
        );
    }

    #[test]
    fn a_secret_is_a_variable_that_is_yours_to_set() {
        let body = r#"{"server": {"name": "a", "flavorRef": "f", "metadata": {"db password": "geheim", "env": "x"}}}"#;
        let text = one(&create(body)).expect("a resource");
        assert!(text.starts_with(
            "variable \"secret_db_password\" {\n  type = string\n  sensitive = true\n}\n\nresource "
        ));
        assert!(
            text.contains("\"db password\" = var.secret_db_password") && text.contains("\"env\" = \"x\""),
            "{text}"
        );
        assert!(!text.contains("geheim"));
    }

    #[test]
    fn an_image_has_its_properties() {
        let body = r#"{"name": "a", "disk_format": "raw", "container_format": "bare", "min_disk": 1, "os_distro": "${x}"}"#;
        let call = Called { service: "image", path: "images", ..create(body) };
        let text = one(&call).expect("a resource");
        assert!(
            text.contains("min_disk_gb = 1")
                && text.contains("\n  properties = {\n    \"os_distro\" = \"$${x}\"\n  }"),
            "{text}"
        );
    }

    #[test]
    fn what_makes_nothing_to_keep_has_no_resource() {
        let call = Called { path: "servers/1/action", ..create(r#"{"os-start": null}"#) };
        assert_eq!(one(&call), None);
        assert_eq!(label("1-ü"), "r_1__");
    }
}
