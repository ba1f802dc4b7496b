//! What does not go through: nothing of it reaches a service.

use api_types::routes::{self, PROJECT_HEADER};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::json;
use server::{metrics::Metric, testing::TestApp};
use simcloud::Service;
use sqlx::PgPool;

use super::{Asking, Log, cloud};

#[sqlx::test(migrations = "../migrations")]
async fn paths_that_lead_elsewhere_are_refused_before_any_call(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    app.cloud.admin().reset_calls();
    let log = Log::listen();
    let paths = [
        "/api/cloud/RegionOne/compute",
        "/api/cloud/RegionOne/compute/",
        "/api/cloud//compute/servers",
        "/api/cloud/RegionOne//servers",
        "/api/cloud/RegionOne/compute//servers",
        "/api/cloud/RegionOne/compute/servers/",
        "/api/cloud/RegionOne/compute/../../identity/v3/auth/tokens",
        "/api/cloud/RegionOne/compute/servers/..",
        "/api/cloud/RegionOne/compute/servers/.",
        "/api/cloud/RegionOne/compute/%2e%2e/v3",
        "/api/cloud/RegionOne/compute/%2E./v3",
        "/api/cloud/RegionOne/compute/..;/v3",
        "/api/cloud/RegionOne/compute/..%20/v3",
        "/api/cloud/RegionOne/compute/servers%2f..%2f..",
        "/api/cloud/RegionOne/compute/servers%5c..",
        "/api/cloud/RegionOne/compute/%252e%252e/v3",
        "/api/cloud/RegionOne/compute/servers%252fx",
        "/api/cloud/RegionOne/compute/http://evil.example/",
        "/api/cloud/RegionOne/compute/http:%2f%2fevil.example",
        "/api/cloud/RegionOne/compute/@evil.example/x",
        "/api/cloud/RegionOne/compute/user:pass@evil.example/x",
        "/api/cloud/RegionOne/compute/x%0d%0aHost:%20evil.example",
        "/api/cloud/RegionOne/compute/x%00",
        "/api/cloud/RegionOne/compute/x%7f",
        "/api/cloud/RegionOne/compute/x%zz",
        "/api/cloud/%2e%2e/compute/servers",
        "/api/cloud/evil.example%2f/compute/servers",
    ];
    for path in paths {
        let answer = alice.send(Method::GET, path, &[], Body::empty()).await;
        let error = answer.assert_error(StatusCode::BAD_REQUEST, "invalid_path");
        let lines = log.lines();
        let line = lines.iter().find(|line| line["request_id"] == error.request_id).expect("a line");
        assert_eq!(
            (&line["level"], &line["user"], &line["outcome"]),
            (&"info".into(), &"alice".into(), &"invalid_path".into())
        );
    }
    for path in [
        "/api/cloud/RegionOne/identity/auth/tokens",
        "/api/cloud/RegionOne/dns/zones",
        "/api/cloud/RegionOne/COMPUTE/servers",
        "/api/cloud/RegionOne/nova/servers",
        "/api/cloud/RegionOne/evil.example/servers",
        "/api/cloud/RegionNine/compute/servers",
        "/api/cloud/evil.example/compute/servers",
    ] {
        let answer = alice.send(Method::GET, path, &[], Body::empty()).await;
        answer.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
    for region in ["RegionOne", "RegionTwo", "RegionThree"] {
        assert_eq!(app.cloud.admin().call_count(region, Service::Compute), 0);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_key_to_a_console_is_not_given_out(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    app.cloud.admin().reset_calls();
    let console = json!({"remote_console": {"protocol": "vnc", "type": "novnc"}});
    let answer = alice.post("compute", "servers/1/remote-consoles", &console).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "console_not_passed_on");
    assert_eq!(app.cloud.admin().call_count("RegionOne", Service::Compute), 0);
    // Nor in the way of old versions, by whatever means a request gets there.
    for connection in ["keep-alive", "openstack-api-version"] {
        let headers = [
            ("content-type", "application/json"),
            ("openstack-api-version", "compute 2.79"),
            ("connection", connection),
        ];
        let body = json!({"os-getVNCConsole": {"type": "novnc"}}).to_string();
        let path = cloud("compute", "servers/1/action");
        alice.send(Method::POST, &path, &headers, body.into()).await;
    }
    let versions: Vec<_> =
        app.cloud.admin().calls().into_iter().filter_map(|call| call.microversion).collect();
    assert_eq!(versions, ["compute 2.79", "compute 2.6"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_that_nobody_has_is_no_name_of_a_measurement(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let answer = alice.send(Method::GET, "/api/cloud/made-up/compute/servers", &[], Body::empty()).await;
    answer.assert_status(StatusCode::NOT_FOUND);
    let counted = |region| app.app.metrics.counted(Metric::ProxyCall, &["compute", region, "not_found"]);
    assert_eq!((counted("made-up"), counted("none")), (0, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn methods_kinds_and_sizes_that_no_service_takes_are_refused(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    alice.csrf_token().await;
    app.cloud.admin().reset_calls();
    let path = cloud("compute", "servers");
    for method in [Method::OPTIONS, Method::TRACE, Method::from_bytes(b"PROPFIND").expect("a method")] {
        let answer = alice.send(method, &path, &[], Body::empty()).await;
        answer.assert_error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    }
    let post = async |kind: &str, body: Vec<u8>| {
        let headers: &[(&str, &str)] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
        alice.send(Method::POST, &path, headers, body.into()).await
    };
    for kind in [
        "",
        "text/html",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/jsonx",
    ] {
        let answer = post(kind, b"{}".to_vec()).await;
        answer.assert_error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    }
    let long = vec![b' '; (1 << 20) + 1];
    post("application/json", long.clone())
        .await
        .assert_error(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    assert_eq!(app.cloud.admin().call_count("RegionOne", Service::Compute), 0);

    // Without a length that says so before, it shows on the way.
    let pieces =
        long.chunks(100_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let unannounced = Body::from_stream(futures_util::stream::iter(pieces));
    let headers = [("content-type", "application/json")];
    let answer = alice.send(Method::POST, &path, &headers, unannounced).await;
    answer.assert_error(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    let answer = alice.send(Method::GET, &path, &headers, "{}".into()).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "unexpected_body");
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_session_or_with_a_forged_request_nothing_goes_through(db: PgPool) {
    let app = TestApp::new(db).await;
    let path = cloud("compute", "servers");
    app.browser().get(&path).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    let alice = app.signed_in("alice");
    alice.csrf_token().await;
    app.cloud.admin().reset_calls();
    let project = app.project("alpha");
    let headers = [(PROJECT_HEADER, project.as_str()), ("content-type", "application/json")];
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer = alice.send(method, &path, &headers, "{}".into()).await;
        answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    }
    let answer = alice.get_with(&path, &[("sec-fetch-site", "cross-site")]).await;
    answer.assert_error(StatusCode::FORBIDDEN, "forged_request");
    assert_eq!(app.cloud.admin().call_count("RegionOne", Service::Compute), 0);
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
}
