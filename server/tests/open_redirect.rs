//! After signing in a person lands on an own path, whatever a link claims.

use api_types::routes;
use axum::http::StatusCode;
use server::testing::TestApp;
use simcloud::TEST_PASSWORD;
use sqlx::PgPool;

#[sqlx::test(migrations = "../migrations")]
async fn the_page_asked_for_is_where_one_lands(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.browser();
    let project = app.project("alpha");
    let wanted = format!("/projects/{project}/servers?q=name%3Aweb&sort=-created");
    let asked = browser.get(&wanted).await;
    asked.assert_status(StatusCode::SEE_OTHER);
    let form = asked.header("location").to_owned();
    assert!(form.starts_with("/sign-in?next=%2Fprojects%2F"), "{form}");
    let answer = browser.sign_in_from(&form, "alice", TEST_PASSWORD).await;
    answer.assert_status(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), wanted);
}

#[sqlx::test(migrations = "../migrations")]
async fn another_site_is_never_where_one_lands(db: PgPool) {
    let app = TestApp::new(db).await;
    for next in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/%09/evil",
        "\u{9}//x",
    ] {
        let browser = app.browser();
        let query: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let form = browser.get(&format!("{}?next={query}", routes::SIGN_IN)).await;
        let token = form.hidden("form_token");
        // In the link and, past it, in the form itself.
        for field in [form.hidden("next"), next.to_owned()] {
            let fields =
                [("form_token", &*token), ("next", &*field), ("user", "alice"), ("password", TEST_PASSWORD)];
            let answer = browser.post_form(routes::SIGN_IN, &fields).await;
            if answer.status == StatusCode::SEE_OTHER {
                let location = answer.header("location");
                assert!(location == "/" || location == "/%09/evil", "{next:?} leads to {location:?}");
            }
        }
    }
}
