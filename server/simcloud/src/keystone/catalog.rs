//! Where the services are: versions, the service catalog, regions and endpoints.

use serde_json::{Value, json};

use super::{admin_token, caller_token, links, self_link};
use crate::errors::keystone as errors;
use crate::faults::Service;
use crate::http::{Answer, Call, Handled};
use crate::identity::Scope;
use crate::runtime::Shared;

/// An entry of the catalog.
struct Entry {
    service: Service,
    kind: &'static str,
    name: &'static str,
    /// What follows the service's address.
    path: &'static str,
}

const fn entry(service: Service, kind: &'static str, name: &'static str, path: &'static str) -> Entry {
    Entry { service, kind, name, path }
}

/// The services of the catalog. Block storage stands in it under its present and its older type.
const ENTRIES: &[Entry] = &[
    entry(Service::Compute, "compute", "nova", "/v2.1"),
    entry(Service::Image, "image", "glance", ""),
    entry(Service::Network, "network", "neutron", ""),
    entry(Service::BlockStorage, "block-storage", "cinder", "/v3"),
    entry(Service::BlockStorage, "volumev3", "cinderv3", "/v3/$(project_id)s"),
    entry(Service::Identity, "identity", "keystone", "/v3"),
];
const INTERFACES: [&str; 3] = ["public", "internal", "admin"];

/// `GET /`: 300 with the one version there is.
pub fn versions(call: &Call) -> Answer {
    let body = json!({"versions": {"values": [version_json(call)]}});
    Answer::json(300, &body).header("location", format!("{}/v3/", call.base_url))
}

/// `GET /v3`
pub fn version(call: &Call) -> Answer {
    Answer::json(200, &json!({"version": version_json(call)}))
}

fn version_json(call: &Call) -> Value {
    json!({
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": format!("{}/v3/", call.base_url)}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

/// The service catalog of a token: every service in every region at three interfaces. An address with
/// the project in it is left out where the token has none.
pub fn catalog(shared: &Shared, project_id: Option<&str>) -> Value {
    let shown = |entry: &Entry| {
        let endpoints =
            endpoints_of(shared, entry).into_iter().filter_map(|endpoint| endpoint.of(project_id));
        let endpoints: Vec<Value> = endpoints.map(|endpoint| endpoint.json()).collect();
        json!({
            "endpoints": endpoints, "id": service_id(shared, entry), "type": entry.kind, "name": entry.name,
        })
    };
    ENTRIES.iter().map(shown).collect()
}

/// `GET /v3/auth/catalog`
pub fn show_catalog(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    if token.scope == Scope::Unscoped {
        return Err(errors::forbidden("identity:get_auth_catalog"));
    }
    let links = json!({"self": self_link(call)});
    Ok(Answer::json(
        200,
        &json!({"catalog": catalog(shared, token.project_id().map(|id| &**id)), "links": links}),
    ))
}

/// `GET /v3/regions`
pub fn list_regions(shared: &Shared, call: &Call) -> Handled {
    caller_token(shared, &shared.world.identity.read(), call)?;
    let mut names: Vec<&str> = shared.world.regions.iter().map(|region| region.name.as_str()).collect();
    names.sort_unstable();
    let region = |name: &str| {
        json!({
            "id": name,
            "description": "",
            "parent_region_id": null,
            "links": {"self": format!("{}/v3/regions/{name}", call.base_url)},
        })
    };
    let regions: Vec<Value> = names.into_iter().map(region).collect();
    Ok(Answer::json(200, &json!({"regions": regions, "links": links(call)})))
}

/// `GET /v3/endpoints`, for administrators.
pub fn list_endpoints(shared: &Shared, call: &Call) -> Handled {
    admin_token(shared, &shared.world.identity.read(), call, "identity:list_endpoints")?;
    let all = ENTRIES
        .iter()
        .flat_map(|entry| endpoints_of(shared, entry).into_iter().map(move |endpoint| (entry, endpoint)));
    let described = |(entry, endpoint): (&Entry, Endpoint)| {
        json!({
            "id": endpoint.id,
            "interface": endpoint.interface,
            "region_id": endpoint.region,
            "service_id": service_id(shared, entry),
            "url": endpoint.url,
            "enabled": true,
            "region": endpoint.region,
            "links": {"self": format!("{}/v3/endpoints/{}", call.base_url, endpoint.id)},
        })
    };
    let endpoints: Vec<Value> = all.map(described).collect();
    Ok(Answer::json(200, &json!({"endpoints": endpoints, "links": links(call)})))
}

struct Endpoint {
    id: String,
    interface: &'static str,
    region: String,
    url: String,
}

impl Endpoint {
    /// The endpoint with a project in its address, where it needs one.
    fn of(mut self, project_id: Option<&str>) -> Option<Endpoint> {
        if self.url.contains("$(project_id)s") {
            self.url = self.url.replace("$(project_id)s", project_id?);
        }
        Some(self)
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "interface": self.interface,
            "region_id": self.region,
            "url": self.url,
            "region": self.region,
        })
    }
}

fn endpoints_of(shared: &Shared, entry: &Entry) -> Vec<Endpoint> {
    let ids = &shared.world.ids;
    let of_region = |(number, region): (usize, &crate::world::Region)| {
        let of = (entry.service != Service::Identity).then_some(number);
        let url = format!("{}{}", shared.url(entry.service, of), entry.path);
        let name = region.name.clone();
        let url = shared.faults.address(&name, entry.service).unwrap_or(url);
        INTERFACES.map(move |interface| Endpoint {
            id: ids.hex(&["endpoint", entry.kind, &name, interface]),
            interface,
            region: name.clone(),
            url: url.clone(),
        })
    };
    shared.world.regions.iter().enumerate().flat_map(of_region).collect()
}

fn service_id(shared: &Shared, entry: &Entry) -> String {
    shared.world.ids.hex(&["service", entry.kind])
}
