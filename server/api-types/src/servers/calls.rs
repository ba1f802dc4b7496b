//! The calls of each action by their API names. The panel's server makes them, the page shows them to whoever wants to
//! make them alone. Source: compute API 2.79, network API v2.

use serde_json::{Value, json};

use super::action::ServerAction;
use crate::ServerId;

/// One call. An action is one call in most cases; labels take one for each.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionCall {
    pub service: CalledService,
    pub method: Method,
    /// Segments below the endpoint, unescaped.
    pub path: Vec<String>,
    pub body: Option<Value>,
    /// That there is nothing to take away is as good as having taken it away.
    pub may_be_gone: bool,
}

/// A service that has a part in actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledService {
    Compute,
    Network,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Post,
    Put,
    Delete,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// The calls that make up an action, in their order.
pub fn calls_of(action: &ServerAction, server: ServerId) -> Vec<ActionCall> {
    let act = |body: Value| vec![compute(Method::Post, server, &["action"], Some(body))];
    match action {
        // Start server (os-start), stop server (os-stop), reboot server.
        ServerAction::Start => act(json!({"os-start": null})),
        ServerAction::Stop => act(json!({"os-stop": null})),
        ServerAction::Reboot { is_hard } => {
            act(json!({"reboot": {"type": if *is_hard { "HARD" } else { "SOFT" }}}))
        }
        // Pause, unpause, suspend, resume, shelve and unshelve server.
        ServerAction::Pause => act(json!({"pause": null})),
        ServerAction::Unpause => act(json!({"unpause": null})),
        ServerAction::Suspend => act(json!({"suspend": null})),
        ServerAction::Resume => act(json!({"resume": null})),
        ServerAction::Shelve => act(json!({"shelve": null})),
        ServerAction::Unshelve => act(json!({"unshelve": null})),
        // Lock server; a reason from 2.73 on, refused before.
        ServerAction::Lock { reason } => {
            act(json!({"lock": reason.as_ref().map(|reason| json!({"locked_reason": reason}))}))
        }
        ServerAction::Unlock => act(json!({"unlock": null})),
        // Update server: what is not named stays.
        ServerAction::Rename { name } => {
            vec![compute(Method::Put, server, &[], Some(json!({"server": {"name": name}})))]
        }
        ServerAction::Describe { description } => {
            vec![compute(Method::Put, server, &[], Some(json!({"server": {"description": description}})))]
        }
        // Add a single tag, delete a single tag: of two people who do so at once, nobody's is lost.
        ServerAction::Tag { add, remove } => {
            let add = add.iter().map(|tag| compute(Method::Put, server, &["tags", tag], None));
            let remove = remove.iter().map(|tag| gone(compute(Method::Delete, server, &["tags", tag], None)));
            remove.chain(add).collect()
        }
        // Update metadata items: those that are not named stay. Delete metadata item.
        ServerAction::SetMetadata { set, remove } => {
            let entries: serde_json::Map<String, Value> =
                set.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            let body = json!({"metadata": entries});
            let set = (!set.is_empty()).then(|| compute(Method::Post, server, &["metadata"], Some(body)));
            let remove =
                remove.iter().map(|key| gone(compute(Method::Delete, server, &["metadata", key], None)));
            remove.chain(set).collect()
        }
        // Resize server, confirm and revert resized server.
        ServerAction::Resize { flavor_id } => act(json!({"resize": {"flavorRef": flavor_id}})),
        ServerAction::ConfirmResize => act(json!({"confirmResize": null})),
        ServerAction::RevertResize => act(json!({"revertResize": null})),
        // Rebuild server: key, name and metadata stay since they are not named.
        ServerAction::Rebuild { image_id } => act(json!({"rebuild": {"imageRef": image_id}})),
        ServerAction::Rescue { image_id, password } => {
            let mut rescue = serde_json::Map::new();
            rescue.extend(image_id.as_ref().map(|id| ("rescue_image_ref".to_owned(), json!(id))));
            rescue.extend(password.as_ref().map(|password| ("adminPass".to_owned(), json!(password.0))));
            act(json!({"rescue": if rescue.is_empty() { Value::Null } else { Value::Object(rescue) }}))
        }
        ServerAction::Unrescue => act(json!({"unrescue": null})),
        // Create image.
        ServerAction::Snapshot { name } => act(json!({"createImage": {"name": name}})),
        // Change administrative password.
        ServerAction::SetPassword { password } => act(json!({"changePassword": {"adminPass": password.0}})),
        // Attach a volume to an instance, detach a volume from an instance.
        ServerAction::AttachVolume { volume_id } => {
            let body = json!({"volumeAttachment": {"volumeId": volume_id}});
            vec![compute(Method::Post, server, &["os-volume_attachments"], Some(body))]
        }
        ServerAction::DetachVolume { volume_id } => {
            vec![compute(Method::Delete, server, &["os-volume_attachments", volume_id], None)]
        }
        // Create interface, detach interface.
        ServerAction::AttachInterface { network_id } => {
            let body = json!({"interfaceAttachment": {"net_id": network_id}});
            vec![compute(Method::Post, server, &["os-interface"], Some(body))]
        }
        ServerAction::DetachInterface { port_id } => {
            vec![compute(Method::Delete, server, &["os-interface", port_id], None)]
        }
        // Update floating IP.
        ServerAction::AttachFloatingIp { floating_ip_id, port_id } => {
            vec![floating_ip(floating_ip_id, json!(port_id))]
        }
        ServerAction::DetachFloatingIp { floating_ip_id } => vec![floating_ip(floating_ip_id, Value::Null)],
        // Add security group to a server, remove security group from a server.
        ServerAction::AddSecurityGroup { name } => act(json!({"addSecurityGroup": {"name": name}})),
        ServerAction::RemoveSecurityGroup { name } => act(json!({"removeSecurityGroup": {"name": name}})),
        ServerAction::Delete => vec![compute(Method::Delete, server, &[], None)],
    }
}

fn compute(method: Method, server: ServerId, path: &[&str], body: Option<Value>) -> ActionCall {
    let server = server.to_string();
    let path = ["servers", &server].iter().chain(path).map(|segment| (*segment).to_owned()).collect();
    ActionCall { service: CalledService::Compute, method, path, body, may_be_gone: false }
}

fn floating_ip(id: &str, port: Value) -> ActionCall {
    ActionCall {
        service: CalledService::Network,
        method: Method::Put,
        path: vec!["floatingips".to_owned(), id.to_owned()],
        body: Some(json!({"floatingip": {"port_id": port}})),
        may_be_gone: false,
    }
}

fn gone(call: ActionCall) -> ActionCall {
    ActionCall { may_be_gone: true, ..call }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::action::Password;

    const SERVER: &str = "40888098-a975-4b4a-a604-a5bd047f6310";

    fn calls(action: ServerAction) -> Vec<String> {
        let shown = |call: ActionCall| {
            let path = call.path.join("/").replace(SERVER, "{id}");
            let body = call.body.map(|body| format!(" {body}")).unwrap_or_default();
            format!("{} {path}{body}", call.method.as_str())
        };
        calls_of(&action, SERVER.parse().expect("a server")).into_iter().map(shown).collect()
    }

    #[test]
    fn the_bodies_are_those_that_were_recorded() {
        let text = str::to_owned;
        assert_eq!(
            calls(ServerAction::Reboot { is_hard: false }),
            [r#"POST servers/{id}/action {"reboot":{"type":"SOFT"}}"#]
        );
        assert_eq!(
            calls(ServerAction::Snapshot { name: text("snap2") }),
            [r#"POST servers/{id}/action {"createImage":{"name":"snap2"}}"#]
        );
        assert_eq!(
            calls(ServerAction::Rename { name: text("renamed") }),
            [r#"PUT servers/{id} {"server":{"name":"renamed"}}"#]
        );
        assert_eq!(
            calls(ServerAction::AttachVolume { volume_id: text("v") }),
            [r#"POST servers/{id}/os-volume_attachments {"volumeAttachment":{"volumeId":"v"}}"#]
        );
        assert_eq!(
            calls(ServerAction::DetachFloatingIp { floating_ip_id: text("f") }),
            [r#"PUT floatingips/f {"floatingip":{"port_id":null}}"#]
        );
        let rescue = ServerAction::Rescue { image_id: None, password: Some(Password(text("p"))) };
        assert_eq!(calls(rescue), [r#"POST servers/{id}/action {"rescue":{"adminPass":"p"}}"#]);
    }

    #[test]
    fn labels_are_changed_one_by_one_so_that_others_stay() {
        let tag = ServerAction::Tag { add: vec!["new".to_owned()], remove: vec!["old".to_owned()] };
        assert_eq!(calls(tag), ["DELETE servers/{id}/tags/old", "PUT servers/{id}/tags/new"]);
        let set = vec![("a".to_owned(), "b".to_owned())];
        let metadata = ServerAction::SetMetadata { set, remove: vec!["c".to_owned()] };
        assert_eq!(
            calls(metadata),
            ["DELETE servers/{id}/metadata/c", r#"POST servers/{id}/metadata {"metadata":{"a":"b"}}"#]
        );
    }
}
