//! Too many failures lock a user, or an address, out for a while.

use std::time::Duration;

use api_types::routes;
use axum::http::StatusCode;
use server::{metrics::Metric, testing::TestApp};
use simcloud::{CloudConfig, Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;

async fn app(db: PgPool) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| {
        source
            .with_env("SIGN_IN_LOCKOUT_USER_FAILURES", "3")
            .with_env("SIGN_IN_LOCKOUT_ADDRESS_FAILURES", "6")
            .with_env("SIGN_IN_LOCKOUT_WINDOW_SECS", "600")
            .with_env("SIGN_IN_LOCKOUT_SECS", "300")
            .with_env("TRUSTED_PROXIES", "10.0.0.0/8")
    })
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_is_locked_out_with_the_remaining_time_even_with_the_right_password(db: PgPool) {
    let app = app(db).await;
    for _ in 0..3 {
        app.browser().sign_in("alice", "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    }
    app.cloud.admin().reset_calls();
    let page = app.browser().sign_in("alice", TEST_PASSWORD).await;
    page.assert_status(StatusCode::TOO_MANY_REQUESTS);
    assert!(page.text().contains("Please try again in 5 minutes."), "{}", page.text());
    assert_eq!(page.header("retry-after"), "300");
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0, "Keystone is spared");
    assert_eq!(app.app.metrics.counted(Metric::LoginLockout, &[]), 1);

    app.clock.advance(Duration::from_secs(200));
    let page = app.browser().sign_in("alice", TEST_PASSWORD).await;
    assert!(page.text().contains("Please try again in 2 minutes."), "{}", page.text());
    app.clock.advance(Duration::from_secs(101));
    app.browser().sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_who_does_not_exist_is_locked_out_alike(db: PgPool) {
    let app = app(db).await;
    for _ in 0..3 {
        app.browser().sign_in("no-such-user", "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    }
    app.browser().sign_in(" NO-such-user", "wrong").await.assert_status(StatusCode::TOO_MANY_REQUESTS);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_is_locked_out_whoever_it_tries_to_be(db: PgPool) {
    let app = app(db).await;
    for at in 0..6 {
        let page = app.browser().sign_in(&format!("user-{at}"), "wrong").await;
        page.assert_status(StatusCode::UNAUTHORIZED);
    }
    app.browser().sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::TOO_MANY_REQUESTS);
    let elsewhere = app.browser().at("198.51.100.7");
    elsewhere.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_that_is_locked_out_leaves_no_rows_for_the_names_it_makes_up(db: PgPool) {
    let app = app(db.clone()).await;
    let browser = app.browser();
    for at in 0..20 {
        browser.sign_in(&format!("user-{at}"), "wrong").await;
    }
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sign_in_failures").fetch_one(&db).await.expect("a count");
    assert_eq!(rows, 7, "six names and the address");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_who_is_locked_out_costs_the_address_nothing(db: PgPool) {
    let app = app(db).await;
    for _ in 0..12 {
        app.browser().sign_in("alice", "wrong").await;
    }
    app.browser().sign_in("solo", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
}

#[sqlx::test(migrations = "../migrations")]
async fn neighbours_in_one_ipv6_network_are_one_address(db: PgPool) {
    let app = app(db).await;
    for at in 0..6 {
        let browser = app.browser().at(&format!("2001:db8:1:2::{at}"));
        browser.sign_in(&format!("user-{at}"), "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    }
    let neighbour = app.browser().at("2001:db8:1:2:ffff::1");
    neighbour.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::TOO_MANY_REQUESTS);
    let stranger = app.browser().at("2001:db8:1:3::1");
    stranger.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
}

#[sqlx::test(migrations = "../migrations")]
async fn success_forgets_the_users_slips_but_not_the_addresss(db: PgPool) {
    let app = app(db).await;
    for _ in 0..2 {
        for _ in 0..2 {
            app.browser().sign_in("alice", "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
        }
        app.browser().sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    }
    for user in ["x", "y"] {
        app.browser().sign_in(user, "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    }
    app.browser().sign_in("z", "wrong").await.assert_status(StatusCode::TOO_MANY_REQUESTS);
}

#[sqlx::test(migrations = "../migrations")]
async fn guesses_made_side_by_side_count_like_guesses_made_in_turn(db: PgPool) {
    let app = app(db).await;
    let guesses = (0..12).map(|_| async {
        let browser = app.browser();
        browser.sign_in("alice", "wrong").await.status
    });
    let statuses = futures_util::future::join_all(guesses).await;
    let refused = statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(refused, 3, "{statuses:?}");
    let asked = app.cloud.admin().call_count("*", Service::Identity);
    assert_eq!(asked, 3, "Keystone was asked about three guesses only");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_keystone_that_does_not_answer_counts_against_nobody(db: PgPool) {
    let app = app(db).await;
    // 403 and 404 are a proxy's word or a wrong address: Keystone refuses with 401 alone.
    for status in [403, 404, 500, 500] {
        app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Status(status)));
        let page = app.browser().sign_in("alice", "wrong").await;
        page.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    }
    app.cloud.admin().set_fault("*", Service::Identity, None);
    // The circuit to Keystone may be open; a person would try again.
    server::testing::until("Keystone to be asked again", async || {
        app.browser().sign_in("alice", TEST_PASSWORD).await.status == StatusCode::SEE_OTHER
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_from_a_header_counts_only_behind_a_trusted_proxy(db: PgPool) {
    let app = app(db).await;
    let form = app.browser().get(routes::SIGN_IN).await;
    let guess = async |peer: &str, forwarded: &str, user: &str| {
        let browser = app.browser().at(peer);
        browser.set_cookie("meridian-form", &app_form_cookie(&form));
        let body = format!("form_token={}&user={user}&password=wrong", form.hidden("form_token"));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-for", forwarded)];
        browser.send(axum::http::Method::POST, routes::SIGN_IN, &headers, body.into()).await.status
    };
    // Whoever is no proxy cannot hide behind made-up addresses.
    for at in 0..6 {
        assert_eq!(
            guess("192.0.2.9", &format!("203.0.113.{at}"), &format!("a{at}")).await,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(guess("192.0.2.9", "203.0.113.99", "a9").await, StatusCode::TOO_MANY_REQUESTS);
    // Behind the proxy each client counts for itself.
    for at in 0..8 {
        assert_eq!(
            guess("10.0.0.1", &format!("203.0.113.{at}"), &format!("b{at}")).await,
            StatusCode::UNAUTHORIZED
        );
    }
}

fn app_form_cookie(form: &server::testing::TestResponse) -> String {
    let cookie = form.header("set-cookie");
    let (pair, _) = cookie.split_once(';').expect("attributes");
    pair.split_once('=').expect("a value").1.to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn old_counts_are_deleted(db: PgPool) {
    let app = app(db.clone()).await;
    app.browser().sign_in("alice", "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
    let counts = async || {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM sign_in_failures")
            .fetch_one(&db)
            .await
            .expect("a count");
        count
    };
    app.app.attempts.delete_old().await.expect("deleted");
    assert_eq!(counts().await, 2);
    app.clock.advance(Duration::from_secs(901));
    app.app.attempts.delete_old().await.expect("deleted");
    assert_eq!(counts().await, 0);
}
