//! One server with everything its region says about it. What cannot be had of it is missing by itself.

use std::time::Duration;

use api_types::{
    ErrorBody, ProjectId, Region, ServerId,
    servers::{
        ServerDetail,
        detail::{AttachedVolume, InstanceAction, Interface, Part, SecurityGroup, UpstreamCall},
    },
};
use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use tokio::{
    join,
    time::{Instant, timeout},
};

use super::{
    decode::{Names, Owner, decode_row, seconds_of},
    index::ServerIndexes,
    route::{ServerOfRoute, no_such_region},
    upstream::{Place, ServersUpstream},
};
use crate::{
    error::{ApiError, seconds_up},
    session::{ProjectCaller, ProjectScope, Scopes, Verdict},
    upstream::{Answer, UpstreamError},
};

/// Shows one server. Its volumes, security groups, interfaces and history are asked for side by side.
///
/// Errors: 400 no id, 404 no such region or server in this project, 504 the region does not answer in time, and those
/// of [`ProjectCaller`].
pub async fn show_server(
    caller: ProjectCaller,
    State(indexes): State<ServerIndexes>,
    State(scopes): State<Scopes>,
    ServerOfRoute { region, server }: ServerOfRoute,
) -> Result<Json<ServerDetail>, ApiError> {
    let shown = Shown { upstream: indexes.upstream(), region: &region, server, caller: &caller };
    let detail = match shown.fetch(&indexes, &caller.scope).await {
        // The token may be over, or the service mistaken: Keystone knows.
        Err(ApiError::Upstream { source, .. }) if source.status() == Some(StatusCode::UNAUTHORIZED) => {
            match scopes.refresh(&caller.session, &caller.scope).await? {
                Verdict::Valid(renewed) => shown.fetch(&indexes, &renewed).await?,
                Verdict::NoRole => return Err(ApiError::NoSuchProject { id: caller.project.to_string() }),
                Verdict::Ended => return Err(ApiError::SessionEnded),
            }
        }
        result => result?,
    };
    Ok(Json(detail))
}

/// What is asked for.
struct Shown<'a> {
    upstream: &'a ServersUpstream,
    region: &'a Region,
    server: ServerId,
    caller: &'a ProjectCaller,
}

impl Shown<'_> {
    async fn fetch(&self, indexes: &ServerIndexes, scope: &ProjectScope) -> Result<ServerDetail, ApiError> {
        let place =
            self.upstream.compute(scope, self.region).ok_or_else(|| no_such_region(self.region.as_str()))?;
        let place = place.on_behalf(self.caller.on_behalf(&scope.project));
        let (server, volumes, groups, interfaces, actions) = join!(
            self.told("", self.upstream.show_server(&place, self.server)),
            self.part::<Volumes>(&place, "os-volume_attachments"),
            self.part::<Groups>(&place, "os-security-groups"),
            self.part::<Interfaces>(&place, "os-interface"),
            self.part::<Actions>(&place, "os-instance-actions"),
        );
        let (server, of_server) = server;
        let answer = server.map_err(|error| self.refusal(&place, error))?;
        let index = indexes.find(scope, self.region);
        let names = index.as_ref().map(|index| index.names()).unwrap_or_default();
        let ReadServer { mut detail, is_gone, is_ours } =
            read_server(&answer, self.region, &names, &scope.project)
                .map_err(ApiError::upstream(&place.target))?;
        if !is_ours {
            return Err(self.not_found());
        }
        if let (Some(index), false) = (index, is_gone) {
            // The list learns what the page shows.
            indexes.merge(&index, &detail.row);
        }
        detail.volumes = volumes.0;
        detail.security_groups = groups.0;
        detail.interfaces = interfaces.0;
        detail.actions = actions.0;
        detail.calls = vec![of_server, volumes.1, groups.1, interfaces.1, actions.1];
        Ok(detail)
    }

    fn refusal(&self, place: &Place<'_>, error: UpstreamError) -> ApiError {
        if error.status() == Some(StatusCode::NOT_FOUND) {
            return self.not_found();
        }
        ApiError::upstream(&place.target)(error)
    }

    fn not_found(&self) -> ApiError {
        ApiError::NotFound { kind: "server", id: self.server.to_string() }
    }

    async fn part<T: ServerPart>(&self, place: &Place<'_>, name: &str) -> (Part<Vec<T::Item>>, UpstreamCall) {
        // Waiting for its turn included: whatever keeps one part is not to keep the page.
        let within = PART_WITHIN.min(self.upstream.client.config().timeout);
        let asking = async {
            let result = timeout(within, self.upstream.show_part(place, self.server, name)).await;
            result.unwrap_or(Err(UpstreamError::Timeout { after: within }))
        };
        let (result, told) = self.told(name, asking).await;
        let part = match result.and_then(|answer| answer.json::<T>()) {
            Ok(part) => Part::Known(part.items()),
            Err(error) => {
                let missing = ApiError::upstream(&place.target)(error);
                Part::Missing(ErrorBody {
                    code: missing.code().to_owned(),
                    message: missing.sentence(),
                    request_id: self.caller.request_id.0.to_string(),
                    retry_after_secs: missing.retry_after().map(seconds_up),
                })
            }
        };
        (part, told)
    }

    /// Asks, and tells the call as the page shows it.
    async fn told(
        &self,
        part: &str,
        asking: impl Future<Output = Result<Answer, UpstreamError>>,
    ) -> (Result<Answer, UpstreamError>, UpstreamCall) {
        let asked_at = Instant::now();
        let result = asking.await;
        let (status, upstream_request_id) = match &result {
            Ok(answer) => (Some(answer.status), answer.request_id()),
            Err(error) => (error.status(), error.request_id().map(str::to_owned)),
        };
        let version = result.as_ref().ok().and_then(|answer| answer.header("openstack-api-version"));
        let call = UpstreamCall {
            path: format!("servers/{}/{part}", self.server).trim_end_matches('/').to_owned(),
            microversion: version.map(str::to_owned),
            status: status.map(|status| status.as_u16()),
            duration_ms: u32::try_from(asked_at.elapsed().as_millis()).unwrap_or(u32::MAX),
            request_id: self.caller.request_id.0.to_string(),
            upstream_request_id,
        };
        (result, call)
    }
}

/// A part that takes longer is missing: for some of them Nova asks Neutron, which may hang by itself.
const PART_WITHIN: Duration = Duration::from_secs(5);

/// What an answer says of a server.
struct ReadServer {
    /// The server itself; its other parts are empty still.
    detail: ServerDetail,
    /// It is only a deleted one's remains.
    is_gone: bool,
    /// To an administrator Nova shows the servers of every project.
    is_ours: bool,
}

fn read_server(
    answer: &Answer,
    region: &Region,
    names: &Names,
    project: &ProjectId,
) -> Result<ReadServer, UpstreamError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        server: &'a RawValue,
    }
    let malformed = |error: serde_json::Error| UpstreamError::Malformed { reason: error.to_string() };
    let body: Body<'_> = serde_json::from_slice(&answer.body).map_err(malformed)?;
    let raw: Value = serde_json::from_str(body.server.get()).map_err(malformed)?;
    let row = decode_row(body.server, names);
    let is_gone = super::decode::is_gone(&row);
    let is_ours = Owner::of(body.server).may_be(project);
    let text =
        |key: &str| raw.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let detail = ServerDetail {
        region: region.clone(),
        description: text("description"),
        key_name: text("key_name"),
        user_id: text("user_id"),
        host_id: text("hostId"),
        power_state: raw.get("OS-EXT-STS:power_state").and_then(Value::as_i64),
        vm_state: text("OS-EXT-STS:vm_state"),
        launched_at: text("OS-SRV-USG:launched_at").map(|time| seconds_of(&time)).filter(|time| *time > 0),
        locked_reason: text("locked_reason"),
        // "True" or nothing, in Python's spelling.
        config_drive: raw.get("config_drive").and_then(Value::as_str).map(|text| !text.is_empty()),
        volumes: Part::Known(Vec::new()),
        security_groups: Part::Known(Vec::new()),
        interfaces: Part::Known(Vec::new()),
        actions: Part::Known(Vec::new()),
        row,
        raw,
        calls: Vec::new(),
    };
    Ok(ReadServer { detail, is_gone, is_ours })
}

/// The answer to one of the further calls; an item that cannot be read is left out.
trait ServerPart: DeserializeOwned {
    type Item;
    fn items(self) -> Vec<Self::Item>;
}

/// Source: compute API, list volume attachments.
#[derive(Deserialize)]
struct Volumes {
    #[serde(rename = "volumeAttachments")]
    attachments: Vec<Value>,
}

/// Source: compute API, list security groups by server.
#[derive(Deserialize)]
struct Groups {
    security_groups: Vec<Value>,
}

/// Source: compute API, list port interfaces.
#[derive(Deserialize)]
struct Interfaces {
    #[serde(rename = "interfaceAttachments")]
    attachments: Vec<Value>,
}

/// Source: compute API, list actions for server.
#[derive(Deserialize)]
struct Actions {
    #[serde(rename = "instanceActions")]
    actions: Vec<Value>,
}

impl ServerPart for Volumes {
    type Item = AttachedVolume;

    fn items(self) -> Vec<AttachedVolume> {
        let read = |item: Value| {
            Some(AttachedVolume {
                id: text_of(&item, "volumeId")?,
                device: text_of(&item, "device"),
                delete_on_termination: item
                    .get("delete_on_termination")
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
            })
        };
        self.attachments.into_iter().filter_map(read).collect()
    }
}

impl ServerPart for Groups {
    type Item = SecurityGroup;

    fn items(self) -> Vec<SecurityGroup> {
        let read = |item: Value| {
            Some(SecurityGroup {
                id: text_of(&item, "id").unwrap_or_default(),
                name: text_of(&item, "name")?,
                description: text_of(&item, "description").unwrap_or_default(),
            })
        };
        self.security_groups.into_iter().filter_map(read).collect()
    }
}

impl ServerPart for Interfaces {
    type Item = Interface;

    fn items(self) -> Vec<Interface> {
        let read = |item: Value| {
            let ips = item.get("fixed_ips").and_then(Value::as_array).into_iter().flatten();
            Some(Interface {
                port_id: text_of(&item, "port_id")?,
                network_id: text_of(&item, "net_id").unwrap_or_default(),
                mac_address: text_of(&item, "mac_addr").unwrap_or_default(),
                status: text_of(&item, "port_state").unwrap_or_default(),
                fixed_ips: ips.filter_map(|ip| text_of(ip, "ip_address")).collect(),
            })
        };
        self.attachments.into_iter().filter_map(read).collect()
    }
}

impl ServerPart for Actions {
    type Item = InstanceAction;

    fn items(self) -> Vec<InstanceAction> {
        let read = |item: Value| {
            Some(InstanceAction {
                action: text_of(&item, "action")?,
                request_id: text_of(&item, "request_id").unwrap_or_default(),
                user_id: text_of(&item, "user_id"),
                started_at: text_of(&item, "start_time").map_or(0, |time| seconds_of(&time)),
                message: text_of(&item, "message"),
            })
        };
        self.actions.into_iter().filter_map(read).collect()
    }
}

fn text_of(item: &Value, key: &str) -> Option<String> {
    item.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use bytes::Bytes;

    use super::*;

    fn answer(body: &'static [u8]) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: Bytes::from_static(body) }
    }

    fn detail(body: &'static [u8]) -> ServerDetail {
        let region = "RegionOne".parse().expect("a region");
        let project = "8a5381e0392d4755a2dd73218e643a8f".parse().expect("a project");
        let read = read_server(&answer(body), &region, &Names::default(), &project).expect("a server");
        assert!(read.is_ours);
        read.detail
    }

    #[test]
    fn a_recorded_server_is_shown_whole_with_the_answer_as_it_came() {
        let shown = detail(include_bytes!("fixtures/server-as-admin.json"));
        assert_eq!(
            (shown.description.as_deref(), shown.key_name.as_deref()),
            (Some("a sample"), Some("laptop"))
        );
        assert_eq!((shown.power_state, shown.vm_state.as_deref()), (Some(1), Some("active")));
        assert_eq!((shown.launched_at, shown.config_drive), (Some(1_795_201_369), Some(false)));
        assert_eq!(shown.raw["OS-EXT-SRV-ATTR:host"], "r1-compute-1");
        assert_eq!(shown.row.tags, ["one"]);
        let locked = detail(include_bytes!("fixtures/server-locked.json"));
        assert!(locked.row.is_locked && locked.locked_reason.as_deref() == Some("audit"));
        let deleting = detail(include_bytes!("fixtures/server-deleting.json"));
        assert_eq!(deleting.row.task_state.as_deref(), Some("deleting"));
        let offloaded = detail(include_bytes!("fixtures/server-shelved-offloaded.json"));
        assert_eq!((offloaded.power_state, offloaded.row.status.as_str()), (Some(4), "SHELVED_OFFLOADED"));
        assert!(detail(include_bytes!("fixtures/server-fault.json")).row.fault.is_some());
    }

    #[test]
    fn the_recorded_parts_of_a_server_are_read() {
        let volumes: Volumes =
            answer(include_bytes!("fixtures/volume-attachments.json")).json().expect("volumes");
        assert_eq!(volumes.items()[0].device.as_deref(), Some("/dev/sdb"));
        let groups: Groups = answer(include_bytes!("fixtures/security-groups.json")).json().expect("groups");
        assert_eq!(groups.items().iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["default", "web"]);
        let ports: Interfaces =
            answer(include_bytes!("fixtures/interfaces.json")).json().expect("interfaces");
        assert_eq!(ports.items()[0].fixed_ips, ["10.11.3.157"]);
        let actions: Actions =
            answer(include_bytes!("fixtures/instance-actions.json")).json().expect("actions");
        let history = actions.items();
        assert_eq!((history.len(), history[0].action.as_str()), (3, "detach_interface"));
        assert_eq!(history[0].started_at, 1_795_201_396);
    }

    #[test]
    fn one_odd_item_of_a_part_does_not_hide_the_others() {
        let body = br#"{"volumeAttachments": [null, {"volumeId": 5}, {"volumeId": "v1", "device": null}]}"#;
        let volumes: Volumes = answer(body).json().expect("volumes");
        let items = volumes.items();
        assert_eq!((items.len(), items[0].id.as_str(), items[0].device.as_deref()), (1, "v1", None));
    }
}
