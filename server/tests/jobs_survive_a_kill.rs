//! A node that is killed in the middle of a job: another one finishes it, and no server is acted on twice.

use std::time::Duration;

use api_types::{
    jobs::{Confirmed, CreateJob, ItemResult, Job, JobItems, JobState, RegionTargets},
    routes,
    servers::action::ServerAction,
};
use axum::http::StatusCode;
use server::testing::{TestApp, until};
use simcloud::{CloudConfig, Latency, NewServer, ProjectSeed};
use sqlx::PgPool;
use uuid::Uuid;

use crate::node::Node;

const REGION: &str = "RegionOne";
const SERVERS: usize = 30;

const SETTINGS: [(&str, &str); 3] =
    [("UPSTREAM_TIMEOUT_SECS", "1"), ("JOBS_LEASE_SECS", "1"), ("JOBS_PER_SECOND", "1000")];

#[sqlx::test(migrations = "../migrations")]
async fn a_killed_node_is_followed_by_another_and_nothing_is_done_twice(db: PgPool) {
    let cloud =
        CloudConfig { projects: vec![ProjectSeed::new("alpha").with(REGION, 0)], ..CloudConfig::default() };
    let mut app = TestApp::with(db.clone(), cloud, |source| source).await;
    // This one only takes the request; the work is for the nodes.
    app.die();
    let admin = app.cloud.admin();
    let ids: Vec<String> = (0..SERVERS)
        .map(|number| {
            let new = NewServer { name: format!("web-{number}"), ..NewServer::default() };
            admin.add_server(REGION, "alpha", new)
        })
        .collect();
    let alice = app.signed_in("alice");
    let wanted = CreateJob {
        action: ServerAction::Reboot { is_hard: false },
        targets: vec![RegionTargets {
            region: REGION.parse().expect("a region"),
            servers: ids.iter().map(|id| id.parse().expect("an id")).collect(),
        }],
        idempotency_key: Uuid::new_v4().to_string(),
        confirmed: Some(Confirmed { word: Some("reboot".to_owned()) }),
    };
    let answer = alice.post(&routes::project_jobs(&app.project("alpha")), &wanted).await;
    answer.assert_status(StatusCode::OK);
    let job: Job = answer.json();
    let reboots = |id: &str| {
        let calls = app.cloud.admin().calls();
        calls.iter().filter(|call| call.method == "POST" && call.path_and_query.contains(id)).count()
    };
    let made = || ids.iter().map(|id| reboots(id)).sum::<usize>();

    // Slow enough that calls are on their way whenever it dies.
    admin.set_latency(Latency { one_server: Duration::from_millis(150), ..Latency::none() });
    let mut first = Node::start(&app, &db, &SETTINGS);
    until("some servers", async || made() >= 6).await;
    first.kill();
    let before = made();
    assert!(before < SERVERS, "it was killed in the middle");

    let _second = Node::start(&app, &db, &SETTINGS);
    until("the next servers", async || made() > before).await;
    let shown = async || alice.get(&routes::job(&job.id)).await.json::<Job>();
    until("all servers", async || shown().await.counts.waiting == 0).await;
    until("what was left running", async || shown().await.state == JobState::Done).await;
    let counts = shown().await.counts;
    assert_eq!((counts.done + counts.uncertain, counts.failed), (SERVERS as u32, 0));
    let items: JobItems = alice.get(&routes::job_items(&job.id)).await.json();
    for (id, item) in ids.iter().zip(&items.items) {
        // What Nova took on is found in its history; what was begun and did not reach it is all that is not known.
        let wanted = match reboots(id) {
            0 => ItemResult::Uncertain,
            _ => ItemResult::Done,
        };
        assert_eq!((reboots(id) <= 1, &item.result), (true, &wanted), "{id}");
    }
}
