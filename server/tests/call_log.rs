//! Whatever is asked of the cloud for somebody is found in the log by the name.

use api_types::{
    jobs::{Confirmed, CreateJob, Job, JobState, RegionTargets},
    routes,
    servers::action::{Password, ServerAction},
};
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::testing::{Log, TestApp, until};
use sqlx::PgPool;

/// The lines that one grep finds.
fn of_alice(log: &Log) -> Vec<Value> {
    let text = log.text();
    let lines = text.lines().filter(|line| line.contains(r#""user":"alice""#));
    let lines = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
    lines.filter(|line: &Value| line.get("url").is_some()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_page_of_a_server_tells_each_call_it_made(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    let server = app.cloud.admin().servers("RegionOne", "alpha").remove(0).id;
    let (region, id) = ("RegionOne".parse().expect("a region"), server.parse().expect("an id"));
    let log = Log::listen();
    let answer = alice.get(&routes::server(&app.project("alpha"), &region, &id)).await;
    answer.assert_status(StatusCode::OK);
    let lines = of_alice(&log);
    let mut parts: Vec<&str> = lines
        .iter()
        .map(|line| line["url"].as_str().and_then(|url| url.split_once(&*server)).expect("its address").1)
        .collect();
    parts.sort_unstable();
    let expected =
        ["", "/os-instance-actions", "/os-interface", "/os-security-groups", "/os-volume_attachments"];
    assert_eq!(parts, expected);
    for line in &lines {
        for (field, value) in [
            ("level", json!("info")),
            ("project", json!(app.project("alpha").as_str())),
            ("upstream_region", json!("RegionOne")),
            ("service", json!("compute")),
            ("method", json!("GET")),
            ("status", json!(200)),
            ("outcome", json!("ok")),
            ("request_id", json!(answer.header("x-request-id"))),
        ] {
            assert_eq!(line[field], value, "{field} of {line}");
        }
        assert!(
            line["received_bytes"].as_u64() > Some(0) && line["upstream_request_id"].is_string(),
            "{line}"
        );
        let message = line["description"].as_str().expect("a description");
        assert!(message.starts_with("received compute response - GET http://"), "{message}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_action_tells_its_call_and_none_of_its_secrets(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    let server = app.cloud.admin().servers("RegionOne", "alpha").remove(0).id;
    app.cloud.admin().update_server("RegionOne", &server, |server| server.status = "ACTIVE".into());
    let log = Log::listen();
    let wanted = CreateJob {
        action: ServerAction::SetPassword { password: Password("hush-hush".to_owned()) },
        targets: vec![RegionTargets {
            region: "RegionOne".parse().expect("a region"),
            servers: vec![server.parse().expect("an id")],
        }],
        idempotency_key: "0b8f2f1e-1a70-4d0c-9a1b-1f6f4a2f9d11".to_owned(),
        confirmed: Some(Confirmed { word: None }),
    };
    let asked = alice.post(&routes::project_jobs(&app.project("alpha")), &wanted).await;
    asked.assert_status(StatusCode::OK);
    let job: Job = asked.json();
    let state = async || alice.get(&routes::job(&job.id)).await.json::<Job>().state;
    until("the end of the job", async || state().await == JobState::Done).await;
    let lines = of_alice(&log);
    let [line] = &lines[..] else { panic!("one call of {lines:?}") };
    assert!(
        line["url"].as_str().is_some_and(|url| url.ends_with(&format!("/servers/{server}/action"))),
        "{line}"
    );
    assert_eq!((&line["job"], &line["method"]), (&json!(job.id), &json!("POST")), "{line}");
    assert!(line["sent_bytes"].as_u64() > Some(0), "{line}");
    assert!(!log.text().contains("hush-hush"));
}
