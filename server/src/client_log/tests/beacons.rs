//! What pages send at their end, and before sign-in.

use api_types::{client_log::Beacon, routes};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};

use super::*;
use crate::testing::{TestResponse, until};

async fn send(client: &Client, token: &str, tabs: &[&Tab], headers: &[(&str, &str)]) -> TestResponse {
    let batches = tabs.iter().map(|tab| tab.batch(64)).collect();
    let body = serde_json::to_string(&Beacon { token: token.to_owned(), batches }).expect("JSON");
    let headers = [&[("content-type", "text/plain;charset=UTF-8")], headers].concat();
    client.send(Method::POST, routes::CLIENT_LOG_BEACON, &headers, Body::from(body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_beacon_is_stored_once_with_what_came_over_the_socket(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut socket = open(&served, &alice).await;
    let tab = a_tab(&["one", "two"]);
    assert!(matches!(send_one(&mut socket, &tab).await, Some(Answer::Stored { last: 1, .. })));
    let token = alice.csrf_token().await;
    let other = a_tab(&["of another tab"]);
    let answer = send(&alice, &token, &[&tab, &other], &[]).await;
    answer.assert_status(StatusCode::OK);
    let answers: Vec<Answer> = answer.json();
    assert!(
        matches!(answers[..], [Answer::Stored { last: 2, .. }, Answer::Stored { last: 1, .. }]),
        "{answers:?}"
    );
    assert_eq!(descriptions(&db).await, ["one", "two", "of another tab"]);
    assert!(stored(&db).await.iter().all(|line| line.user.as_deref() == Some("alice")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_beacon_of_another_site_or_without_the_token_is_refused(db: PgPool) {
    let app = patient(db.clone()).await;
    let alice = app.signed_in("alice");
    let token = alice.csrf_token().await;
    let tab = a_tab(&["forged"]);
    let refused = send(&alice, "", &[&tab], &[]).await;
    refused.assert_status(StatusCode::FORBIDDEN);
    for (name, value) in [("origin", "https://evil.test"), ("sec-fetch-site", "cross-site")] {
        send(&alice, &token, &[&tab], &[(name, value)]).await.assert_status(StatusCode::FORBIDDEN);
    }
    let nonsense = alice.send(Method::POST, routes::CLIENT_LOG_BEACON, &[], Body::from("[")).await;
    nonsense.assert_status(StatusCode::BAD_REQUEST);
    let large =
        alice.send(Method::POST, routes::CLIENT_LOG_BEACON, &[], Body::from(vec![b' '; 63 << 10])).await;
    large.assert_status(StatusCode::PAYLOAD_TOO_LARGE);
    assert!(descriptions(&db).await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn before_sign_in_a_little_may_be_told_with_the_token_of_the_form(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let browser = app.browser();
    let form = browser.get(routes::SIGN_IN).await;
    let token = form.hidden("form_token");
    let mut tab = a_tab(&["The page failed."]);
    send(&browser, "", &[&tab], &[]).await.assert_status(StatusCode::FORBIDDEN);
    send(&browser, &token, &[&tab], &[]).await.assert_status(StatusCode::OK);
    let line = stored(&db).await.remove(0);
    assert_eq!((line.user, line.session), (None, None));
    assert_eq!(line.fields["address"], "192.0.2.1");

    let flood = a_tab(&["flood"; 60]);
    send(&browser, &token, &[&flood], &[]).await.assert_status(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(descriptions(&db).await.len(), 1);

    // Whoever signs in there goes on with the stream.
    tab.stored(1);
    tab.log("Signed in.");
    let alice = app.signed_in("alice");
    let token = alice.csrf_token().await;
    send(&alice, &token, &[&tab], &[]).await.assert_status(StatusCode::OK);
    assert_eq!(stored(&db).await[1].user.as_deref(), Some("alice"));
    let bob = app.signed_in("bob");
    let token = bob.csrf_token().await;
    tab.stored(2);
    tab.log("Not bob's.");
    let answers: Vec<Answer> = send(&bob, &token, &[&tab], &[]).await.json();
    assert!(matches!(answers[..], [Answer::Refused { .. }]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_beacon_that_comes_when_the_panel_has_stopped_storing_is_answered(db: PgPool) {
    let app = patient(db.clone()).await;
    let alice = app.signed_in("alice");
    let token = alice.csrf_token().await;
    app.app.shutdown.begin();
    let mut number = 0;
    until("the word to keep what was sent", async || {
        number += 1;
        let answers: Vec<Answer> = send(&alice, &token, &[&a_tab(&[&number.to_string()])], &[]).await.json();
        matches!(answers[..], [Answer::Later { .. }])
    })
    .await;
    assert_eq!(descriptions(&db).await.len(), number - 1, "what was stored before is stored");
}
