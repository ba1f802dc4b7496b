//! What goes through, and how it is written down.

use api_types::routes::{self, ANSWER_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};
use server::{metrics::Metric, testing::TestApp};
use simcloud::{Fault, Service};
use sqlx::PgPool;

use super::{Asking, Log, cloud, header};

#[sqlx::test(migrations = "../migrations")]
async fn a_read_reaches_the_service_that_the_catalog_names_with_the_callers_token(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let servers = alice.get("compute", "servers/detail?limit=2").await;
    servers.assert_status(StatusCode::OK);
    assert_eq!(servers.json::<Value>()["servers"].as_array().map(Vec::len), Some(2));
    assert_eq!(servers.header(ANSWER_HEADER), "upstream");
    assert!(servers.header("x-openstack-request-id").starts_with("req-"));
    // With the version that the catalog leaves out.
    for (service, path, key) in [("image", "images", "images"), ("network", "floatingips", "floatingips")] {
        let answer = alice.get(service, path).await;
        answer.assert_status(StatusCode::OK);
        assert!(answer.json::<Value>()[key].is_array(), "{}", answer.text());
    }
    assert!(app.cloud.admin().call_count("RegionOne", Service::Compute) > 0);
    assert_eq!(app.cloud.admin().call_count("RegionTwo", Service::Compute), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_project_is_that_of_the_header_or_of_the_query_or_the_sessions_own(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = app.signed_in("alice");
    let count = async |path: &str, headers: &[(&str, &str)]| {
        let answer = alice.get_with(path, headers).await;
        answer.assert_status(StatusCode::OK);
        answer.json::<Value>()["servers"].as_array().map_or(0, Vec::len)
    };
    let (alpha, beta) = (app.project("alpha"), app.project("beta"));
    let plain = cloud("compute", "servers?limit=100");
    assert_eq!(count(&plain, &[(routes::PROJECT_HEADER, beta.as_str())]).await, 2);
    assert_eq!(count(&format!("{plain}&meridian_project={alpha}"), &[]).await, 5);
    assert_eq!(count(&format!("{plain}&meridian%5Fproject={beta}"), &[]).await, 2);
    assert!(count(&plain, &[]).await > 0, "the project the session began with");
    let asked = app.cloud.admin().calls();
    assert!(!format!("{asked:?}").contains("meridian_project"), "our parameter stays here");

    let no_role = app.project("gamma");
    let answer = alice.get_with(&plain, &[(routes::PROJECT_HEADER, no_role.as_str())]).await;
    answer.assert_error(StatusCode::NOT_FOUND, "project_not_found");
    let answer = alice.get_with(&plain, &[(routes::PROJECT_HEADER, "../admin")]).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "invalid_project_id");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_write_goes_through_with_its_body_and_its_answer_comes_back_whole(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let server = app.cloud.admin().servers("RegionOne", "alpha")[0].id.clone();
    let body = json!({"server": {"name": "köln é <b>"}});
    let headers = [("content-type", "application/json")];
    let path = cloud("compute", &format!("servers/{server}"));
    let answer = alice.send(Method::PUT, &path, &headers, body.to_string().into()).await;
    answer.assert_status(StatusCode::OK);
    assert_eq!(answer.json::<Value>()["server"]["name"], "köln é <b>");
    let answer = alice.send(Method::DELETE, &path, &[], Body::empty()).await;
    answer.assert_status(StatusCode::NO_CONTENT);
    assert!(answer.body.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_of_the_service_comes_back_with_its_own_status_body_and_id(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let log = Log::listen();
    let answer = alice.get("compute", "servers/00000000-0000-4000-8000-000000000000").await;
    answer.assert_status(StatusCode::NOT_FOUND);
    assert!(answer.json::<Value>()["itemNotFound"]["message"].is_string(), "{}", answer.text());
    assert_eq!(answer.header(ANSWER_HEADER), "upstream");
    let id = header(&answer.headers, "x-openstack-request-id").to_owned();
    let calls = log.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0]["upstream_request_id"], id);
    assert_eq!((&calls[0]["level"], &calls[0]["status"]), (&json!("info"), &json!(404)));
}

#[sqlx::test(migrations = "../migrations")]
async fn every_call_has_one_line_that_says_who_asked_what_and_what_came_of_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    let log = Log::listen();
    let answer = alice.get("compute", "servers?limit=1&token=hush&name=web").await;
    answer.assert_status(StatusCode::OK);
    let lines = log.lines();
    let about: Vec<&Value> =
        lines.iter().filter(|line| line["request_id"] == answer.header("x-request-id")).collect();
    let [line] = about[..] else { panic!("one line of {lines:?}") };
    for (field, value) in [
        ("level", json!("info")),
        ("user", json!("alice")),
        ("project", json!(app.project("alpha").as_str())),
        ("upstream_region", json!("RegionOne")),
        ("service", json!("compute")),
        ("method", json!("GET")),
        ("status", json!(200)),
        ("outcome", json!("ok")),
        ("sent_bytes", json!(0)),
        ("received_bytes", json!(answer.body.len())),
        ("upstream_request_id", json!(answer.header("x-openstack-request-id"))),
    ] {
        assert_eq!(line[field], value, "{field} of {line}");
    }
    assert!(line["time"].is_string() && line["duration_ms"].is_number(), "{line}");
    assert_eq!(line["session"].as_str().map(str::len), Some(8), "{line}");
    let message = line["description"].as_str().expect("a message");
    assert!(message.starts_with("received compute response - GET http://127.0.0.1:"), "{message}");
    assert!(message.ends_with("/v2.1/servers?limit=1&token=***&name=web 200"), "{message}");
    assert!(!log.text().contains("hush"));
    let counted = |outcome| app.app.metrics.counted(Metric::ProxyCall, &["compute", "RegionOne", outcome]);
    assert_eq!((counted("ok"), counted("refused")), (1, 0));
    assert_eq!(app.app.metrics.counted(Metric::ProxyDuration, &["compute", "RegionOne"]), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_is_wrong_with_the_service_or_with_us_is_logged_as_an_error(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    for (fault, status, outcome, level) in [
        (Fault::Status(403), 403, "refused", "info"),
        (Fault::Status(409), 409, "refused", "info"),
        (Fault::Status(429), 429, "refused", "info"),
        (Fault::Status(500), 500, "failed", "error"),
        (Fault::Refuse, 503, "upstream_unreachable", "error"),
    ] {
        let log = Log::listen();
        app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(fault.clone()));
        let answer = alice.get("compute", "limits").await;
        assert_eq!(answer.status.as_u16(), status, "{fault:?}: {}", answer.text());
        let calls = log.calls();
        assert_eq!(calls.len(), 1, "{fault:?}: {calls:?}");
        assert_eq!((&calls[0]["outcome"], &calls[0]["level"]), (&json!(outcome), &json!(level)), "{fault:?}");
        assert_eq!(log.lines().len(), 1, "the cause is in the same line: {}", log.text());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_the_service_no_longer_takes_is_renewed_and_a_read_repeated(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.get("compute", "limits").await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Status(401)));
    // Keystone says the token is good, so the session stays; the service goes on refusing.
    let answer = alice.get("compute", "limits?reserved=1").await;
    answer.assert_error(StatusCode::BAD_GATEWAY, "unauthorized");
    let answer = alice.post("compute", "servers/1/action", &json!({"lock": null})).await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "token_renewed");
    alice.client.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().clear_faults();
    alice.get("compute", "limits").await.assert_status(StatusCode::OK);

    app.cloud.admin().revoke_tokens_of("alice");
    let answer = alice.get("compute", "limits?reserved=1").await;
    answer.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}
