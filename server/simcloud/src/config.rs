//! What a simulated cloud is made of: its regions, its projects and how many servers they have, and
//! how it behaves. The people in it are in `cast.rs`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::latency::Latency;

/// The settings of a simulated cloud. The default is small, instant and quiet: for tests.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// Same seed, same cloud: ids, names, addresses, states.
    pub seed: u64,
    /// The names of the regions, in the order of the catalog.
    pub regions: Vec<String>,
    /// Projects that have servers. Those of the cast exist in any case, empty.
    pub projects: Vec<ProjectSeed>,
    pub latency: Latency,
    /// How long a token lives. Keystone's own default is an hour.
    pub token_lifetime: Duration,
    /// How long Nova, Glance and Neutron go on accepting a token after it was revoked, once they have
    /// seen it. Keystone's middleware has 300 s by default.
    pub token_cache: Duration,
    /// Servers build, reboot, fail and vanish by themselves over time, in projects with more than ten.
    pub lively: bool,
    /// How many times faster than in a real cloud life cycles run: at 1 a server builds in some 10 s.
    pub pace: f64,
    /// The day to which the seeded servers' ages relate: they were created in the three years before.
    /// `None`: the start of the present day, so that a cloud is the same all day long.
    pub today: Option<DateTime<Utc>>,
    /// Where all services listen.
    pub bind: IpAddr,
    /// Keystone's port; 0 for any free one. The other services take free ones.
    pub keystone_port: u16,
    /// The control API's port; 0 for any free one.
    pub control_port: u16,
}

/// A project and its number of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectSeed {
    pub name: String,
    /// The name of its domain: `Default` or `partners`; others are created.
    pub domain: String,
    /// Servers by region name. Regions that are missing have none.
    pub servers: BTreeMap<String, usize>,
}

impl Default for CloudConfig {
    fn default() -> Self {
        let regions: Vec<String> = ["RegionOne", "RegionTwo", "RegionThree"].map(str::to_owned).into();
        let projects = vec![
            ProjectSeed::new("alpha").with("RegionOne", 5).with("RegionTwo", 4).with("RegionThree", 3),
            ProjectSeed::new("beta").with("RegionOne", 2),
            ProjectSeed::new("three").with("RegionOne", 1).with("RegionTwo", 1).with("RegionThree", 1),
        ];
        CloudConfig {
            seed: 1,
            regions,
            projects,
            latency: Latency::none(),
            token_lifetime: Duration::from_secs(3600),
            token_cache: Duration::ZERO,
            lively: false,
            pace: 1.0,
            today: None,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            keystone_port: 0,
            control_port: 0,
        }
    }
}

impl CloudConfig {
    /// The world of `make run`: the user `demo` with `total_servers` in the project `web-shop`, three
    /// in `three` and none in `empty`; realistic latency with eight API workers; everything lives.
    pub fn demo(total_servers: usize) -> Self {
        let quiet = CloudConfig::default();
        let web_shop = ProjectSeed::split("web-shop", total_servers, &quiet.regions);
        let mut projects = vec![web_shop];
        projects.extend(quiet.projects.clone());
        CloudConfig {
            seed: 7,
            projects,
            latency: Latency::realistic(8),
            token_cache: Duration::from_secs(300),
            lively: true,
            ..quiet
        }
    }
}

impl ProjectSeed {
    /// A project of the domain `Default` without servers.
    pub fn new(name: &str) -> Self {
        ProjectSeed { name: name.to_owned(), domain: "Default".to_owned(), servers: BTreeMap::new() }
    }

    /// Adds servers in one region.
    pub fn with(mut self, region: &str, servers: usize) -> Self {
        self.servers.insert(region.to_owned(), servers);
        self
    }

    /// Puts the project into a domain.
    pub fn in_domain(mut self, domain: &str) -> Self {
        self.domain = domain.to_owned();
        self
    }

    /// A project whose servers are spread over the regions: half of them in the first, the rest evenly
    /// over the others, as projects grow from a home region.
    pub fn split(name: &str, servers: usize, regions: &[String]) -> Self {
        let mut project = ProjectSeed::new(name);
        let Some((home, others)) = regions.split_first() else { return project };
        let elsewhere = if others.is_empty() { 0 } else { servers / 2 };
        project = project.with(home, servers - elsewhere);
        for (index, region) in others.iter().enumerate() {
            let extra = usize::from(index < elsewhere % others.len());
            project = project.with(region, elsewhere / others.len() + extra);
        }
        project
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_gives_every_server_to_a_region() {
        let regions = CloudConfig::default().regions;
        for total in [0, 1, 2, 3, 10, 9_999, 10_000] {
            let project = ProjectSeed::split("web-shop", total, &regions);
            assert_eq!(project.servers.values().sum::<usize>(), total);
        }
        let one = ProjectSeed::split("web-shop", 7, &regions[..1]);
        assert_eq!(one.servers["RegionOne"], 7);
    }
}
