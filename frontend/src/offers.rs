//! What a region offers a project to make servers of, and how much of it the project may use. Shared by the features
//! that choose from it and those that manage it.

mod image;
mod price;
mod quota;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use web_sys::AbortSignal;

use crate::cloud::{Cloud, CloudCall, CloudError, Service, encoded};

pub use image::{Image, Origin, family_name, list_images, moment};
pub use price::Price;
pub use quota::{Limits, Room, show_limits};

/// What the panel asks Nova by: flavors with their extra specs, tags and descriptions on making a server, and key
/// pairs that Nova itself makes, which it does up to 2.91.
pub const COMPUTE_VERSION: &str = "compute 2.79";

/// Source: compute API, list flavors with details.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Flavor {
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    #[serde(rename = "ram")]
    pub ram_mib: u32,
    #[serde(rename = "disk")]
    pub disk_gib: u32,
    #[serde(default, rename = "OS-FLV-EXT-DATA:ephemeral")]
    pub ephemeral_gib: u32,
    #[serde(default, rename = "OS-FLV-DISABLED:disabled")]
    pub is_disabled: bool,
    #[serde(default = "yes", rename = "os-flavor-access:is_public")]
    pub is_public: bool,
    #[serde(default)]
    pub description: Option<String>,
    /// Left out by clouds that tell them to administrators only.
    #[serde(default)]
    pub extra_specs: BTreeMap<String, String>,
}

impl Flavor {
    /// What an hour of it costs, where the operator wrote that down.
    pub fn price(&self) -> Option<Price> {
        self.extra_specs.get(Price::EXTRA_SPEC).and_then(|text| Price::parse(text))
    }
}

/// Source: network API, list networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Network {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub shared: bool,
    #[serde(default, rename = "router:external")]
    pub is_external: bool,
    #[serde(default)]
    pub subnets: Vec<String>,
    #[serde(default)]
    pub status: String,
}

/// Source: network API, list security groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: String,
}

/// Source: compute API, list key pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct KeyPair {
    pub name: String,
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub public_key: String,
    #[serde(default, rename = "type")]
    pub kind: String,
}

/// Source: compute API, list server groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ServerGroup {
    pub id: String,
    pub name: String,
    /// From 2.64.
    #[serde(default)]
    pub policy: String,
    /// Ids of servers.
    #[serde(default)]
    pub members: Vec<String>,
}

/// All flavors the project may use, by size.
pub async fn list_flavors(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Vec<Flavor>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        flavors: Vec<Flavor>,
    }
    const PAGE: usize = 1000;
    let mut all: Vec<Flavor> = Vec::new();
    loop {
        let after = all.last().map(|last| format!("&marker={}", encoded(&last.id))).unwrap_or_default();
        let path = format!("flavors/detail?limit={PAGE}{after}");
        let page: Answer = compute(cloud.get(Service::Compute, &path), until).json().await?;
        let is_last = page.flavors.len() < PAGE;
        all.extend(page.flavors);
        if is_last {
            break;
        }
    }
    all.sort_by(|a, b| {
        (a.vcpus, a.ram_mib, a.disk_gib, &a.name).cmp(&(b.vcpus, b.ram_mib, b.disk_gib, &b.name))
    });
    Ok(all)
}

/// The networks a server can be on: the project's own and what others share with it, external ones last.
pub async fn list_networks(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Vec<Network>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        networks: Vec<Network>,
    }
    let call = until_is(cloud.get(Service::Network, "networks"), until);
    let mut networks = call.json::<Answer>().await?.networks;
    networks.sort_by(|a, b| (a.is_external, a.shared, &a.name).cmp(&(b.is_external, b.shared, &b.name)));
    Ok(networks)
}

/// The project's security groups by name.
pub async fn list_security_groups(
    cloud: &Cloud,
    until: Option<&AbortSignal>,
) -> Result<Vec<SecurityGroup>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        security_groups: Vec<SecurityGroup>,
    }
    // An administrator would be given those of all projects.
    let path =
        format!("security-groups?fields=id&fields=name&fields=description&project_id={}", cloud.project);
    let mut groups =
        until_is(cloud.get(Service::Network, &path), until).json::<Answer>().await?.security_groups;
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

/// The caller's own key pairs by name.
pub async fn list_key_pairs(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Vec<KeyPair>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        keypairs: Vec<Wrapped>,
    }
    #[derive(Deserialize)]
    struct Wrapped {
        keypair: KeyPair,
    }
    let answer: Answer = compute(cloud.get(Service::Compute, "os-keypairs"), until).json().await?;
    let mut pairs: Vec<_> = answer.keypairs.into_iter().map(|wrapped| wrapped.keypair).collect();
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pairs)
}

/// A key pair that was made, and the private key where Nova made it: told this once and never again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MadeKeyPair {
    pub name: String,
    #[serde(default)]
    pub fingerprint: String,
    #[serde(default)]
    pub private_key: Option<String>,
}

/// Makes a key pair, or takes over a public key.
pub async fn create_key_pair(
    cloud: &Cloud,
    name: &str,
    public_key: Option<&str>,
) -> Result<MadeKeyPair, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        keypair: MadeKeyPair,
    }
    let mut pair = serde_json::json!({"name": name, "type": "ssh"});
    if let Some(key) = public_key {
        pair["public_key"] = Value::from(key);
    }
    let call = cloud.post(Service::Compute, "os-keypairs").body(&serde_json::json!({"keypair": pair}));
    compute(call, None).json::<Answer>().await.map(|answer| answer.keypair)
}

pub async fn list_server_groups(
    cloud: &Cloud,
    until: Option<&AbortSignal>,
) -> Result<Vec<ServerGroup>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        server_groups: Vec<ServerGroup>,
    }
    let answer: Answer = compute(cloud.get(Service::Compute, "os-server-groups"), until).json().await?;
    let mut groups = answer.server_groups;
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

/// The names of the availability zones that take servers.
pub async fn list_zones(cloud: &Cloud, until: Option<&AbortSignal>) -> Result<Vec<String>, CloudError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        availability_zone_info: Vec<Zone>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Zone {
        zone_name: String,
        zone_state: State,
    }
    #[derive(Deserialize)]
    struct State {
        available: bool,
    }
    let answer: Answer = compute(cloud.get(Service::Compute, "os-availability-zone"), until).json().await?;
    let zones = answer.availability_zone_info.into_iter();
    Ok(zones.filter(|zone| zone.zone_state.available).map(|zone| zone.zone_name).collect())
}

/// A call to Nova as of [`COMPUTE_VERSION`].
pub fn compute(call: CloudCall, until: Option<&AbortSignal>) -> CloudCall {
    until_is(call.header("openstack-api-version", COMPUTE_VERSION), until)
}

pub fn until_is(call: CloudCall, until: Option<&AbortSignal>) -> CloudCall {
    match until {
        Some(until) => call.until(until),
        None => call,
    }
}

fn yes() -> bool {
    true
}
