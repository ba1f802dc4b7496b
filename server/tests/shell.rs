//! The page the browser's program starts in.

use api_types::routes;
use axum::http::StatusCode;
use server::testing::{TestApp, until};
use simcloud::{Fault, Service, TEST_PASSWORD};
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn the_start_leads_to_the_servers_of_the_users_project(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.signed_in("solo").get("/").await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), format!("/projects/{}/servers", app.project("beta")));
    let answer = app.browser().get("/").await;
    assert_eq!(answer.header("location"), routes::SIGN_IN);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_led_to_a_project_that_is_no_longer_theirs(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let browser = app.signed_in("solo");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let note = async |project: &str| {
        sqlx::query(
            "INSERT INTO last_projects (user_id, project_id, used_at)
            SELECT user_id, $1, now() FROM sessions
            ON CONFLICT (user_id) DO UPDATE SET project_id = $1",
        )
        .bind(app.project(project).as_str())
        .execute(&db)
        .await
        .expect("noted");
    };
    let noted = async || {
        let noted: i64 =
            sqlx::query_scalar("SELECT count(*) FROM last_projects").fetch_one(&db).await.expect("a count");
        noted
    };
    let servers_of = |project: &str| format!("/projects/{}/servers", app.project(project));
    // While Keystone does not answer nobody knows.
    note("alpha").await;
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    assert_eq!(browser.get("/").await.header("location"), servers_of("alpha"));
    assert_eq!(noted().await, 1);
    app.cloud.admin().set_fault("*", Service::Identity, None);
    until("Keystone to be asked again", async || {
        browser.get("/").await.header("location") == servers_of("beta")
    })
    .await;
    // It stays noted: the list that lacks it may be older than the project.
    assert_eq!(noted().await, 1);
    note("beta").await;
    assert_eq!(browser.get("/").await.header("location"), servers_of("beta"));
    assert_eq!(noted().await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn it_has_the_token_and_the_theme_and_comes_again_only_when_it_changed(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let path = format!("/projects/{}/servers", app.project("alpha"));
    let page = browser.get(&path).await;
    page.assert_status(StatusCode::OK);
    let token = browser.csrf_token().await;
    assert!(
        page.text().contains(&format!("<meta name=\"csrf-token\" content=\"{token}\">")),
        "{}",
        page.text()
    );
    assert!(page.text().contains("data-theme=\"system\""));
    let etag = page.header("etag").to_owned();
    let again = browser.get_with(&path, &[("if-none-match", &etag)]).await;
    again.assert_status(StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());

    let themed = format!("{}; theme=dark", browser.cookie_header());
    let dark = browser.get_with(&path, &[("cookie", &themed), ("if-none-match", &etag)]).await;
    dark.assert_status(StatusCode::OK);
    assert!(dark.text().contains("data-theme=\"dark\""));
    let hostile = format!("{}; theme=\"><script>", browser.cookie_header());
    assert!(browser.get_with(&path, &[("cookie", &hostile)]).await.text().contains("data-theme=\"system\""));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_browsers_own_addresses_have_it_and_others_are_not_found(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    let project = app.project("alpha");
    let server = "73c344c2-0b77-4253-873f-aa4d3c5c0ed4";
    for path in [format!("/projects/{project}/servers/RegionOne/{server}"), "/account/sessions".to_owned()] {
        browser.get(&path).await.assert_status(StatusCode::OK);
    }
    browser.get(&format!("/projects/{project}")).await.assert_status(StatusCode::SEE_OTHER);
    for path in [format!("/projects/{project}/nothing"), "/account".to_owned(), "/index.php".to_owned()] {
        browser.get(&path).await.assert_status(StatusCode::NOT_FOUND);
    }
    browser
        .get(&format!("/projects/{project}/servers/RegionOne/1"))
        .await
        .assert_status(StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_pages_without_a_program_have_the_chosen_theme_too(db: PgPool) {
    let app = TestApp::new(db).await;
    let nobody = app.signed_in("nobody");
    nobody.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let mfa = app.browser();
    mfa.sign_in("mfa", TEST_PASSWORD).await.assert_status(StatusCode::SEE_OTHER);
    let stranger = app.browser();
    let pages = [
        (&stranger, routes::SIGN_IN, StatusCode::OK),
        (&mfa, routes::SIGN_IN_TOTP, StatusCode::OK),
        (&nobody, "/", StatusCode::OK),
        (&stranger, "/nothing", StatusCode::NOT_FOUND),
    ];
    for (browser, path, status) in pages {
        for (cookie, theme) in
            [("", "system"), ("theme=dark", "dark"), ("theme=light", "light"), ("theme=x", "system")]
        {
            let cookies = format!("{}; {cookie}", browser.cookie_header());
            let page = browser.get_with(path, &[("cookie", &cookies)]).await;
            page.assert_status(status);
            let root = format!("<html lang=\"en\" data-theme=\"{theme}\">");
            assert!(page.text().contains(&root), "{path} {cookie}: {}", page.text());
        }
    }
    for theme in ["light", "dark"] {
        let rule = format!(":root[data-theme=\"{theme}\"] {{ color-scheme: {theme}; }}");
        assert!(server::page_style::CSS.contains(&rule), "{theme}");
    }
}
