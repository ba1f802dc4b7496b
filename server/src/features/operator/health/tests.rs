//! What operators are shown of the health, and what a probe does.

use std::time::Duration;

use api_types::{
    operator::health::{Circuit, HealthReport, ProbeService, ProbedService, ServiceReport},
    routes,
};
use axum::http::StatusCode;
use simcloud::{CloudConfig, Fault, Service};
use sqlx::PgPool;

use crate::testing::{Client, DatabaseProxy, Log, TestApp, until};

async fn report(operator: &Client) -> HealthReport {
    operator.get(routes::OPERATOR_HEALTH).await.assert_status(StatusCode::OK).json()
}

fn compute_in<'a>(report: &'a HealthReport, region: &str) -> &'a ServiceReport {
    let is_it =
        |service: &&ServiceReport| service.service == "compute" && service.region.as_deref() == Some(region);
    report.services.iter().find(is_it).expect("the region's compute service")
}

fn compute(region: &str) -> ProbeService {
    ProbeService { service: "compute".to_owned(), region: Some(region.to_owned()) }
}

/// Somebody opens the list, so that the node knows the regions.
async fn open_list(app: &TestApp, user: &Client) {
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    user.get(&servers).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_report_has_the_node_its_needs_every_service_and_the_database(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("NODE_NAME", "panel-1")).await;
    let operator = app.signed_in("operator");
    open_list(&app, &app.signed_in("alice")).await;
    app.app.health.look().await;
    let seen = report(&operator).await;
    assert_eq!((seen.node.as_str(), seen.is_in_service, seen.because.len()), ("panel-1", true, 0));
    let needs: Vec<_> = seen.needs.iter().map(|need| (need.need.as_str(), need.is_good)).collect();
    assert_eq!(needs, [("database", true), ("keystone", true)]);
    let [node] = &seen.nodes[..] else { panic!("{:?}", seen.nodes) };
    assert!(node.is_this && node.is_heard && !node.is_draining);
    assert_eq!((node.name.as_str(), node.release.as_str()), ("panel-1", crate::RELEASE));
    assert!(seen.services.iter().any(|service| service.service == "identity" && service.region.is_none()));
    for region in ["RegionOne", "RegionTwo"] {
        let service = compute_in(&seen, region);
        assert_eq!((service.circuit, service.failed_at), (Circuit::Closed, None));
        assert!(service.answered_at.is_some());
    }
    let database = seen.database.expect("a database");
    assert!(!database.is_replica && database.connections > 0 && database.most >= database.connections);
    assert!(database.size_bytes > Some(0) && database.log_bytes > Some(0) && database.log_days == Some(1));
    assert_eq!(seen.queues[0].waiting, Some(0));
    let detail: HealthReport = operator.get(routes::HEALTH_DETAIL).await.assert_status(StatusCode::OK).json();
    assert_eq!(detail.node, "panel-1");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_probe_while_the_service_is_broken_leaves_the_circuit_open_and_one_after_it_opens_the_way(
    db: PgPool,
) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("UPSTREAM_BREAKER_FAILURES", "1").with_env("UPSTREAM_BREAKER_OPEN_SECS", "60")
    })
    .await;
    let (operator, alice) = (app.signed_in("operator"), app.signed_in("alice"));
    open_list(&app, &alice).await;
    app.cloud.admin().set_fault("RegionTwo", Service::Compute, Some(Fault::Status(503)));
    let probe = async || operator.post(routes::OPERATOR_HEALTH_PROBE, &compute("RegionTwo")).await;

    let probed: ProbedService = probe().await.assert_status(StatusCode::OK).json();
    assert_eq!((probed.is_answered, probed.status, probed.circuit), (false, Some(503), Circuit::Open));
    assert_eq!(probed.error.as_deref(), Some("upstream_unavailable"));
    let seen = report(&operator).await;
    let broken = compute_in(&seen, "RegionTwo");
    assert_eq!((broken.circuit, broken.failure_status), (Circuit::Open, Some(503)));
    assert!(broken.failed_at.is_some() && broken.retry_in_secs > Some(0));
    assert_eq!(compute_in(&seen, "RegionOne").circuit, Circuit::Closed);

    probe().await.assert_error(StatusCode::CONFLICT, "probed_a_moment_ago");
    app.clock.advance(Duration::from_secs(2));
    app.cloud.admin().clear_faults();
    let probed: ProbedService = probe().await.assert_status(StatusCode::OK).json();
    assert!(probed.is_answered, "{probed:?}");
    assert_eq!(probed.circuit, Circuit::Reintroducing);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_whose_circuit_is_open_is_named_beside_the_service(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("NODE_NAME", "panel-1")).await;
    let other = app.restarted(|source| {
        source.with_env("NODE_NAME", "panel-2").with_env("UPSTREAM_BREAKER_FAILURES", "1")
    });
    let (operator, elsewhere) = (app.signed_in("operator"), other.signed_in("operator"));
    open_list(&app, &app.signed_in("alice")).await;
    open_list(&other, &other.signed_in("alice")).await;
    app.cloud.admin().set_fault("RegionTwo", Service::Compute, Some(Fault::Status(503)));
    elsewhere.post(routes::OPERATOR_HEALTH_PROBE, &compute("RegionTwo")).await.assert_status(StatusCode::OK);
    other.app.health.look().await;
    app.app.health.look().await;
    let seen = report(&operator).await;
    let named: Vec<_> = compute_in(&seen, "RegionTwo").elsewhere.iter().map(|other| &*other.node).collect();
    assert_eq!(named, ["panel-2"]);
    assert_eq!(seen.nodes.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_the_database_the_report_has_a_gap_and_says_so(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let app = TestApp::with(proxy.pool(), CloudConfig::default(), |source| {
        source.with_env("HEALTH_TIMEOUT_SECS", "0.5")
    })
    .await;
    let operator = app.signed_in("operator");
    app.app.health.look().await;
    assert!(report(&operator).await.database.is_some());
    proxy.hang();
    for _ in 0..3 {
        app.app.health.look().await;
    }
    let seen = report(&operator).await;
    assert_eq!((seen.is_in_service, seen.because, seen.database), (false, vec!["database".to_owned()], None));
    let database = &seen.needs[0];
    assert_eq!((database.is_good, database.error.as_deref()), (false, Some("database_timeout")));
    assert_eq!(database.conclusion.as_ref().map(|it| (it.is_out, &*it.why)), Some((true, "nobody_to_ask")));
    assert_eq!(seen.nodes.len(), 1, "those that were known");
    assert_eq!(seen.queues[0].waiting, None);
    proxy.pass();
    until("the database to be used again", async || {
        app.app.health.look().await;
        report(&operator).await.database.is_some()
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_that_is_open_is_written_down_once_in_a_while_and_every_probe_each_time(db: PgPool) {
    let app = TestApp::new(db).await;
    let operator = app.signed_in("operator");
    report(&operator).await;
    open_list(&app, &app.signed_in("alice")).await;
    app.clock.advance(Duration::from_secs(400));
    let log = Log::listen();
    for _ in 0..10 {
        report(&operator).await;
    }
    operator.post(routes::OPERATOR_HEALTH_PROBE, &compute("RegionOne")).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(2));
    operator.post(routes::OPERATOR_HEALTH_PROBE, &compute("RegionOne")).await.assert_status(StatusCode::OK);
    let text = log.text();
    assert_eq!(text.matches("an operator looked at the health").count(), 1, "{text}");
    assert_eq!(text.matches("an operator probed a service").count(), 2, "{text}");
    assert!(text.contains("Compute in RegionOne"), "{text}");
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_sees_that_there_is_such_a_thing(db: PgPool) {
    let app = TestApp::new(db).await;
    for browser in [app.signed_in("alice"), app.browser()] {
        for path in [routes::OPERATOR_HEALTH, routes::HEALTH_DETAIL] {
            let answer = browser.get(path).await;
            let nothing = browser.get(&format!("{path}/nothing")).await;
            assert_eq!((answer.status, nothing.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
        }
    }
    let alice = app.signed_in("alice");
    alice
        .post(routes::OPERATOR_HEALTH_PROBE, &compute("RegionOne"))
        .await
        .assert_status(StatusCode::NOT_FOUND);
    let operator = app.signed_in("operator");
    for (service, region) in
        [("compute", None), ("identity", Some("RegionOne")), ("disk", None), ("compute", Some("Nowhere"))]
    {
        let wanted = ProbeService { service: service.to_owned(), region: region.map(str::to_owned) };
        let answer = operator.post(routes::OPERATOR_HEALTH_PROBE, &wanted).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "no_such_service");
    }
}
