//! Regions that do not answer as they should: the others are complete, and the reason has a name.

use api_types::servers::RegionStatus;
use simcloud::{CloudConfig, Fault, NewServer, ProjectSeed, Service};

use super::*;
use crate::testing::until;

/// A panel whose patience with an upstream is short.
async fn hasty(db: PgPool) -> TestApp {
    eager_with(db, |source| source.with_env("UPSTREAM_TIMEOUT_SECS", "0.4")).await
}

#[sqlx::test(migrations = "../migrations")]
async fn each_way_to_fail_has_its_name_and_costs_no_other_region_anything(db: PgPool) {
    let app = hasty(db).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let faults = [
        (Fault::Refuse, "upstream_unreachable"),
        (Fault::Hang, "upstream_timeout"),
        (Fault::Drip { bytes_per_second: 10 }, "upstream_timeout"),
        (Fault::CutInTheMiddle, "upstream_unreachable"),
        (Fault::Status(401), "unauthorized"),
        (Fault::Status(403), "forbidden"),
        (Fault::Status(409), "conflict"),
        (Fault::Status(413), "rate_limited"),
        (Fault::Status(429), "rate_limited"),
        (Fault::Status(500), "upstream_error"),
        (Fault::Status(503), "upstream_unavailable"),
        (Fault::MalformedJson, "upstream_malformed"),
    ];
    for (fault, code) in faults {
        let node = app.another_node();
        app.cloud.admin().set_fault("RegionTwo", Service::Compute, Some(fault.clone()));
        let mut watcher = Watcher::open(&node.signed_in("alice"), &path).await;
        watcher
            .until("the two others", |seen| {
                [("RegionOne", 5), ("RegionThree", 3)].into_iter().all(|(name, rows)| {
                    seen.status(name) == Some(RegionStatus::Complete) && seen.rows_of(name).len() == rows
                })
            })
            .await;
        let seen = watcher.until("the reason", |seen| seen.failure("RegionTwo").is_some()).await;
        assert_eq!(seen.failure("RegionTwo"), Some(code), "{fault:?}");
        let state = &seen.regions[&region("RegionTwo")];
        assert_eq!(state.status, RegionStatus::Unreachable, "{fault:?}");
        assert!(state.retry_in_ms.is_some());
        let message = &state.failure.as_ref().expect("a failure").message;
        assert!(message.starts_with("Compute in RegionTwo ") && message.ends_with('.'), "{message}");

        app.cloud.admin().clear_faults();
        alice.post(&routes::servers_retry(&app.project("alpha"), &region("RegionTwo")), &()).await;
        // That node's own back-off is short; the person's retry is tested below.
        watcher.until_complete().await;
        assert_eq!(watcher.seen.rows.len(), 12, "{fault:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn one_hanging_region_delays_the_others_by_nothing(db: PgPool) {
    let app = eager(db).await;
    app.cloud.admin().set_fault("RegionTwo", Service::Compute, Some(Fault::Hang));
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    let seen = watcher.until("the two others", |seen| seen.rows.len() == 8).await;
    // Nobody has given up on it yet, and the others are there.
    assert_eq!(seen.status("RegionTwo"), Some(RegionStatus::Loading));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_that_fails_later_keeps_its_rows_and_says_how_old_they_are(db: PgPool) {
    let app = hasty(db).await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Status(503)));
    let seen =
        watcher.until("the failure", |seen| seen.status("RegionOne") == Some(RegionStatus::Stale)).await;
    assert_eq!((seen.rows.len(), seen.failure("RegionOne")), (12, Some("upstream_unavailable")));
    assert!(seen.regions[&region("RegionOne")].age_ms.is_some());
    app.cloud.admin().clear_faults();
    watcher.until_complete().await;
    assert_eq!(watcher.seen.resets, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_that_cannot_be_read_end_a_fill_after_some_of_them(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 2_000)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| {
        source.with_env("UPSTREAM_CONCURRENCY", "1").with_env("INDEX_POLL_TRANSITION_SECS", "60")
    })
    .await;
    let path = list_path(&app.project("alpha"));
    let mut watcher = Watcher::open(&app.signed_in("alice"), &path).await;
    watcher.until("a part of the rows", |seen| seen.rows.len() > 300).await;
    let admin = app.cloud.admin();
    admin.set_fault("RegionOne", Service::Compute, Some(Fault::MalformedJson));
    admin.reset_calls();
    let seen = watcher.until("the failure", |seen| seen.failure("RegionOne").is_some()).await;
    assert_eq!(seen.failure("RegionOne"), Some("upstream_malformed"));
    assert!(admin.call_count("RegionOne", Service::Compute) < 8);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_malformed_row_is_one_degraded_row(db: PgPool) {
    let app = patient(db).await;
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::MalformedRow));
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    let seen = watcher.until_complete().await;
    assert_eq!(seen.rows_of("RegionOne").len(), 5);
    assert_eq!(seen.rows_of("RegionOne").iter().filter(|row| row.is_degraded).count(), 1);
    assert_eq!(seen.regions[&region("RegionOne")].degraded_rows, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_the_image_service_rows_show_the_ids_of_their_images(db: PgPool) {
    let app = hasty(db).await;
    app.cloud.admin().set_fault("*", Service::Image, Some(Fault::Hang));
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    let seen = watcher.until_complete().await;
    assert_eq!(seen.rows.len(), 12);
    let unnamed =
        |row: &&api_types::servers::ServerRow| matches!(row.image, api_types::servers::Image::Unnamed { .. });
    assert!(seen.rows.values().filter(unnamed).count() > 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failing_region_is_left_alone_until_somebody_asks_to_try_again(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source
            .with_env("UPSTREAM_BREAKER_FAILURES", "2")
            .with_env("UPSTREAM_BREAKER_OPEN_SECS", "500")
            .with_env("UPSTREAM_BREAKER_OPEN_MAX_SECS", "500")
            .with_env("INDEX_POLL_TRANSITION_SECS", "0.05")
    })
    .await;
    let admin = app.cloud.admin();
    admin.set_fault("RegionTwo", Service::Compute, Some(Fault::Status(500)));
    let alice = app.signed_in("alice");
    let project = app.project("alpha");
    let mut watcher = Watcher::open(&alice, &list_path(&project)).await;
    watcher.until("the failure", |seen| seen.failure("RegionTwo").is_some()).await;
    let target = crate::upstream::Target::new(crate::upstream::ServiceType::Compute, region("RegionTwo"));
    until("the circuit to open", async || {
        app.app.upstream.circuit(&target) == crate::upstream::circuit_breaker::CircuitState::Open
    })
    .await;
    admin.reset_calls();
    let is_retried = |seen: &super::viewer::Seen| {
        seen.regions[&region("RegionTwo")].retry_in_ms.is_some_and(|ms| ms > 1_000)
    };
    // The circuit is open for long, and so is the wait that is shown; what opened it stays the reason.
    let seen = watcher.until("a long wait", is_retried).await;
    assert_eq!(seen.failure("RegionTwo"), Some("upstream_error"));
    assert_eq!(admin.call_count("RegionTwo", Service::Compute), 0);

    admin.clear_faults();
    let retry = alice.post(&routes::servers_retry(&project, &region("RegionTwo")), &()).await;
    retry.assert_status(axum::http::StatusCode::ACCEPTED);
    watcher.until_complete().await;
    assert_eq!(watcher.seen.rows.len(), 12);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_service_that_refuses_a_good_token_ends_no_session(db: PgPool) {
    let app = hasty(db).await;
    let alice = app.signed_in("alice");
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Status(401)));
    let mut watcher = Watcher::open(&alice, &list_path(&app.project("alpha"))).await;
    watcher.until("the refusal", |seen| seen.failure("RegionOne") == Some("unauthorized")).await;
    assert_eq!(watcher.seen.ended, None);
    alice.get(routes::SESSION).await.assert_status(axum::http::StatusCode::OK);
    app.cloud.admin().clear_faults();
    watcher.until_complete().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_keystone_revoked_ends_the_session_and_the_stream_says_so(db: PgPool) {
    let app = eager(db).await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    app.cloud.admin().revoke_tokens_of("alice");
    watcher.until("the end", |seen| seen.ended.is_some()).await;
    assert_eq!(watcher.seen.ended.as_deref(), Some("session_ended"));
}

#[sqlx::test(migrations = "../migrations")]
async fn when_one_viewers_token_is_revoked_another_viewers_is_used(db: PgPool) {
    let app = eager(db).await;
    let path = list_path(&app.project("three"));
    // Two sessions of one user have tokens of their own.
    let (one, two) = (app.signed_in("demo"), app.signed_in("demo"));
    let mut first = Watcher::open(&one, &path).await;
    first.until_complete().await;
    let mut second = Watcher::open(&two, &path).await;
    second.until_complete().await;
    // The one whose token is asked with signs out.
    two.post(routes::SIGN_OUT, &()).await;
    let new = server_id(&app.cloud.admin().add_server(
        "RegionOne",
        "three",
        NewServer { name: "later".to_owned(), ..NewServer::default() },
    ));
    first.until("the new server", |seen| seen.row(new).is_some()).await;
    assert_eq!(first.seen.ended, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_expired_token_is_trouble_for_nobody_but_its_viewer(db: PgPool) {
    let lifetime = Duration::from_secs(600);
    let cloud = CloudConfig { token_lifetime: lifetime, ..CloudConfig::default() };
    let app = TestApp::with(db, cloud, |source| {
        // The next question comes at once, and after a trouble nothing would for a minute.
        source.with_env("INDEX_POLL_IDLE_SECS", "0.1").with_env("INDEX_POLL_TRANSITION_SECS", "60")
    })
    .await;
    let path = list_path(&app.project("three"));
    let expired = app.signed_in("demo");
    let mut first = Watcher::open(&expired, &path).await;
    first.until_complete().await;
    app.cloud.admin().advance(lifetime);
    app.clock.advance(lifetime);
    let is_told =
        |seen: &super::viewer::Seen| REGIONS.iter().all(|name| seen.failure(name) == Some("token_expired"));
    first.until("the reason", is_told).await;

    let mut second = Watcher::open(&app.signed_in("demo"), &path).await;
    let seen = second.until("its regions", |seen| seen.is_caught_up).await;
    assert_eq!(REGIONS.map(|name| seen.failure(name)), [None; 3]);
    let new = app.cloud.admin().add_server("RegionOne", "three", NewServer::default());
    second.until("the new server", |seen| seen.row(server_id(&new)).is_some()).await;
    drop((first, second));

    // The password again, and the page comes back with a token that is accepted.
    app.cloud.admin().advance(lifetime);
    app.clock.advance(lifetime);
    let password =
        api_types::session::ContinueSession { password: simcloud::DEMO_PASSWORD.to_owned(), totp: None };
    let renewed = expired.post(routes::SESSION_CONTINUE, &password).await;
    renewed.assert_status(axum::http::StatusCode::OK);
    let new = app.cloud.admin().add_server("RegionOne", "three", NewServer::default());
    let mut again = Watcher::open(&expired, &path).await;
    again.until("the newer server", |seen| seen.row(server_id(&new)).is_some()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_that_begins_to_hang_is_noticed_long_before_the_longest_wait_is_over(db: PgPool) {
    let app = eager_with(db, |source| {
        source.with_env("UPSTREAM_TIMEOUT_SECS", "30").with_env("INDEX_REFRESH_TIMEOUT_SECS", "0.5")
    })
    .await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    app.cloud.admin().set_fault("RegionTwo", Service::Compute, Some(Fault::Hang));
    let seen =
        watcher.until("the failure", |seen| seen.status("RegionTwo") == Some(RegionStatus::Stale)).await;
    assert_eq!(seen.failure("RegionTwo"), Some("upstream_timeout"));
}

#[sqlx::test(migrations = "../migrations")]
async fn somebody_who_insists_on_a_retry_asks_once_a_second(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let project = app.project("alpha");
    let mut watcher = Watcher::open(&alice, &list_path(&project)).await;
    watcher.until_complete().await;
    app.cloud.admin().reset_calls();
    let began = std::time::Instant::now();
    for _ in 0..50 {
        let retry = alice.post(&routes::servers_retry(&project, &region("RegionOne")), &()).await;
        retry.assert_status(axum::http::StatusCode::ACCEPTED);
    }
    let calls = app.cloud.admin().call_count("RegionOne", Service::Compute);
    assert!(calls <= began.elapsed().as_secs() + 1, "{calls} calls");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reader_who_does_not_read_is_cut_off_when_the_session_ends(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 5_000)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| source).await;
    let path = list_path(&app.project("alpha"));
    let mut complete = Watcher::open(&app.signed_in("alice"), &path).await;
    complete.until_complete().await;
    let alice = app.signed_in("alice");
    let slow = Watcher::open(&alice, &path).await;
    alice.delete(&format!("{}?include_current=true", routes::SESSIONS)).await;
    // The piece that was waiting, one that was being handed over, and the last word.
    let seen = slow.into_end().await;
    assert_eq!(seen.ended.as_deref(), Some("session_ended"));
    assert!(seen.rows.len() < 2_000, "{} rows after the end", seen.rows.len());
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_ends_the_stream(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let mut watcher = Watcher::open(&alice, &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    let sessions = alice.delete(&format!("{}?include_current=true", routes::SESSIONS)).await;
    assert!(sessions.status.is_success(), "{}", sessions.text());
    watcher.until("the end", |seen| seen.ended.is_some()).await;
    assert_eq!(watcher.seen.ended.as_deref(), Some("session_ended"));
    assert!(watcher.next().await.is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn when_the_panel_stops_its_streams_end(db: PgPool) {
    let app = patient(db).await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    app.app.shutdown.begin();
    let seen = watcher.into_end().await;
    assert_eq!(seen.ended, None, "the browser comes back to another node");
}

#[sqlx::test(migrations = "../migrations")]
async fn retrying_what_is_not_there_is_not_found(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let project = app.project("alpha");
    let path = |name: &str| format!("/api/projects/{project}/regions/{name}/servers/retry");
    for name in ["RegionNine", "a%20b", "%2e%2e"] {
        alice.post(&path(name), &()).await.assert_error(axum::http::StatusCode::NOT_FOUND, "not_found");
    }
    let without_token =
        alice.send(axum::http::Method::POST, &path("RegionOne"), &[], axum::body::Body::empty()).await;
    assert_eq!(without_token.status, axum::http::StatusCode::FORBIDDEN);
}
