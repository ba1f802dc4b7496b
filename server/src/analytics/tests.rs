//! Counting, writing and forgetting, without a router around them.

use api_types::analytics::{AnalyticsItem, NamedCount};
use axum::http::HeaderValue;
use sqlx::PgPool;

use super::*;
use crate::testing::{DatabaseProxy, until};

fn analytics(db: PgPool, clock: &Clock) -> Analytics {
    let config = AnalyticsConfig { consent: AnalyticsConsent::NotNeeded, ..AnalyticsConfig::default() };
    Analytics::new(db, config, clock.clone(), Shutdown::default(), Duration::from_secs(5))
}

fn views(name: &str, count: u32) -> AnalyticsBatch {
    let item = AnalyticsItem { kind: Counted::Page, name: name.to_owned(), count };
    AnalyticsBatch { consented: false, items: vec![item] }
}

fn session() -> SessionId {
    SessionId(uuid::Uuid::new_v4())
}

fn browser(agent: &str) -> HeaderMap {
    HeaderMap::from_iter([(axum::http::header::USER_AGENT, HeaderValue::from_str(agent).expect("a header"))])
}

const SERVERS: &str = "/projects/{project}/servers";

#[sqlx::test(migrations = "../migrations")]
async fn two_nodes_count_into_the_same_numbers(db: PgPool) {
    let clock = Clock::movable();
    let nodes = [analytics(db.clone(), &clock), analytics(db, &clock)];
    for node in &nodes {
        node.add(session(), &views(SERVERS, 3), &browser("Firefox/140.0"), None).await.expect("counted");
        node.write().await;
    }
    nodes[0].add(session(), &views(SERVERS, 1), &browser("Chrome/156.0"), None).await.expect("counted");
    nodes[0].write().await;
    let report = nodes[1].report(7).await.expect("a report");
    let named = |name: &str, count| NamedCount { name: name.to_owned(), count };
    assert_eq!(report.pages, [named(SERVERS, 7)]);
    assert_eq!(report.browsers, [named("Firefox 140", 6), named("Chrome 156", 1)]);
    assert_eq!(report.countries, []);
    assert_eq!(report.days.len(), 7);
    assert_eq!(report.days.iter().map(|day| day.views).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 7]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_written_waits_and_is_counted_once(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let clock = Clock::movable();
    let analytics = analytics(proxy.pool(), &clock);
    proxy.refuse();
    analytics
        .add(session(), &views(SERVERS, 2), &HeaderMap::new(), None)
        .await
        .expect("counted all the same");
    analytics.write().await;
    proxy.pass();
    until("the numbers are written", async || {
        analytics.write().await;
        analytics.report(7).await.is_ok_and(|report| report.pages.first().is_some_and(|page| page.count == 2))
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn days_older_than_they_are_kept_are_deleted(db: PgPool) {
    let clock = Clock::movable();
    let analytics = analytics(db, &clock);
    analytics.add(session(), &views(SERVERS, 1), &HeaderMap::new(), None).await.expect("counted");
    analytics.write().await;
    let days = |days: u64| Duration::from_secs(days * 86_400);
    clock.advance(days(400));
    assert_eq!(analytics.delete_old().await.expect("deleted"), 0);
    clock.advance(days(1));
    assert_eq!(analytics.delete_old().await.expect("deleted"), 2, "the page's number and the browser's");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_written_without_an_answer_is_counted_once(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let clock = Clock::movable();
    let config = AnalyticsConfig { consent: AnalyticsConsent::NotNeeded, ..AnalyticsConfig::default() };
    let patience = Duration::from_millis(300);
    let analytics = Analytics::new(proxy.pool(), config, clock, Shutdown::default(), patience);
    let views_there = async || {
        let sum = "SELECT COALESCE(SUM(count), 0)::bigint FROM analytics_days WHERE kind = 'page'";
        sqlx::query_scalar::<_, i64>(sum).fetch_one(&db).await.expect("a sum")
    };
    analytics.add(session(), &views(SERVERS, 1), &HeaderMap::new(), None).await.expect("counted");
    until("a connection", async || {
        analytics.write().await;
        views_there().await == 1
    })
    .await;
    // The table is locked for longer than anybody waits; the question stays there and is answered to nobody.
    let mut lock = db.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE analytics_days").execute(&mut *lock).await.expect("locked");
    analytics.add(session(), &views(SERVERS, 2), &HeaderMap::new(), None).await.expect("counted");
    analytics.write().await;
    analytics.add(session(), &views(SERVERS, 4), &HeaderMap::new(), None).await.expect("counted");
    lock.rollback().await.expect("unlocked");
    until("all to be written", async || {
        analytics.write().await;
        analytics.0.counts.lock().is_empty() && analytics.0.handed_over.lock().await.is_none()
    })
    .await;
    assert_eq!(views_there().await, 7);
}

#[sqlx::test(migrations = "../migrations")]
async fn browsers_made_up_by_the_hundred_are_counted_together_however_often_they_are_written(db: PgPool) {
    let clock = Clock::movable();
    let analytics = analytics(db, &clock);
    let count = async |version: usize| {
        let browser = browser(&format!("Chrome/{version}.0"));
        analytics.add(session(), &views(SERVERS, 1), &browser, None).await.expect("counted");
    };
    for version in 0..MOST_BROWSERS + 50 {
        count(version).await;
        if version % 40 == 0 {
            analytics.write().await;
        }
    }
    count(7).await;
    analytics.write().await;
    let sum = "SELECT name, count FROM analytics_days WHERE kind = 'browser' AND day = $1";
    let today = clock.now().date_naive();
    let rows: Vec<(String, i64)> =
        sqlx::query_as(sum).bind(today).fetch_all(&analytics.0.store.db).await.expect("rows");
    let counted = |name: &str| rows.iter().find(|(of, _)| of == name).map(|(_, count)| *count);
    assert_eq!(rows.len(), MOST_BROWSERS + 1);
    assert_eq!(
        (counted(OTHER_BROWSERS), counted("Chrome 7"), counted("Chrome 8")),
        (Some(50), Some(2), Some(1))
    );
    let report = analytics.report(7).await.expect("a report");
    assert_eq!((report.browsers.len(), &*report.browsers[0].name), (50, OTHER_BROWSERS));

    clock.advance(Duration::from_secs(86_400));
    count(MOST_BROWSERS + 1).await;
    let counts = analytics.0.counts.lock().clone();
    assert!(counts.keys().any(|(.., name)| name == &format!("Chrome {}", MOST_BROWSERS + 1)), "a new day");
}
