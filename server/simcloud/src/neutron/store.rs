//! What the simulated Neutron keeps beside what follows from the servers: floating IPs, ports without a
//! server, and security groups that were changed.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::security_groups::SecurityGroup;
use crate::clock::whole_seconds;
use crate::ids::Ids;
use crate::server::{Nic, SimServer};

/// A public address of a project.
#[derive(Clone, Debug)]
pub struct FloatingIp {
    pub id: Uuid,
    pub project_id: Arc<str>,
    pub address: IpAddr,
    pub description: String,
    /// Where it leads.
    pub target: Option<Target>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub revision: u32,
    /// From when on its status tells whether it leads anywhere; before, it tells what was so before.
    pub settled_at: DateTime<Utc>,
}

/// A port and one of its addresses.
#[derive(Clone, Debug)]
pub struct Target {
    pub port_id: Uuid,
    pub fixed: IpAddr,
}

/// A port that is at no server.
#[derive(Clone, Debug)]
pub struct FreePort {
    pub nic: Nic,
    pub project_id: Arc<str>,
    pub name: String,
    pub description: String,
    pub security_groups: Vec<Uuid>,
    pub created_at: DateTime<Utc>,
}

/// The network service's own things of one region.
#[derive(Debug, Default)]
pub struct NetworkStore {
    pub floating_ips: HashMap<Uuid, FloatingIp>,
    pub ports: HashMap<Uuid, FreePort>,
    /// The groups of the projects that have changed any; the others have what everybody has.
    pub security_groups: HashMap<Arc<str>, Vec<SecurityGroup>>,
}

impl FloatingIp {
    /// `ACTIVE` while it leads somewhere, a moment late.
    pub fn status(&self, now: DateTime<Utc>) -> &'static str {
        let leads = self.target.is_some();
        let shown = if now < self.settled_at { !leads } else { leads };
        if shown { "ACTIVE" } else { "DOWN" }
    }
}

impl NetworkStore {
    /// Puts in the floating IPs a server says it has.
    pub fn adopt(&mut self, ids: &Ids, region: &str, server: &SimServer) {
        for nic in &server.nics {
            let (Some(address), Some(fixed)) = (nic.floating, nic.fixed.first()) else { continue };
            let id = ids.uuid(&["floatingip", region, &address.to_string()]);
            self.floating_ips.entry(id).or_insert_with(|| FloatingIp {
                id,
                project_id: server.project_id.clone(),
                address,
                description: String::new(),
                target: Some(Target { port_id: nic.port_id, fixed: *fixed }),
                created_at: server.created_at,
                updated_at: server.created_at,
                revision: 2,
                settled_at: server.created_at,
            });
        }
    }

    /// A port is gone: its floating IPs lead nowhere.
    pub fn release(&mut self, port_id: &Uuid, now: DateTime<Utc>) {
        self.ports.remove(port_id);
        for floating in self.floating_ips.values_mut() {
            if floating.target.as_ref().is_some_and(|target| target.port_id == *port_id) {
                floating.target = None;
                floating.updated_at = whole_seconds(now);
                floating.settled_at = now;
                floating.revision += 1;
            }
        }
    }

    /// The floating IPs of a project, by address.
    pub fn floating_ips_of(&self, project_id: &str) -> Vec<&FloatingIp> {
        let own = self.floating_ips.values().filter(|floating| *floating.project_id == *project_id);
        let mut own: Vec<&FloatingIp> = own.collect();
        own.sort_by_key(|floating| floating.address);
        own
    }
}
