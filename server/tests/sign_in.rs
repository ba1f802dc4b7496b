//! Signing in with a password, and the sentences for when it does not work.

use api_types::{routes, session::CurrentSession};
use axum::http::StatusCode;
use server::{
    metrics::Metric,
    testing::{DatabaseProxy, TestApp, TestResponse},
};
use simcloud::{CloudConfig, DEMO_USER, Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;
use std::time::{Duration, Instant};

const WRONG: &str = "The user name or password is not correct.";

/// The sentence in the summary of errors.
fn refusal(page: &TestResponse) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("role=\"alert\"").expect("a summary of errors");
    let (_, rest) = rest.split_once('>').expect("an open element");
    rest.split_once('<').expect("a closed element").0.to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_right_password_opens_a_session_in_the_first_project(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    let answer = browser.sign_in("alice", TEST_PASSWORD).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/");
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert_eq!((session.user.name.as_str(), session.user.domain.as_str()), ("alice", "Default"));
    assert_eq!(session.default_project, Some(app.project("alpha")));
    assert!((3000..=3600).contains(&session.token_expires_in_secs), "{}", session.token_expires_in_secs);
    assert_eq!(app.app.metrics.counted(Metric::LoginSuccess, &[]), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_page_after_signing_in_asks_keystone_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    browser.sign_in("alice", TEST_PASSWORD).await;
    app.cloud.admin().reset_calls();
    let project = app.project("alpha");
    browser.get(&format!("/projects/{project}/servers")).await.assert_status(StatusCode::OK);
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let servers = format!("{}?follow=false", routes::servers(&project));
    browser.get(&servers).await.assert_status(StatusCode::OK);
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_is_refused_reads_the_same_sentence(db: PgPool) {
    let app = TestApp::new(db).await;
    for (user, password) in
        [("alice", "wrong"), ("nobody-at-all", "wrong"), ("disabled", TEST_PASSWORD), ("pat", TEST_PASSWORD)]
    {
        let page = app.browser().sign_in(user, password).await;
        page.assert_status(StatusCode::UNAUTHORIZED);
        assert_eq!(refusal(&page), WRONG, "{user}");
        assert!(page.text().contains(&format!("value=\"{user}\"")), "the name is kept: {user}");
        assert!(!page.text().contains(password), "the password is not");
    }
    assert_eq!(app.app.metrics.counted(Metric::LoginFailure, &[]), 4);
    assert_eq!(app.app.metrics.counted(Metric::LoginSuccess, &[]), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_takes_a_full_step_of_time_whoever_is_asked_for(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("SIGN_IN_REFUSAL_STEP_SECS", "0.5")
    })
    .await;
    for user in ["alice", "nobody-at-all"] {
        let browser = app.browser();
        let started_at = Instant::now();
        browser.sign_in(user, "wrong").await.assert_status(StatusCode::UNAUTHORIZED);
        assert!(started_at.elapsed() >= Duration::from_millis(500), "{user}: {:?}", started_at.elapsed());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_keystone_that_is_down_and_one_that_is_slow_have_their_own_sentences(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("UPSTREAM_SIGN_IN_TIMEOUT_SECS", "0.5")
    })
    .await;
    let mut sentences = vec![WRONG.to_owned()];
    for (fault, status) in
        [(Fault::Refuse, StatusCode::SERVICE_UNAVAILABLE), (Fault::Hang, StatusCode::GATEWAY_TIMEOUT)]
    {
        app.cloud.admin().set_fault("*", Service::Identity, Some(fault));
        let page = app.browser().sign_in("alice", TEST_PASSWORD).await;
        page.assert_status(status);
        sentences.push(refusal(&page));
    }
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Status(503)));
    let page = app.browser().sign_in("alice", TEST_PASSWORD).await;
    assert_eq!(refusal(&page), sentences[1], "an error of Keystone's own is the same as no Keystone");
    sentences.dedup();
    assert_eq!(sentences.len(), 3, "{sentences:?}");
    assert_eq!(app.app.metrics.counted(Metric::LoginFailure, &[]), 0, "nobody was refused");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_time_for_signing_in_covers_every_call_to_keystone(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("UPSTREAM_SIGN_IN_TIMEOUT_SECS", "1")
    })
    .await;
    // In time for the password, and too late for what comes after it.
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Slow(Duration::from_millis(700))));
    let browser = app.browser();
    let page = browser.sign_in("alice", TEST_PASSWORD).await;
    page.assert_status(StatusCode::GATEWAY_TIMEOUT);
    assert!(refusal(&page).contains("taking too long"), "{}", refusal(&page));
    assert!(browser.cookie("meridian").is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_of_keystone_that_is_no_token_signs_nobody_in(db: PgPool) {
    let app = TestApp::new(db).await;
    for fault in [Fault::MalformedJson, Fault::CutInTheMiddle, Fault::Status(500)] {
        app.cloud.admin().set_fault("*", Service::Identity, Some(fault));
        let browser = app.browser();
        let page = browser.sign_in("alice", TEST_PASSWORD).await;
        assert!(page.status.is_server_error(), "{:?}: {}", page.status, page.text());
        assert!(browser.cookie("meridian").is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn without_its_own_database_the_panel_says_so(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let app = TestApp::new(proxy.pool()).await;
    let browser = app.browser();
    browser.get(routes::SIGN_IN).await.assert_status(StatusCode::OK);
    proxy.refuse();
    let page = browser.sign_in("alice", TEST_PASSWORD).await;
    page.assert_status(StatusCode::SERVICE_UNAVAILABLE);
    assert!(refusal(&page).contains("its own records"), "{}", refusal(&page));
    assert_eq!(
        app.cloud.admin().call_count("*", Service::Identity),
        0,
        "no uncounted guess reaches Keystone"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_form_is_shown_again_and_asks_nobody(db: PgPool) {
    let app = TestApp::new(db).await;
    let page = app.browser().sign_in("", "").await;
    page.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_names_are_shown_as_text(db: PgPool) {
    let app = TestApp::new(db).await;
    for name in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "\u{202e}ecila", "🙂🙂"]
    {
        let page = app.browser().sign_in(name, "wrong").await;
        page.assert_status(StatusCode::UNAUTHORIZED);
        assert!(
            !page.text().contains("<script>alert") && !page.text().contains("<img src=x"),
            "{}",
            page.text()
        );
    }
    let long = "ä".repeat(5_000);
    let page = app.browser().sign_in(&long, &long).await;
    assert!(page.status.is_client_error(), "{}", page.status);
}

#[sqlx::test(migrations = "../migrations")]
async fn several_domains_are_offered_and_a_made_up_one_is_not_taken(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("SIGN_IN_DOMAINS", "Default,partners")
    })
    .await;
    let browser = app.browser();
    let form = browser.get(routes::SIGN_IN).await;
    assert!(form.text().contains("<option>partners</option>"), "{}", form.text());
    let token = form.hidden("form_token");
    let sign_in = async |domain| {
        let fields =
            [("form_token", &*token), ("user", "pat"), ("password", TEST_PASSWORD), ("domain", domain)];
        browser.post_form(routes::SIGN_IN, &fields).await
    };
    sign_in("elsewhere").await.assert_status(StatusCode::UNPROCESSABLE_ENTITY);
    sign_in("Default").await.assert_status(StatusCode::UNAUTHORIZED);
    sign_in("partners").await.assert_status(StatusCode::SEE_OTHER);
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert_eq!(session.user.domain, "partners");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_domain_is_not_asked_for(db: PgPool) {
    let app = TestApp::new(db).await;
    let form = app.browser().get(routes::SIGN_IN).await;
    assert!(!form.text().contains("name=\"domain\""));
}

#[sqlx::test(migrations = "../migrations")]
async fn help_leads_where_it_is_configured_to(db: PgPool) {
    let app = TestApp::new(db).await;
    assert!(!app.browser().get(routes::SIGN_IN).await.text().contains("Help with signing in"));
    let app = app.restarted(|source| source.with_env("SIGN_IN_HELP_URL", "https://help.example.org/panel"));
    let form = app.browser().get(routes::SIGN_IN).await;
    assert!(form.text().contains("href=\"https://help.example.org/panel\""));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_page_comes_in_one_round_trip_and_needs_no_script(db: PgPool) {
    let app = TestApp::new(db).await;
    let form = app.browser().get(routes::SIGN_IN).await;
    let text = form.text();
    for outside in ["<script", "<link rel=\"stylesheet\"", "src=\"", "@import", "url(http"] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.len() < 14_000, "{} bytes fit the first window of TCP", text.len());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_without_a_project_is_told_so(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("nobody");
    let page = browser.get("/").await;
    page.assert_status(StatusCode::OK);
    assert!(page.text().contains("no role in any project"), "{}", page.text());
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert_eq!(session.default_project, None);
    let answer = browser.post_form(routes::SIGN_OUT, &[("csrf_token", &page.hidden("csrf_token"))]).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert!(browser.cookie("meridian").is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_next_sign_in_begins_in_the_project_used_last(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in(DEMO_USER);
    let first: CurrentSession = browser.get(routes::SESSION).await.json();
    assert_eq!(first.default_project, Some(app.project("empty")));
    let servers = routes::servers(&app.project("three"));
    browser.get(&format!("{servers}?follow=false")).await.assert_status(StatusCode::OK);
    server::testing::until("the project to be noted", async || {
        let page = browser.get("/").await;
        page.header("location") == format!("/projects/{}/servers", app.project("three"))
    })
    .await;
    let second: CurrentSession = app.signed_in(DEMO_USER).get(routes::SESSION).await.json();
    assert_eq!(second.default_project, Some(app.project("three")));
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_signed_in_is_not_asked_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let answer = browser.get("/sign-in?next=/account/sessions").await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/account/sessions");
}
