//! The knobs of a running cloud, for tests and for people: faults, latency, the log of calls, servers
//! put in past all validation, tokens and users.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::calls::CallRecord;
use crate::clock::whole_seconds;
use crate::consoles::registry::ScreenKey;
use crate::faults::{ActiveFault, Fault, Service};
use crate::ids;
use crate::latency::Latency;
use crate::runtime::Shared;
use crate::seed::offers::deleted_flavor;
use crate::server::{Nic, Rare, ServerFault, SimServer, VolumeAttachment, state_of};
use crate::totp;
use crate::world::Region;

/// A handle to the knobs. Where a region, project or user does not exist, the call panics: the test
/// that makes it is wrong.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

/// A server to put in as it is, without the validation of Nova's API.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewServer {
    /// Any name, however hostile.
    pub name: String,
    /// Nova's state follows from it; a status unknown to Nova is shown as it is.
    pub status: String,
    pub task_state: Option<String>,
    /// By name. A name the region does not have stands for a flavor deleted since.
    pub flavor: String,
    /// By name or id. Anything else is taken for the id of an image that is gone; `None` boots from a
    /// volume.
    pub image: Option<String>,
    /// `None`: one IPv4 address in the network `private`.
    pub addresses: Option<Vec<NewAddress>>,
    pub tags: Vec<String>,
    pub metadata: Vec<(String, String)>,
    /// `None`: now.
    pub created_at: Option<DateTime<Utc>>,
    pub availability_zone: String,
    pub key_name: Option<String>,
    pub description: Option<String>,
    /// Makes it a fault of code 500 with this message.
    pub fault: Option<String>,
    pub is_locked: bool,
    pub security_groups: Vec<String>,
    /// How many volumes are attached, beside the one it booted from.
    pub volumes: usize,
    /// Replaces or adds fields of the JSON that Nova shows: `{"name": null}`.
    pub overrides: Map<String, Value>,
}

/// An address of a new server. Those of one network share a card; a floating one needs a fixed one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAddress {
    /// The network's name.
    pub network: String,
    pub address: IpAddr,
    #[serde(default)]
    pub is_floating: bool,
}

/// What tests ask of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerSummary {
    pub id: String,
    pub name: String,
    pub status: String,
    pub task_state: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub tags: Vec<String>,
    pub addresses: Vec<IpAddr>,
}

impl Default for NewServer {
    fn default() -> Self {
        NewServer {
            name: "server".to_owned(),
            status: "ACTIVE".to_owned(),
            task_state: None,
            flavor: "m1.small".to_owned(),
            image: Some("debian-12".to_owned()),
            addresses: None,
            tags: Vec::new(),
            metadata: Vec::new(),
            created_at: None,
            availability_zone: "az-1".to_owned(),
            key_name: None,
            description: None,
            fault: None,
            is_locked: false,
            security_groups: vec!["default".to_owned()],
            volumes: 0,
            overrides: Map::new(),
        }
    }
}

impl NewAddress {
    pub fn fixed(network: &str, address: impl Into<IpAddr>) -> Self {
        NewAddress { network: network.to_owned(), address: address.into(), is_floating: false }
    }

    pub fn floating(network: &str, address: impl Into<IpAddr>) -> Self {
        NewAddress { is_floating: true, ..NewAddress::fixed(network, address) }
    }
}

/// Faults, latency and the log.
impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Control { shared }
    }

    /// Makes a service of a region misbehave, or behave again with `None`. The region `*` stands for
    /// all; the identity service belongs to none.
    pub fn set_fault(&self, region: &str, service: Service, fault: Option<Fault>) {
        if region != "*" && service != Service::Identity {
            self.region(region);
        }
        self.shared.faults.set(region, service, fault);
    }

    /// Lets the catalogs of tokens to come name this address for a service of a region, or its own again with `None`:
    /// for upstreams that a test brings along.
    pub fn set_address(&self, region: &str, service: Service, url: Option<&str>) {
        self.region(region);
        self.shared.faults.set_address(region, service, url.map(str::to_owned));
    }

    pub fn faults(&self) -> Vec<ActiveFault> {
        self.shared.faults.list()
    }

    /// Ends every fault.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    pub fn latency(&self) -> Latency {
        self.shared.workers.latency()
    }

    pub fn set_latency(&self, latency: Latency) {
        self.shared.workers.set_latency(latency);
    }

    /// The requests received, oldest first; the last 10,000 of them.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.calls.records()
    }

    /// How many requests a service received since the start or the last reset; region `*` adds all up.
    pub fn call_count(&self, region: &str, service: Service) -> u64 {
        self.shared.calls.count(region, service)
    }

    /// How many requests are received whose caller still waits.
    pub fn in_flight(&self, region: &str, service: Service) -> u64 {
        self.shared.calls.in_flight(region, service)
    }

    pub fn reset_calls(&self) {
        self.shared.calls.reset();
    }

    /// How many consoles somebody sits at.
    pub fn open_consoles(&self) -> usize {
        self.shared.consoles.open()
    }

    /// Breaks every console's connection without a farewell, as a proxy that restarts does.
    pub fn cut_consoles(&self) {
        self.shared.consoles.cut();
    }

    /// The keys that went down and up on a server's screen, oldest first; the last 10,000 of them.
    pub fn screen_keys(&self, id: &str) -> Vec<ScreenKey> {
        self.shared.consoles.keys(server_id(id))
    }

    /// The cloud's present.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.world.clock.now()
    }

    /// Moves the cloud's clock, and lets happen at once what is due by then: servers finish building,
    /// tokens expire.
    pub fn advance(&self, by: Duration) {
        self.shared.world.clock.advance(by);
        self.shared.world.run_due();
    }
}

/// Servers.
impl Control {
    /// The existing servers of a project, newest first.
    pub fn servers(&self, region: &str, project: &str) -> Vec<ServerSummary> {
        let project_id = self.project_id(project);
        let servers = self.region(region).servers.read();
        servers.in_order(Some(&project_id), None).map(ServerSummary::of).collect()
    }

    /// Puts a server in, past all validation. The project is named by name or id.
    pub fn add_server(&self, region: &str, project: &str, new: NewServer) -> String {
        let project_id = self.project_id(project);
        let server = self.make(self.region(region), project_id, new);
        let id = server.id.to_string();
        self.region(region).volumes.write().adopt(&server);
        self.region(region).network.write().adopt(&self.shared.world.ids, region, &server);
        self.region(region).servers.write().insert(server);
        id
    }

    /// Changes a server and its `updated`.
    pub fn update_server(&self, region: &str, id: &str, change: impl FnOnce(&mut SimServer)) {
        let now = self.now();
        let touched = self.region(region).servers.write().touch(&server_id(id), now, change);
        assert!(touched.is_some(), "server {id} does not exist in {region}");
    }

    /// Changes what Nova changes without a new `updated`: tags and metadata. No `changes-since` tells of it.
    pub fn label_server(&self, region: &str, id: &str, change: impl FnOnce(&mut SimServer)) {
        let changed = self.region(region).servers.write().edit(&server_id(id), change);
        assert!(changed.is_some(), "server {id} does not exist in {region}");
    }

    /// Deletes a server at once; it shows in `changes-since` as DELETED. False if there was none.
    pub fn delete_server(&self, region: &str, id: &str) -> bool {
        self.shared.world.delete_server(self.region(region), &server_id(id))
    }

    fn make(&self, region: &Region, project_id: Arc<str>, new: NewServer) -> SimServer {
        let now = self.now();
        let created_at = whole_seconds(new.created_at.unwrap_or(now));
        let (vm_state, power_state) = state_of(&new.status);
        let is_on_host = !matches!(vm_state, "building" | "error" | "shelved_offloaded");
        let flavor = region.flavors.iter().find(|flavor| flavor.name == new.flavor).cloned();
        let flavor =
            flavor.unwrap_or_else(|| deleted_flavor(&self.shared.world.ids, &region.name, &new.flavor));
        let boots_from_volume = new.image.is_none();
        let image_id = new.image.map(|name| {
            let images = region.images.read();
            let known = images.iter().find(|image| image.name == name || *image.id == *name);
            known.map_or_else(|| name.as_str().into(), |image| image.id.clone())
        });
        let fault = new.fault.map(|message| ServerFault { code: 500, message, created_at });
        let rare = Rare { description: new.description, fault, overrides: new.overrides, ..Rare::default() };
        let has_rare = rare.description.is_some() || rare.fault.is_some() || !rare.overrides.is_empty();
        SimServer {
            id: ids::fresh_uuid(),
            name: new.name,
            user_id: self.user_of(&project_id),
            nics: self.nics(region, &project_id, new.addresses),
            project_id,
            status: new.status.into(),
            vm_state: vm_state.into(),
            task_state: new.task_state.map(Into::into),
            power_state,
            created_at,
            updated_at: whole_seconds(now),
            launched_at: (vm_state != "building").then_some(created_at),
            terminated_at: None,
            flavor,
            image_id,
            tags: new.tags.iter().map(|tag| tag.as_str().into()).collect(),
            metadata: new
                .metadata
                .iter()
                .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
                .collect(),
            availability_zone: new.availability_zone.into(),
            host: is_on_host.then(|| region.compute_hosts.first().map(|host| host.name.clone())).flatten(),
            key_name: new.key_name.map(Into::into),
            security_groups: new.security_groups.iter().map(|group| group.as_str().into()).collect(),
            volumes: volumes(boots_from_volume, new.volumes),
            is_locked: new.is_locked,
            rare: has_rare.then(|| Box::new(rare)),
            script: 0,
        }
    }

    fn nics(&self, region: &Region, project_id: &Arc<str>, addresses: Option<Vec<NewAddress>>) -> Vec<Nic> {
        let Some(addresses) = addresses else {
            return self.shared.world.fresh_nic(region, project_id, "private").into_iter().collect();
        };
        let mut nics: Vec<Nic> = Vec::new();
        for NewAddress { network, address, is_floating } in addresses {
            let position = nics.iter().position(|nic| *nic.network == *network);
            let position = position.unwrap_or_else(|| {
                let [a, b, c] = rand::random();
                let mac = [0xfa, 0x16, 0x3e, a, b, c];
                let port_id = ids::fresh_uuid();
                nics.push(Nic { network: network.into(), port_id, mac, fixed: Vec::new(), floating: None });
                nics.len() - 1
            });
            if is_floating {
                nics[position].floating = Some(address);
            } else {
                nics[position].fixed.push(address);
            }
        }
        nics
    }

    fn user_of(&self, project_id: &Arc<str>) -> Arc<str> {
        let identity = self.shared.world.identity.read();
        let member = identity.assignments.keys().find(|(_, project)| project == project_id);
        member.map_or_else(|| "".into(), |(user, _)| user.clone())
    }
}

/// Users and tokens.
impl Control {
    /// Ends every token of a user. The services go on accepting those they have seen for as long as
    /// `CloudConfig::token_cache` says.
    pub fn revoke_tokens_of(&self, user: &str) {
        let user_id = self.user_id(user);
        self.shared.world.identity.write().revoke_where(|token| token.user_id == user_id);
    }

    /// Lets every token of a user expire now.
    pub fn expire_tokens_of(&self, user: &str) {
        let user_id = self.user_id(user);
        let now = self.now();
        let mut identity = self.shared.world.identity.write();
        for token in identity.tokens.values_mut().filter(|token| token.user_id == user_id) {
            token.expires_at = now;
        }
    }

    /// Disables a user: no sign-in, and the tokens end.
    pub fn disable_user(&self, user: &str) {
        self.revoke_tokens_of(user);
        self.with_user(user, |user| user.enabled = false);
    }

    pub fn enable_user(&self, user: &str) {
        self.with_user(user, |user| user.enabled = true);
    }

    /// Locks a user out as Keystone does after too many failures: the right password is refused too,
    /// in the same words. Tokens stay good.
    pub fn lock_user(&self, user: &str) {
        self.with_user(user, |user| user.is_locked = true);
    }

    pub fn unlock_user(&self, user: &str) {
        self.with_user(user, |user| user.is_locked = false);
    }

    /// Gives a user a role on the system, by its name, or takes it away. Tokens stay as they are.
    pub fn set_system_role(&self, user: &str, role: Option<&str>) {
        self.with_user(user, |user| user.system_role = role.and_then(crate::identity::Role::by_name));
    }

    /// The code an authenticator app shows for a user with a second factor.
    pub fn totp_code(&self, user: &str) -> String {
        self.find_totp_code(user).unwrap_or_else(|| panic!("user {user} has no second factor"))
    }

    pub(crate) fn find_totp_code(&self, user: &str) -> Option<String> {
        let secret = self.with_user(user, |user| user.totp_secret.clone())?;
        totp::code(&secret, self.now())
    }

    fn user_id(&self, user: &str) -> Arc<str> {
        self.with_user(user, |user| user.id.clone())
    }

    fn with_user<T>(&self, name: &str, act: impl FnOnce(&mut crate::identity::User) -> T) -> T {
        let mut identity = self.shared.world.identity.write();
        let user = identity.find_user_mut(name);
        act(user.unwrap_or_else(|| panic!("there is no user {name}")))
    }

    pub(crate) fn has_region(&self, region: &str) -> bool {
        self.shared.world.region(region).is_some()
    }

    pub(crate) fn has_project(&self, project: &str) -> bool {
        self.shared.world.identity.read().find_project(project).is_some()
    }

    pub(crate) fn has_user(&self, user: &str) -> bool {
        self.shared.world.identity.write().find_user_mut(user).is_some()
    }

    /// A project's id, by its name or id.
    pub fn project_id(&self, project: &str) -> Arc<str> {
        let identity = self.shared.world.identity.read();
        let found = identity.find_project(project).map(|project| project.id.clone());
        found.unwrap_or_else(|| panic!("there is no project {project}"))
    }

    fn region(&self, name: &str) -> &Region {
        self.shared.world.region(name).unwrap_or_else(|| panic!("there is no region {name}"))
    }
}

impl ServerSummary {
    fn of(server: &SimServer) -> Self {
        ServerSummary {
            id: server.id.to_string(),
            name: server.name.clone(),
            status: server.status.to_string(),
            task_state: server.task_state.as_ref().map(ToString::to_string),
            created_at: server.created_at,
            updated_at: server.updated_at,
            tags: server.tags.iter().map(ToString::to_string).collect(),
            addresses: server.addresses().collect(),
        }
    }
}

fn server_id(id: &str) -> Uuid {
    Uuid::parse_str(id).unwrap_or_else(|_| panic!("{id:?} is not the id of a server"))
}

fn volumes(boots_from_volume: bool, extra: usize) -> Vec<VolumeAttachment> {
    let count = extra + usize::from(boots_from_volume);
    let volume = |letter: char| VolumeAttachment {
        volume_id: ids::fresh_uuid(),
        attachment_id: ids::fresh_uuid(),
        device: format!("/dev/vd{letter}"),
        delete_on_termination: false,
    };
    ('a'..='z').skip(usize::from(!boots_from_volume)).take(count).map(volume).collect()
}
