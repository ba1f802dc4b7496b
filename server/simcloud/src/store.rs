//! The servers of one region, with the orders that lists are read in.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::clock::whole_seconds;
use crate::server::SimServer;

/// How many deleted servers are remembered per region, for `changes-since`.
const DELETED_KEPT: usize = 20_000;

/// A place in Nova's default order: newest first, then by id.
pub type Place = (Reverse<i64>, Uuid);

/// The servers of a region.
#[derive(Debug, Default)]
pub struct ServerStore {
    servers: HashMap<Uuid, SimServer>,
    projects: HashMap<Arc<str>, Orders>,
    all: BTreeSet<Place>,
    /// Deleted servers, oldest first; they stay in `servers` and in `by_change` until pushed out.
    deleted: VecDeque<Uuid>,
}

#[derive(Debug, Default)]
struct Orders {
    /// Servers that exist.
    existing: BTreeSet<Place>,
    /// Servers that exist or were deleted, by their last change.
    by_change: BTreeSet<(i64, Uuid)>,
}

impl ServerStore {
    pub fn insert(&mut self, server: SimServer) {
        let place = place_of(&server);
        let orders = self.projects.entry(server.project_id.clone()).or_default();
        orders.existing.insert(place);
        orders.by_change.insert((server.updated_at.timestamp(), server.id));
        self.all.insert(place);
        self.servers.insert(server.id, server);
    }

    /// A server that exists.
    pub fn get(&self, id: &Uuid) -> Option<&SimServer> {
        self.servers.get(id).filter(|server| !server.is_deleted())
    }

    /// Changes a server and says that it changed at `now`. `None` when it does not exist.
    pub fn touch<T>(
        &mut self,
        id: &Uuid,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut SimServer) -> T,
    ) -> Option<T> {
        let server = self.servers.get_mut(id).filter(|server| !server.is_deleted())?;
        let before = (server.updated_at.timestamp(), server.id);
        let place_before = place_of(server);
        let result = change(server);
        server.id = *id;
        server.updated_at = whole_seconds(now);
        let after = (server.updated_at.timestamp(), server.id);
        let place = place_of(server);
        if let Some(orders) = self.projects.get_mut(&server.project_id) {
            orders.by_change.remove(&before);
            orders.by_change.insert(after);
            if place != place_before {
                orders.existing.remove(&place_before);
                orders.existing.insert(place);
                self.all.remove(&place_before);
                self.all.insert(place);
            }
        }
        Some(result)
    }

    /// Changes what Nova changes without a new `updated`: tags and metadata.
    pub fn edit<T>(&mut self, id: &Uuid, change: impl FnOnce(&mut SimServer) -> T) -> Option<T> {
        let server = self.servers.get_mut(id).filter(|server| !server.is_deleted())?;
        Some(change(server))
    }

    /// Deletes a server; from now on it shows only in `changes-since`.
    pub fn delete(&mut self, id: &Uuid, now: DateTime<Utc>) -> bool {
        let gone = self.touch(id, now, |server| {
            server.terminated_at = Some(whole_seconds(now));
            server.set_state("deleted", None);
            server.power_state = 0;
            place_of(server)
        });
        let Some(place) = gone else { return false };
        self.all.remove(&place);
        for orders in self.projects.values_mut() {
            orders.existing.remove(&place);
        }
        self.deleted.push_back(*id);
        if self.deleted.len() > DELETED_KEPT
            && let Some(server) = self.deleted.pop_front().and_then(|id| self.servers.remove(&id))
            && let Some(orders) = self.projects.get_mut(&server.project_id)
        {
            orders.by_change.remove(&(server.updated_at.timestamp(), server.id));
        }
        true
    }

    /// Existing servers in Nova's default order, of one project or of all, after a marker.
    pub fn in_order<'a>(
        &'a self,
        project_id: Option<&str>,
        after: Option<Place>,
    ) -> Box<dyn Iterator<Item = &'a SimServer> + 'a> {
        let places = match project_id {
            Some(project_id) => self.projects.get(project_id).map(|orders| &orders.existing),
            None => Some(&self.all),
        };
        let Some(places) = places else { return Box::new(std::iter::empty()) };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Box::new(places.range((from, Bound::Unbounded)).filter_map(|(_, id)| self.servers.get(id)))
    }

    /// Servers that changed at `since` or later, deleted ones included, in no useful order.
    pub fn changed_since<'a>(
        &'a self,
        project_id: Option<&'a str>,
        since: DateTime<Utc>,
    ) -> impl Iterator<Item = &'a SimServer> + 'a {
        // Changes are kept to the second: one asked for from 10.4 s on is at 11 s or later.
        let from = since.timestamp() + i64::from(since.timestamp_subsec_nanos() > 0);
        let asked =
            self.projects.iter().filter(move |(id, _)| project_id.is_none_or(|asked| asked == &***id));
        let changed = asked.flat_map(move |(_, orders)| orders.by_change.range((from, Uuid::nil())..));
        changed.filter_map(|(_, id)| self.servers.get(id))
    }

    /// A server that exists or was deleted, as a marker may name one.
    pub fn any(&self, id: &Uuid) -> Option<&SimServer> {
        self.servers.get(id)
    }

    pub fn count(&self, project_id: &str) -> usize {
        self.projects.get(project_id).map_or(0, |orders| orders.existing.len())
    }

    /// The server at a position of the project's order, for picking one by chance.
    pub fn nth(&self, project_id: &str, position: usize) -> Option<&SimServer> {
        let orders = self.projects.get(project_id)?;
        orders.existing.iter().nth(position).and_then(|(_, id)| self.servers.get(id))
    }

    /// The projects that have or had servers here.
    pub fn project_ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.projects.keys()
    }
}

pub fn place_of(server: &SimServer) -> Place {
    (Reverse(server.created_at.timestamp()), server.id)
}
