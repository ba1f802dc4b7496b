//! The one-time code, where Keystone asks for one.

use std::time::Duration;

use api_types::{routes, session::CurrentSession};
use axum::http::StatusCode;
use server::{
    metrics::Metric,
    testing::{Client, TestApp, TestResponse},
};
use simcloud::{CloudConfig, TEST_PASSWORD};
use sqlx::PgPool;

async fn after_password(app: &TestApp, next: &str) -> (Client, TestResponse) {
    let browser = app.browser();
    let answer = browser.sign_in_from(&format!("/sign-in?next={next}"), "mfa", TEST_PASSWORD).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), routes::SIGN_IN_TOTP);
    assert!(browser.cookie("meridian").is_none(), "half a sign-in is none");
    let form = browser.get(routes::SIGN_IN_TOTP).await;
    form.assert_status(StatusCode::OK);
    (browser, form)
}

async fn enter(browser: &Client, form: &TestResponse, code: &str) -> TestResponse {
    let fields = [("form_token", &*form.hidden("form_token")), ("code", code)];
    browser.post_form(routes::SIGN_IN_TOTP, &fields).await
}

#[sqlx::test(migrations = "../migrations")]
async fn password_and_code_sign_in_and_lead_where_one_wanted_to_go(db: PgPool) {
    let app = TestApp::new(db).await;
    let (browser, form) = after_password(&app, "/account/sessions").await;
    assert!(form.text().contains("<strong>mfa</strong>"));
    let answer = enter(&browser, &form, &app.cloud.admin().totp_code("mfa")).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/account/sessions");
    let session: CurrentSession = browser.get(routes::SESSION).await.json();
    assert!(session.needs_totp);
    assert!(browser.cookie("meridian-factor").is_none());
    assert_eq!(app.app.metrics.counted(Metric::LoginSuccess, &[]), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_place_too_long_for_a_cookie_becomes_the_start(db: PgPool) {
    let app = TestApp::new(db).await;
    for (length, lands) in [(1_000, false), (4_000, true)] {
        let next = format!("/account/sessions?x={}", "a".repeat(length));
        let browser = app.browser();
        let answer = browser.sign_in_from(&format!("/sign-in?next={next}"), "mfa", TEST_PASSWORD).await;
        answer.assert_status(StatusCode::SEE_OTHER);
        let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.len());
        assert!(cookies.max().is_some_and(|longest| longest <= 4096), "browsers drop longer ones");
        let form = browser.get(routes::SIGN_IN_TOTP).await;
        app.cloud.admin().advance(Duration::from_secs(60));
        let answer = enter(&browser, &form, &app.cloud.admin().totp_code("mfa")).await;
        answer.assert_status(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), if lands { "/" } else { &*next });
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_code_may_be_entered_again_until_the_lockout(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("SIGN_IN_LOCKOUT_USER_FAILURES", "2")
    })
    .await;
    let (browser, form) = after_password(&app, "/").await;
    for _ in 0..2 {
        let page = enter(&browser, &form, "000000").await;
        page.assert_status(StatusCode::UNAUTHORIZED);
        assert!(page.text().contains("The code is not correct."));
    }
    enter(&browser, &form, &app.cloud.admin().totp_code("mfa"))
        .await
        .assert_status(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.app.metrics.counted(Metric::LoginFailure, &[]), 2);
    assert_eq!(app.app.metrics.counted(Metric::LoginLockout, &[]), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_password_never_gets_as_far_as_the_code(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    let page = browser.sign_in("mfa", "wrong").await;
    page.assert_status(StatusCode::UNAUTHORIZED);
    assert!(page.text().contains("The user name or password is not correct."));
    assert!(browser.cookie("meridian-factor").is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn without_an_accepted_password_the_way_leads_back(db: PgPool) {
    let app = TestApp::new(db).await;
    let (browser, form) = after_password(&app, "/").await;
    let sealed = browser.cookie("meridian-factor").expect("the first factor");
    assert!(!sealed.contains("mfa"), "sealed");

    let mut forged = sealed.clone().into_bytes();
    let middle = forged.len() / 2;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    for cookie in ["", "nonsense", &String::from_utf8(forged).expect("text")] {
        browser.set_cookie("meridian-factor", cookie);
        let answer = enter(&browser, &form, "123456").await;
        answer.assert_status(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), routes::SIGN_IN, "{cookie}");
    }

    browser.set_cookie("meridian-factor", &sealed);
    browser.get(routes::SIGN_IN_TOTP).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(601));
    browser.get(routes::SIGN_IN_TOTP).await.assert_status(StatusCode::SEE_OTHER);
}
