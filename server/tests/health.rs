//! `/health` follows what a node can use: what fails and recovers, what all nodes lack, and what a probe costs.

use std::time::Duration;

use api_types::routes;
use axum::http::StatusCode;
use server::{
    health::policy::{Conclusion, Why},
    metrics::Metric,
    shutdown::Shutdown,
    testing::{DatabaseProxy, Log, TestApp, until},
};
use simcloud::{CloudConfig, Fault, Service};
use sqlx::{PgPool, query_scalar};

/// What `/health` says to somebody who has no session.
async fn health(app: &TestApp) -> (u16, String) {
    let answer = app.browser().get(routes::HEALTH).await;
    (answer.status.as_u16(), answer.text().trim_end().to_owned())
}

async fn look(app: &TestApp, rounds: usize) {
    for _ in 0..rounds {
        app.app.health.look().await;
    }
}

fn ok() -> (u16, String) {
    (200, "OK".to_owned())
}

fn out(because: &str) -> (u16, String) {
    (503, format!("NOT OK: {because}"))
}

fn without(lacking: &str) -> (u16, String) {
    (200, format!("OK\nin service without: {lacking}"))
}

/// A node whose checks end soon.
async fn node(db: PgPool, settings: &[(&str, &str)]) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| {
        let source = source.with_env("HEALTH_TIMEOUT_SECS", "1");
        settings.iter().fold(source, |source, (key, value)| source.with_env(key, value))
    })
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_is_out_of_service_until_it_has_looked(db: PgPool) {
    let app = node(db, &[]).await;
    assert_eq!(health(&app).await, out("starting"));
    app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.browser().get(routes::HEALTH_LIVE).await.text(), "OK\n");
    look(&app, 1).await;
    assert_eq!(health(&app).await, ok());
    assert_eq!(app.app.metrics.counted(Metric::HealthInService, &[]), 1);
    assert_eq!(app.app.metrics.counted(Metric::HealthNeed, &["keystone"]), 1);
    app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::OK);
    let live = app.browser().get(routes::HEALTH_LIVE).await.text();
    assert_eq!(live, "OK\ndatabase: good\nkeystone: good\n");
}

#[sqlx::test(migrations = "../migrations")]
async fn health_follows_keystone_with_the_third_bad_check_and_the_second_good_one(db: PgPool) {
    let app = node(db, &[("HEALTH_TIMEOUT_SECS", "0.3")]).await;
    look(&app, 1).await;
    let control = app.cloud.admin();
    for fault in [Fault::Refuse, Fault::Status(503), Fault::Hang] {
        control.set_fault("*", Service::Identity, Some(fault.clone()));
        look(&app, 2).await;
        assert_eq!(health(&app).await, ok(), "{fault:?}: two odd checks");
        look(&app, 1).await;
        assert_eq!(health(&app).await, out("keystone"), "{fault:?}");
        app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::OK);
        control.set_fault("*", Service::Identity, None);
        look(&app, 1).await;
        assert_eq!(health(&app).await, out("keystone"), "{fault:?}: one good check");
        look(&app, 1).await;
        assert_eq!(health(&app).await, ok(), "{fault:?} is over");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn health_follows_the_database_away_and_back(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let app = node(proxy.pool(), &[]).await;
    look(&app, 1).await;
    assert_eq!(health(&app).await, ok());
    for take_away in [DatabaseProxy::refuse, DatabaseProxy::hang] {
        take_away(&proxy);
        look(&app, 3).await;
        assert_eq!(health(&app).await, out("database"));
        proxy.pass();
        until("the database to be used again", async || {
            look(&app, 1).await;
            health(&app).await == ok()
        })
        .await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_only_reads_is_none(db: PgPool) {
    let app = node(db.clone(), &[]).await;
    look(&app, 1).await;
    let name: String = query_scalar("SELECT current_database()").fetch_one(&db).await.expect("a name");
    let read_only = |is: &str| format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = {is}");
    // The settings of a database are those of connections made after it.
    sqlx::raw_sql(sqlx::AssertSqlSafe(read_only("on"))).execute(&db).await.expect("set");
    let lacking = TestApp::with(
        sqlx::postgres::PgPoolOptions::new().connect_lazy_with((*db.connect_options()).clone()),
        CloudConfig::default(),
        |source| source,
    )
    .await;
    look(&lacking, 1).await;
    assert_eq!(health(&lacking).await, out("database"));
    let state = lacking.app.health.snapshot();
    assert_eq!(state.needs[0].error, Some("database_read_only"));
    assert_eq!(health(&app).await, ok(), "a node that was connected before");
}

#[sqlx::test(migrations = false)]
async fn a_node_is_ready_once_the_database_has_its_migrations(db: PgPool) {
    // All databases of a run may have them from the start.
    let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    sqlx::raw_sql(empty).execute(&db).await.expect("an empty database");
    let app = node(db.clone(), &[]).await;
    look(&app, 3).await;
    assert_eq!(health(&app).await, out("starting, database"));
    app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    server::migrations::migrate(&db).await.expect("migrated");
    look(&app, 2).await;
    assert_eq!(health(&app).await, ok());
    app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_goes_away_says_so_while_it_answers_everybody(db: PgPool) {
    let app = node(db, &[]).await;
    look(&app, 1).await;
    app.app.shutdown.drain();
    assert_eq!(health(&app).await, out("draining"));
    app.browser().get(routes::HEALTH_READY).await.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    app.browser().get(routes::HEALTH_LIVE).await.assert_status(StatusCode::OK);
    app.browser().get(routes::SIGN_IN).await.assert_status(StatusCode::OK);
    app.signed_in("alice").get(routes::SESSION).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_all_nodes_lack_takes_none_out_and_what_one_lacks_takes_it_out(db: PgPool) {
    let one = node(db, &[]).await;
    let other = one.another_node();
    for _ in 0..2 {
        look(&one, 1).await;
        look(&other, 1).await;
    }
    one.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    for _ in 0..4 {
        look(&one, 1).await;
        look(&other, 1).await;
        assert_eq!(health(&one).await.0, 200);
        assert_eq!(health(&other).await.0, 200);
    }
    assert_eq!(health(&one).await, without("keystone"));
    assert_eq!(health(&other).await, without("keystone"));
    one.cloud.admin().clear_faults();
    for _ in 0..2 {
        look(&other, 1).await;
        look(&one, 1).await;
        assert_eq!(health(&one).await.0, 200);
        assert_eq!(health(&other).await.0, 200);
    }
    assert_eq!(health(&one).await, ok());

    // Nobody listens there.
    let cut_off = one.restarted(|source| source.with_env("OS_AUTH_URL", "http://127.0.0.1:9/v3"));
    look(&cut_off, 1).await;
    assert_eq!(health(&cut_off).await, out("keystone"));
    look(&one, 3).await;
    assert_eq!(health(&one).await, ok());
    let strict = one.restarted(|source| source.with_env("HEALTH_WHEN_BAD_EVERYWHERE", "fail"));
    one.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    look(&one, 3).await;
    look(&other, 3).await;
    look(&strict, 1).await;
    assert_eq!(health(&strict).await, out("keystone"));
}

#[sqlx::test(migrations = "../migrations")]
async fn without_the_database_the_next_hops_say_whether_it_is_gone_everywhere(db: PgPool) {
    let (near, far) = (DatabaseProxy::start(&db).await, DatabaseProxy::start(&db).await);
    let other = node(far.pool(), &[]).await;
    let served = other.serve().await;
    let app = node(near.pool(), &[("HEALTH_NEXT_HOPS", &served.url())]).await;
    look(&app, 1).await;
    look(&other, 1).await;
    assert_eq!(health(&app).await, ok());
    near.refuse();
    look(&app, 3).await;
    assert_eq!(health(&app).await, out("database"), "the other one has it");
    far.refuse();
    look(&other, 3).await;
    look(&app, 1).await;
    assert_eq!(health(&app).await, without("database"), "nobody has it");
    assert_eq!(health(&other).await, without("database"), "which knows of others and cannot ask them");
    served.stop();
    until("the other node to be gone", async || {
        look(&app, 1).await;
        health(&app).await == out("database")
    })
    .await;
    for policy in ["stay", "fail"] {
        let decided = app.restarted(|source| source.with_env("HEALTH_WHEN_DATABASE_IS_GONE", policy));
        look(&decided, 1).await;
        let text = health(&decided).await.1;
        // It has never seen the database's migrations.
        let expected = if policy == "stay" { "NOT OK: starting" } else { "NOT OK: starting, database" };
        assert_eq!(text, expected);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nodes_without_next_hops_do_not_go_out_together_when_the_database_and_then_keystone_go(db: PgPool) {
    let (near, far) = (DatabaseProxy::start(&db).await, DatabaseProxy::start(&db).await);
    let one = node(near.pool(), &[]).await;
    let other = node(far.pool(), &[]).await;
    for node in [&one, &other, &one] {
        look(node, 1).await;
    }
    let alice = one.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    near.refuse();
    far.refuse();
    for node in [&one, &other] {
        look(node, 3).await;
        assert_eq!(health(node).await, without("database"));
    }
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    one.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    look(&one, 3).await;
    assert_eq!(health(&one).await, without("database, keystone"));
    let conclusions = one.app.health.snapshot().needs.iter().map(|need| need.conclusion).collect::<Vec<_>>();
    assert_eq!(conclusions, [Some(Conclusion::Stay(Why::CannotAsk)); 2]);

    one.cloud.admin().clear_faults();
    near.pass();
    far.pass();
    for node in [&one, &other] {
        until("everything to be used again", async || {
            look(node, 1).await;
            health(node).await == ok()
        })
        .await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_is_to_stay_without_the_database_stays_without_keystone_as_well(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let app = node(proxy.pool(), &[("HEALTH_WHEN_DATABASE_IS_GONE", "stay")]).await;
    look(&app, 1).await;
    proxy.refuse();
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    look(&app, 3).await;
    assert_eq!(health(&app).await, without("database, keystone"));
    proxy.pass();
    until("the database to be used again", async || {
        look(&app, 1).await;
        // With it, it is known again that there is no other node.
        health(&app).await == out("keystone")
    })
    .await;
    app.cloud.admin().clear_faults();
    look(&app, 2).await;
    assert_eq!(health(&app).await, ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_says_at_its_start_that_it_could_ask_nobody_about_a_database_that_is_gone(db: PgPool) {
    for (hops, lines) in [("", 1), ("http://127.0.0.1:9", 0)] {
        let app = node(db.clone(), &[("HEALTH_NEXT_HOPS", hops)]).await;
        let log = Log::listen();
        let running = tokio::spawn(app.app.health.clone().run());
        app.app.shutdown.begin();
        running.await.expect("it ends");
        assert_eq!(log.text().matches("health.next_hops names nobody").count(), lines, "{hops}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_service_that_is_needed_is_lacking_when_no_region_has_it(db: PgPool) {
    // A call that was answered within a pause between two rounds counts as a look.
    let app = node(db, &[("HEALTH_NEEDS", "database,compute"), ("HEALTH_EVERY_SECS", "0.05")]).await;
    look(&app, 1).await;
    assert_eq!(health(&app).await, ok(), "no region is known yet");
    // Its catalog names the regions.
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    app.signed_in("alice").get(&servers).await.assert_status(StatusCode::OK);
    let control = app.cloud.admin();
    control.set_fault("RegionOne", Service::Compute, Some(Fault::Status(503)));
    look(&app, 4).await;
    assert_eq!(health(&app).await, ok());
    control.set_fault("*", Service::Compute, Some(Fault::Status(503)));
    until("no region to have it", async || {
        look(&app, 1).await;
        health(&app).await == out("compute")
    })
    .await;
    control.clear_faults();
    until("the service to be used again", async || {
        look(&app, 1).await;
        health(&app).await == ok()
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_circuit_of_a_needed_service_is_tried_though_nobody_is_sent_here_to_try_it(db: PgPool) {
    let settings = [
        ("UPSTREAM_BREAKER_OPEN_SECS", "0.05"),
        ("UPSTREAM_BREAKER_OPEN_MAX_SECS", "0.05"),
        ("HEALTH_NEEDS", "image"),
        ("HEALTH_EVERY_SECS", "0.05"),
    ];
    let app = node(db, &settings).await;
    let alice = app.signed_in("alice");
    let servers = format!("{}?follow=false", routes::servers(&app.project("alpha")));
    alice.get(&servers).await.assert_status(StatusCode::OK);
    let circuits = || -> Vec<&'static str> {
        app.app.upstream.services().iter().map(|state| state.circuit.as_str()).collect()
    };
    app.cloud.admin().set_fault("RegionTwo", Service::Image, Some(Fault::Status(503)));
    let path = routes::cloud(&"RegionTwo".parse().expect("a region"), "image", "images");
    let project = app.project("alpha");
    until("the circuit to open", async || {
        alice.get_with(&path, &[(routes::PROJECT_HEADER, project.as_str())]).await;
        circuits().iter().any(|circuit| matches!(*circuit, "open" | "half_open"))
    })
    .await;
    app.cloud.admin().clear_faults();
    until("the circuit to let calls through again", async || {
        look(&app, 1).await;
        circuits().iter().all(|circuit| matches!(*circuit, "closed" | "reintroducing"))
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_thousand_probes_ask_nobody_anything(db: PgPool) {
    // Connections are made when they are needed.
    let untouched = sqlx::postgres::PgPoolOptions::new().connect_lazy_with((*db.connect_options()).clone());
    let mut app = node(untouched.clone(), &[]).await;
    // What runs beside the requests has queries of its own.
    app.die();
    untouched.close().await;
    let before = app.cloud.admin().calls().len();
    let browser = app.browser();
    for path in [routes::HEALTH, routes::HEALTH_LIVE, routes::HEALTH_READY] {
        for _ in 0..1_000 {
            browser.get(path).await;
        }
    }
    // A query would have been an error, since the pool is closed, and nobody waits for one.
    assert_eq!((untouched.size(), app.cloud.admin().calls().len()), (0, before));
    assert_eq!(health(&app).await, out("starting"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_probe_is_answered_while_a_check_hangs_and_checks_that_stand_still_are_told(db: PgPool) {
    let app = node(db, &[("HEALTH_TIMEOUT_SECS", "20")]).await;
    look(&app, 1).await;
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Hang));
    let health_of_app = app.app.health.clone();
    let round = tokio::spawn(async move { health_of_app.look().await });
    until("the check to hang", async || app.cloud.admin().in_flight("*", Service::Identity) > 0).await;
    assert_eq!(health(&app).await, ok());
    app.clock.advance(Duration::from_secs(600));
    assert_eq!(health(&app).await, out("stalled"));
    round.abort();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_writes_itself_down_and_takes_its_row_away_when_it_stops(db: PgPool) {
    let settings = [("NODE_NAME", "panel-7"), ("NODE_ZONE", "az-2"), ("HEALTH_EVERY_SECS", "0.05")];
    let app = node(db.clone(), &settings).await;
    let running = tokio::spawn(app.app.health.clone().run());
    let rows = async || app.app.health.store().list().await.expect("the nodes");
    until("the node to be written down", async || rows().await.len() == 1).await;
    let row = rows().await.remove(0);
    assert_eq!((row.name.as_str(), row.zone.as_deref(), row.region), ("panel-7", Some("az-2"), None));
    assert_eq!((row.release.as_str(), row.is_draining), (server::RELEASE, false));
    assert!(app.app.health.is_fresh(row.silent_for));
    until("its needs to be written down", async || {
        let needs = rows().await.remove(0).sees.needs;
        needs.len() == 2 && needs.iter().all(|need| need.is_good)
    })
    .await;
    let seen: Vec<String> =
        query_scalar("SELECT release FROM releases").fetch_all(&db).await.expect("the releases");
    assert_eq!(seen, [server::RELEASE]);
    app.app.shutdown.drain();
    until("the others to know", async || rows().await.first().is_some_and(|row| row.is_draining)).await;
    app.app.shutdown.begin();
    running.await.expect("it ends");
    assert_eq!(rows().await.len(), 0);
    assert!(!Shutdown::default().is_draining());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_vanished_is_forgotten_and_its_word_does_not_count(db: PgPool) {
    let app = node(db.clone(), &[]).await;
    let gone = app.another_node();
    look(&gone, 1).await;
    look(&app, 1).await;
    let age = async |interval: &str| {
        let id = gone.app.health.id();
        let age = "UPDATE nodes SET seen_at = now() - $2::interval WHERE id = $1";
        sqlx::query(age).bind(id).bind(interval).execute(&db).await.expect("updated");
    };
    age("5 minutes").await;
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    look(&app, 3).await;
    assert_eq!(app.app.health.snapshot().nodes.len(), 2);
    assert_eq!(health(&app).await, out("keystone"), "it has nobody to ask");
    age("2 days").await;
    app.clock.advance(Duration::from_secs(3600));
    look(&app, 2).await;
    assert_eq!(app.app.health.snapshot().nodes.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn probes_have_an_id_and_the_headers_of_every_answer_and_take_nothing_but_get(db: PgPool) {
    let app = node(db, &[]).await;
    look(&app, 1).await;
    let answer = app.browser().get(routes::HEALTH).await;
    assert!(answer.header(routes::REQUEST_ID_HEADER).starts_with("req-"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert!(answer.header("set-cookie").is_empty());
    // From wherever a balancer's page asks.
    let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", "https://elsewhere.example")];
    app.browser().get_with(routes::HEALTH, &elsewhere).await.assert_status(StatusCode::OK);
    let post = app.browser().send(axum::http::Method::POST, routes::HEALTH, &[], "".into()).await;
    post.assert_status(StatusCode::METHOD_NOT_ALLOWED);
    app.browser().get("/health/nothing").await.assert_status(StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "../migrations")]
async fn probes_leave_no_lines_and_a_change_leaves_one(db: PgPool) {
    let app = node(db, &[]).await;
    look(&app, 1).await;
    let log = Log::listen();
    for _ in 0..50 {
        health(&app).await;
    }
    let of_health = || {
        let lines = log.lines().into_iter().filter(|line| line["facility"] == "health");
        lines.map(|line| line["description"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((of_health(), log.text().contains(routes::HEALTH)), (vec![], false));
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    look(&app, 10).await;
    for _ in 0..50 {
        health(&app).await;
    }
    assert_eq!(of_health(), ["this node cannot use keystone", "this node is out of service"]);
}
