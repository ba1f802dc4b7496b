//! Makes the regions and their servers from the seed: the same seed gives the same cloud.

pub mod names;
pub mod offers;
mod project_images;
mod volumes;

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::config::CloudConfig;
use crate::identity::{Identity, Project};
use crate::ids::Ids;
use crate::server::{Flavor, Nic, ServerFault, SimServer, VolumeAttachment, state_of, status_of};
use crate::store::ServerStore;
use crate::world::{Network, Region, networks};

use project_images::Owner;

/// The states of seeded servers, by weight.
const STATUSES: &[(&str, u32)] = &[
    ("ACTIVE", 860),
    ("SHUTOFF", 80),
    ("ERROR", 18),
    ("PAUSED", 8),
    ("SUSPENDED", 8),
    ("BUILD", 6),
    ("SHELVED_OFFLOADED", 8),
    ("VERIFY_RESIZE", 4),
    ("RESCUE", 4),
    ("REBOOT", 2),
    ("SHELVED", 2),
];

/// Three years.
const OLDEST_DAYS: i64 = 3 * 365;

/// Makes every region with what it offers and the servers its projects have.
pub fn regions(config: &CloudConfig, ids: &Ids, identity: &Identity, now: DateTime<Utc>) -> Vec<Region> {
    let midnight = now.date_naive().and_hms_opt(0, 0, 0).map_or(now, |midnight| midnight.and_utc());
    let today = config.today.unwrap_or(midnight);
    let admin = identity.find_project("admin").map_or_else(|| "".into(), |project| project.id.clone());
    let region = |(number, name): (usize, &String)| {
        let mut region = Region {
            name: name.clone(),
            number,
            flavors: offers::flavors(ids, name),
            images: RwLock::new(offers::images(ids, name, &admin, today)),
            compute_hosts: offers::compute_hosts(number),
            server_groups: RwLock::default(),
            servers: RwLock::default(),
            volumes: RwLock::default(),
            network: RwLock::default(),
            since: today - TimeDelta::days(OLDEST_DAYS),
            timeline: Mutex::default(),
            addresses_given: AtomicUsize::new(0),
        };
        let mut store = ServerStore::default();
        let mut owners = Vec::new();
        for seed in &config.projects {
            let count = seed.servers.get(name).copied().unwrap_or(0);
            let domain = identity.find_domain(&seed.domain);
            let project = domain.and_then(|domain| identity.project_by_name(&domain.id, &seed.name));
            if let Some(project) = project {
                let mut maker = ServerMaker::new(ids, identity, &region, project, &admin, today);
                for index in 0..count {
                    let server = maker.server(index);
                    if index == 0 {
                        owners.push((project, server.clone()));
                    }
                    region.volumes.write().adopt(&server);
                    region.network.write().adopt(ids, name, &server);
                    store.insert(server);
                }
            }
        }
        let owners: Vec<Owner<'_>> = owners
            .iter()
            .map(|(project, first_server)| Owner {
                id: project.id.clone(),
                name: &project.name,
                first_server,
            })
            .collect();
        for owner in &owners {
            volumes::free_volumes(ids, name, owner, today)
                .into_iter()
                .for_each(|volume| region.volumes.get_mut().insert(volume));
        }
        region.images.get_mut().extend(project_images::project_images(ids, name, &owners, today));
        region.servers = RwLock::new(store);
        region
    };
    config.regions.iter().enumerate().map(region).collect()
}

/// Makes the servers of one project in one region, one after the other.
struct ServerMaker<'a> {
    ids: &'a Ids,
    region: &'a Region,
    project: &'a Project,
    user_ids: Vec<Arc<str>>,
    networks: Vec<Network>,
    today: DateTime<Utc>,
    rng: StdRng,
    deleted_flavor: Arc<Flavor>,
    image_ids: Vec<Arc<str>>,
    words: HashSet<Arc<str>>,
}

impl<'a> ServerMaker<'a> {
    fn new(
        ids: &'a Ids,
        identity: &Identity,
        region: &'a Region,
        project: &'a Project,
        admin: &Arc<str>,
        today: DateTime<Utc>,
    ) -> Self {
        let name = &region.name;
        let members = identity.assignments.keys().filter(|(_, on)| *on == project.id);
        let mut user_ids: Vec<Arc<str>> = members.map(|(user, _)| user.clone()).collect();
        if user_ids.is_empty() {
            user_ids.push(ids.hex(&["user", "of", &project.id]).into());
        }
        ServerMaker {
            ids,
            region,
            project,
            user_ids,
            networks: networks(ids, region.number, name, &project.id, admin),
            today,
            rng: StdRng::seed_from_u64(ids.number(&["servers", name, &project.id])),
            deleted_flavor: offers::deleted_flavor(ids, name, "m0.legacy"),
            image_ids: region.images.read().iter().map(|image| image.id.clone()).collect(),
            words: HashSet::new(),
        }
    }

    fn server(&mut self, index: usize) -> SimServer {
        let purpose = *names::weighted(&mut self.rng, names::PURPOSES, |purpose| purpose.weight);
        let environment = names::weighted(&mut self.rng, names::ENVIRONMENTS, |(_, weight)| *weight).0;
        let name = names::server_name(&mut self.rng, &purpose, environment, index + 1);
        // The first servers of a project are what people look at in a small one: let them be well.
        let status = if index == 0 { "ACTIVE" } else { self.status() };
        let id = self.uuid();
        let created_at = self.created_at(status);
        let is_placed = !matches!(status, "BUILD" | "ERROR" | "SHELVED_OFFLOADED");
        let host_number = self.rng.random_range(0..self.region.compute_hosts.len());
        let host = &self.region.compute_hosts[host_number];
        let (vm_state, power_state) = state_of(status);
        let task_state = match status {
            "BUILD" => Some("spawning"),
            "REBOOT" => Some("rebooting"),
            _ => None,
        };
        let has_network = !matches!(status, "BUILD" | "ERROR");
        let nics = if has_network { self.nics(index, purpose.has_floating_ip) } else { Vec::new() };
        let tags = names::tags(&mut self.rng, &purpose, environment);
        let metadata = names::metadata(&mut self.rng, &purpose, environment);
        let image_id = self.image_id();
        let volumes = self.volumes(image_id.is_none());
        let mut server = SimServer {
            id,
            name,
            project_id: self.project.id.clone(),
            user_id: self.user_ids[self.rng.random_range(0..self.user_ids.len())].clone(),
            status: status_of(vm_state, task_state).into(),
            vm_state: vm_state.into(),
            task_state: task_state.map(Into::into),
            power_state,
            created_at,
            updated_at: self.updated_at(created_at),
            launched_at: has_network.then(|| created_at + TimeDelta::seconds(9)),
            terminated_at: None,
            flavor: self.flavor(purpose.flavors),
            image_id,
            nics,
            tags: tags.iter().map(|tag| self.word(tag)).collect(),
            metadata: metadata.iter().map(|(key, value)| (self.word(key), self.word(value))).collect(),
            availability_zone: if is_placed { host.availability_zone.clone() } else { "".into() },
            host: is_placed.then(|| host.name.clone()),
            key_name: self.rng.random_bool(0.7).then(|| self.word("deploy")),
            security_groups: self.security_groups(has_network),
            volumes,
            is_locked: self.rng.random_bool(0.02),
            rare: None,
            script: 0,
        };
        self.add_rare(&mut server);
        server
    }

    fn status(&mut self) -> &'static str {
        names::weighted(&mut self.rng, STATUSES, |(_, weight)| *weight).0
    }

    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid()
    }

    /// More young servers than old ones; those in build are young.
    fn created_at(&mut self, status: &str) -> DateTime<Utc> {
        let young: f64 = self.rng.random::<f64>().powi(2);
        let age = TimeDelta::seconds((young * (OLDEST_DAYS * 86_400) as f64) as i64);
        if status == "BUILD" { self.today - TimeDelta::minutes(5) } else { self.today - age }
    }

    fn updated_at(&mut self, created_at: DateTime<Utc>) -> DateTime<Utc> {
        let since = (self.today - created_at).num_seconds().max(10);
        created_at + TimeDelta::seconds(self.rng.random_range(10..=since.max(11)))
    }

    fn flavor(&mut self, (smallest, largest): (usize, usize)) -> Arc<Flavor> {
        if self.rng.random_bool(0.02) {
            return self.deleted_flavor.clone();
        }
        let position = self.rng.random_range(smallest..=largest).min(offers::USABLE_FLAVORS - 1);
        self.region.flavors[position].clone()
    }

    /// `None` for one booted from a volume; now and then an image that is gone.
    fn image_id(&mut self) -> Option<Arc<str>> {
        match self.rng.random_range(0..100) {
            0..=5 => None,
            6 => Some(self.ids.uuid(&["image", &self.region.name, "gone"]).to_string().into()),
            _ => {
                // The common images first: a server takes the smaller of two positions.
                let count = self.image_ids.len();
                let position = self.rng.random_range(0..count).min(self.rng.random_range(0..count));
                Some(self.image_ids[position].clone())
            }
        }
    }

    fn nics(&mut self, index: usize, has_floating_ip: bool) -> Vec<Nic> {
        let kind = self.rng.random_range(0..100);
        let mut nics = Vec::with_capacity(1);
        // Two in a hundred have IPv6 only; a fifth has a second card in the back end.
        let (v4, v6) = (kind >= 2, kind < 45);
        let floating = has_floating_ip && v4 && self.rng.random_bool(0.6);
        nics.push(self.nic(0, index, v4, v6, floating));
        if kind >= 80 {
            nics.push(self.nic(1, index, true, false, false));
        }
        nics
    }

    fn nic(&mut self, network: usize, index: usize, v4: bool, v6: bool, floating: bool) -> Nic {
        let mac = self.mac();
        let port_id = self.uuid();
        let network = &self.networks[network];
        let network_name = network.name;
        let mut fixed = Vec::with_capacity(usize::from(v4) + usize::from(v6));
        for subnet in &network.subnets {
            match subnet.gateway {
                IpAddr::V4(gateway) if v4 => fixed.push(nth_address(gateway, index + 10).into()),
                IpAddr::V6(gateway) if v6 => fixed.push(slaac_address(gateway, mac).into()),
                _ => {}
            }
        }
        let gateway = self.networks.last().and_then(|public| public.subnets.first()).map(|one| one.gateway);
        let floating = match gateway {
            Some(IpAddr::V4(gateway)) if floating => Some(nth_address(gateway, index + 10).into()),
            _ => None,
        };
        Nic { network: self.word(network_name), port_id, mac, fixed, floating }
    }

    fn mac(&mut self) -> [u8; 6] {
        let [a, b, c] = self.rng.random();
        [0xfa, 0x16, 0x3e, a, b, c]
    }

    fn volumes(&mut self, boots_from_volume: bool) -> Vec<VolumeAttachment> {
        let extra = if self.rng.random_bool(0.12) { self.rng.random_range(1..=3) } else { 0 };
        let first = if boots_from_volume { b'a' } else { b'b' };
        let count = extra + u8::from(boots_from_volume);
        let volume = |number: u8| VolumeAttachment {
            volume_id: self.uuid(),
            attachment_id: self.uuid(),
            device: format!("/dev/vd{}", char::from(first + number)),
            delete_on_termination: boots_from_volume && number == 0,
        };
        (0..count).map(volume).collect()
    }

    fn security_groups(&mut self, has_network: bool) -> Vec<Arc<str>> {
        if !has_network {
            return Vec::new();
        }
        let mut groups = vec![self.word("default")];
        if self.rng.random_bool(0.4) {
            groups.push(self.word("web"));
        }
        if self.rng.random_bool(0.2) {
            groups.push(self.word("ssh"));
        }
        groups
    }

    fn add_rare(&mut self, server: &mut SimServer) {
        if server.status == "ERROR" {
            let message = if self.rng.random_bool(0.5) {
                "No valid host was found. ".to_owned()
            } else {
                format!(
                    "Exceeded maximum number of retries. Exhausted all hosts available for retrying build \
                     failures for instance {}.",
                    server.id
                )
            };
            let created_at = server.updated_at;
            server.rare_mut().fault = Some(ServerFault { code: 500, message, created_at });
        }
        if self.rng.random_bool(0.03) {
            server.rare_mut().description = Some("Made by hand, see the wiki".to_owned());
        }
        if server.is_locked {
            server.rare_mut().locked_reason = Some("change freeze".to_owned());
        }
    }

    /// The same text is kept once.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return word.clone();
        }
        let word: Arc<str> = text.into();
        self.words.insert(word.clone());
        word
    }
}

/// The address so many after the network's own, skipping those that end in 0 or 255.
pub(crate) fn nth_address(gateway: Ipv4Addr, index: usize) -> Ipv4Addr {
    let [a, b, ..] = gateway.octets();
    let index = u32::try_from(index).unwrap_or(0) % (254 * 254);
    let (c, d) = (index / 254, index % 254 + 1);
    Ipv4Addr::new(a, b, u8::try_from(c).unwrap_or(0), u8::try_from(d).unwrap_or(1))
}

/// The IPv6 address a card gives itself from its MAC (EUI-64).
pub(crate) fn slaac_address(network: Ipv6Addr, mac: [u8; 6]) -> Ipv6Addr {
    let prefix = network.segments();
    let pair = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(
        prefix[0],
        prefix[1],
        prefix[2],
        prefix[3],
        pair(mac[0] ^ 2, mac[1]),
        pair(mac[2], 0xff),
        pair(0xfe, mac[3]),
        pair(mac[4], mac[5]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProjectSeed;
    use crate::world::World;

    fn servers_of(config: &CloudConfig) -> Vec<String> {
        let world = World::new(config.clone());
        let store = world.regions[0].servers.read();
        store.in_order(None, None).map(|server| format!("{server:?}")).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_cloud_and_another_seed_another() {
        let projects = vec![ProjectSeed::new("alpha").with("RegionOne", 200)];
        let config = CloudConfig { projects, ..CloudConfig::default() };
        assert_eq!(servers_of(&config), servers_of(&config));
        assert_ne!(servers_of(&config), servers_of(&CloudConfig { seed: 2, ..config }));
    }

    #[test]
    fn a_thousand_servers_show_the_variety_of_a_real_project() {
        let projects = vec![ProjectSeed::new("alpha").with("RegionOne", 1_000)];
        let world = World::new(CloudConfig { projects, ..CloudConfig::default() });
        let store = world.regions[0].servers.read();
        let all: Vec<&SimServer> = store.in_order(None, None).collect();
        assert_eq!(all.len(), 1_000);
        let statuses: HashSet<_> = all.iter().map(|server| server.status.clone()).collect();
        assert!(statuses.len() >= 9, "{statuses:?}");
        let v6_only =
            |server: &&SimServer| !server.nics.is_empty() && server.addresses().all(|ip| ip.is_ipv6());
        assert!(all.iter().any(v6_only));
        assert!(all.iter().any(|server| server.is_booted_from_volume()));
        assert!(all.iter().any(|server| server.flavor.name == "m0.legacy"));
        assert!(all.iter().all(|server| server.status != "ERROR" || server.fault().is_some()));
        assert!(all.is_sorted_by_key(|server| std::cmp::Reverse(server.created_at)));
    }

    #[test]
    fn addresses_stay_in_their_network() {
        let gateway = Ipv4Addr::new(10, 42, 0, 1);
        assert_eq!(nth_address(gateway, 0), Ipv4Addr::new(10, 42, 0, 1));
        assert_eq!(nth_address(gateway, 253), Ipv4Addr::new(10, 42, 0, 254));
        assert_eq!(nth_address(gateway, 254), Ipv4Addr::new(10, 42, 1, 1));
        let slaac =
            slaac_address("fd00:1:1::".parse().expect("address"), [0xfa, 0x16, 0x3e, 0x6e, 0xc4, 0x09]);
        assert_eq!(slaac.to_string(), "fd00:1:1:0:f816:3eff:fe6e:c409");
    }
}
