use chrono::{TimeDelta, Utc};
use sqlx::PgPool;

use super::{config, place};
use crate::{
    clock::Clock,
    log::{
        AUDIT, Context, Level, LevelStore, Log, SetLevel, SetLevelError, Upkeep, Who, levels::parse_filter,
    },
    testing::{Log as Heard, until},
};

fn debug_of(user: Option<&str>, filter: &str) -> SetLevel {
    SetLevel {
        user: user.map(str::to_owned),
        filter: filter.to_owned(),
        until: Utc::now() + TimeDelta::minutes(10),
        set_by: "olivia".to_owned(),
        because: "a ticket".to_owned(),
    }
}

fn node() -> Log {
    Log::recording(place(), parse_filter("info").expect("a filter"))
}

/// What requests of these users leave in the log at all levels.
async fn requests(log: &Log, name: &str) -> Vec<String> {
    let before = log.recorded().len();
    for user in ["alice", "bob"] {
        let who = Who { user: Some(user.into()), ..Who::default() };
        let work = async {
            tracing::debug!("{name} debug of {user}");
            tracing::trace!("{name} trace of {user}");
            tracing::debug!(target: "hyper::client", "{name} of a library");
            tracing::info!("{name} info of {user}");
        };
        Context::of_user(who, None, None).within(work).await;
    }
    let lines = log.recorded()[before..].to_owned();
    let description = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["description"].as_str().unwrap_or_default().to_owned()
    };
    lines.lines().map(description).filter(|line| line.starts_with(name)).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn debugging_one_user_follows_on_another_node_and_ends(db: PgPool) {
    let clock = Clock::movable();
    let store = LevelStore::new(db.clone(), clock.clone());
    let other = node();
    let _heard = Heard::hear(&other);
    let _upkeep = Upkeep::start(&other, &db, &config(), &clock).expect("a thread");
    assert_eq!(requests(&other, "before").await, ["before info of alice", "before info of bob"]);

    let set = store.set_level(debug_of(Some("alice"), "debug")).await.expect("it is set");
    until("the other node to follow", async || other.levels().of_user("alice") == Some(Level::Debug)).await;
    assert_eq!(
        requests(&other, "during").await,
        ["during debug of alice", "during info of alice", "during info of bob"]
    );
    assert!(
        other.levels().wants(Level::Debug, Some("alice")) && !other.levels().wants(Level::Debug, Some("bob"))
    );
    let listed = store.list_levels().await.expect("a list");
    assert_eq!((&*set.set_by, &*set.because), ("olivia", "a ticket"));
    assert_eq!(listed, [set]);

    // A second word replaces the first.
    let again = store.set_level(debug_of(Some("alice"), "trace")).await.expect("it is set");
    until("the second word", async || other.levels().of_user("alice") == Some(Level::Trace)).await;
    assert_eq!(store.list_levels().await.expect("a list"), std::slice::from_ref(&again));
    assert_eq!(requests(&other, "more").await.len(), 4);

    assert_eq!(store.clear_level(again.id).await.expect("it was there"), Some(again));
    until("the end", async || other.levels().of_user("alice").is_none()).await;
    assert_eq!(requests(&other, "after").await, ["after info of alice", "after info of bob"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_set_ends_at_its_time(db: PgPool) {
    let clock = Clock::movable();
    let store = LevelStore::new(db.clone(), clock.clone());
    let node = node();
    let _upkeep = Upkeep::start(&node, &db, &config(), &clock).expect("a thread");
    store.set_level(debug_of(Some("alice"), "debug")).await.expect("it is set");
    until("the node to follow", async || node.levels().of_user("alice").is_some()).await;
    clock.advance(std::time::Duration::from_secs(601));
    until("its end", async || node.levels().of_user("alice").is_none()).await;
    assert!(store.list_levels().await.expect("a list").is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_filter_for_everybody_takes_the_place_of_the_configured_one(db: PgPool) {
    let clock = Clock::system();
    let store = LevelStore::new(db.clone(), clock.clone());
    let node = node();
    let _heard = Heard::hear(&node);
    let _upkeep = Upkeep::start(&node, &db, &config(), &clock).expect("a thread");
    store.set_level(debug_of(None, "warn,server::log::tests=debug")).await.expect("it is set");
    until("the node to follow", async || {
        node.levels().wants(Level::Warn, None) && !node.levels().wants(Level::Info, None)
    })
    .await;
    assert_eq!(
        requests(&node, "all").await,
        ["all debug of alice", "all info of alice", "all debug of bob", "all info of bob"]
    );
    let refused = store.set_level(debug_of(None, "server=loud")).await;
    assert!(matches!(refused, Err(SetLevelError::Filter(..))));
    let refused = store.set_level(debug_of(Some("alice"), "server=debug")).await;
    assert!(matches!(refused, Err(SetLevelError::Filter(..))), "of a user there are levels only");
}

#[test]
fn what_operators_do_is_told_whatever_the_levels() {
    let log = Log::recording(place(), parse_filter("off").expect("a filter"));
    let _heard = Heard::hear(&log);
    tracing::error!("a word that nobody wants");
    tracing::info!(target: AUDIT, user = "olivia", "an operator looked");
    let told = log.recorded();
    assert!(told.contains("an operator looked") && told.contains(r#""facility":"operator""#), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}
