//! Lines found by what an operator may ask for, and what hostile questions come to.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use api_types::{
    operator::logs::{LogLine, LogPage},
    routes,
};
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use sqlx::PgPool;

use crate::{
    log::{Facility, Level, Line, store::insert_lines},
    testing::{Client, FILL_LOG_LINES, TestApp},
};

/// Some days ago, so that nothing a panel logs by itself comes between; the same for the whole run.
fn base() -> DateTime<Utc> {
    static BASE: LazyLock<DateTime<Utc>> = LazyLock::new(|| Utc::now() - TimeDelta::days(3));
    *BASE
}

/// A line of this user, so many seconds after the base.
fn line(second: i64, user: &str, level: Level, facility: Facility, description: &str) -> Line {
    let place = crate::log::Place { node: "panel-1".to_owned(), ..Default::default() };
    let mut line = Line::new(Arc::new(place), level, facility, description);
    line.at = base() + TimeDelta::seconds(second);
    line.who.user = Some(user.into());
    line
}

async fn write(db: &PgPool, lines: &[Line]) {
    insert_lines(&mut db.acquire().await.expect("a connection"), lines).await.expect("written");
}

async fn search(operator: &Client, query: &[(&str, &str)]) -> LogPage {
    let answer = operator.get(&path(query)).await;
    answer.assert_status(StatusCode::OK);
    answer.json()
}

fn path(query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{}?last=0&{query}", routes::OPERATOR_LOGS)
}

fn descriptions(page: &LogPage) -> Vec<&str> {
    page.lines.iter().map(|line| line.description.as_str()).collect()
}

async fn panel(db: PgPool) -> (TestApp, Client) {
    let app = TestApp::new(db).await;
    let operator = app.signed_in("operator");
    (app, operator)
}

#[sqlx::test(migrations = "../migrations")]
async fn every_part_of_the_filter_narrows_what_is_found(db: PgPool) {
    let mut lines = vec![
        line(1, "alice", Level::Info, Facility::Client, "opened the list"),
        line(2, "alice", Level::Warn, Facility::Upstream, "received compute response"),
        line(3, "alice", Level::Error, Facility::Client, "100% broken_down"),
        line(4, "bob", Level::Error, Facility::Proxy, "received image response"),
    ];
    lines[1].request_id = Some("req-1".into());
    lines[1].fields.push_u64("status", 503);
    lines[1].fields.push_str("service", "compute");
    lines[2].who.session = Some("0123abcd".into());
    lines[3].request_id = Some("req-1".into());
    lines[3].project = Some("4f1d".into());
    lines[3].fields.push_str("status", "503");
    lines[3].fields.push_str("reason", "no valid host");
    let elsewhere =
        crate::log::Place { node: "panel-2".to_owned(), zone: Some("b".to_owned()), ..Default::default() };
    lines[3].place = Arc::new(elsewhere);
    write(&db, &lines).await;
    let (_app, operator) = panel(db).await;
    let [opened, compute, broken, image] =
        ["opened the list", "received compute response", "100% broken_down", "received image response"];
    let second = |second: i64| (base() + TimeDelta::seconds(second)).to_rfc3339();
    type Case<'a> = (Vec<(&'a str, &'a str)>, Vec<&'a str>);
    let cases: Vec<Case<'_>> = vec![
        (vec![("user", "alice")], vec![broken, compute, opened]),
        (vec![("user", "alice"), ("level", "warn")], vec![broken, compute]),
        (vec![("user", "alice"), ("level", "error")], vec![broken]),
        (vec![("user", "alice"), ("facility", "client")], vec![broken, opened]),
        (vec![("request", "req-1")], vec![image, compute]),
        (vec![("session", "0123abcd")], vec![broken]),
        (vec![("node", "panel-2")], vec![image]),
        (vec![("fields", "zone:b")], vec![image]),
        (vec![("fields", "status:503")], vec![image, compute]),
        (vec![("fields", "status:503 service:compute")], vec![compute]),
        (vec![("fields", "{\"status\": 503}")], vec![compute]),
        (vec![("fields", "reason:\"no valid host\"")], vec![image]),
        (vec![("fields", "project:4f1d")], vec![image]),
        (vec![("message", "RECEIVED")], vec![image, compute]),
        // What LIKE would read as wild is text.
        (vec![("message", "100%")], vec![broken]),
        (vec![("message", "n_d")], vec![broken]),
        (vec![("message", "0%broken")], vec![]),
        (vec![("message", "^received (compute|volume)"), ("pattern", "true")], vec![compute]),
    ];
    for (query, expected) in cases {
        let mut bounded = vec![("from", second(0)), ("to", second(10))];
        bounded.extend(query.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let bounded: Vec<(&str, &str)> =
            bounded.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = search(&operator, &bounded).await;
        assert_eq!(descriptions(&page), expected, "{query:?}");
        assert!(!page.has_older && page.searched_to_us.is_none(), "{query:?}");
    }
    let between = [("from", second(2)), ("to", second(4)), ("user", "alice".to_owned())];
    let between: Vec<(&str, &str)> = between.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(descriptions(&search(&operator, &between).await), [broken, compute]);
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other_whatever_is_written_meanwhile(db: PgPool) {
    let numbered =
        |second: i64| line(second, "alice", Level::Info, Facility::Panel, &format!("line {second}"));
    // Three a second, and over several of the windows that a search goes through.
    let lines: Vec<Line> = (0..300).map(|n| numbered((n / 3) * 700)).collect();
    write(&db, &lines).await;
    let (_app, operator) = panel(db.clone()).await;
    let mut seen: Vec<LogLine> = Vec::new();
    let mut before = String::new();
    loop {
        let mut query = vec![("user", "alice"), ("limit", "70")];
        if !before.is_empty() {
            query.push(("before", &before));
        }
        let page = search(&operator, &query).await;
        assert_eq!(page.has_newer, !before.is_empty());
        let has_older = page.has_older;
        before = page.lines.last().expect("lines").position();
        seen.extend(page.lines);
        // Newer ones, which are none of the older pages' business.
        write(&db, &[numbered(100_000)]).await;
        if !has_older {
            break;
        }
    }
    assert_eq!(seen.len(), 300);
    assert!(seen.is_sorted_by(|newer, older| (newer.at_us, newer.id) > (older.at_us, older.id)));
    // And back up: the page above one begins right before it.
    let after = seen[100].position();
    let page = search(&operator, &[("user", "alice"), ("limit", "70"), ("after", &after)]).await;
    assert_eq!(page.lines, seen[30..100]);
    assert!(page.has_newer && page.has_older);
    let page =
        search(&operator, &[("user", "alice"), ("limit", "70"), ("after", &seen[20].position())]).await;
    assert_eq!(page.lines.len(), 25, "twenty, and those that were written since");
    assert!(!page.has_newer);
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_text_is_text(db: PgPool) {
    write(&db, &[line(1, "o'neill\"; DROP TABLE log_lines; --", Level::Info, Facility::Panel, "kept")]).await;
    let (_app, operator) = panel(db.clone()).await;
    let hostile = [
        "o'neill\"; DROP TABLE log_lines; --",
        "' OR '1'='1",
        "$1",
        "\\",
        "%",
        "${jndi:ldap://x}",
        "a\u{202e}b",
        "\u{1f600}",
    ];
    for text in hostile {
        for name in ["user", "node", "request", "session", "message"] {
            let page = search(&operator, &[(name, text)]).await;
            let is_it = name == "user" && text == hostile[0];
            let everything = name == "message" && text == "%";
            assert!(page.lines.is_empty() || is_it || everything || name == "message", "{name} {text:?}");
            assert_eq!(page.lines.iter().any(|line| line.description == "kept"), is_it, "{name} {text:?}");
        }
        let quoted = format!("name:\"{}\"", text.replace('"', ""));
        assert!(search(&operator, &[("fields", &quoted)]).await.lines.is_empty(), "{text:?}");
    }
    for (name, wrong) in [
        ("message", "a\u{0}b"),
        ("level", "loud"),
        ("facility", "x' OR 1=1"),
        ("from", "yesterday"),
        ("before", "1"),
        ("after", "1-x"),
    ] {
        let answer = operator.get(&path(&[(name, wrong)])).await;
        answer.assert_error(StatusCode::BAD_REQUEST, "invalid_filter");
    }
    let answer = operator.get(&path(&[("fields", "no pair")])).await;
    answer.assert_error(StatusCode::BAD_REQUEST, "invalid_fields");
    let answer = operator.get(&format!("{}?limit=many", routes::OPERATOR_LOGS)).await;
    answer.assert_status(StatusCode::BAD_REQUEST);
    assert_eq!(search(&operator, &[("user", hostile[0])]).await.lines.len(), 1, "the table is there");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_search_that_takes_too_long_says_how_far_it_came(db: PgPool) {
    let mut connection = db.acquire().await.expect("a connection");
    sqlx::raw_sql(FILL_LOG_LINES).execute(&mut *connection).await.expect("the function");
    sqlx::raw_sql("SELECT pg_temp.fill_log_lines(400000, now(), 2)")
        .execute(&mut *connection)
        .await
        .expect("lines");
    drop(connection);
    // Less than comparing all lines takes on the quickest machine.
    let app = TestApp::new(db).await.restarted(|source| source.with_env("OPERATOR_SEARCH_SECS", "0.1"));
    let operator = app.signed_in("operator");
    // Each of these takes Postgres far longer than any operator would wait.
    let bombs =
        ["(x+x+)+y", "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)\\1\\2\\3\\4\\5zz", "((.{0,99}){0,99}){0,9}zzz"];
    for bomb in bombs {
        let answer = operator.get(&path(&[("message", bomb), ("pattern", "true")])).await;
        if answer.status == StatusCode::OK {
            let page: LogPage = answer.json();
            assert!(page.lines.is_empty(), "{bomb}");
        } else {
            // Postgres would not even begin.
            answer.assert_error(StatusCode::BAD_REQUEST, "invalid_pattern");
        }
    }
    let slow = operator.get(&path(&[("message", bombs[1]), ("pattern", "true")])).await;
    let slow: LogPage = slow.json();
    assert!(slow.searched_to_us.is_some() && slow.has_older, "{slow:?}");
    let broken = operator.get(&path(&[("message", "("), ("pattern", "true")])).await;
    broken.assert_error(StatusCode::BAD_REQUEST, "invalid_pattern");
    // What has an index is found before.
    let app = app.restarted(|source| source.with_env("OPERATOR_SEARCH_SECS", "5"));
    let operator = app.signed_in("operator");
    let page = search(&operator, &[("user", "user-1"), ("level", "warn")]).await;
    assert!(page.searched_to_us.is_none() && page.lines.len() == 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn lines_can_be_taken_along(db: PgPool) {
    let mut formula = line(1, "alice", Level::Info, Facility::Client, "=HYPERLINK(\"http://x\")");
    formula.fields.push_str("note", "a, b");
    write(&db, &[formula, line(2, "alice", Level::Warn, Facility::Client, "second")]).await;
    let (_app, operator) = panel(db).await;
    let export = |format: &str| format!("{}?last=0&user=alice&format={format}", routes::OPERATOR_LOGS_EXPORT);
    let csv = operator.get(&export("csv")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"log-"));
    let text = csv.text();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 3);
    assert!(rows[1].contains("\"warn\",\"client\",\"second\",\"alice\""), "{}", rows[1]);
    assert!(rows[2].contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{}", rows[2]);
    let ndjson = operator.get(&export("ndjson")).await.text();
    let lines: Vec<LogLine> =
        ndjson.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    assert_eq!(lines[1].fields["note"], "a, b");
    operator.get(&export("odd")).await.assert_status(StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrations = "../migrations")]
async fn new_lines_are_told_as_they_come(db: PgPool) {
    let (_app, operator) = panel(db.clone()).await;
    let path = format!("{}?user=alice&level=warn", routes::OPERATOR_LOGS_LIVE);
    let answer = operator.open(&path, &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    write(
        &db,
        &[
            now("alice", Level::Warn, "first"),
            now("bob", Level::Warn, "another's"),
            now("alice", Level::Info, "too quiet"),
        ],
    )
    .await;
    let mut body = answer.into_body();
    let mut text = told_until(&mut body, "first").await;
    write(&db, &[now("alice", Level::Error, "second")]).await;
    text += &told_until(&mut body, "second").await;
    assert_eq!(text.matches("event: line").count(), 2, "{text}");
    assert!(!text.contains("another's") && !text.contains("too quiet"));
}

#[sqlx::test(migrations = "../migrations")]
async fn lines_that_are_left_out_are_counted_and_the_word_of_it_is_taken_back(db: PgPool) {
    let (app, operator) = panel(db.clone()).await;
    let many: Vec<Line> = (0..200).map(|n| now("alice", Level::Warn, &format!("one of many, {n}"))).collect();
    write(&db, &many).await;
    let answer = operator.open(&format!("{}?user=alice", routes::OPERATOR_LOGS_LIVE), &[]).await;
    let mut body = answer.into_body();
    let told = told_until(&mut body, "one of many, 199").await;
    assert!(!told.contains("event: skipped"), "as many as are sent at once: {told}");
    let more: Vec<Line> = (0..203).map(|n| now("alice", Level::Warn, &format!("once more, {n}"))).collect();
    write(&db, &more).await;
    let told = told_until(&mut body, "once more, 202").await;
    assert!(told.contains("event: skipped\ndata: 3\n") && !told.contains("caught_up"), "{told}");
    assert_eq!(told.matches("event: line").count(), 200);
    app.clock.advance(Duration::from_secs(60));
    let told = told_until(&mut body, "event: caught_up").await;
    assert!(!told.contains("event: skipped"), "{told}");
}

fn now(user: &str, level: Level, description: &str) -> Line {
    let mut line = line(0, user, level, Facility::Client, description);
    line.at = Utc::now();
    line
}

/// What an open answer says until this is among it.
async fn told_until(body: &mut axum::body::Body, part: &str) -> String {
    let mut text = String::new();
    while !text.contains(part) {
        let frame = tokio::time::timeout(Duration::from_secs(20), body.frame()).await;
        let frame = frame.expect("in time").expect("an event").expect("a frame");
        text.push_str(&String::from_utf8_lossy(frame.data_ref().expect("data")));
    }
    text
}
