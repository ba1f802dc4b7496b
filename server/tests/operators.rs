//! Who is an operator sees the console; to everybody else it does not exist.

use std::time::Duration;

use api_types::{
    operator::logs::{LevelOverride, LogLevels, SetLogLevel},
    routes::{self, CSRF_HEADER},
    session::CurrentSession,
};
use axum::http::{StatusCode, header};
use server::testing::{Client, Log, Served, TestApp, until};
use simcloud::{CloudConfig, Fault, Service};
use sqlx::{PgPool, query_scalar};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PAGES: [&str; 4] = ["/operator", "/operator/logs", "/operator/customers/alice", "/operator/nothing"];
const CALLS: [&str; 6] = [
    "/api/operator/flags",
    "/api/operator/flags/client_log",
    "/api/operator/logs",
    "/api/operator/logs?last=abc&before=1",
    "/api/operator/logs/live",
    "/api/operator/logs/export?format=odd",
];

async fn is_shown_as_operator(browser: &Client) -> bool {
    let session = browser.get(routes::SESSION).await;
    let is_named = session.text().contains("is_operator");
    let session: CurrentSession = session.json();
    assert_eq!(is_named, session.is_operator, "the answer has a word of it for operators only");
    session.is_operator
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operator_is_told_so_and_gets_the_console(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("operator");
    assert!(is_shown_as_operator(&browser).await);
    let page = browser.get("/operator/logs").await;
    page.assert_status(StatusCode::OK);
    assert!(page.text().contains("data-operator"), "the page looks otherwise from the beginning");
    browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
}

/// An answer as it comes over the wire, with what is another in every answer made alike.
async fn wire(served: &Served, browser: &Client, method: &str, path: &str, headers: &str) -> String {
    let token = browser.csrf_token().await;
    let (cookies, origin) = (browser.cookie_header(), browser.origin());
    let mut connection = TcpStream::connect(served.address).await.expect("a connection");
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: panel.test\r\nOrigin: {origin}\r\nCookie: {cookies}\r\n{CSRF_HEADER}: {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1\r\n{headers}Connection: close\r\n\r\n{{"
    );
    connection.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("an answer");
    let answer = String::from_utf8(answer).expect("text");
    let value = |name: &str| {
        let start = format!("\r\n{name}: ");
        answer
            .split_once(&start)
            .and_then(|(_, rest)| rest.split_once("\r\n"))
            .map(|(value, _)| value.to_owned())
    };
    let (id, date) = (value("x-request-id").expect("an id"), value("date").expect("a date"));
    answer.replace(&id, "ID").replace(&date, "DATE")
}

#[sqlx::test(migrations = "../migrations")]
async fn to_everybody_else_its_addresses_are_those_of_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let served = app.serve().await;
    let expired = app.signed_in("bob");
    expired.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().expire_tokens_of("bob");
    // Somebody with another role on the system is no operator either.
    app.cloud.admin().set_system_role("reader", Some("reader"));
    for browser in [app.browser(), app.signed_in("alice"), app.signed_in("reader"), expired] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            for (paths, nothing) in [(&PAGES[..], "/nowhere"), (&CALLS[..], "/api/nowhere")] {
                let unknown = wire(&served, &browser, method, nothing, "").await;
                for path in paths {
                    assert_eq!(wire(&served, &browser, method, path, "").await, unknown, "{method} {path}");
                }
            }
        }
        let upgrade = "Upgrade: websocket\r\n";
        let unknown = wire(&served, &browser, "GET", "/api/nowhere", upgrade).await;
        assert_eq!(wire(&served, &browser, "GET", routes::OPERATOR_LOGS_LIVE, upgrade).await, unknown);
    }
    assert!(!is_shown_as_operator(&app.signed_in("alice")).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_customer_costs_keystone_no_refusal_and_no_further_calls(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("alice");
    browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    let calls = app.cloud.admin().calls();
    assert!(
        calls.iter().all(|call| call.status != Some(401)),
        "a refusal is a line in somebody's security log"
    );
    app.cloud.admin().reset_calls();
    for _ in 0..3 {
        browser.get("/operator").await.assert_status(StatusCode::NOT_FOUND);
        browser.get(routes::SESSION).await.assert_status(StatusCode::OK);
    }
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_role_that_is_taken_away_closes_the_console_and_not_the_session(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("operator");
    browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_system_role("operator", None);
    browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(301));
    browser.get(routes::OPERATOR_LOGS).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    assert!(!is_shown_as_operator(&browser).await);
    // And whoever gets it is let in once it is asked for again, without a request that waits for it.
    app.cloud.admin().set_system_role("operator", Some("admin"));
    app.clock.advance(Duration::from_secs(301));
    server::testing::until("the role to be seen", async || {
        browser.get(routes::OPERATOR_LOGS).await.status == StatusCode::OK
    })
    .await;
}

async fn session_of(app: &TestApp, browser: &Client) -> std::sync::Arc<server::session::Session> {
    let headers = [(header::COOKIE, browser.cookie_header().parse().expect("a header"))];
    let secret = app.app.cookies.secret(&headers.into_iter().collect(), "meridian").expect("a secret");
    app.app.sessions.find(&secret, None).await.expect("a session")
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operators_token_is_given_up_when_it_is_replaced_and_when_the_session_ends(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let kept = async || {
        let count = query_scalar::<_, i64>("SELECT COUNT(*) FROM given_up_tokens");
        count.fetch_one(&db).await.expect("a count")
    };
    let browser = app.signed_in("operator");
    browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    let session = session_of(&app, &browser).await;
    let in_use = app.app.operators.rights(&session).await.expect("an operator");
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(301));
        browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    }
    app.app.operators.prune();
    until("those that nobody uses to be given up", async || kept().await == 2).await;
    drop(in_use);
    app.app.operators.prune();
    until("the one that was in use to be given up", async || kept().await == 3).await;
    // The session's, its project's and the operator's.
    browser.post(routes::SIGN_OUT, &()).await.assert_status(StatusCode::NO_CONTENT);
    until("all of the session to be given up", async || kept().await == 6).await;
    app.app.operators.prune();
    assert_eq!(kept().await, 6);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operators_token_is_given_up_where_the_session_ended_on_another_node(db: PgPool) {
    let app = TestApp::new(db).await;
    let browser = app.signed_in("operator");
    browser.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    let session = session_of(&app, &browser).await;
    app.app.operators.prune();
    app.cloud.admin().reset_calls();
    app.app.operators.rights(&session).await.expect("it is still known");
    assert_eq!(app.cloud.admin().call_count("*", Service::Identity), 0);
    app.app.sessions.forget(session.id);
    app.app.operators.prune();
    assert_eq!(app.app.operators.forget_session(session.id).len(), 0, "it has been given up");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_keystone_that_is_away_is_told_to_operators_only(db: PgPool) {
    let app = TestApp::new(db).await;
    let (operator, alice) = (app.signed_in("operator"), app.signed_in("alice"));
    operator.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    app.cloud.admin().set_fault("*", Service::Identity, Some(Fault::Refuse));
    operator.get(routes::OPERATOR_LOGS).await.assert_status(StatusCode::OK);
    app.clock.advance(Duration::from_secs(301));
    let answer = operator.get(routes::OPERATOR_LOGS).await;
    answer.assert_error(StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable");
    alice.get(routes::OPERATOR_LOGS).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    // A node that has not met them yet cannot know, and says so to nobody.
    let node = app.another_node();
    let elsewhere = node.browser();
    elsewhere.set_cookie("meridian", &operator.cookie("meridian").expect("a session"));
    elsewhere.get(routes::OPERATOR_LOGS).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    assert!(!is_shown_as_operator(&elsewhere).await);
    app.cloud.admin().clear_faults();
    server::testing::until("Keystone to be asked again", async || {
        elsewhere.get(routes::OPERATOR_LOGS).await.status == StatusCode::OK
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_role_can_be_one_on_a_project(db: PgPool) {
    let app = TestApp::new(db).await;
    let project = app.project("alpha").to_string();
    let app = app.restarted(|source| {
        source.with_env("OPERATOR_PROJECT", &project).with_env("OPERATOR_ROLE", "member")
    });
    for (user, is_operator) in [("alice", true), ("bob", true), ("reader", false), ("solo", false)] {
        let browser = app.signed_in(user);
        assert_eq!(is_shown_as_operator(&browser).await, is_operator, "{user}");
        let expected = if is_operator { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(browser.get(routes::OPERATOR_LOGS).await.status, expected, "{user}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_an_operator_asks_for_is_logged(db: PgPool) {
    let log = Log::listen();
    let app = TestApp::with(db, CloudConfig::default(), |source| source).await;
    let browser = app.signed_in("operator");
    let answer = browser.get("/api/operator/logs?user=alice&level=warn&last=300").await;
    answer.assert_status(StatusCode::OK);
    browser.get("/api/operator/logs/export?format=ndjson&user=bob").await.assert_status(StatusCode::OK);
    let lines = log.lines();
    let notes: Vec<_> = lines.iter().filter(|line| line["facility"] == "operator").collect();
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0]["description"], "an operator searched the log");
    assert_eq!(notes[0]["about"], "last=300 level=warn user=alice");
    assert_eq!(notes[0]["user"], "operator");
    assert_eq!(notes[0]["request_id"], answer.header(routes::REQUEST_ID_HEADER));
    assert_eq!(notes[1]["description"], "an operator exported the log");
    assert_eq!(notes[1]["about"], "user=bob");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_logged_can_be_changed_for_a_while_and_taken_back(db: PgPool) {
    let log = Log::listen();
    let app = TestApp::new(db).await;
    let browser = app.signed_in("operator");
    let debug = SetLogLevel {
        user: Some("alice".to_owned()),
        filter: "debug".to_owned(),
        minutes: 10,
        because: "ticket 17".to_owned(),
    };
    let set: LevelOverride = browser.post(routes::OPERATOR_LEVELS, &debug).await.json();
    assert_eq!((set.set_by.as_str(), set.until - set.set_at), ("operator", 600));
    // The levels hold for whoever comes, so nobody's having come is said and no hindrance.
    assert_eq!(set.is_signed_in, Some(false));
    let set: LevelOverride = browser
        .post(routes::OPERATOR_LEVELS, &SetLogLevel { user: Some("operator".to_owned()), ..debug.clone() })
        .await
        .json();
    assert_eq!(set.is_signed_in, Some(true));
    browser.delete(&routes::operator_level(&set.id)).await.assert_status(StatusCode::NO_CONTENT);
    let everybody = SetLogLevel { user: None, filter: "warn,server::proxy=info".to_owned(), ..debug.clone() };
    browser.post(routes::OPERATOR_LEVELS, &everybody).await.assert_status(StatusCode::OK);
    // A second word on the same user takes the place of the first.
    let longer = SetLogLevel { minutes: 60, ..debug.clone() };
    browser.post(routes::OPERATOR_LEVELS, &longer).await.assert_status(StatusCode::OK);
    let levels: LogLevels = browser.get(routes::OPERATOR_LEVELS).await.json();
    assert_eq!(levels.configured, "info");
    let users: Vec<_> = levels.overrides.iter().map(|set| set.user.as_deref()).collect();
    assert_eq!(users, [None, Some("alice")]);
    let signed_in: Vec<_> = levels.overrides.iter().map(|set| set.is_signed_in).collect();
    assert_eq!(signed_in, [None, Some(false)]);
    assert_eq!(levels.overrides[1].until - levels.overrides[1].set_at, 3_600);
    assert!(levels.at >= levels.overrides[1].set_at, "by the clock that ends them: {levels:?}");
    for wrong in [
        SetLogLevel { filter: "loud".to_owned(), ..debug.clone() },
        SetLogLevel { filter: "info,server=debug".to_owned(), ..debug.clone() },
        SetLogLevel { because: " ".to_owned(), ..debug.clone() },
        SetLogLevel { minutes: 0, ..debug.clone() },
        SetLogLevel { minutes: 1_441, ..debug.clone() },
        SetLogLevel { user: Some("a\u{0}".to_owned()), ..debug.clone() },
        SetLogLevel { because: "a".repeat(301), ..debug.clone() },
    ] {
        let answer = browser.post(routes::OPERATOR_LEVELS, &wrong).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_level");
    }
    for _ in 0..2 {
        let gone = browser.delete(&routes::operator_level(&levels.overrides[1].id)).await;
        gone.assert_status(StatusCode::NO_CONTENT);
    }
    let left: LogLevels = browser.get(routes::OPERATOR_LEVELS).await.json();
    assert_eq!(left.overrides, levels.overrides[..1]);
    let notes = log.operators_notes();
    let noted = |text: &str| notes.iter().filter(|note| note.contains(text)).count();
    assert_eq!(noted("changed what is logged"), 4, "{notes:?}");
    assert_eq!(noted("took back what is logged"), 2, "{notes:?}");
    assert_eq!(noted("because=ticket 17"), 6, "{notes:?}");
}
