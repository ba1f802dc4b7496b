//! The calls of the image, network and block storage services.

use serde_json::Value;

use super::{
    super::{by_name, masks::Variables},
    items, piece, positional, property, shell, with_value,
};

/// The image service's calls, each a command; one call may take two.
pub fn image(method: &str, path: &[&str], body: &Value) -> Option<Vec<String>> {
    let id = |at: usize| shell(&piece(path, at));
    let command = match (method, path) {
        ("GET", ["images"]) => "image list --long".to_owned(),
        ("GET", ["images", _]) => format!("image show {}", id(1)),
        ("DELETE", ["images", _]) => format!("image delete {}", id(1)),
        ("POST", ["images"]) => {
            let of = |key: &str| body[key].as_str().unwrap_or_default();
            let name = positional(of("name"));
            let (disk, container) = (shell(of("disk_format")), shell(of("container_format")));
            body.as_object()?;
            let options = by_name(body).into_iter().filter_map(image_option);
            let options: String = options.map(|option| format!(" {option}")).collect();
            format!(
                "image create --disk-format {disk} --container-format {container}{options} --file image-file {name}"
            )
        }
        ("PATCH", ["images", _]) => return image_changes(body, &id(1)),
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
    };
    Some(vec![command])
}

/// What an image has beside its name and its formats.
fn image_option((key, value): (&String, &Value)) -> Option<String> {
    match (key.as_str(), value) {
        ("name" | "disk_format" | "container_format", _) => None,
        ("visibility", Value::String(visibility)) => Some(shell(&format!("--{visibility}"))),
        ("min_disk", Value::Number(gib)) => Some(format!("--min-disk {gib}")),
        ("min_ram", Value::Number(mib)) => Some(format!("--min-ram {mib}")),
        (key, Value::String(value)) => Some(property(key, value, &mut Variables::default())),
        _ => None,
    }
}

/// The steps of a JSON patch: what is set, and what is taken away. `None` where a step has no equivalent: the program
/// only adds to the tags.
fn image_changes(steps: &Value, image: &str) -> Option<Vec<String>> {
    let (mut set, mut unset) = (Vec::new(), Vec::new());
    let mut variables = Variables::default();
    for step in items(steps) {
        let pointer = step["path"].as_str()?;
        let key = pointer.strip_prefix('/')?.replace("~1", "/").replace("~0", "~");
        let value = &step["value"];
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match (step["op"].as_str()?, key.as_str()) {
            (_, "tags") => return None,
            ("remove", key) => unset.push(with_value("--property", key)),
            (_, "name") => set.push(with_value("--name", &text)),
            (_, "visibility") => set.push(shell(&format!("--{text}"))),
            (_, "protected") => {
                set.push(if text == "true" { "--protected" } else { "--unprotected" }.to_owned())
            }
            (_, "min_disk") => set.push(with_value("--min-disk", &text)),
            (_, "min_ram") => set.push(with_value("--min-ram", &text)),
            (_, key) => set.push(property(key, &text, &mut variables)),
        }
    }
    let command = |verb: &str, options: Vec<String>| {
        (!options.is_empty()).then(|| format!("image {verb} {} {image}", options.join(" ")))
    };
    let commands: Vec<String> = command("set", set).into_iter().chain(command("unset", unset)).collect();
    (!commands.is_empty()).then_some(commands)
}

/// The network service's.
pub fn network(method: &str, path: &[&str], body: &Value) -> Option<String> {
    let id = |at: usize| shell(&piece(path, at));
    Some(match (method, path) {
        ("GET", ["networks"]) => "network list --long".to_owned(),
        ("GET", ["subnets"]) => "subnet list --long".to_owned(),
        ("GET", ["ports"]) => "port list --long".to_owned(),
        ("GET", ["security-groups"]) => "security group list".to_owned(),
        ("GET", ["floatingips"]) => "floating ip list --long".to_owned(),
        ("POST", ["floatingips"]) => {
            let ip = &body["floatingip"];
            let options = [
                ("port_id", "--port"),
                ("fixed_ip_address", "--fixed-ip-address"),
                ("floating_ip_address", "--floating-ip-address"),
                ("description", "--description"),
            ];
            let options =
                options.into_iter().filter_map(|(key, option)| Some(with_value(option, ip[key].as_str()?)));
            let options: String = options.map(|option| option + " ").collect();
            format!("floating ip create {options}{}", shell(ip["floating_network_id"].as_str()?))
        }
        ("PUT", ["floatingips", _]) => match &body["floatingip"] {
            ip if ip.get("port_id") == Some(&Value::Null) => format!("floating ip unset --port {}", id(1)),
            ip => {
                let fixed = ip["fixed_ip_address"].as_str();
                let fixed =
                    fixed.map(|fixed| with_value("--fixed-ip-address", fixed) + " ").unwrap_or_default();
                format!("floating ip set {} {fixed}{}", with_value("--port", ip["port_id"].as_str()?), id(1))
            }
        },
        ("DELETE", ["floatingips", _]) => format!("floating ip delete {}", id(1)),
        ("GET", ["quotas", ..]) => "quota show --usage --network".to_owned(),
        _ => return None,
    })
}

/// The block storage service's.
pub fn block_storage(method: &str, path: &[&str]) -> Option<String> {
    let id = |at: usize| shell(&piece(path, at));
    Some(match (method, path) {
        ("GET", ["volumes"] | ["volumes", "detail"]) => "volume list --long".to_owned(),
        ("GET", ["volumes", _]) => format!("volume show {}", id(1)),
        ("DELETE", ["volumes", _]) => format!("volume delete {}", id(1)),
        ("GET", ["types"]) => "volume type list".to_owned(),
        ("GET", ["limits"]) | ("GET", ["os-quota-sets", _]) => "quota show --usage --volume".to_owned(),
        _ => return None,
    })
}
