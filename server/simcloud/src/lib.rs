//! A simulated OpenStack cloud: Keystone, and per region Nova, Glance, Neutron and Cinder, answering as the
//! recorded answers of real services in `recordings/` do.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use simcloud::{Cloud, CloudConfig, Fault, NewServer, Service};
//!
//! let cloud = Cloud::start(CloudConfig::default()).await?;
//! println!("Keystone is at {}", cloud.keystone_url());
//! let control = cloud.admin();
//! let id = control.add_server("RegionOne", "alpha", NewServer { name: "web-01".into(), ..NewServer::default() });
//! control.set_fault("RegionTwo", Service::Compute, Some(Fault::Hang));
//! cloud.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod calls;
mod cast;
mod cinder;
mod clock;
mod config;
mod consoles;
mod control;
mod control_api;
mod errors;
mod faults;
mod glance;
mod http;
mod identity;
mod ids;
mod image;
mod keystone;
mod latency;
mod lively;
mod neutron;
mod nova;
mod runtime;
mod script;
mod seed;
mod serve;
mod server;
mod store;
mod totp;
mod volume;
mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use calls::CallRecord;
pub use cast::{DEMO_PASSWORD, DEMO_USER, MANY_PROJECTS, OPERATOR_USER, TEST_PASSWORD, TOTP_SECRET_BASE32};
pub use config::{CloudConfig, ProjectSeed};
pub use consoles::registry::ScreenKey;
pub use control::{Control, NewAddress, NewServer, ServerSummary};
pub use faults::{ActiveFault, Fault, Service};
pub use latency::Latency;
pub use server::{Flavor, Nic, Rare, ServerFault, SimServer, StateName, VolumeAttachment};

use runtime::Shared;
use serve::Endpoint;
use world::World;

/// A running cloud. Clones are handles to the same one, which stops when the last is dropped.
#[derive(Clone)]
pub struct Cloud {
    running: Arc<Running>,
}

struct Running {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// How often what is due happens: servers' life cycles, mostly.
const TICK: Duration = Duration::from_millis(100);

impl Cloud {
    /// Seeds the cloud and starts to listen. Errors: a port that is taken, a region named twice.
    pub async fn start(config: CloudConfig) -> anyhow::Result<Cloud> {
        for (index, name) in config.regions.iter().enumerate() {
            anyhow::ensure!(!config.regions[..index].contains(name), "region {name} is named twice");
        }
        let mut listeners = Vec::new();
        let mut urls = HashMap::new();
        let bind = config.bind;
        let regions = config.regions.len();
        let mut endpoints = vec![(Endpoint::Identity, config.keystone_port)];
        for region in 0..regions {
            endpoints.push((Endpoint::Compute(region), 0));
            endpoints.push((Endpoint::Image(region), 0));
            endpoints.push((Endpoint::Network(region), 0));
            endpoints.push((Endpoint::BlockStorage(region), 0));
        }
        for (endpoint, port) in endpoints {
            let (listener, url) = listen(bind, port).await?;
            if let Some(key) = endpoint.service() {
                urls.insert(key, url);
            }
            listeners.push((endpoint, listener));
        }
        let (control_listener, control_url) = listen(bind, config.control_port).await?;
        listeners.push((Endpoint::Control, control_listener));

        let (console_listener, console_url) = listen(bind, 0).await?;

        let workers = latency::Workers::new(config.latency);
        let seeding = tokio::task::spawn_blocking(move || World::new(config));
        let world = seeding.await.context("the cloud could not be seeded")?;
        let shared = Arc::new(Shared {
            world,
            faults: faults::Faults::default(),
            calls: calls::CallLog::default(),
            workers,
            control_url,
            consoles: consoles::registry::Consoles::default(),
            console_address: console_url.trim_start_matches("http://").to_owned(),
            urls,
        });
        let mut tasks: Vec<JoinHandle<()>> = Vec::new();
        for (endpoint, listener) in listeners {
            tasks.push(tokio::spawn(serve::run(shared.clone(), endpoint, listener)));
        }
        tasks.push(tokio::spawn(consoles::run(shared.clone(), console_listener)));
        tasks.push(tokio::spawn(tick(shared.clone())));
        Ok(Cloud { running: Arc::new(Running { shared, tasks: Mutex::new(tasks) }) })
    }

    /// Where Keystone's API is: `http://127.0.0.1:5000/v3`.
    pub fn keystone_url(&self) -> String {
        format!("{}/v3", self.running.shared.keystone_root())
    }

    /// Where the knobs can be turned over HTTP: `http://127.0.0.1:5999`.
    pub fn control_url(&self) -> String {
        self.running.shared.control_url.clone()
    }

    /// Where a service listens in a region, without a path. `None` when there is no such region.
    pub fn service_url(&self, region: &str, service: Service) -> Option<String> {
        let shared = &self.running.shared;
        let number = shared.world.regions.iter().position(|known| known.name == region);
        let key = if service == Service::Identity { None } else { Some(number?) };
        shared.urls.get(&(service, key)).cloned()
    }

    /// The knobs.
    pub fn admin(&self) -> Control {
        Control::new(self.running.shared.clone())
    }

    /// Stops listening and ends every connection, whatever other handles exist.
    pub async fn shutdown(self) {
        let tasks = std::mem::take(&mut *self.running.tasks.lock());
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            // Ends as cancelled, which is what was asked for.
            let _cancelled = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in self.tasks.lock().iter() {
            task.abort();
        }
    }
}

async fn listen(bind: std::net::IpAddr, port: u16) -> anyhow::Result<(TcpListener, String)> {
    let listener =
        serve::bind(bind, port).await.with_context(|| format!("cannot listen on {bind} port {port}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

/// Lets happen what is due, and in a lively cloud finds something new to happen.
async fn tick(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut life = lively::Life::new(&shared.world);
    loop {
        ticks.tick().await;
        life.go_on(&shared.world);
        shared.world.run_due();
    }
}
