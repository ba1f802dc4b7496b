//! What tests need: the whole panel on a database and a simulated cloud of its own, and people who use it.
//!
//! Compiled in always, since the tests of the crate and those beside it share it; the shipped program never calls
//! it, so the linker leaves it out.

mod client;
mod database_proxy;
mod log;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use simcloud::{Cloud, CloudConfig};
use sqlx::PgPool;
use tokio::net::TcpListener;

pub use client::{Client, TestResponse};
pub use database_proxy::DatabaseProxy;
pub use log::Log;

use crate::{
    app::{App, Panel},
    clock::Clock,
    config::{Config, Source},
    connections,
    event_loops::EventLoops,
    log::Place,
    metrics::Metrics,
    session::Upkeep,
    shutdown::Shutdown,
};

/// A panel without a network around it: requests go to it directly.
pub struct TestApp {
    pub app: App,
    pub cloud: Cloud,
    /// Moves by hand, for the panel; the cloud has its own.
    pub clock: Clock,
    db: PgPool,
    source: Source,
    panel: Panel,
    upkeep: Option<Upkeep>,
}

/// A panel on a port, for what needs a connection: WebSockets, streams that are cut, stops.
pub struct Served {
    pub address: SocketAddr,
    shutdown: Shutdown,
}

impl TestApp {
    /// The panel on a small, instant cloud.
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, CloudConfig::default(), |source| source).await
    }

    /// The panel on a cloud of this kind, with further configuration.
    pub async fn with(db: PgPool, cloud: CloudConfig, configure: impl FnOnce(Source) -> Source) -> Self {
        let cloud = Cloud::start(cloud).await.expect("the simulated cloud starts");
        let source = Source::from_map([
            ("DATABASE_URL", "postgres://unused"),
            ("OS_AUTH_URL", &cloud.keystone_url()),
            ("PUBLIC_URL", "https://panel.test"),
            ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
            // Nobody to hide from, and nobody to wait.
            ("SIGN_IN_REFUSAL_STEP_SECS", "0"),
            ("UPSTREAM_TIMEOUT_SECS", "5"),
            ("UPSTREAM_SIGN_IN_TIMEOUT_SECS", "2"),
        ]);
        Self::assemble(db, cloud, configure(source), Clock::movable())
    }

    /// A second node of the same panel: same database, same cloud, same clock, its own memory.
    pub fn another_node(&self) -> Self {
        Self::assemble(self.db.clone(), self.cloud.clone(), self.source.clone(), self.clock.clone())
    }

    /// The same node after a restart with other configuration.
    pub fn restarted(&self, configure: impl FnOnce(Source) -> Source) -> Self {
        Self::assemble(
            self.db.clone(),
            self.cloud.clone(),
            configure(self.source.clone()),
            self.clock.clone(),
        )
    }

    /// A browser that has not been here before.
    pub fn browser(&self) -> Client {
        Client::new(self.panel.clone(), &self.app, None)
    }

    /// A browser in which this user of the cloud signs in, by the form, with the first request.
    pub fn signed_in(&self, user: &str) -> Client {
        Client::new(self.panel.clone(), &self.app, Some(user))
    }

    /// The id of one of the cloud's projects.
    pub fn project(&self, name: &str) -> api_types::ProjectId {
        self.cloud.admin().project_id(name).parse().expect("a project id")
    }

    /// Dies as a node does whose process is killed: what it does beside the requests stops in the middle.
    pub fn die(&mut self) {
        self.upkeep = None;
    }

    /// Stops as a node does that was told to: what is under way is finished.
    pub async fn stop(&mut self) {
        self.app.shutdown.begin();
        self.app.changes.end();
        if let Some(upkeep) = self.upkeep.take() {
            upkeep.stop().await;
        }
    }

    /// Serves on a free port until the value is dropped.
    pub async fn serve(&self) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shutdown = Shutdown::default();
        let mut listen = self.app.config.listen.clone();
        listen.stop_after = Duration::from_secs(1);
        let (panel, begun) = (self.panel.clone(), shutdown.clone());
        tokio::spawn(async move {
            // What is logged on other threads, a test would not hear.
            connections::serve(listener, panel, begun, listen, &EventLoops::none()).await;
        });
        Served { address, shutdown }
    }

    fn assemble(db: PgPool, cloud: Cloud, source: Source, clock: Clock) -> Self {
        let config = Config::load(&source).expect("a configuration that can be used");
        // Holds what is handed on; what is logged, a test hears by a `Log` of its own.
        let log = crate::log::Log::recording(Place::of(&config.node), config.log.filter.clone());
        let metrics = Metrics::recording();
        let app =
            App::new(config, db.clone(), clock.clone(), metrics, Shutdown::default(), log).expect("an app");
        let upkeep = app.start_upkeep();
        Self { panel: Panel::new(&app), app, cloud, clock, db, source, upkeep: Some(upkeep) }
    }
}

impl Served {
    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins the stop, as a signal does.
    pub fn stop(&self) {
        self.shutdown.begin();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

/// Makes `pg_temp.fill_log_lines(lines, until, days)` on a connection: millions of lines in a short time.
pub const FILL_LOG_LINES: &str = include_str!("testing/log_lines.sql");

/// Longer than the longest pauses before something is tried again, one after the other, on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Waits until a condition holds, and fails the test when it does not within [`LONGEST_WAIT`].
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let holds_in_time = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(LONGEST_WAIT, holds_in_time).await;
    assert!(waited.is_ok(), "waited {LONGEST_WAIT:?} in vain for {what}");
}

type Shared<T> = Arc<parking_lot::Mutex<T>>;
