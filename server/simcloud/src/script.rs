//! What is about to happen to servers: scripts of steps, each some time after the one before, as Nova
//! works through an action. Steps run when the cloud's clock has reached them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use uuid::Uuid;

use crate::clock::whole_seconds;
use crate::server::{ActionRecord, Flavor, Nic, ServerFault, SimServer};
use crate::world::{Region, World};

/// One step of a script: the pause before it and what it changes.
#[derive(Clone, Debug)]
pub struct Step {
    pub after: Duration,
    pub change: Change,
}

/// What a step changes.
#[derive(Clone, Debug)]
pub enum Change {
    /// Another task, in the same state.
    Task(Option<&'static str>),
    /// Another state and power state, no task.
    State(&'static str, u8),
    /// It gets its ports and addresses.
    Networks(Vec<Nic>),
    /// It is put on a host and runs.
    Launch,
    /// It leaves its host.
    Offload,
    /// The action fails: ERROR with this fault, on no host.
    Fail(String),
    /// It has another flavor; the one before is remembered.
    Resize(Arc<Flavor>),
    /// It has its flavor from before the resize.
    RevertResize,
    /// The flavor from before the resize is forgotten.
    ConfirmResize,
    /// It has another image.
    Rebuild(Arc<str>),
    /// A snapshot of it is ready.
    SnapshotReady(Arc<str>),
    /// A snapshot of it will not be made.
    SnapshotGone(Arc<str>),
    /// The action that the script belongs to is over, with a reason if it failed.
    ActionDone(Option<Cow<'static, str>>),
    /// An action beside the script, by its request, is over, with a reason if it failed.
    SideDone { request_id: String, failure: Option<Cow<'static, str>> },
    /// A volume has left it.
    VolumeGone(Uuid),
    /// A network card, by its port, has left it.
    NicGone(Uuid),
    /// It does not exist any more.
    Gone,
}

/// A script's place in the timeline.
#[derive(Debug)]
struct Entry {
    at: DateTime<Utc>,
    number: u64,
    server_id: Uuid,
    /// `None` for what happens whatever else is done to the server.
    script: Option<u32>,
    change: Change,
    rest: VecDeque<Step>,
}

/// The scripts of a region's servers, the next step first.
#[derive(Debug, Default)]
pub struct Timeline {
    entries: BinaryHeap<Reverse<Entry>>,
    count: u64,
}

impl Step {
    /// A step so many seconds, in a real cloud, after the one before.
    pub fn after(seconds: f64, change: Change) -> Self {
        Step { after: Duration::from_secs_f64(seconds), change }
    }
}

impl Timeline {
    fn push(
        &mut self,
        at: DateTime<Utc>,
        server_id: Uuid,
        script: Option<u32>,
        mut steps: VecDeque<Step>,
        pace: f64,
    ) {
        let Some(step) = steps.pop_front() else { return };
        let pause = step.after.div_f64(pace.max(0.001));
        let at = at + TimeDelta::from_std(pause).unwrap_or_default();
        self.count += 1;
        let entry = Entry { at, number: self.count, server_id, script, change: step.change, rest: steps };
        self.entries.push(Reverse(entry));
    }

    fn pop_due(&mut self, now: DateTime<Utc>) -> Option<Entry> {
        if self.entries.peek().is_none_or(|Reverse(next)| next.at > now) {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry)
    }
}

impl World {
    /// Starts a script on a server. What was about to happen to it does not any more.
    pub fn start_script(&self, region: &Region, server_id: Uuid, steps: Vec<Step>) {
        let started = region.servers.write().edit(&server_id, |server| {
            server.script += 1;
            server.script
        });
        if let Some(script) = started {
            let mut timeline = region.timeline.lock();
            timeline.push(self.clock.now(), server_id, Some(script), steps.into(), self.config.pace);
        }
    }

    /// Lets something happen to a server later, whatever script it is in.
    pub fn start_beside(&self, region: &Region, server_id: Uuid, steps: Vec<Step>) {
        let mut timeline = region.timeline.lock();
        timeline.push(self.clock.now(), server_id, None, steps.into(), self.config.pace);
    }

    /// Lets everything happen whose time has come.
    pub fn run_due(&self) {
        let now = self.clock.now();
        for region in &self.regions {
            loop {
                // Not held while the step runs: steps take the lock on the servers.
                let Some(entry) = region.timeline.lock().pop_due(now) else { break };
                if self.run_step(region, &entry, now) {
                    let mut timeline = region.timeline.lock();
                    timeline.push(entry.at, entry.server_id, entry.script, entry.rest, self.config.pace);
                }
            }
        }
    }

    /// Runs one step. False when the script is over: the server is gone or does something else.
    fn run_step(&self, region: &Region, entry: &Entry, now: DateTime<Utc>) -> bool {
        let mut servers = region.servers.write();
        if servers
            .get(&entry.server_id)
            .is_none_or(|server| entry.script.is_some_and(|script| script != server.script))
        {
            return false;
        }
        match &entry.change {
            Change::Gone => {
                drop(servers);
                self.delete_server(region, &entry.server_id);
                return false;
            }
            Change::ActionDone(failure) => {
                servers.edit(&entry.server_id, |server| finish_action(server, now, None, failure.clone()));
            }
            Change::SideDone { request_id, failure } => {
                servers.edit(&entry.server_id, |server| {
                    finish_action(server, now, Some(request_id), failure.clone());
                });
            }
            Change::NicGone(port_id) => {
                servers.touch(&entry.server_id, now, |server| {
                    server.nics.retain(|nic| nic.port_id != *port_id);
                });
                drop(servers);
                region.network.write().release(port_id, now);
            }
            Change::VolumeGone(volume_id) => {
                servers.touch(&entry.server_id, now, |server| {
                    server.volumes.retain(|volume| volume.volume_id != *volume_id);
                });
                drop(servers);
                region.volumes.write().detached(volume_id, &entry.server_id, now);
            }
            Change::SnapshotGone(image_id) => {
                drop(servers);
                region.images.write().retain(|image| image.id != *image_id);
            }
            Change::SnapshotReady(image_id) => {
                drop(servers);
                let mut images = region.images.write();
                if let Some(image) = images.iter_mut().find(|image| image.id == *image_id) {
                    image.status = "active".to_owned();
                    image.size_bytes = Some(734_003_200);
                    image.virtual_size_bytes = Some(21_474_836_480);
                    image.updated_at = whole_seconds(now);
                }
            }
            change => {
                servers.touch(&entry.server_id, now, |server| apply(server, change, region, now));
            }
        }
        true
    }
}

fn apply(server: &mut SimServer, change: &Change, region: &Region, now: DateTime<Utc>) {
    match change {
        Change::Task(task) => server.set_task(*task),
        Change::State(vm_state, power_state) => {
            server.set_state(*vm_state, None);
            server.power_state = *power_state;
        }
        Change::Networks(nics) => server.nics = nics.clone(),
        Change::Launch => {
            let number = rand::rng().random_range(0..region.compute_hosts.len());
            let host = &region.compute_hosts[number];
            // A server that asked for a zone is already in it.
            let in_zone =
                |host: &&crate::world::ComputeHost| host.availability_zone == server.availability_zone;
            let host = region.compute_hosts.iter().filter(in_zone).nth(number % 4).unwrap_or(host);
            server.host = Some(host.name.clone());
            server.availability_zone = host.availability_zone.clone();
            server.set_state("active", None);
            server.power_state = 1;
            server.launched_at = Some(whole_seconds(now));
        }
        Change::Offload => {
            server.host = None;
            server.availability_zone = "".into();
        }
        Change::Fail(message) => {
            server.set_state("error", None);
            server.power_state = 0;
            if server.launched_at.is_none() {
                server.host = None;
                server.availability_zone = "".into();
                server.nics = Vec::new();
            }
            let fault = ServerFault { code: 500, message: message.clone(), created_at: whole_seconds(now) };
            server.rare_mut().fault = Some(fault);
        }
        Change::Resize(flavor) => {
            let old = std::mem::replace(&mut server.flavor, flavor.clone());
            server.rare_mut().old_flavor = Some(old);
            // As Nova writes it; what is left of the time to confirm is counted from here.
            server.launched_at = Some(whole_seconds(now));
        }
        Change::RevertResize => {
            if let Some(old) = server.rare_mut().old_flavor.take() {
                server.flavor = old;
            }
        }
        Change::ConfirmResize => server.rare_mut().old_flavor = None,
        Change::Rebuild(image_id) => server.image_id = Some(image_id.clone()),
        // These do not touch the server itself; `run_step` has done them.
        Change::SnapshotReady(_)
        | Change::SnapshotGone(_)
        | Change::ActionDone(_)
        | Change::SideDone { .. }
        | Change::VolumeGone(_)
        | Change::NicGone(_)
        | Change::Gone => {}
    }
}

/// Ends the action of a request or, without one, the newest that goes on and is not beside the script.
fn finish_action(
    server: &mut SimServer,
    now: DateTime<Utc>,
    request_id: Option<&String>,
    failure: Option<Cow<'static, str>>,
) {
    const BESIDE: &[&str] = &["attach_volume", "detach_volume", "attach_interface", "detach_interface"];
    let Some(rare) = &mut server.rare else { return };
    let ends = |action: &&mut ActionRecord| match request_id {
        Some(request_id) => action.request_id == *request_id,
        None => action.finished_at.is_none() && !BESIDE.contains(&&*action.action),
    };
    if let Some(action) = rare.actions.iter_mut().rev().find(ends) {
        action.updated_at = whole_seconds(now);
        action.finished_at = Some(whole_seconds(now));
        action.failure = failure;
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
