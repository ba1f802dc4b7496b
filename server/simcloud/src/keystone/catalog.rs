//! Where the services are: versions, the service catalog, regions and endpoints.

use serde_json::{Value, json};

use super::{admin_token, caller_token, links, self_link};
use crate::errors::keystone as errors;
use crate::faults::Service;
use crate::http::{Answer, Call, Handled};
use crate::identity::Scope;
use crate::runtime::Shared;

/// The services of the catalog: type and name.
const SERVICES: [(Service, &str); 4] = [
    (Service::Compute, "nova"),
    (Service::Image, "glance"),
    (Service::Network, "neutron"),
    (Service::Identity, "keystone"),
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

/// The service catalog of a token: every service in every region at three interfaces.
pub fn catalog(shared: &Shared) -> Value {
    let entry = |(service, name): (Service, &str)| {
        let endpoints: Vec<Value> = endpoints_of(shared, service).iter().map(Endpoint::json).collect();
        json!({"endpoints": endpoints, "id": service_id(shared, service), "type": service.as_str(), "name": name})
    };
    SERVICES.into_iter().map(entry).collect()
}

/// `GET /v3/auth/catalog`
pub fn show_catalog(shared: &Shared, call: &Call) -> Handled {
    let identity = shared.world.identity.read();
    let token = caller_token(shared, &identity, call)?;
    if token.scope == Scope::Unscoped {
        return Err(errors::forbidden("identity:get_auth_catalog"));
    }
    let links = json!({"self": self_link(call)});
    Ok(Answer::json(200, &json!({"catalog": catalog(shared), "links": links})))
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
    let all = SERVICES.into_iter().flat_map(|(service, _)| {
        endpoints_of(shared, service).into_iter().map(move |endpoint| (service, endpoint))
    });
    let described = |(service, endpoint): (Service, Endpoint)| {
        json!({
            "id": endpoint.id,
            "interface": endpoint.interface,
            "region_id": endpoint.region,
            "service_id": service_id(shared, service),
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

fn endpoints_of(shared: &Shared, service: Service) -> Vec<Endpoint> {
    let ids = &shared.world.ids;
    let of_region = |(number, region): (usize, &crate::world::Region)| {
        let url = match service {
            Service::Identity => format!("{}/v3", shared.url(service, None)),
            Service::Compute => format!("{}/v2.1", shared.url(service, Some(number))),
            Service::Image | Service::Network => shared.url(service, Some(number)).to_owned(),
        };
        let name = region.name.clone();
        let url = shared.faults.address(&name, service).unwrap_or(url);
        INTERFACES.map(move |interface| Endpoint {
            id: ids.hex(&["endpoint", service.as_str(), &name, interface]),
            interface,
            region: name.clone(),
            url: url.clone(),
        })
    };
    shared.world.regions.iter().enumerate().flat_map(of_region).collect()
}

fn service_id(shared: &Shared, service: Service) -> String {
    shared.world.ids.hex(&["service", service.as_str()])
}
