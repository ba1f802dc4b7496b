//! What browsers may say of the panel's use, and what is made of it.

use api_types::{
    analytics::{
        AnalyticsBatch, AnalyticsItem, AnalyticsReport, Counted, MOST_ITEMS, NamedCount, PopoverCount,
        SERVERS_CREATED,
    },
    routes,
};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use simcloud::CloudConfig;
use sqlx::PgPool;

use crate::{
    countries,
    testing::{Client, TestApp, TestResponse},
};

const SERVERS: &str = "/projects/{project}/servers";

async fn app(db: PgPool, consent: &str) -> TestApp {
    TestApp::with(db, CloudConfig::default(), |source| source.with_env("ANALYTICS_CONSENT", consent)).await
}

fn batch(items: &[(Counted, &str, u32)]) -> AnalyticsBatch {
    let item = |(kind, name, count): &(Counted, &str, u32)| AnalyticsItem {
        kind: *kind,
        name: (*name).to_owned(),
        count: *count,
    };
    AnalyticsBatch { consented: true, items: items.iter().map(item).collect() }
}

fn a_view() -> AnalyticsBatch {
    batch(&[(Counted::Page, SERVERS, 1)])
}

async fn send(browser: &Client, batch: &AnalyticsBatch, headers: &[(&str, &str)]) -> TestResponse {
    send_text(browser, &serde_json::to_string(batch).expect("JSON"), headers).await
}

async fn send_text(browser: &Client, body: &str, headers: &[(&str, &str)]) -> TestResponse {
    let token = browser.csrf_token().await;
    let own = [(routes::CSRF_HEADER, &*token), ("content-type", "application/json")];
    let headers = [&own[..], headers].concat();
    browser.send(Method::POST, routes::ANALYTICS, &headers, body.to_owned().into()).await
}

async fn report(app: &TestApp) -> AnalyticsReport {
    app.app.analytics.write().await;
    app.app.analytics.report(30).await.expect("a report")
}

fn named(name: &str, count: u64) -> NamedCount {
    NamedCount { name: name.to_owned(), count }
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_dialogs_servers_and_browsers_are_counted_and_nothing_of_a_person_is(db: PgPool) {
    let app = app(db.clone(), "ask").await;
    let alice = app.signed_in("alice");
    let seen = batch(&[
        (Counted::Page, SERVERS, 2),
        (Counted::Page, "/account/sessions", 1),
        (Counted::Shown, "delete", 3),
        (Counted::Executed, "delete", 1),
        (Counted::Created, SERVERS_CREATED, 5),
    ]);
    let agent = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    send(&alice, &seen, &[agent]).await.assert_status(StatusCode::NO_CONTENT);
    send(&app.signed_in("bob"), &a_view(), &[agent]).await.assert_status(StatusCode::NO_CONTENT);
    let report = report(&app).await;
    assert_eq!(report.pages, [named(SERVERS, 3), named("/account/sessions", 1)]);
    assert_eq!(report.popovers, [PopoverCount { name: "delete".to_owned(), shown: 3, executed: 1 }]);
    assert_eq!(report.browsers, [named("Firefox 140", 4)]);
    assert!(!report.knows_countries && report.countries.is_empty());
    let today = report.days.last().expect("today");
    assert_eq!((today.views, today.servers_created), (4, 5));

    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'analytics_days' ORDER BY 1",
    )
    .fetch_all(&db)
    .await
    .expect("the columns");
    assert_eq!(columns, ["count", "day", "kind", "name"], "there is no room for a person");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_counted_without_consent_against_the_browsers_word_or_where_it_is_off(db: PgPool) {
    let asking = app(db, "ask").await;
    let alice = asking.signed_in("alice");
    let silent = AnalyticsBatch { consented: false, ..a_view() };
    send(&alice, &silent, &[]).await.assert_status(StatusCode::NO_CONTENT);
    for header in ["dnt", "sec-gpc"] {
        send(&alice, &a_view(), &[(header, "1")]).await.assert_status(StatusCode::NO_CONTENT);
    }
    let off = asking.restarted(|source| source.with_env("ANALYTICS_CONSENT", "off"));
    send(&off.signed_in("alice"), &a_view(), &[]).await.assert_status(StatusCode::NO_CONTENT);
    assert_eq!(report(&asking).await.pages, []);
    assert_eq!(report(&off).await.pages, []);

    let free = asking.restarted(|source| source.with_env("ANALYTICS_CONSENT", "not_needed"));
    let bob = free.signed_in("bob");
    send(&bob, &silent, &[("dnt", "0")]).await.assert_status(StatusCode::NO_CONTENT);
    send(&bob, &silent, &[("dnt", "1")]).await.assert_status(StatusCode::NO_CONTENT);
    assert_eq!(report(&free).await.pages, [named(SERVERS, 1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_nobody_made_is_refused_whole(db: PgPool) {
    let app = app(db, "ask").await;
    let alice = app.signed_in("alice");
    let id = "/projects/0123456789abcdef0123456789abcdef/servers";
    let long = "x".repeat(10_000);
    for name in
        ["", "alice", id, "/projects/{project}/servers?q=alice", "\u{1b}[31m", "'; DROP TABLE x;--", &long]
    {
        for kind in [Counted::Page, Counted::Shown, Counted::Executed, Counted::Created] {
            let mixed = batch(&[(Counted::Page, SERVERS, 1), (kind, name, 1)]);
            send(&alice, &mixed, &[]).await.assert_error(StatusCode::BAD_REQUEST, "invalid_analytics");
        }
    }
    for count in [0, 1_001, u32::MAX] {
        let one = batch(&[(Counted::Page, SERVERS, count)]);
        send(&alice, &one, &[]).await.assert_error(StatusCode::BAD_REQUEST, "invalid_analytics");
    }
    let many = batch(&[(Counted::Page, SERVERS, 1); MOST_ITEMS + 1]);
    send(&alice, &many, &[]).await.assert_error(StatusCode::BAD_REQUEST, "invalid_analytics");
    assert_eq!(report(&app).await.pages, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn bodies_that_are_no_batch_are_refused_before_anything_is_counted(db: PgPool) {
    let app = app(db, "not_needed").await;
    let alice = app.signed_in("alice");
    let item = json!({"kind": "page", "name": SERVERS, "count": 1});
    let with = |key: &str, value: Value| {
        let mut item = item.clone();
        item[key] = value;
        json!({"consented": true, "items": [item]}).to_string()
    };
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies = [
        with("count", json!(-1)),
        with("count", json!(1.5)),
        with("count", json!("1")),
        with("kind", json!("browser")),
        with("kind", json!("country")),
        with("user", json!("alice")),
        json!({"items": [item], "consented": true, "address": "192.0.2.1"}).to_string(),
        format!("{{\"consented\":true,\"items\":{deep}}}"),
        "null".to_owned(),
        "[".to_owned(),
        "\u{0}".to_owned(),
    ];
    for body in &bodies {
        let answer = send_text(&alice, body, &[]).await;
        assert!(answer.status.is_client_error(), "{} {body}", answer.status);
    }
    let large = format!("{{\"consented\":true,\"items\":[{}]}}", " ".repeat(70_000));
    assert_eq!(send_text(&alice, &large, &[]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(report(&app).await.pages, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_session_that_floods_is_stopped_and_others_are_not(db: PgPool) {
    let app = app(db, "not_needed").await;
    let (alice, bob) = (app.signed_in("alice"), app.signed_in("bob"));
    let thousand = batch(&[(Counted::Page, SERVERS, 1_000)]);
    for _ in 0..2 {
        send(&alice, &thousand, &[]).await.assert_status(StatusCode::NO_CONTENT);
    }
    let refused = send(&alice, &thousand, &[]).await;
    refused.assert_error(StatusCode::TOO_MANY_REQUESTS, "too_often");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|secs| (1..=600).contains(&secs)));
    for _ in 0..120 {
        send(&bob, &a_view(), &[]).await.assert_status(StatusCode::NO_CONTENT);
    }
    send(&bob, &a_view(), &[]).await.assert_error(StatusCode::TOO_MANY_REQUESTS, "too_often");
    assert_eq!(report(&app).await.pages, [named(SERVERS, 2_120)]);
    app.clock.advance(std::time::Duration::from_secs(600));
    send(&alice, &a_view(), &[]).await.assert_status(StatusCode::NO_CONTENT);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_counts_without_a_session_or_from_another_site(db: PgPool) {
    let app = app(db, "not_needed").await;
    let stranger = app.browser();
    send(&stranger, &a_view(), &[]).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    let alice = app.signed_in("alice");
    let other = [("origin", "https://evil.example")];
    send(&alice, &a_view(), &other).await.assert_error(StatusCode::FORBIDDEN, "forged_request");
    assert_eq!(report(&app).await.pages, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn countries_are_counted_where_a_database_names_them(db: PgPool) {
    let file = countries::tests::database(&[("192.0.2.0/24", "DE"), ("198.51.100.0/24", "NZ")]);
    let path = file.path().to_str().expect("a path").to_owned();
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("ANALYTICS_CONSENT", "not_needed").with_env("ANALYTICS_ADDRESS_DATABASE", &path)
    })
    .await;
    for address in ["192.0.2.9", "192.0.2.10", "198.51.100.1", "203.0.113.1"] {
        let browser = app.signed_in("alice").at(address);
        send(&browser, &a_view(), &[]).await.assert_status(StatusCode::NO_CONTENT);
    }
    let report = report(&app).await;
    assert!(report.knows_countries);
    assert_eq!(report.countries, [named("DE", 2), named("??", 1), named("NZ", 1)]);
    let all = serde_json::to_string(&report).expect("JSON");
    assert!(!all.contains("192.0.2") && !all.contains("198.51"), "no address is kept: {all}");
}

#[sqlx::test(migrations = "../migrations")]
async fn operators_read_the_counts_of_the_ranges_there_are(db: PgPool) {
    let app = app(db, "not_needed").await;
    send(&app.signed_in("alice"), &a_view(), &[]).await.assert_status(StatusCode::NO_CONTENT);
    app.app.analytics.write().await;
    let operator = app.signed_in("operator");
    for (query, days) in [("", 30), ("?days=7", 7), ("?days=365", 365)] {
        let answer = operator.get(&format!("{}{query}", routes::OPERATOR_ANALYTICS)).await;
        let report: AnalyticsReport = answer.json();
        assert_eq!((report.days.len(), report.pages), (days, vec![named(SERVERS, 1)]), "{query}");
    }
    for query in ["?days=8", "?days=0", "?days=-1", "?days=all", "?days=99999999999"] {
        let answer = operator.get(&format!("{}{query}", routes::OPERATOR_ANALYTICS)).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_range");
    }
}
