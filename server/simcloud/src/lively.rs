//! Life in a lively cloud: now and then something happens to a server without anybody asking for it.
//! What leaves a server at rest in another state brings it back some time later, and what is deleted is
//! replaced, so that a cloud that runs for days looks as it did.

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::clock::whole_seconds;
use crate::ids;
use crate::nova::lifecycle::{self, Outcome};
use crate::script::{Change, Step};
use crate::server::SimServer;
use crate::world::{Region, World};

/// What makes things happen.
pub struct Life {
    rng: StdRng,
    /// When the next thing happens, by region.
    next: Vec<DateTime<Utc>>,
    has_begun: bool,
}

/// Between two events of a region, on average.
const MEAN_PAUSE_SECONDS: f64 = 4.0;
/// Smaller projects are left alone: people count their servers.
const SMALLEST_PROJECT: usize = 10;

/// What happens to a running server, by weight.
const EVENTS: &[(Event, u32)] = &[
    (Event::Reboot, 34),
    (Event::HardReboot, 8),
    (Event::StopAndStart, 14),
    (Event::Resize, 10),
    (Event::Rebuild, 6),
    (Event::Pause, 6),
    (Event::Snapshot, 6),
    (Event::Replace, 12),
    (Event::FailToBuild, 4),
];

#[derive(Clone, Copy)]
enum Event {
    Reboot,
    HardReboot,
    StopAndStart,
    Resize,
    Rebuild,
    Pause,
    Snapshot,
    /// Deleted, and another made in its place.
    Replace,
    /// Another is made, ends in ERROR and is deleted later.
    FailToBuild,
}

impl Life {
    pub fn new(world: &World) -> Self {
        let rng = StdRng::seed_from_u64(world.ids.number(&["life"]));
        let now = world.clock.now();
        Life { rng, next: vec![now; world.regions.len()], has_begun: false }
    }

    /// Lets happen what is to happen until now. Nothing in a cloud that is not lively.
    pub fn go_on(&mut self, world: &World) {
        if !world.config.lively {
            return;
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            world.regions.iter().for_each(|region| self.finish_seeded(world, region));
        }
        let now = world.clock.now();
        for (number, region) in world.regions.iter().enumerate() {
            if self.next[number] > now {
                continue;
            }
            self.happen(world, region);
            let pause = self.rng.random_range(0.2..1.8) * MEAN_PAUSE_SECONDS / world.config.pace.max(0.001);
            self.next[number] = now + TimeDelta::milliseconds((pause * 1000.0) as i64);
        }
    }

    /// Servers that were seeded in the middle of something come to its end.
    fn finish_seeded(&mut self, world: &World, region: &Region) {
        let unfinished: Vec<SimServer> = {
            let servers = region.servers.read();
            let has_task = |server: &&SimServer| server.task_state.is_some();
            servers.in_order(None, None).filter(has_task).cloned().collect()
        };
        for server in unfinished {
            let seconds = self.rng.random_range(5.0..60.0);
            let mut steps =
                vec![Step::after(seconds, Change::Task(server.task_state.as_deref().map(known_task)))];
            if server.vm_state == "building" {
                let nic = world.fresh_nic(region, &server.project_id, "private");
                steps.extend(lifecycle::build(Outcome::Runs(nic.into_iter().collect())));
            } else {
                steps.extend(lifecycle::become_after(1.0, "active", 1));
            }
            world.start_script(region, server.id, steps);
        }
    }

    fn happen(&mut self, world: &World, region: &Region) {
        let Some(server) = self.pick(region) else { return };
        if server.vm_state != "active" || server.task_state.is_some() || server.is_locked {
            return;
        }
        let event = EVENTS.choose_weighted(&mut self.rng, |(_, weight)| *weight);
        let Ok((event, _)) = event else { return };
        let rest = self.rng.random_range(20.0..90.0);
        let begin = |task: &'static str, steps: Vec<Step>| {
            let mut all = vec![Step::after(0.0, Change::Task(Some(task)))];
            all.extend(steps);
            world.start_script(region, server.id, all);
        };
        match event {
            Event::Reboot => begin("rebooting", lifecycle::reboot()),
            Event::HardReboot => begin("rebooting_hard", lifecycle::hard_reboot()),
            Event::StopAndStart => {
                let mut steps = lifecycle::become_after(5.0, "stopped", 4);
                steps.push(Step::after(rest, Change::Task(Some("powering-on"))));
                steps.extend(lifecycle::become_after(3.0, "active", 1));
                begin("powering-off", steps);
            }
            Event::Pause => {
                let mut steps = lifecycle::become_after(1.0, "paused", 3);
                steps.push(Step::after(rest, Change::Task(Some("unpausing"))));
                steps.extend(lifecycle::become_after(1.0, "active", 1));
                begin("pausing", steps);
            }
            Event::Resize => {
                let Some(flavor) = region.flavors[..5].choose(&mut self.rng).cloned() else { return };
                let mut steps = lifecycle::resize(flavor, true);
                steps.push(Step::after(rest, Change::Task(None)));
                steps.extend(lifecycle::confirm_resize(true));
                begin("resize_prep", steps);
            }
            Event::Rebuild => {
                let Some(image_id) = server.image_id.clone() else { return };
                begin("rebuilding", lifecycle::rebuild(Some(image_id), true));
            }
            Event::Snapshot => begin("image_snapshot", lifecycle::task_over_after(6.0)),
            Event::Replace => {
                begin("deleting", lifecycle::delete(true));
                self.make_like(world, region, &server, true);
            }
            Event::FailToBuild => self.make_like(world, region, &server, false),
        }
    }

    /// A server of a project that is large enough, by chance.
    fn pick(&mut self, region: &Region) -> Option<SimServer> {
        let servers = region.servers.read();
        let mut projects: Vec<_> =
            servers.project_ids().filter(|id| servers.count(id) > SMALLEST_PROJECT).collect();
        // The store keeps them in no order; the seed is to decide.
        projects.sort();
        let project_id = projects.choose(&mut self.rng)?;
        let position = self.rng.random_range(0..servers.count(project_id));
        servers.nth(project_id, position).cloned()
    }

    /// Another server of the same make, which runs or fails.
    fn make_like(&mut self, world: &World, region: &Region, model: &SimServer, runs: bool) {
        let id: Uuid = ids::fresh_uuid();
        let now = whole_seconds(world.clock.now());
        let stem = model.name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let mut server = SimServer {
            id,
            name: format!("{stem}-{:03}", self.rng.random_range(100..1_000)),
            created_at: now,
            updated_at: now,
            launched_at: None,
            nics: Vec::new(),
            volumes: Vec::new(),
            availability_zone: "".into(),
            host: None,
            power_state: 0,
            rare: None,
            ..model.clone()
        };
        server.set_state("building", Some("scheduling"));
        region.servers.write().insert(server);
        let nic = world.fresh_nic(region, &model.project_id, "private");
        let outcome =
            if runs { Outcome::Runs(nic.into_iter().collect()) } else { Outcome::NoRetriesLeft { id } };
        let mut steps = lifecycle::build(outcome);
        if !runs {
            steps.push(Step::after(180.0, Change::Task(Some("deleting"))));
            steps.extend(lifecycle::delete(false));
        }
        world.start_script(region, id, steps);
    }
}

/// The task of a seeded server, which is one of these.
fn known_task(task: &str) -> &'static str {
    if task == "spawning" { "spawning" } else { "rebooting" }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::*;
    use crate::config::{CloudConfig, ProjectSeed};

    fn counts(world: &World) -> HashMap<String, usize> {
        let servers = world.regions[0].servers.read();
        servers.in_order(None, None).fold(HashMap::new(), |mut counts, server| {
            *counts.entry(server.status.to_string()).or_default() += 1;
            counts
        })
    }

    #[test]
    fn an_hour_of_life_changes_servers_and_keeps_their_number() {
        let projects = vec![ProjectSeed::new("alpha").with("RegionOne", 300)];
        let world = World::new(CloudConfig { projects, lively: true, ..CloudConfig::default() });
        let since = world.clock.now();
        let mut life = Life::new(&world);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for _second in 0..3600 {
            world.clock.advance(Duration::from_secs(1));
            life.go_on(&world);
            world.run_due();
            counts(&world).into_keys().for_each(|status| *seen.entry(status).or_default() += 1);
        }
        for status in ["BUILD", "REBOOT", "HARD_REBOOT", "RESIZE", "VERIFY_RESIZE", "REBUILD", "ERROR"] {
            assert!(seen.contains_key(status), "{status} in {seen:?}");
        }
        let servers = world.regions[0].servers.read();
        let changed: Vec<_> = servers.changed_since(None, since).collect();
        assert!(changed.len() > 200, "{}", changed.len());
        assert!(changed.iter().any(|server| server.is_deleted()));
        let left = servers.in_order(None, None).count();
        assert!((290..=310).contains(&left), "{left}");
    }

    #[test]
    fn nothing_happens_in_a_quiet_cloud() {
        let world = World::new(CloudConfig::default());
        let before = counts(&world);
        let mut life = Life::new(&world);
        for _second in 0..100 {
            world.clock.advance(Duration::from_secs(1));
            life.go_on(&world);
            world.run_due();
        }
        assert_eq!(counts(&world), before);
    }
}
