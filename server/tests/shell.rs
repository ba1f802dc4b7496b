//! The page the browser's program starts in.

use api_types::routes;
use axum::http::StatusCode;
use server::testing::TestApp;
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
