//! What is stored, once, whatever happens on the way.

use api_types::{
    client_log::{Refusal, close, frames},
    routes,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::{
    metrics::Metric,
    testing::{DatabaseProxy, until},
};

#[sqlx::test(migrations = "../migrations")]
async fn a_message_is_stored_with_what_the_server_knows_of_its_author(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut socket = open(&served, &alice).await;
    let mut batch = a_tab(&[]).batch(1);
    // A project becomes known when it is used.
    let project = app.project("alpha");
    alice.get(&format!("{}?follow=false", routes::servers(&project))).await;
    batch.project = Some(project.to_string());
    let id = "req-0123456789abcdef01234567";
    let fields = json!({"status": 502, "request_id": id, "user": "root"});
    batch.messages.push(a_message(Level::Error, Kind::Call, "A call failed.", fields));
    socket.send(Message::text(serde_json::to_string(&batch).expect("JSON"))).await.expect("sent");
    let wanted = Answer::Stored { stream: batch.stream.clone(), first: 1, last: 1 };
    assert_eq!(next_answer(&mut socket).await, Some(wanted));

    let lines = stored(&db).await;
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((line.user.as_deref(), line.description.as_str()), (Some("alice"), "A call failed."));
    assert!(line.user_id.is_some() && line.session.as_ref().is_some_and(|session| session.len() == 8));
    assert_eq!(
        (line.project.as_deref(), line.request_id.as_deref()),
        (Some(&*project.to_string()), Some(id))
    );
    assert_eq!((&line.node, &line.release), (&app.app.log.place().node, &app.app.log.place().release));
    assert_eq!(
        (&line.fields["browser"], &line.fields["address"]),
        (&json!("Firefox on Linux"), &json!("127.0.0.1"))
    );
    assert_eq!((&line.fields["status"], &line.fields["client_user"]), (&json!(502), &json!("root")));
    assert_eq!((&line.fields["stream"], &line.fields["number"]), (&json!(batch.stream), &json!(1)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_project_the_session_has_no_role_in_stays_a_claim(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut batch = a_tab(&["one"]).batch(1);
    batch.project = Some("0123456789abcdef0123456789abcdef".to_owned());
    socket.send(Message::text(serde_json::to_string(&batch).expect("JSON"))).await.expect("sent");
    next_answer(&mut socket).await.expect("an answer");
    let line = stored(&db).await.remove(0);
    assert_eq!(
        (line.project, &line.fields["claimed_project"]),
        (None, &json!("0123456789abcdef0123456789abcdef"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_sent_again_here_or_on_another_node_is_stored_once(db: PgPool) {
    let app = patient(db.clone()).await;
    let other = app.another_node();
    let (served, served_there) = (app.serve().await, other.serve().await);
    let alice = app.signed_in("alice");
    let tab = a_tab(&["one", "two", "three"]);
    let text = Message::text(serde_json::to_string(&tab.batch(3)).expect("JSON"));
    let mut socket = open(&served, &alice).await;
    for _ in 0..2 {
        socket.send(text.clone()).await.expect("sent");
        assert!(matches!(next_answer(&mut socket).await, Some(Answer::Stored { last: 3, .. })));
    }
    // Both nodes at once, and a browser that leaves before the answer comes.
    let there = panel(&served_there, &alice).await;
    for _ in 0..5 {
        let (mut here, mut there) =
            (open(&served, &alice).await, log_tabs::connect(&there).await.expect("a socket"));
        let mut longer = a_tab(&["one", "two", "three", "four", "five"]);
        longer.stream = tab.stream;
        let text = Message::text(serde_json::to_string(&longer.batch(5)).expect("JSON"));
        here.send(text.clone()).await.expect("sent");
        there.send(text).await.expect("sent");
        drop(here);
        assert!(matches!(next_answer(&mut there).await, Some(Answer::Stored { last: 5, .. })));
    }
    assert_eq!(descriptions(&db).await, ["one", "two", "three", "four", "five"]);
    assert!(app.app.metrics.counted(Metric::ClientLogMessage, &["repeated"]) >= 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_that_was_lost_after_the_commit_loses_and_repeats_nothing(db: PgPool) {
    let mut app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut tab = a_tab(&["one", "two"]);
    let mut socket = open(&served, &alice).await;
    socket.send(Message::text(serde_json::to_string(&tab.batch(2)).expect("JSON"))).await.expect("sent");
    until("the commit", async || descriptions(&db).await.len() == 2).await;
    // The node dies before the browser has read a word.
    drop(socket);
    app.die();
    let next = app.another_node();
    let served = next.serve().await;
    let there = panel(&served, &alice).await;
    tab.log("three");
    tab.deliver(|| there.clone(), 2).await;
    assert_eq!(descriptions(&db).await, ["one", "two", "three"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn messages_in_any_order_are_each_stored(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut tab = a_tab(&["one", "two", "three", "four"]);
    let whole = tab.batch(4);
    for (first, count) in [(3u64, 2usize), (1, 1), (2, 2), (1, 4)] {
        let mut part = whole.clone();
        part.first = first;
        part.messages = whole.messages[first as usize - 1..][..count].to_vec();
        socket.send(Message::text(serde_json::to_string(&part).expect("JSON"))).await.expect("sent");
        assert!(matches!(next_answer(&mut socket).await, Some(Answer::Stored { .. })));
    }
    assert_eq!(descriptions(&db).await, ["three", "four", "one", "two"]);
    tab.stored(4);
    tab.log("five");
    tab.send(&mut socket, 1).await.expect("stored");
    let received = sqlx::query_scalar::<_, String>("SELECT received::text FROM client_log_streams");
    assert_eq!(received.fetch_all(&db).await.expect("rows"), ["{[1,6)}"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_goes_on_with_its_own_user_only(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut of_alice = open(&served, &app.signed_in("alice")).await;
    let mut of_bob = open(&served, &app.signed_in("bob")).await;
    let mut tab = a_tab(&["one"]);
    let batch = tab.batch(1);
    assert!(matches!(send_one(&mut of_alice, &tab).await, Some(Answer::Stored { .. })));
    tab.stored(1);
    tab.log("two");
    let refused = Answer::Refused { stream: batch.stream, reason: Refusal::OtherUser };
    assert_eq!(send_one(&mut of_bob, &tab).await, Some(refused));
    assert!(matches!(send_one(&mut of_alice, &tab).await, Some(Answer::Stored { .. })));
    assert!(stored(&db).await.iter().all(|line| line.user.as_deref() == Some("alice")));
}

#[sqlx::test(migrations = "../migrations")]
async fn while_postgres_does_not_answer_browsers_keep_what_they_have(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    let app = TestApp::with(proxy.pool(), simcloud::CloudConfig::default(), |source| {
        source.with_env("SESSION_MEMORY_GRACE_SECS", "600").with_env("DATABASE_TIMEOUT_SECS", "0.5")
    })
    .await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut tab = a_tab(&["one", "two"]);
    proxy.refuse();
    assert!(matches!(send_one(&mut socket, &tab).await, Some(Answer::Later { first: 1, .. })));
    assert!(descriptions(&db).await.is_empty());
    proxy.pass();
    tab.send(&mut socket, 1).await.expect("stored over the same socket");
    assert_eq!(descriptions(&db).await, ["one", "two"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_stops_says_when_to_come_back_and_stores_what_it_has_taken(db: PgPool) {
    let mut app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let (mut one, mut other) = (open(&served, &alice).await, open(&served, &alice).await);
    // It is open on this node once it has been answered.
    assert!(send_one(&mut other, &a_tab(&["other"])).await.is_some());
    let tab = a_tab(&["one"]);
    one.send(Message::text(serde_json::to_string(&tab.batch(1)).expect("JSON"))).await.expect("sent");
    assert!(matches!(next_answer(&mut one).await, Some(Answer::Stored { .. })));
    app.stop().await;
    for socket in [&mut one, &mut other] {
        assert!(matches!(next_answer(socket).await, Some(Answer::Bye { within_ms: 1_000.. })));
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close") };
        assert_eq!(u16::from(frame.code), close::RESTARTS);
    }
    assert_eq!(descriptions(&db).await, ["other", "one"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_health_of_browsers_is_measured_once(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut batch = a_tab(&[]).batch(1);
    let health = json!({frames::SLOW: 3, frames::LONG_TASKS: 2, frames::LONGEST_MS: 120});
    batch.messages.push(a_message(Level::Info, Kind::Frames, "Slow.", health));
    batch.messages.push(a_message(Level::Error, Kind::Panic, "Gave up.", json!({})));
    for _ in 0..2 {
        socket.send(Message::text(serde_json::to_string(&batch).expect("JSON"))).await.expect("sent");
        next_answer(&mut socket).await.expect("an answer");
    }
    let counted = |metric, tags: &[&str]| app.app.metrics.counted(metric, tags);
    assert_eq!(counted(Metric::BrowserSlowFrames, &[]), 3);
    assert_eq!(counted(Metric::BrowserLongTask, &[]), 1);
    assert_eq!(counted(Metric::BrowserErrors, &["panic"]), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn streams_that_are_over_are_forgotten(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    assert!(send_one(&mut socket, &a_tab(&["one"])).await.is_some());
    let count = async || {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM client_log_streams");
        count.fetch_one(&db).await.expect("a count")
    };
    app.app.client_log.forget_old_once().await.expect("forgotten");
    assert_eq!(count().await, 1);
    app.clock.advance(std::time::Duration::from_secs(15 * 86_400));
    app.app.client_log.forget_old_once().await.expect("forgotten");
    assert_eq!(count().await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_another_node_stored_meanwhile_is_not_stored_again(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut tab = a_tab(&["one"]);
    assert!(matches!(send_one(&mut socket, &tab).await, Some(Answer::Stored { last: 1, .. })));
    // The tab was connected elsewhere for a moment.
    let elsewhere = "UPDATE client_log_streams SET received = '{[1,3)}'";
    sqlx::query(elsewhere).execute(&db).await.expect("the second one is stored");
    ["two", "three"].iter().for_each(|description| tab.log(description));
    let batch = serde_json::to_string(&tab.batch(64)).expect("JSON");
    for _ in 0..2 {
        socket.send(Message::text(batch.clone())).await.expect("sent");
        let answer = next_answer(&mut socket).await;
        assert!(matches!(answer, Some(Answer::Stored { last: 3, .. })), "{answer:?}");
        assert_eq!(descriptions(&db).await, ["one", "three"]);
    }
}
