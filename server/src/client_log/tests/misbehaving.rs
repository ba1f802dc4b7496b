//! What no browser of ours sends: the socket is closed with a reason, and everybody else goes on.

use api_types::{
    client_log::{LARGEST_BATCH, close},
    routes,
};
use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::{self, Message};

use super::*;
use crate::{metrics::Metric, testing::until};

/// How the panel closes a socket over which this was sent.
async fn closed_after(served: &Served, client: &Client, sent: Message) -> (u16, String) {
    let mut socket = open(served, client).await;
    // It may be closed before everything is sent.
    _ = socket.send(sent).await;
    close_of(&mut socket).await
}

async fn close_of(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
            Some(Ok(_)) => {}
            other => panic!("{other:?} instead of a close"),
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_kind_of_nonsense_has_its_close_code_and_is_not_stored(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut calm = open(&served, &alice).await;
    let with_fields = |fields: Value| {
        let mut batch = a_tab(&[]).batch(1);
        batch.messages.push(a_message(Level::Info, Kind::Action, "", fields));
        Message::text(serde_json::to_string(&batch).expect("JSON"))
    };
    let mut tab = a_tab(&["x"]);
    tab.log(&"long ".repeat(1000));
    let too_long = serde_json::to_string(&tab.batch(2)).expect("JSON");
    for (sent, code, reason) in [
        (Message::text("nonsense"), close::MALFORMED, "malformed"),
        (Message::text(""), close::MALFORMED, "malformed"),
        (Message::text("[".repeat(50_000)), close::MALFORMED, "malformed"),
        (with_fields(json!({"a": {"b": {"c": {"d": {"e": 1}}}}})), close::MALFORMED, "malformed"),
        (Message::text(too_long), close::MALFORMED, "malformed"),
        (Message::binary(vec![0; 100]), 1003, "binary"),
        (Message::text("x".repeat(LARGEST_BATCH + 1)), close::TOO_LARGE, "too_large"),
    ] {
        let shown = format!("{sent:?}").chars().take(60).collect::<String>();
        assert_eq!(closed_after(&served, &alice, sent).await, (code, reason.to_owned()), "{shown}");
    }
    assert!(descriptions(&db).await.is_empty());
    assert!(matches!(send_one(&mut calm, &a_tab(&["calm"])).await, Some(Answer::Stored { .. })));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_giant_message_is_cut_off_and_not_read(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut socket = open(&served, &alice).await;
    // The end of the connection may overtake the reason.
    _ = socket.send(Message::text("x".repeat(20 << 20))).await;
    let end = socket.next().await;
    let is_closed = match &end {
        Some(Ok(Message::Close(Some(frame)))) => u16::from(frame.code) == close::TOO_LARGE,
        Some(Err(_)) | None => true,
        Some(Ok(_)) => false,
    };
    assert!(is_closed, "{end:?}");
    until("the socket to be gone", async || *app.app.client_log.0.open.borrow() == 0).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn forged_numbers_end_with_the_stream_and_cost_nobody_elses(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let batch = a_tab(&["forged"]).batch(1);
    let mut answers = Vec::new();
    for number in 1..=40u64 {
        let mut forged = batch.clone();
        forged.first = number * 1_000_000;
        socket.send(Message::text(serde_json::to_string(&forged).expect("JSON"))).await.expect("sent");
        answers.push(next_answer(&mut socket).await.expect("an answer"));
    }
    let is_refused = |answer: &&Answer| {
        matches!(answer, Answer::Refused { reason: api_types::client_log::Refusal::Sequence, .. })
    };
    assert_eq!(answers.iter().filter(is_refused).count(), 8);
    assert_eq!(descriptions(&db).await.len(), 32);
    assert!(matches!(send_one(&mut socket, &a_tab(&["honest"])).await, Some(Answer::Stored { .. })));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_flood_is_closed_and_others_go_on(db: PgPool) {
    let app = TestApp::with(db.clone(), simcloud::CloudConfig::default(), |source| {
        source.with_env("CLIENT_LOG_MESSAGES_PER_SECOND", "1")
    })
    .await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut socket = open(&served, &alice).await;
    let flood = a_tab(&["flood"; 64]);
    let text = Message::text(serde_json::to_string(&flood.batch(64)).expect("JSON"));
    _ = socket.send(text).await;
    assert_eq!(close_of(&mut socket).await, (close::TOO_FAST, "too_fast".to_owned()));
    // Another tab of the same session is no way around it once the burst is used up, another user is not held up.
    let mut again = open(&served, &alice).await;
    let calm = a_tab(&["calm"; 20]);
    again.send(Message::text(serde_json::to_string(&calm.batch(20)).expect("JSON"))).await.expect("sent");
    assert!(matches!(next_answer(&mut again).await, Some(Answer::Stored { .. })));
    let more = a_tab(&["more"; 10]);
    again.send(Message::text(serde_json::to_string(&more.batch(10)).expect("JSON"))).await.expect("sent");
    assert_eq!(close_of(&mut again).await.0, close::TOO_FAST);
    let mut of_bob = open(&served, &app.signed_in("bob")).await;
    assert!(matches!(send_one(&mut of_bob, &a_tab(&["bob"])).await, Some(Answer::Stored { .. })));
    assert_eq!(descriptions(&db).await.len(), 21);
}

#[sqlx::test(migrations = "../migrations")]
async fn beyond_a_days_worth_messages_are_received_and_only_warnings_and_errors_are_kept(db: PgPool) {
    let app = TestApp::with(db.clone(), simcloud::CloudConfig::default(), |source| {
        source.with_env("CLIENT_LOG_SESSION_MESSAGES_PER_DAY", "20")
    })
    .await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let mut socket = open(&served, &alice).await;
    let log = crate::testing::Log::listen();
    let mut tab = Tab::new();
    for round in 0..3 {
        (0..14).for_each(|_| tab.log(&format!("round {round}")));
        let mut batch = tab.batch(15);
        batch.messages.push(a_message(Level::Error, Kind::Error, &format!("broken {round}"), json!({})));
        let (first, last) = (batch.first, batch.last());
        socket.send(Message::text(serde_json::to_string(&batch).expect("JSON"))).await.expect("sent");
        let expected = Answer::Stored { stream: tab.stream.to_string(), first, last };
        assert_eq!(next_answer(&mut socket).await, Some(expected), "it is not sent again");
        tab = Tab::new();
    }
    let kept = descriptions(&db).await;
    let count = |wanted: &str| kept.iter().filter(|kept| kept.starts_with(wanted)).count();
    assert_eq!((count("round 0"), count("round"), count("broken")), (14, 14, 3));
    assert_eq!(app.app.metrics.counted(Metric::ClientLogMessage, &["dropped"]), 28);
    assert_eq!(log.text().matches("log more than is kept of a day").count(), 1, "told once");
    let mut of_bob = open(&served, &app.signed_in("bob")).await;
    assert!(matches!(send_one(&mut of_bob, &a_tab(&["bob"])).await, Some(Answer::Stored { .. })));
    assert!(descriptions(&db).await.contains(&"bob".to_owned()));
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_that_are_made_up_wait_and_leave_no_rows(db: PgPool) {
    let app = TestApp::with(db.clone(), simcloud::CloudConfig::default(), |source| {
        source.with_env("CLIENT_LOG_PAGES_PER_HOUR", "3")
    })
    .await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let tabs: Vec<Tab> = (0..5).map(|_| a_tab(&["page"])).collect();
    for (place, tab) in tabs.iter().enumerate() {
        let answer = send_one(&mut socket, tab).await;
        assert_eq!(matches!(answer, Some(Answer::Later { .. })), place >= 3, "{answer:?}");
    }
    let rows = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM client_log_streams");
    assert_eq!(rows.fetch_one(&db).await.expect("a count"), 3);
    app.clock.advance(std::time::Duration::from_secs(1_300));
    assert!(matches!(send_one(&mut socket, &tabs[3]).await, Some(Answer::Stored { .. })));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replay_storm_stores_nothing_more(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let tab = a_tab(&["one"; 10]);
    let text = serde_json::to_string(&tab.batch(10)).expect("JSON");
    for _ in 0..3 {
        let mut socket = open(&served, &alice).await;
        for _ in 0..50 {
            socket.send(Message::text(text.as_str())).await.expect("sent");
            assert!(matches!(next_answer(&mut socket).await, Some(Answer::Stored { .. })));
        }
    }
    assert_eq!(descriptions(&db).await.len(), 10);
}

#[sqlx::test(migrations = "../migrations")]
async fn terminal_escapes_newlines_secrets_and_odd_clocks_arrive_harmless(db: PgPool) {
    let app = patient(db.clone()).await;
    let served = app.serve().await;
    let mut socket = open(&served, &app.signed_in("alice")).await;
    let mut batch = a_tab(&[]).batch(1);
    let fields = json!({"stack": "at f\nat g\u{1b}[2J\u{0}", "adminPass": "hush"});
    let mut message =
        a_message(Level::Warn, Kind::Error, "a\r\nb\u{1b}[31m\u{202e} X-Auth-Token: abcdefgh", fields);
    message.at = 253_402_300_800_000.0;
    batch.messages.push(message);
    socket.send(Message::text(serde_json::to_string(&batch).expect("JSON"))).await.expect("sent");
    assert!(matches!(next_answer(&mut socket).await, Some(Answer::Stored { .. })));
    let line = stored(&db).await.remove(0);
    assert_eq!(line.description, "a b[31m X-Auth-Token: ***");
    assert_eq!((&line.fields["stack"], &line.fields["adminPass"]), (&json!("at f\nat g[2J"), &json!("***")));
    assert_eq!(line.fields["client_at"].as_f64(), Some(253_402_300_800_000.0));
}

#[sqlx::test(migrations = "../migrations")]
async fn only_our_own_pages_with_a_session_get_a_socket(db: PgPool) {
    let app = TestApp::new(db).await;
    let served = app.serve().await;
    let good = panel(&served, &app.signed_in("alice")).await;
    let status = async |panel: Panel| match log_tabs::connect(&panel).await {
        Err(tungstenite::Error::Http(response)) => response.status(),
        other => panic!("{other:?}"),
    };
    let foreign = Panel { origin: "https://evil.test".to_owned(), ..good.clone() };
    assert_eq!(status(foreign).await, StatusCode::FORBIDDEN);
    let nobody = Panel { cookie: "x=y".to_owned(), ..good.clone() };
    assert_eq!(status(nobody).await, StatusCode::UNAUTHORIZED);
    assert!(log_tabs::connect(&good).await.is_ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn sockets_of_a_session_are_bounded_and_end_with_it(db: PgPool) {
    let app = TestApp::with(db, simcloud::CloudConfig::default(), |source| {
        source.with_env("CLIENT_LOG_SOCKETS_PER_SESSION", "2")
    })
    .await;
    let served = app.serve().await;
    let alice = app.signed_in("alice");
    let here = panel(&served, &alice).await;
    let mut first = open(&served, &alice).await;
    let _second = open(&served, &alice).await;
    let Err(tungstenite::Error::Http(refused)) = log_tabs::connect(&here).await else {
        panic!("a third socket")
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    alice.delete(&format!("{}?include_current=true", routes::SESSIONS)).await;
    assert_eq!(close_of(&mut first).await, (close::SESSION_ENDED, "session_ended".to_owned()));
}
