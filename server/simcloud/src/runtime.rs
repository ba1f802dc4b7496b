//! What the listeners of one cloud share.

use std::collections::HashMap;

use crate::calls::CallLog;
use crate::consoles::registry::Consoles;
use crate::faults::{Faults, Service};
use crate::latency::Workers;
use crate::world::World;

/// The running cloud, without its listeners.
#[derive(Debug)]
pub struct Shared {
    pub world: World,
    pub faults: Faults,
    pub calls: CallLog,
    pub workers: Workers,
    pub control_url: String,
    pub consoles: Consoles,
    /// Where consoles are: `127.0.0.1:6080`.
    pub console_address: String,
    /// Where each service listens: `http://127.0.0.1:8774`, without a path.
    pub urls: HashMap<(Service, Option<usize>), String>,
}

impl Shared {
    pub fn url(&self, service: Service, region: Option<usize>) -> &str {
        self.urls.get(&(service, region)).map_or("", String::as_str)
    }

    /// Keystone's address without the version, as the services name it in `WWW-Authenticate`.
    pub fn keystone_root(&self) -> String {
        self.url(Service::Identity, None).to_owned()
    }

    /// Empty for the identity service, which belongs to no region.
    pub fn region_name(&self, region: Option<usize>) -> &str {
        region.and_then(|region| self.world.regions.get(region)).map_or("", |region| region.name.as_str())
    }
}
