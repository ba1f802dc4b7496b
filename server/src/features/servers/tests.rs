//! The servers feature through the whole router, a database and a simulated cloud.

mod console;
mod failing;
mod keeping;
mod listing;
mod live;
mod showing;
pub(super) mod viewer;

use std::{sync::Arc, time::Duration};

use api_types::{ProjectId, Region, ServerId, routes};
use simcloud::{CloudConfig, Service};
use sqlx::PgPool;

use self::viewer::Watcher;
use super::index::RegionIndex;
use crate::{config::Source, testing::TestApp};

const REGIONS: [&str; 3] = ["RegionOne", "RegionTwo", "RegionThree"];

/// A panel that looks at its regions so often that no test waits long.
async fn eager(db: PgPool) -> TestApp {
    eager_with(db, |source| source).await
}

async fn eager_with(db: PgPool, configure: impl FnOnce(Source) -> Source) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| {
        configure(
            source
                .with_env("INDEX_POLL_TRANSITION_SECS", "0.05")
                .with_env("INDEX_POLL_IDLE_SECS", "0.1")
                .with_env("INDEX_BACK_OFF_MAX_SECS", "0.3"),
        )
    })
    .await
}

/// A panel that, once it knows a region, asks again only after a long time.
async fn patient(db: PgPool) -> TestApp {
    TestApp::new(db).await
}

fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

fn list_path(project: &ProjectId) -> String {
    routes::servers(project)
}

/// The calls that the compute services of all regions have got.
fn compute_calls(app: &TestApp) -> u64 {
    REGIONS.iter().map(|region| app.cloud.admin().call_count(region, Service::Compute)).sum()
}

/// The index of a project that one set of callers looks at.
fn index_of(app: &TestApp, project: &ProjectId, name: &str) -> Arc<RegionIndex> {
    app.app.servers.of_project(project, &region(name)).pop().expect("an index")
}

fn server_id(text: &str) -> ServerId {
    text.parse().expect("a server id")
}

/// Long enough for what is about to happen, and the longest a test waits in vain.
const SOON: Duration = Duration::from_secs(10);
