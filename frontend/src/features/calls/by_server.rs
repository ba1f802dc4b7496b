//! Calls that the panel's server makes on behalf of a person: for the page that is open, and for what was asked to be
//! done to servers.

use api_types::{jobs::CreateJob, servers::action::ServerAction};
use serde_json::{Value, json};

use crate::{commands::Called, router::parts_of};

/// A call as it is told; its region may be any of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub method: &'static str,
    pub service: &'static str,
    pub region: String,
    pub path: String,
    pub microversion: Option<&'static str>,
    pub body: Option<String>,
}

impl Told {
    fn compute(method: &'static str, region: &str, path: String, body: Option<Value>) -> Self {
        Self {
            method,
            service: "compute",
            region: region.to_owned(),
            path,
            microversion: Some("compute 2.79"),
            body: body.map(|body| body.to_string()),
        }
    }

    /// As the commands are written from it.
    pub fn called(&self) -> Called<'_> {
        Called {
            method: self.method,
            region: &self.region,
            service: self.service,
            path: &self.path,
            microversion: self.microversion,
            body: self.body.as_deref(),
            ..Called::default()
        }
    }
}

/// What the page at an address shows of servers is asked for by these, whoever looks. The calls of a server's own page
/// come with its answer.
pub fn of_page(path: &str, regions: &[String]) -> Vec<Told> {
    if parts_of("/projects/{project}/servers", path).is_none() {
        return Vec::new();
    }
    let of_region = |region: &String| {
        let get = |path: &str| Told::compute("GET", region, path.to_owned(), None);
        // The names of the images, which Nova does not say.
        let images = Told { service: "image", microversion: None, ..get("images?limit=1000") };
        [get("servers/detail?limit=1000"), get("limits"), images]
    };
    regions.iter().flat_map(of_region).collect()
}

/// The calls of a job, for the first of its servers; all others have the same with their own id.
pub fn of_job(job: &CreateJob) -> Vec<Told> {
    let first = job.targets.iter().find_map(|targets| Some((&targets.region, targets.servers.first()?)));
    let Some((region, server)) = first else { return Vec::new() };
    let region = region.as_str();
    let call =
        |method, rest: &str, body| Told::compute(method, region, format!("servers/{server}{rest}"), body);
    let act = |body: Value| vec![call("POST", "/action", Some(body))];
    let floating_ip = |id: &str, port: Value| Told {
        method: "PUT",
        service: "network",
        region: region.to_owned(),
        path: format!("floatingips/{id}"),
        microversion: None,
        body: Some(json!({"floatingip": {"port_id": port}}).to_string()),
    };
    match &job.action {
        ServerAction::Start => act(json!({"os-start": null})),
        ServerAction::Stop => act(json!({"os-stop": null})),
        ServerAction::Reboot { is_hard } => {
            act(json!({"reboot": {"type": if *is_hard { "HARD" } else { "SOFT" }}}))
        }
        ServerAction::Pause => act(json!({"pause": null})),
        ServerAction::Unpause => act(json!({"unpause": null})),
        ServerAction::Suspend => act(json!({"suspend": null})),
        ServerAction::Resume => act(json!({"resume": null})),
        ServerAction::Lock { reason } => {
            act(json!({"lock": reason.as_ref().map(|reason| json!({"locked_reason": reason}))}))
        }
        ServerAction::Unlock => act(json!({"unlock": null})),
        ServerAction::Shelve => act(json!({"shelve": null})),
        ServerAction::Unshelve => act(json!({"unshelve": null})),
        ServerAction::Rename { name } => vec![call("PUT", "", Some(json!({"server": {"name": name}})))],
        ServerAction::Describe { description } => {
            vec![call("PUT", "", Some(json!({"server": {"description": description}})))]
        }
        ServerAction::Tag { add, remove } => {
            let remove = remove.iter().map(|tag| call("DELETE", &format!("/tags/{}", segment(tag)), None));
            let add = add.iter().map(|tag| call("PUT", &format!("/tags/{}", segment(tag)), None));
            remove.chain(add).collect()
        }
        ServerAction::SetMetadata { set, remove } => {
            let entries: serde_json::Map<String, Value> =
                set.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            let set =
                (!set.is_empty()).then(|| call("POST", "/metadata", Some(json!({"metadata": entries}))));
            let remove =
                remove.iter().map(|key| call("DELETE", &format!("/metadata/{}", segment(key)), None));
            remove.chain(set).collect()
        }
        ServerAction::Resize { flavor_id } => act(json!({"resize": {"flavorRef": flavor_id}})),
        ServerAction::ConfirmResize => act(json!({"confirmResize": null})),
        ServerAction::RevertResize => act(json!({"revertResize": null})),
        ServerAction::Rebuild { image_id } => act(json!({"rebuild": {"imageRef": image_id}})),
        ServerAction::Rescue { image_id, .. } => {
            act(json!({"rescue": image_id.as_ref().map(|id| json!({"rescue_image_ref": id}))}))
        }
        ServerAction::Unrescue => act(json!({"unrescue": null})),
        ServerAction::Snapshot { name } => act(json!({"createImage": {"name": name}})),
        ServerAction::SetPassword { .. } => act(json!({"changePassword": {"adminPass": "***"}})),
        ServerAction::AttachVolume { volume_id } => {
            let body = json!({"volumeAttachment": {"volumeId": volume_id}});
            vec![call("POST", "/os-volume_attachments", Some(body))]
        }
        ServerAction::DetachVolume { volume_id } => {
            vec![call("DELETE", &format!("/os-volume_attachments/{}", segment(volume_id)), None)]
        }
        ServerAction::AttachInterface { network_id } => {
            vec![call("POST", "/os-interface", Some(json!({"interfaceAttachment": {"net_id": network_id}})))]
        }
        ServerAction::DetachInterface { port_id } => {
            vec![call("DELETE", &format!("/os-interface/{}", segment(port_id)), None)]
        }
        ServerAction::AttachFloatingIp { floating_ip_id, port_id } => {
            vec![floating_ip(floating_ip_id, json!(port_id))]
        }
        ServerAction::DetachFloatingIp { floating_ip_id } => vec![floating_ip(floating_ip_id, Value::Null)],
        ServerAction::AddSecurityGroup { name } => act(json!({"addSecurityGroup": {"name": name}})),
        ServerAction::RemoveSecurityGroup { name } => act(json!({"removeSecurityGroup": {"name": name}})),
        ServerAction::Delete => vec![call("DELETE", "", None)],
    }
}

/// A name as a piece of a path, in plain Rust so that it can be tried without a browser.
fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use api_types::{ServerId, jobs::RegionTargets, servers::action::Password};

    use super::*;

    fn job(action: ServerAction) -> CreateJob {
        let server: ServerId = "5f3c0000-0000-4000-8000-000000000000".parse().expect("an id");
        let targets =
            RegionTargets { region: "RegionOne".parse().expect("a region"), servers: vec![server, server] };
        CreateJob { action, targets: vec![targets], idempotency_key: "k".into(), confirmed: None }
    }

    #[test]
    fn a_job_is_told_by_the_call_of_its_first_server_without_its_secret() {
        let told = of_job(&job(ServerAction::SetPassword { password: Password("geheim".into()) }));
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].path, "servers/5f3c0000-0000-4000-8000-000000000000/action");
        assert_eq!(told[0].body.as_deref(), Some(r#"{"changePassword":{"adminPass":"***"}}"#));
    }

    #[test]
    fn labels_are_pieces_of_the_path() {
        let told = of_job(&job(ServerAction::Tag { add: vec!["a b/c".into()], remove: vec!["x".into()] }));
        let paths: Vec<_> =
            told.iter().map(|told| (told.method, told.path.rsplit('/').next().unwrap_or(""))).collect();
        assert_eq!(paths, [("DELETE", "x"), ("PUT", "a%20b%2Fc")]);
    }

    #[test]
    fn the_list_is_asked_for_in_every_region_and_other_pages_ask_for_themselves() {
        let regions = ["One".to_owned(), "Two".to_owned()];
        let told = of_page("/projects/p/servers", &regions);
        let of_two: Vec<_> = told.iter().filter(|told| told.region == "Two").collect();
        assert_eq!((told.len(), of_two.len()), (6, 3));
        assert_eq!((of_two[2].service, of_two[2].microversion), ("image", None));
        assert!(of_page("/projects/p/images", &regions).is_empty());
    }
}
