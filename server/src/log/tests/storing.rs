use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::{Out, config, ours, place, start, stored};
use crate::{
    clock::Clock,
    log::{
        Context, Facility, Format, Level, Line, Log, Upkeep, Who, note_caller, note_project,
        pipeline::{Room, Settings},
        store::{insert_lines, keep_partitions},
    },
    metrics::{Metric, Metrics},
    testing::{DatabaseProxy, Log as Heard, until},
};

async fn partitions(db: &PgPool) -> BTreeSet<String> {
    let names = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'log_lines'::regclass",
    );
    names.fetch_all(db).await.expect("partitions").into_iter().collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn partitions_are_made_ahead_also_after_a_sleep_and_old_ones_are_dropped(db: PgPool) {
    let name = |days: i64| format!("log_lines_{}", (Utc::now() + TimeDelta::days(days)).format("%Y%m%d"));
    let default = || "log_lines_default".to_owned();
    assert_eq!(partitions(&db).await, BTreeSet::from([name(0), name(1), name(2), default()]));
    let mut connection = db.acquire().await.expect("a connection");
    // Nobody was awake to make a partition for this one's day.
    let mut line = Line::new(std::sync::Arc::default(), Level::Info, Facility::Panel, "after a sleep");
    line.at = Utc::now() + TimeDelta::days(10);
    let today = Line { at: Utc::now(), description: "today".to_owned(), ..line.clone() };
    insert_lines(&mut connection, &[line.clone(), today]).await.expect("two lines");
    let in_default = "SELECT count(*) FROM log_lines_default";
    assert_eq!(sqlx::query_scalar::<_, i64>(in_default).fetch_one(&db).await.expect("a count"), 1);

    let kept = keep_partitions(&mut connection, Some(line.at), 10).await.expect("partitions");
    assert_eq!(kept, (3, 0));
    assert_eq!(sqlx::query_scalar::<_, i64>(in_default).fetch_one(&db).await.expect("a count"), 0);
    assert_eq!((stored(&db, "after a sleep").await, stored(&db, "today").await), (1, 1));
    assert_eq!(keep_partitions(&mut connection, Some(line.at), 10).await.expect("partitions"), (0, 0));

    let later = line.at + TimeDelta::days(3);
    let kept = keep_partitions(&mut connection, Some(later), 3).await.expect("partitions");
    assert_eq!(kept, (3, 3), "today and the two days after it are dropped");
    assert_eq!((stored(&db, "after a sleep").await, stored(&db, "today").await), (1, 0));
    let expected: BTreeSet<String> = (10..=15).map(name).chain([default()]).collect();
    assert_eq!(partitions(&db).await, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn nodes_of_the_release_before_store_and_search_fields_as_they_did(db: PgPool) {
    let store = "INSERT INTO log_lines (at, level, facility, description, node, release, fields)
        VALUES (now(), 3, 'panel', 'of the release before', 'n1', 'r1', '{\"a\": {\"b\": 1}}'::text::jsonb)";
    sqlx::query(store).execute(&db).await.expect("stored");
    let count = "SELECT count(*) FROM log_lines
        WHERE fields @> '{\"a\": {\"b\": 1}}'::text::jsonb AND fields ->> 'a' IS NOT NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.expect("a count"), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_nodes_do_not_make_the_same_partitions(db: PgPool) {
    let later = Utc::now() + TimeDelta::days(20);
    let mut first = db.begin().await.expect("a transaction");
    assert_eq!(keep_partitions(&mut first, Some(later), 14).await.expect("partitions"), (3, 3));
    let mut second = db.begin().await.expect("a transaction");
    assert_eq!(keep_partitions(&mut second, Some(later), 14).await.expect("partitions"), (0, 0));
    second.rollback().await.expect("the end");
    first.commit().await.expect("the end");
    assert_eq!(
        keep_partitions(&mut db.acquire().await.expect("a connection"), Some(later), 14).await.expect("none"),
        (0, 0)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_event_is_stored_with_all_that_is_known_and_what_it_names_itself_wins(db: PgPool) {
    let (log, _end, out) = start(Room::default(), ours());
    let _heard = Heard::hear(&log);
    let upkeep = Upkeep::start(&log, &db, &config(), &Clock::system()).expect("a thread");
    let request = Context::of_request("req-1".into());
    request
        .within(async {
            note_caller(Who {
                user: Some("alice".into()),
                user_id: Some("u-1".into()),
                session: Some("8852136f".into()),
            });
            note_project("p-1");
            let cause: Box<dyn std::error::Error> = "too \u{1b}[31mlate".into();
            tracing::error!(
                status = 404,
                share = 0.5,
                error = &*cause,
                password = "hush",
                "a\nline of {}",
                "two"
            );
            tracing::info!(
                facility = "proxy",
                user = "bob",
                project = "p-2",
                region = "RegionOne",
                "another"
            );
        })
        .await;
    until("two lines", async || stored(&db, "a").await == 2).await;
    let rows = sqlx::query("SELECT * FROM log_lines ORDER BY id").fetch_all(&db).await.expect("rows");
    let texts = |row: &sqlx::postgres::PgRow, names: &[&str]| -> Vec<Option<String>> {
        names.iter().map(|name| row.get(*name)).collect()
    };
    let said = |values: &[&str]| values.iter().map(|value| Some((*value).to_owned())).collect::<Vec<_>>();
    let [first, second] = &rows[..] else { panic!("{} rows", rows.len()) };
    assert_eq!(first.get::<i16, _>("level"), 5);
    assert_eq!(
        texts(
            first,
            &["facility", "description", "user_name", "user_id", "project", "session", "request_id"]
        ),
        said(&["panel", "a line of two", "alice", "u-1", "p-1", "8852136f", "req-1"])
    );
    assert_eq!(
        texts(first, &["node", "region", "zone", "environment", "release"]),
        said(&["panel-1", "eu-1", "a", "test", "1.2.3"])
    );
    let fields = "SELECT fields::text FROM log_lines ORDER BY id";
    let fields: Vec<String> = sqlx::query_scalar(fields).fetch_all(&db).await.expect("fields");
    let fields: Vec<Value> = fields.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    assert_eq!(
        fields[0],
        json!({"status": 404, "share": 0.5, "error": "too [31mlate", "password": "***", "target": module_path!()})
    );
    assert_eq!(
        texts(second, &["facility", "user_name", "user_id", "project", "request_id", "region"]),
        said(&["proxy", "bob", "u-1", "p-2", "req-1", "eu-1"])
    );
    assert_eq!(fields[1]["upstream_region"], "RegionOne");

    // The same on standard output, a flat object each.
    until("two lines on standard output", async || out.text().lines().count() >= 2).await;
    let line: Value = serde_json::from_str(out.text().lines().next().expect("a line")).expect("JSON");
    for (name, value) in [
        ("level", "error"),
        ("description", "a line of two"),
        ("user", "alice"),
        ("request_id", "req-1"),
        ("node", "panel-1"),
        ("region", "eu-1"),
        ("password", "***"),
    ] {
        assert_eq!(line[name], value, "{name} of {line}");
    }
    assert!(out.text().contains(r#""user":"alice""#), "{}", out.text());
    upkeep.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn while_postgres_is_away_nobody_waits_and_what_fits_is_stored_when_it_is_back(db: PgPool) {
    let (log, _end, out) = start(Room::default(), ours());
    let _heard = Heard::hear(&log);
    let proxy = DatabaseProxy::start(&db).await;
    let upkeep = Upkeep::start(&log, &proxy.pool(), &config(), &Clock::system()).expect("a thread");
    tracing::info!("before");
    until("the first line", async || stored(&db, "before").await == 1).await;
    for (round, take_away) in [DatabaseProxy::refuse, DatabaseProxy::hang].into_iter().enumerate() {
        take_away(&proxy);
        for number in 0..2000 {
            tracing::info!(number, round, "meanwhile {round}");
        }
        let away = || out.text().matches("the log cannot be stored").count() > round;
        until("the word that it is away", async || away()).await;
        proxy.pass();
        let meanwhile = format!("meanwhile {round}");
        until("all lines", async || stored(&db, &meanwhile).await >= 2000).await;
        let numbers =
            "SELECT count(DISTINCT fields->>'number') FROM log_lines WHERE starts_with(description, $1)";
        let numbers: i64 =
            sqlx::query_scalar(numbers).bind(&meanwhile).fetch_one(&db).await.expect("a count");
        assert_eq!(numbers, 2000);
        let back = round as i64 + 1;
        until("the word that it is back", async || stored(&db, "the log is stored again").await == back)
            .await;
    }
    upkeep.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_queue_loses_debug_first_and_tells_how_much(db: PgPool) {
    let size = Line::new(std::sync::Arc::default(), Level::Info, Facility::Panel, "kind 100").size() + 200;
    let (log, _end, out) = start(Room { to_store: 150 * size, ..Room::default() }, ours());
    let _heard = Heard::hear(&log);
    let metrics = Metrics::recording();
    log.count_with(metrics.clone());
    let proxy = DatabaseProxy::start(&db).await;
    proxy.refuse();
    let upkeep = Upkeep::start(&log, &proxy.pool(), &config(), &Clock::system()).expect("a thread");
    for number in 0..1000 {
        tracing::debug!(number, "debug {number}");
    }
    for number in 0..50 {
        tracing::info!(number, "info {number}");
        tracing::warn!(number, "warning {number}");
    }
    let is_told = || out.text().contains("lines of the log were lost");
    until("the word of the loss", async || is_told()).await;
    proxy.pass();
    until("what was kept", async || stored(&db, "warning").await == 50 && stored(&db, "info").await == 50)
        .await;
    until("the word that it is back", async || stored(&db, "the log is stored again").await == 1).await;
    let lost = || metrics.counted(Metric::LogDropped, &["debug"]);
    until("the rest", async || stored(&db, "debug").await.unsigned_abs() + lost() == 1000).await;
    assert!(lost() > 0);
    assert_eq!(metrics.counted(Metric::LogDropped, &["info"]), 0);
    upkeep.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_logged_about_storing_lines_is_not_stored(db: PgPool) {
    let (log, _end, out) = start(Room::default(), Targets::new().with_default(LevelFilter::TRACE));
    let _heard = Heard::hear(&log);
    let upkeep = Upkeep::start(&log, &db, &config(), &Clock::system()).expect("a thread");
    for round in 0..3 {
        let line = format!("round {round}");
        tracing::info!("{line}");
        until("the line", async || stored(&db, &line).await == 1).await;
    }
    // The driver tells of its statements, and all of that goes to standard output.
    until("words of the driver", async || out.text().contains(r#""target":"sqlx::query""#)).await;
    upkeep.stop().await;
    let of_driver = "SELECT count(*) FROM log_lines WHERE fields->>'target' LIKE 'sqlx%'
        AND fields::text LIKE '%INSERT INTO log_lines%'";
    assert_eq!(sqlx::query_scalar::<_, i64>(of_driver).fetch_one(&db).await.expect("a count"), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn lines_that_their_owner_has_stored_go_to_the_other_outputs_only(db: PgPool) {
    let (log, _end, out) = start(Room::default(), ours());
    let upkeep = Upkeep::start(&log, &db, &config(), &Clock::system()).expect("a thread");
    log.hand_on([log.line(Level::Info, Facility::Client, "from a browser")]);
    log.take(log.line(Level::Info, Facility::Panel, "from us"), false);
    until("our own line", async || stored(&db, "from us").await == 1).await;
    until("both on standard output", async || out.text().lines().count() == 2).await;
    assert_eq!(stored(&db, "from a browser").await, 0);
    upkeep.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_logged_before_the_stop_is_stored(db: PgPool) {
    let (log, end, _) = start(Room::default(), ours());
    let upkeep = Upkeep::start(&log, &db, &config(), &Clock::system()).expect("a thread");
    for number in 0..3000 {
        log.take(log.line(Level::Info, Facility::Panel, format!("last words {number}")), false);
    }
    upkeep.stop().await;
    drop(end);
    assert_eq!(stored(&db, "last words").await, 3000);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_stored_before_the_panel_stops_is_told(db: PgPool) {
    let (log, _end, out) = start(Room::default(), ours());
    let _heard = Heard::hear(&log);
    let proxy = DatabaseProxy::start(&db).await;
    proxy.refuse();
    let upkeep = Upkeep::start(&log, &proxy.pool(), &config(), &Clock::system()).expect("a thread");
    for number in 0..1500 {
        tracing::info!(number, "in vain");
    }
    upkeep.stop().await;
    let lost = || -> u64 {
        let lines = out.text();
        let lines = lines.lines().filter(|line| line.contains("lines of the log were lost"));
        lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()?["info"].as_u64()).sum()
    };
    until("the word of all that is lost", async || lost() >= 1500).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn days_come_and_go_where_only_browsers_lines_are_stored_too(db: PgPool) {
    let name = format!("log_lines_{}", (Utc::now() + TimeDelta::days(1)).format("%Y%m%d"));
    sqlx::query(AssertSqlSafe(format!("DROP TABLE {name}"))).execute(&db).await.expect("a table less");
    let settings = Settings {
        format: Format::Json,
        out_from: Level::Trace,
        gelf: None,
        is_stored: false,
        room: Room::default(),
    };
    let (log, _end) = Log::start_with(ours(), place(), settings, Out::default()).expect("threads");
    let _upkeep = Upkeep::start(&log, &db, &config(), &Clock::system()).expect("a thread");
    let is_there = "SELECT to_regclass($1) IS NOT NULL";
    until("the day's partition", async || {
        sqlx::query_scalar::<_, bool>(is_there).bind(&name).fetch_one(&db).await.expect("an answer")
    })
    .await;
}
