//! What these tests share: asking for jobs, waiting for their ends, counting what reached the cloud.

use api_types::{
    Region, ServerId,
    jobs::{Confirmed, CreateJob, Job, JobItem, JobItems, JobState, RegionTargets},
    routes,
    servers::action::ServerAction,
};
use simcloud::{CloudConfig, NewServer, ProjectSeed};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    config::Source,
    secret::Secret,
    session::{PasswordAnswer, ProjectScope},
    testing::{Client, TestApp, TestResponse, until},
};

pub const REGION: &str = "RegionOne";
/// Long enough for the lease of a dead node and for its calls to be over.
pub const LONG: std::time::Duration = std::time::Duration::from_secs(120);

/// A panel whose jobs wait for no rate.
pub async fn panel(db: PgPool) -> TestApp {
    panel_with(db, |source| source).await
}

pub async fn panel_with(db: PgPool, configure: impl FnOnce(Source) -> Source) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| configure(source.with_env("JOBS_PER_SECOND", "1000")))
        .await
}

/// A panel on a cloud with so many servers in one region, all of them running.
pub async fn panel_with_many(
    db: PgPool,
    servers: usize,
    configure: impl FnOnce(Source) -> Source,
) -> (TestApp, Vec<String>) {
    let cloud =
        CloudConfig { projects: vec![ProjectSeed::new("alpha").with(REGION, 0)], ..CloudConfig::default() };
    let app = TestApp::with(db, cloud, |source| configure(source.with_env("JOBS_PER_SECOND", "1000"))).await;
    let ids = (0..servers).map(|number| add(&app, &format!("many-{number:04}"), "ACTIVE")).collect();
    (app, ids)
}

pub fn region() -> Region {
    REGION.parse().expect("a region")
}

pub fn server_id(text: &str) -> ServerId {
    text.parse().expect("a server id")
}

/// A server of alice's project.
pub fn add(app: &TestApp, name: &str, status: &str) -> String {
    let new = NewServer { name: name.to_owned(), status: status.to_owned(), ..NewServer::default() };
    app.cloud.admin().add_server(REGION, "alpha", new)
}

/// A job for these servers, confirmed by a dialog, under a key of its own.
pub fn job(action: ServerAction, servers: &[&str]) -> CreateJob {
    CreateJob {
        action,
        targets: vec![RegionTargets {
            region: region(),
            servers: servers.iter().map(|id| server_id(id)).collect(),
        }],
        idempotency_key: Uuid::new_v4().to_string(),
        confirmed: Some(Confirmed { word: None }),
    }
}

pub fn typed(job: CreateJob, word: &str) -> CreateJob {
    CreateJob { confirmed: Some(Confirmed { word: Some(word.to_owned()) }), ..job }
}

pub async fn post(app: &TestApp, client: &Client, job: &CreateJob) -> TestResponse {
    client.post(&routes::project_jobs(&app.project("alpha")), job).await
}

pub async fn ask(app: &TestApp, client: &Client, job: &CreateJob) -> Job {
    let response = post(app, client, job).await;
    response.assert_status(axum::http::StatusCode::OK);
    response.json()
}

pub async fn show(client: &Client, id: &str) -> Job {
    client.get(&routes::job(id)).await.json()
}

/// Waits until a job is as described.
pub async fn wait(client: &Client, id: &str, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
    until(what, async || is_so(&show(client, id).await)).await;
    show(client, id).await
}

pub async fn finished(client: &Client, id: &str) -> Job {
    wait(client, id, "the end of the job", |job| job.state == JobState::Done).await
}

pub async fn items(client: &Client, id: &str) -> Vec<JobItem> {
    client.get(&routes::job_items(id)).await.json::<JobItems>().items
}

/// Calls that reached the services about this server and would change it, in their order.
pub fn changes(app: &TestApp, server: &str) -> Vec<String> {
    let calls = app.cloud.admin().calls();
    let about = calls.iter().filter(|call| call.path_and_query.contains(server) && call.method != "GET");
    about.map(|call| format!("{} {}", call.method, call.path_and_query.replace(server, "{id}"))).collect()
}

pub fn status_of(app: &TestApp, server: &str) -> (String, Option<String>) {
    let servers = app.cloud.admin().servers(REGION, "alpha");
    let found = servers.into_iter().find(|one| one.id == server).expect("the server");
    (found.status, found.task_state)
}

/// The ids of an image and of a flavor of the cloud, by their names.
pub async fn image_and_flavor(app: &TestApp, image: &str, flavor: &str) -> (String, String) {
    let password = Secret::new(simcloud::TEST_PASSWORD.to_owned());
    let answer = app.app.keystone.check_password("alice", "Default", &password).await.expect("a token");
    let PasswordAnswer::Token(token) = answer else { panic!("alice has no second factor") };
    let project = app.project("alpha");
    let issued = app.app.keystone.scope_to_project(&token.token, &project).await.expect("a scope");
    let packed = ProjectScope::pack(&issued).expect("packed");
    let scope = ProjectScope::unpack(&project, &packed).expect("a scope");
    let upstream = app.app.servers.upstream();
    let place = upstream.image(&scope, &region()).expect("an image service");
    let images = upstream.list_image_names(&place).await.expect("images");
    let place = upstream.compute(&scope, &region()).expect("a compute service");
    let flavors = upstream.list_flavors(&place).await.expect("flavors");
    let image = images.into_iter().find(|(_, name)| name == image).expect("the image").0;
    let flavor = flavors.into_iter().find(|(_, one)| one.name == flavor).expect("the flavor").0;
    (image, flavor)
}

pub async fn control(client: &Client, id: &str, what: serde_json::Value) -> TestResponse {
    client.post(&routes::job(id), &what).await
}

/// Calls that would change a server, for all of these servers: how many each got.
pub fn changes_each(app: &TestApp, servers: &[String]) -> Vec<usize> {
    servers.iter().map(|server| changes(app, server).len()).collect()
}

pub fn all(servers: &[String]) -> Vec<&str> {
    servers.iter().map(String::as_str).collect()
}
