//! The compute service's calls.

use serde_json::Value;

use super::{
    super::masks::{Variables, from_shell},
    piece, positional, properties, shell, with_value,
};

/// The words after `openstack`; `None` where the program has no such command.
pub fn compute(method: &str, path: &[&str], body: &Value) -> Option<String> {
    let id = |at: usize| shell(&piece(path, at));
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
        ("GET", ["servers", _, "os-interface"]) => format!("port list --server {}", id(1)),
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
        // The program adds tags and metadata, or takes some away; it cannot put a list in the place of all.
        ("PUT", ["servers", _, "tags", _]) => {
            format!("server set {} {}", with_value("--tag", &piece(path, 3)), id(1))
        }
        ("DELETE", ["servers", _, "tags", _]) => {
            format!("server unset {} {}", with_value("--tag", &piece(path, 3)), id(1))
        }
        ("POST", ["servers", _, "metadata"]) => {
            format!("server set {} {}", properties(&body["metadata"])?.join(" "), id(1))
        }
        ("DELETE", ["servers", _, "metadata", _]) => {
            format!("server unset {} {}", with_value("--property", &piece(path, 3)), id(1))
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
        ("DELETE", ["os-keypairs", _]) => format!("keypair delete {}", positional(&piece(path, 1))),
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

fn password() -> String {
    format!("--password {}", from_shell(&Variables::default().name("adminPass")))
}

/// Those that say something, one after the other.
fn words(all: &[String]) -> String {
    all.iter().filter(|word| !word.is_empty()).cloned().collect::<Vec<_>>().join(" ")
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
        "lock" => match with["locked_reason"].as_str() {
            Some(reason) => format!("server lock {} {id}", with_value("--reason", reason)),
            None => format!("server lock {id}"),
        },
        "unlock" => format!("server unlock {id}"),
        "shelve" => format!("server shelve {id}"),
        "unshelve" => format!("server unshelve {id}"),
        "resize" => format!("server resize --flavor {} {id}", shell(with["flavorRef"].as_str()?)),
        "confirmResize" => format!("server resize confirm {id}"),
        "revertResize" => format!("server resize revert {id}"),
        "rebuild" => {
            let password = with["adminPass"].as_str().map(|_| password()).unwrap_or_default();
            let image = with_value("--image", with["imageRef"].as_str()?);
            words(&["server rebuild".to_owned(), image, password, id.to_owned()])
        }
        "rescue" => {
            let image = with["rescue_image_ref"].as_str().map(|image| with_value("--image", image));
            let password = with["adminPass"].as_str().map(|_| password());
            let options: Vec<String> = image.into_iter().chain(password).collect();
            words(&["server rescue".to_owned(), options.join(" "), id.to_owned()])
        }
        "unrescue" => format!("server unrescue {id}"),
        "createImage" => format!("server image create {} {id}", with_value("--name", with["name"].as_str()?)),
        "changePassword" => format!("server set {} {id}", password()),
        "os-getConsoleOutput" => format!("console log show {id}"),
        "addSecurityGroup" => format!("server add security group {id} {}", shell(with["name"].as_str()?)),
        "removeSecurityGroup" => {
            format!("server remove security group {id} {}", shell(with["name"].as_str()?))
        }
        _ => return None,
    })
}
