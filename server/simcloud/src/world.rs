//! Everything the cloud knows: Keystone's people, and per region the servers, flavors, images and
//! networks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::CloudConfig;
use crate::identity::Identity;
use crate::ids::{self, Ids};
use crate::image::Image;
use crate::neutron::store::NetworkStore;
use crate::nova::groups::ServerGroup;
use crate::nova::keypairs::KeyPair;
use crate::script::Timeline;
use crate::seed;
use crate::server::{Flavor, Nic};
use crate::store::ServerStore;
use crate::volume::VolumeStore;

/// The state of a cloud, shared by its services.
#[derive(Debug)]
pub struct World {
    pub config: CloudConfig,
    pub clock: Clock,
    pub ids: Ids,
    pub identity: RwLock<Identity>,
    pub regions: Vec<Region>,
    /// The validations the services keep, in a cache they all share: until when, by token.
    pub validated: Mutex<HashMap<String, DateTime<Utc>>>,
    /// Key pairs by user.
    pub keypairs: RwLock<HashMap<Arc<str>, Vec<KeyPair>>>,
}

/// One region: its own Nova, Glance and Neutron.
#[derive(Debug)]
pub struct Region {
    pub name: String,
    /// The position among the regions, for addresses and host names.
    pub number: usize,
    pub flavors: Vec<Arc<Flavor>>,
    pub images: RwLock<Vec<Image>>,
    pub compute_hosts: Vec<ComputeHost>,
    pub server_groups: RwLock<Vec<ServerGroup>>,
    pub servers: RwLock<ServerStore>,
    pub volumes: RwLock<VolumeStore>,
    pub network: RwLock<NetworkStore>,
    /// How old what nobody made is: types, networks.
    pub since: DateTime<Utc>,
    /// What is about to happen to servers.
    pub timeline: Mutex<Timeline>,
    /// Counts the addresses given out while the cloud runs.
    pub addresses_given: AtomicUsize,
}

/// A machine that servers run on.
#[derive(Clone, Debug)]
pub struct ComputeHost {
    pub name: Arc<str>,
    pub availability_zone: Arc<str>,
}

/// A network as one project of one region sees it. Not stored: it follows from the names.
#[derive(Clone, Debug)]
pub struct Network {
    pub id: Uuid,
    pub name: &'static str,
    /// The project that owns it; the public one belongs to `admin`.
    pub project_id: Arc<str>,
    pub is_external: bool,
    /// Whether a router leads from it to the external one.
    pub is_routed: bool,
    pub mtu: u32,
    pub subnets: Vec<Subnet>,
}

#[derive(Clone, Debug)]
pub struct Subnet {
    pub id: Uuid,
    pub name: String,
    pub cidr: String,
    pub gateway: IpAddr,
    pub pool: (IpAddr, IpAddr),
    pub has_slaac: bool,
}

impl World {
    pub fn new(config: CloudConfig) -> Self {
        let clock = Clock::default();
        let identity = Identity::new(&config);
        let ids = Ids::new(config.seed);
        let regions = seed::regions(&config, &ids, &identity, clock.now());
        World {
            config,
            clock,
            ids,
            identity: RwLock::new(identity),
            regions,
            validated: Mutex::default(),
            keypairs: RwLock::default(),
        }
    }

    pub fn region(&self, name: &str) -> Option<&Region> {
        self.regions.iter().find(|region| region.name == name)
    }

    /// How many servers a project was seeded with in a region. Its quotas follow.
    pub fn seeded_servers(&self, region: &Region, project_id: &str) -> usize {
        let identity = self.identity.read();
        let project = identity.projects.get(project_id);
        let domain = project.and_then(|project| identity.domain(&project.domain_id));
        let seed = self.config.projects.iter().find(|seed| {
            project.is_some_and(|project| project.name == seed.name)
                && domain.is_some_and(|domain| domain.name == seed.domain)
        });
        seed.and_then(|seed| seed.servers.get(&region.name)).copied().unwrap_or(0)
    }

    /// Deletes a server at once, and frees what it had. False if there was none.
    pub fn delete_server(&self, region: &Region, id: &Uuid) -> bool {
        let now = self.clock.now();
        let mut servers = region.servers.write();
        let Some(server) = servers.get(id).cloned() else { return false };
        servers.delete(id, now);
        drop(servers);
        region.volumes.write().release(&server, now);
        let mut network = region.network.write();
        server.nics.iter().for_each(|nic| network.release(&nic.port_id, now));
        true
    }

    /// The networks of a project: `private` with IPv4 and IPv6, `backend`, and the external `public`.
    pub fn networks(&self, region: &Region, project_id: &Arc<str>) -> Vec<Network> {
        let admin = self.identity.read().find_project("admin").map(|project| project.id.clone());
        networks(&self.ids, region.number, &region.name, project_id, &admin.unwrap_or_else(|| "".into()))
    }

    /// An IPv4 address of a network that nobody has.
    pub fn fresh_address(&self, region: &Region, network: &Network) -> Option<IpAddr> {
        network.subnets.iter().find_map(|subnet| match subnet.gateway {
            IpAddr::V4(gateway) => Some(IpAddr::V4(seed::nth_address(gateway, next_address(region)))),
            IpAddr::V6(_) => None,
        })
    }

    /// A new card in one of a project's networks, with addresses nobody has. `None` without such a
    /// network.
    pub fn fresh_nic(&self, region: &Region, project_id: &Arc<str>, network: &str) -> Option<Nic> {
        let networks = self.networks(region, project_id);
        let network = networks.iter().find(|known| known.name == network)?;
        let [a, b, c] = rand::random();
        let mac = [0xfa, 0x16, 0x3e, a, b, c];
        // Seeded servers have the first half of each network.
        let index = next_address(region);
        let address = |subnet: &Subnet| match subnet.gateway {
            IpAddr::V4(gateway) => IpAddr::V4(seed::nth_address(gateway, index)),
            IpAddr::V6(gateway) => IpAddr::V6(seed::slaac_address(gateway, mac)),
        };
        let fixed = network.subnets.iter().map(address).collect();
        Some(Nic { network: network.name.into(), port_id: ids::fresh_uuid(), mac, fixed, floating: None })
    }
}

fn next_address(region: &Region) -> usize {
    FIRST_FRESH_ADDRESS + region.addresses_given.fetch_add(1, Ordering::Relaxed)
}

impl Region {
    pub fn flavor(&self, id: &str) -> Option<&Arc<Flavor>> {
        self.flavors.iter().find(|flavor| flavor.id == id)
    }
}

const FIRST_FRESH_ADDRESS: usize = 32_000;

/// The networks a project can use in a region.
pub(crate) fn networks(
    ids: &Ids,
    region_number: usize,
    region: &str,
    project_id: &Arc<str>,
    admin_project_id: &Arc<str>,
) -> Vec<Network> {
    // The second byte tells projects and regions apart, as operators do.
    let number = u8::try_from(ids.number(&["network", region, project_id]) % 100).unwrap_or(0);
    let site = u8::try_from(region_number % 100).unwrap_or(0);
    let v4 = |name: &'static str, first: u8, second: u8| Subnet {
        id: ids.uuid(&["subnet", region, project_id, name, "v4"]),
        name: format!("{name}-v4"),
        cidr: format!("{first}.{second}.0.0/16"),
        gateway: Ipv4Addr::new(first, second, 0, 1).into(),
        pool: (Ipv4Addr::new(first, second, 0, 2).into(), Ipv4Addr::new(first, second, 255, 254).into()),
        has_slaac: false,
    };
    let v6_of = |last: [u16; 4]| {
        let [a, b, c, d] = last;
        IpAddr::V6(Ipv6Addr::new(0xfd00, u16::from(site) + 1, u16::from(number) + 1, 0, a, b, c, d))
    };
    let v6 = Subnet {
        id: ids.uuid(&["subnet", region, project_id, "private", "v6"]),
        name: "private-v6".to_owned(),
        cidr: format!("fd00:{:x}:{:x}::/64", u16::from(site) + 1, u16::from(number) + 1),
        gateway: v6_of([0, 0, 0, 0]),
        pool: (v6_of([0, 0, 0, 1]), v6_of([0xffff, 0xffff, 0xffff, 0xffff])),
        has_slaac: true,
    };
    let public = Subnet {
        id: ids.uuid(&["subnet", region, "public"]),
        name: "public-v4".to_owned(),
        cidr: format!("198.{}.0.0/16", 18 + site % 2),
        gateway: Ipv4Addr::new(198, 18 + site % 2, 0, 1).into(),
        pool: (
            Ipv4Addr::new(198, 18 + site % 2, 0, 2).into(),
            Ipv4Addr::new(198, 18 + site % 2, 255, 254).into(),
        ),
        has_slaac: false,
    };
    let own = |name: &'static str, subnets: Vec<Subnet>| Network {
        id: ids.uuid(&["network", region, project_id, name]),
        name,
        project_id: project_id.clone(),
        is_external: false,
        is_routed: name == "private",
        mtu: 1450,
        subnets,
    };
    vec![
        own("private", vec![v4("private", 10, 10 + number), v6]),
        own("backend", vec![v4("backend", 172, 16 + number % 16)]),
        Network {
            id: ids.uuid(&["network", region, "public"]),
            name: "public",
            project_id: admin_project_id.clone(),
            is_external: true,
            is_routed: false,
            mtu: 1500,
            subnets: vec![public],
        },
    ]
}
