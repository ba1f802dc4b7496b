//! The cookie: how it is set, and that neither a planted nor a made-up nor an old one is worth anything.

use api_types::routes;
use axum::http::StatusCode;
use server::testing::TestApp;
use simcloud::TEST_PASSWORD;
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn over_https_it_is_host_bound_secure_and_hidden_from_scripts(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.browser().sign_in("alice", TEST_PASSWORD).await;
    let cookies: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    let session =
        cookies.iter().find(|cookie| cookie.starts_with("__Host-meridian=")).expect("a session cookie");
    for attribute in ["; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax"] {
        assert!(session.contains(attribute), "{session}");
    }
    assert!(!session.contains("Domain"), "{session}");
    let value = session.split(['=', ';']).nth(1).expect("a value");
    assert_eq!(value.len(), 43, "256 bits in base64");
}

#[sqlx::test(migrations = "../migrations")]
async fn over_plain_http_on_this_machine_it_has_neither_prefix_nor_secure(db: PgPool) {
    let app =
        TestApp::new(db).await.restarted(|source| source.with_env("PUBLIC_URL", "http://127.0.0.1:8080"));
    let answer = app.browser().sign_in("alice", TEST_PASSWORD).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("meridian=") && !cookie.contains("Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_in_always_gives_a_new_one_and_ends_the_session_before(db: PgPool) {
    let app = TestApp::new(db).await;
    let planted = "A".repeat(43);
    let victim = app.browser();
    victim.set_cookie("meridian", &planted);
    // A form that was open in another tab meanwhile.
    let form = victim.get(routes::SIGN_IN).await.hidden("form_token");
    let form_cookie = victim.cookie("meridian-form").expect("the form's own cookie");
    victim.sign_in("alice", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    let first = victim.cookie("meridian").expect("a session");
    assert_ne!(first, planted);
    let attacker = app.browser();
    attacker.set_cookie("meridian", &planted);
    attacker.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");

    victim.set_cookie("meridian-form", &form_cookie);
    let fields = [("form_token", &*form), ("user", "solo"), ("password", TEST_PASSWORD)];
    victim.post_form(routes::SIGN_IN, &fields).await.assert_status(StatusCode::SEE_OTHER);
    assert_ne!(victim.cookie("meridian"), Some(first.clone()));
    attacker.set_cookie("meridian", &first);
    attacker.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn after_signing_out_a_copy_of_it_is_worth_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let thief = app.browser();
    thief.set_cookie("meridian", &browser.cookie("meridian").expect("a session"));
    thief.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    assert!(browser.cookie("meridian").is_none(), "it is taken back");
    thief.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
}

#[sqlx::test(migrations = "../migrations")]
async fn made_up_ones_open_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    for cookie in
        ["", "x", &"A".repeat(43), &"B".repeat(44), &"=".repeat(43), "../../etc/passwd", &"A".repeat(4000)]
    {
        browser.set_cookie("meridian", cookie);
        browser.get(routes::SESSION).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
        browser.get("/account/sessions").await.assert_status(StatusCode::SEE_OTHER);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn signing_out_revokes_the_token_at_keystone(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    server::testing::until("both tokens to be revoked", async || {
        let calls = app.cloud.admin().calls();
        calls
            .iter()
            .filter(|call| call.method == "DELETE" && call.path_and_query.contains("/auth/tokens"))
            .count()
            == 2
    })
    .await;
}
