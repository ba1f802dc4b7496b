//! What a write that is passed on changes about which server, as far as method, path, content and answer say it: for the
//! server's history. Source: compute API, servers; network API, floating IPs.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use api_types::{ServerId, servers::ActionKind};
use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode, header},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::path::CloudPath;
use crate::upstream::ServiceType;

/// A write that may change a server, and what is known of it so far.
pub struct Write {
    at: DateTime<Utc>,
    about: About,
    content: Arc<Mutex<Content>>,
    status: Option<StatusCode>,
    server: Option<ServerId>,
    detail: Option<String>,
}

/// A write that was answered, as a history tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub at: DateTime<Utc>,
    pub server: ServerId,
    /// The name of an action of the panel, or one like those of Nova's own history.
    pub action: &'static str,
    /// A value worth showing; never a secret.
    pub detail: Option<String>,
    pub status: StatusCode,
}

enum About {
    /// It is made, and the answer names it.
    New,
    /// What is done to it the path says.
    Path(&'static str),
    /// What is done to it the content says, in an object under this key.
    Content(&'static str, fn(&Value) -> Done),
    /// What is done to it the content's only key says.
    Action,
    /// An address gets to lead to a port, and the answer says whose that is.
    Address,
}

type Done = (&'static str, Option<String>);

/// The beginning of a request's content. Longer ones are those that bring user data or files along.
#[derive(Default)]
struct Content {
    seen: Vec<u8>,
    is_cut: bool,
}

const MOST_SEEN: usize = 4 << 10;
/// What fits a line or two.
const LONGEST_DETAIL: usize = 500;

impl Write {
    /// `None`: it reads, or is about no server that it or its answer names.
    pub fn of(method: &Method, path: &CloudPath<'_>, at: DateTime<Utc>) -> Option<Self> {
        let segments: Vec<&str> = path.segments.iter().map(AsRef::as_ref).collect();
        let (about, server, detail) = match (path.service, method.as_str(), &segments[..]) {
            (_, "GET" | "HEAD", _) => return None,
            (ServiceType::Compute, "POST", ["servers" | "os-volumes_boot"]) => (About::New, None, None),
            (ServiceType::Compute, method, ["servers", id, rest @ ..]) => {
                let (about, detail) = of_server(method, rest);
                (about, Some(id.parse().ok()?), detail)
            }
            (ServiceType::Network, "POST", ["floatingips"])
            | (ServiceType::Network, "PUT", ["floatingips", _]) => (About::Address, None, None),
            _ => return None,
        };
        Some(Self { at, about, content: Arc::default(), status: None, server, detail })
    }

    /// Looks at the request's content on its way, where that says something.
    pub fn watch(&self, body: Body) -> Body {
        match self.about {
            About::New | About::Path(_) => body,
            About::Content(..) | About::Action | About::Address => {
                Body::new(Watched { body, content: self.content.clone() })
            }
        }
    }

    /// Notes the head of the answer.
    pub fn answered(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        if matches!(self.about, About::New) && status.is_success() {
            let place = headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
            self.server = place.and_then(|place| place.rsplit('/').next()?.parse().ok());
        }
    }

    /// Notes what the answer says, where it is a document.
    pub fn answer(&mut self, document: &[u8]) {
        let is_good = self.status.is_some_and(|status| status.is_success());
        match self.about {
            About::New if is_good && self.server.is_none() => {
                let answer: Value = serde_json::from_slice(document).unwrap_or_default();
                self.server = answer["server"]["id"].as_str().and_then(|id| id.parse().ok());
            }
            About::Address if is_good => {
                let answer: Value = serde_json::from_slice(document).unwrap_or_default();
                let (address, port) = (&answer["floatingip"], &answer["floatingip"]["port_details"]);
                if port["device_owner"].as_str().is_some_and(|owner| owner.starts_with("compute:")) {
                    self.server = port["device_id"].as_str().and_then(|id| id.parse().ok());
                    self.detail = text(address, "id");
                }
            }
            _ => {}
        }
    }

    /// `None`: it was not answered, changes nothing, or the server is not known.
    pub fn told(self) -> Option<Told> {
        let (server, status) = (self.server?, self.status?);
        let content = self.content.lock().read();
        let (action, detail) = match self.about {
            About::New => ("create", None),
            About::Path(action) => (action, self.detail),
            About::Content(key, done) => done(content.get(key).unwrap_or(&Value::Null)),
            About::Action => match content.iter().next() {
                Some((name, value)) if content.len() == 1 => action(name, value)?,
                _ => (OTHER, None),
            },
            About::Address => {
                let has_port =
                    content.get("floatingip").is_some_and(|address| address["port_id"].is_string());
                (has_port.then(|| ActionKind::AttachFloatingIp.name())?, self.detail)
            }
        };
        let detail =
            detail.map(|text| text.chars().filter(|c| !c.is_control()).take(LONGEST_DETAIL).collect());
        Some(Told {
            at: self.at,
            server,
            action,
            detail: detail.filter(|text: &String| !text.is_empty()),
            status,
        })
    }
}

/// Something that has no name here.
const OTHER: &str = "change";

/// What is done to a server at a path below its own, and what the path says of it.
fn of_server(method: &str, rest: &[&str]) -> (About, Option<String>) {
    let kind = |kind: ActionKind| About::Path(kind.name());
    let added = |name: &str| Some(format!("+{name}"));
    let removed = |name: &str| Some(format!("-{name}"));
    match (method, rest) {
        ("POST", ["action"]) => (About::Action, None),
        ("DELETE", []) => (kind(ActionKind::Delete), None),
        ("PUT", []) => (About::Content("server", updated), None),
        ("POST", ["metadata"]) => (About::Content("metadata", labeled), None),
        ("PUT", ["metadata", key]) => (kind(ActionKind::SetMetadata), added(key)),
        ("DELETE", ["metadata", key]) => (kind(ActionKind::SetMetadata), removed(key)),
        (_, ["metadata"]) => (kind(ActionKind::SetMetadata), None),
        ("PUT", ["tags", tag]) => (kind(ActionKind::Tag), added(tag)),
        ("DELETE", ["tags", tag]) => (kind(ActionKind::Tag), removed(tag)),
        (_, ["tags"]) => (kind(ActionKind::Tag), None),
        ("POST", ["os-volume_attachments"]) => (About::Content("volumeAttachment", volume), None),
        ("DELETE", ["os-volume_attachments", volume]) => {
            (kind(ActionKind::DetachVolume), Some((*volume).to_owned()))
        }
        (_, ["os-volume_attachments", volume]) => (About::Path("change_volume"), Some((*volume).to_owned())),
        ("POST", ["os-interface"]) => (About::Content("interfaceAttachment", interface), None),
        ("DELETE", ["os-interface", port]) => (kind(ActionKind::DetachInterface), Some((*port).to_owned())),
        ("DELETE", ["os-server-password"]) => (About::Path("clear_password"), None),
        _ => (About::Path(OTHER), None),
    }
}

fn updated(server: &Value) -> Done {
    match (text(server, "name"), text(server, "description")) {
        (Some(name), _) => (ActionKind::Rename.name(), Some(name)),
        (None, Some(description)) => (ActionKind::Describe.name(), Some(description)),
        (None, None) => (OTHER, None),
    }
}

/// Values are often secrets.
fn labeled(metadata: &Value) -> Done {
    let mut keys: Vec<_> =
        metadata.as_object().into_iter().flatten().map(|(key, _)| format!("+{key}")).collect();
    // As the content has them they come only where the JSON library is built to keep their order.
    keys.sort();
    (ActionKind::SetMetadata.name(), Some(keys.join(" ")))
}

fn volume(attachment: &Value) -> Done {
    (ActionKind::AttachVolume.name(), text(attachment, "volumeId"))
}

fn interface(attachment: &Value) -> Done {
    let what = text(attachment, "net_id").or_else(|| text(attachment, "port_id"));
    (ActionKind::AttachInterface.name(), what)
}

/// What an action's name means, and what it says of it. `None`: it reads, though Nova has it among the actions.
fn action(name: &str, value: &Value) -> Option<Done> {
    let is_hard = text(value, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("hard"));
    let (kind, detail) = match name {
        "os-start" => (ActionKind::Start, None),
        "os-stop" => (ActionKind::Stop, None),
        "reboot" if is_hard => (ActionKind::HardReboot, None),
        "reboot" => (ActionKind::Reboot, None),
        "pause" => (ActionKind::Pause, None),
        "unpause" => (ActionKind::Unpause, None),
        "suspend" => (ActionKind::Suspend, None),
        "resume" => (ActionKind::Resume, None),
        "lock" => (ActionKind::Lock, text(value, "locked_reason")),
        "unlock" => (ActionKind::Unlock, None),
        "shelve" => (ActionKind::Shelve, None),
        "unshelve" => (ActionKind::Unshelve, None),
        "resize" => (ActionKind::Resize, text(value, "flavorRef")),
        "confirmResize" => (ActionKind::ConfirmResize, None),
        "revertResize" => (ActionKind::RevertResize, None),
        "rebuild" => (ActionKind::Rebuild, text(value, "imageRef")),
        "rescue" => (ActionKind::Rescue, text(value, "rescue_image_ref")),
        "unrescue" => (ActionKind::Unrescue, None),
        "createImage" => (ActionKind::Snapshot, text(value, "name")),
        "changePassword" => (ActionKind::SetPassword, None),
        "addSecurityGroup" => (ActionKind::AddSecurityGroup, text(value, "name")),
        "removeSecurityGroup" => (ActionKind::RemoveSecurityGroup, text(value, "name")),
        "addFloatingIp" => (ActionKind::AttachFloatingIp, text(value, "address")),
        "removeFloatingIp" => (ActionKind::DetachFloatingIp, text(value, "address")),
        "forceDelete" => (ActionKind::Delete, None),
        other => return without_kind(other).map(|action| (action, None)),
    };
    Some((kind.name(), detail))
}

/// Actions that the panel offers to nobody.
fn without_kind(name: &str) -> Option<&'static str> {
    Some(match name {
        "addFixedIp" => "add_fixed_ip",
        "createBackup" => "create_backup",
        "evacuate" => "evacuate",
        "migrate" => "migrate",
        "os-migrateLive" => "live_migration",
        "os-resetState" => "reset_state",
        "removeFixedIp" => "remove_fixed_ip",
        "restore" => "restore",
        "shelveOffload" => "shelve_offload",
        "trigger_crash_dump" => "trigger_crash_dump",
        read if read.starts_with("os-get") => return None,
        _ => OTHER,
    })
}

fn text(object: &Value, key: &str) -> Option<String> {
    object[key].as_str().map(str::to_owned)
}

impl Content {
    fn see(&mut self, bytes: &[u8]) {
        let room = MOST_SEEN - self.seen.len();
        self.is_cut |= bytes.len() > room;
        self.seen.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The object that it is; of one that was cut off its first key, with nothing below it. Nothing, where it is none.
    fn read(&self) -> Map<String, Value> {
        if !self.is_cut {
            return serde_json::from_slice(&self.seen).unwrap_or_default();
        }
        let object = self.seen.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
        let first = serde_json::Deserializer::from_slice(object).into_iter::<String>().next();
        first.and_then(Result::ok).map(|key| (key, Value::Null)).into_iter().collect()
    }
}

/// A request's body whose beginning is looked at as it goes by.
struct Watched {
    body: Body,
    content: Arc<Mutex<Content>>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(bytes) = frame.data_ref()
        {
            self.content.lock().see(bytes);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Uri, Version};
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    const SERVER: &str = "40888098-a975-4b4a-a604-a5bd047f6310";

    /// What is told of a write that was answered like this; `{id}` is the server.
    async fn told(
        method: Method,
        path: &str,
        content: &str,
        status: u16,
        answer: (&str, &Value),
    ) -> Option<Told> {
        let uri: Uri =
            format!("/api/cloud/RegionOne/{}", path.replace("{id}", SERVER)).parse().expect("a uri");
        let path = CloudPath::parse(&uri, Version::HTTP_11).expect("a path");
        let mut write = Write::of(&method, &path, DateTime::UNIX_EPOCH)?;
        // In pieces, as a slow sender's.
        let (first, second) = content.split_at(content.len() / 2);
        let pieces = [first, second].map(|piece| Ok::<_, axum::Error>(Bytes::from(piece.to_owned())));
        let body = write.watch(Body::from_stream(futures_util::stream::iter(pieces)));
        assert_eq!(body.collect().await.expect("the content").to_bytes(), content, "it goes on as it came");
        let (place, document) = answer;
        let mut headers = HeaderMap::new();
        if !place.is_empty() {
            headers.insert(header::LOCATION, place.parse().expect("a value"));
        }
        write.answered(StatusCode::from_u16(status).expect("a status"), &headers);
        write.answer(document.to_string().as_bytes());
        write.told()
    }

    /// The words for an accepted write about [`SERVER`].
    async fn words(method: Method, path: &str, content: &str) -> Option<String> {
        let told = told(method, path, content, 202, ("", &Value::Null)).await?;
        assert_eq!(told.server.to_string(), SERVER);
        Some(told.detail.map_or(told.action.to_owned(), |detail| format!("{}: {detail}", told.action)))
    }

    #[tokio::test]
    async fn a_new_server_is_named_by_its_place_or_else_by_the_answer() {
        let place = format!("http://nova:8774/v2.1/servers/{SERVER}");
        let document = json!({"server": {"id": SERVER, "adminPass": "D77ftBynadLn"}});
        for answer in [(&*place, &Value::Null), ("", &document)] {
            let told = told(Method::POST, "compute/servers", "{}", 202, answer).await.expect("a change");
            assert_eq!(
                (told.server.to_string().as_str(), told.action, told.detail),
                (SERVER, "create", None)
            );
        }
        let reserved = json!({"reservation_id": "r-3fhpjulh"});
        for (status, answer) in
            [(202, ("", &reserved)), (202, ("not a place", &Value::Null)), (403, ("", &document))]
        {
            assert_eq!(told(Method::POST, "compute/servers", "{}", status, answer).await, None, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn what_is_done_to_a_server_is_told_in_the_panels_words_where_it_has_some() {
        for (method, path, content, wanted) in [
            ("DELETE", "", "", "delete"),
            ("PUT", "", r#"{"server": {"name": "web\u0000-1", "description": "d"}}"#, "rename: web-1"),
            ("PUT", "", r#"{"server": {"description": "d"}}"#, "describe: d"),
            ("PUT", "", r#"{"server": {"accessIPv4": "192.0.2.1"}}"#, "change"),
            ("POST", "/metadata", r#"{"metadata": {"env": "secret", "b": ""}}"#, "set_metadata: +b +env"),
            ("PUT", "/metadata", r#"{"metadata": {}}"#, "set_metadata"),
            ("PUT", "/metadata/env", r#"{"meta": {"env": "secret"}}"#, "set_metadata: +env"),
            ("DELETE", "/metadata/env", "", "set_metadata: -env"),
            ("PUT", "/tags", r#"{"tags": ["a"]}"#, "tag"),
            ("PUT", "/tags/blue", "", "tag: +blue"),
            ("DELETE", "/tags/blue", "", "tag: -blue"),
            ("DELETE", "/tags", "", "tag"),
            (
                "POST",
                "/os-volume_attachments",
                r#"{"volumeAttachment": {"volumeId": "v"}}"#,
                "attach_volume: v",
            ),
            ("PUT", "/os-volume_attachments/v", "{}", "change_volume: v"),
            ("DELETE", "/os-volume_attachments/v", "", "detach_volume: v"),
            ("POST", "/os-interface", r#"{"interfaceAttachment": {"net_id": "n"}}"#, "attach_interface: n"),
            ("POST", "/os-interface", r#"{"interfaceAttachment": {"port_id": "p"}}"#, "attach_interface: p"),
            ("DELETE", "/os-interface/p", "", "detach_interface: p"),
            ("DELETE", "/os-server-password", "", "clear_password"),
            ("POST", "/of-a-later-nova", r#"{"secret": "s"}"#, "change"),
        ] {
            let method: Method = method.parse().expect("a method");
            let words = words(method, &format!("compute/servers/{{id}}{path}"), content).await;
            assert_eq!(words.as_deref(), Some(wanted), "{path} {content}");
        }
    }

    #[tokio::test]
    async fn an_action_is_told_by_its_name_and_never_with_a_secret() {
        let long =
            format!(r#" {{"rebuild": {{"user_data": "{}", "imageRef": "i"}}}}"#, "x".repeat(MOST_SEEN));
        for (content, wanted) in [
            (r#"{"os-start": null}"#, Some("start")),
            (r#"{"reboot": {"type": "SOFT"}}"#, Some("reboot")),
            (r#"{"reboot": {"type": "hard"}}"#, Some("hard_reboot")),
            (r#"{"lock": {"locked_reason": "audit"}}"#, Some("lock: audit")),
            (r#"{"changePassword": {"adminPass": "hunter2"}}"#, Some("set_password")),
            (r#"{"rescue": {"adminPass": "hunter2", "rescue_image_ref": "i"}}"#, Some("rescue: i")),
            (r#"{"rebuild": {"adminPass": "hunter2", "imageRef": "i"}}"#, Some("rebuild: i")),
            (r#"{"addSecurityGroup": {"name": "web"}}"#, Some("add_security_group: web")),
            (r#"{"os-migrateLive": {"host": null}}"#, Some("live_migration")),
            (r#"{"os-st\u0061rt": null}"#, Some("start")),
            // Too long to be read whole.
            (&long, Some("rebuild")),
            // What Nova refuses.
            (r#"{"hunter2": {}}"#, Some("change")),
            (r#"{"os-start": null, "os-stop": null}"#, Some("change")),
            ("hunter2", Some("change")),
            // No changes.
            (r#"{"os-getConsoleOutput": {"length": 50}}"#, None),
            (r#"{"os-getVNCConsole": {"type": "novnc"}}"#, None),
        ] {
            let words = words(Method::POST, "compute/servers/{id}/action", content).await;
            assert_eq!(words.as_deref(), wanted, "{content}");
        }
    }

    #[tokio::test]
    async fn a_floating_ip_is_a_servers_when_it_gets_to_lead_to_its_port() {
        let port = |owner: &str| json!({"device_id": SERVER, "device_owner": owner});
        let answer = |details: Value| json!({"floatingip": {"id": "f-1", "port_details": details}});
        let (leads, described) =
            (r#"{"floatingip": {"port_id": "p"}}"#, r#"{"floatingip": {"description": "d"}}"#);
        let put = async |content, status, answer: Value| {
            let told = told(Method::PUT, "network/floatingips/f-1", content, status, ("", &answer)).await;
            told.map(|told| (told.server.to_string(), told.action, told.detail))
        };
        let attached = Some((SERVER.to_owned(), "attach_floating_ip", Some("f-1".to_owned())));
        assert_eq!(put(leads, 200, answer(port("compute:nova"))).await, attached);
        assert_eq!(put(leads, 200, answer(port("network:dhcp"))).await, None);
        assert_eq!(put(described, 200, answer(port("compute:nova"))).await, None);
        assert_eq!(put(r#"{"floatingip": {"port_id": null}}"#, 200, answer(Value::Null)).await, None);
        assert_eq!(put(leads, 409, json!({"NeutronError": {}})).await, None);
    }

    #[tokio::test]
    async fn what_reads_or_is_about_no_server_is_no_change() {
        for (method, path) in [
            (Method::GET, "compute/servers/{id}"),
            (Method::HEAD, "compute/servers/{id}"),
            (Method::POST, "compute/os-keypairs"),
            (Method::DELETE, "compute/servers/no-id"),
            (Method::POST, "network/ports"),
            (Method::DELETE, "network/floatingips/{id}"),
            (Method::POST, "image/servers"),
        ] {
            assert_eq!(told(method, path, "{}", 200, ("", &Value::Null)).await, None, "{path}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told_with_its_status_and_nothing_without_an_answer() {
        let refused = told(Method::DELETE, "compute/servers/{id}", "", 409, ("", &Value::Null)).await;
        assert_eq!(refused.expect("a change").status, StatusCode::CONFLICT);
        let uri: Uri = format!("/api/cloud/RegionOne/compute/servers/{SERVER}").parse().expect("a uri");
        let path = CloudPath::parse(&uri, Version::HTTP_11).expect("a path");
        let write = Write::of(&Method::DELETE, &path, DateTime::UNIX_EPOCH).expect("a write");
        assert_eq!(write.told(), None);
    }
}
