//! What is seen of an action afterwards: in the list, and in the server's history.

use api_types::{
    jobs::ItemResult,
    routes,
    servers::{ServerHistory, action::ActionKind, action::ServerAction, detail::HistoryAction},
};
use axum::http::StatusCode;
use simcloud::Service;
use sqlx::PgPool;

use super::*;
use crate::features::servers::tests::viewer::Watcher;

#[sqlx::test(migrations = "../migrations")]
async fn the_list_shows_what_was_done_long_before_it_would_have_asked(db: PgPool) {
    // It asks every 15 seconds; a test waits for 10.
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (one, two, three) =
        (add(&app, "one", "ACTIVE"), add(&app, "two", "ACTIVE"), add(&app, "three", "ACTIVE"));
    let mut watcher = Watcher::open(&alice, &routes::servers(&app.project("alpha"))).await;
    watcher.until_complete().await;

    ask(&app, &alice, &job(ServerAction::Stop, &[&one])).await;
    let task = |text: &'static str| {
        move |row: &api_types::servers::ServerRow| row.task_state.as_deref() == Some(text)
    };
    let is_stopping = task("powering-off");
    watcher.until("one stopping", |seen| seen.row(server_id(&one)).is_some_and(&is_stopping)).await;

    ask(&app, &alice, &job(ServerAction::Pause, &[&two, &three])).await;
    let is_pausing = task("pausing");
    watcher
        .until("both pausing", |seen| {
            [&two, &three].iter().all(|id| seen.row(server_id(id)).is_some_and(&is_pausing))
        })
        .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn labels_of_many_are_seen_though_no_question_about_changes_shows_them(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (one, two) = (add(&app, "one", "ACTIVE"), add(&app, "two", "ACTIVE"));
    let mut watcher = Watcher::open(&alice, &routes::servers(&app.project("alpha"))).await;
    watcher.until_complete().await;
    let tag = ServerAction::Tag { add: vec!["blue".to_owned()], remove: Vec::new() };
    ask(&app, &alice, &job(tag, &[&one, &two])).await;
    watcher
        .until("the tags", |seen| {
            [&one, &two].iter().all(|id| seen.row(server_id(id)).is_some_and(|row| row.tags == ["blue"]))
        })
        .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_plan_asks_the_index_and_not_the_cloud(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let one = add(&app, "one", "ACTIVE");
    let mut watcher = Watcher::open(&alice, &routes::servers(&app.project("alpha"))).await;
    watcher.until_complete().await;
    app.cloud.admin().reset_calls();
    let planned = ask(&app, &alice, &job(ServerAction::Start, &[&one])).await;
    assert_eq!((planned.counts.skipped, planned.server_name.as_deref()), (1, Some("one")));
    assert!(planned.finished_at.is_some());
    assert_eq!(app.cloud.admin().call_count(REGION, Service::Compute), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_servers_history_says_who_did_what_with_the_ids_of_both_sides(db: PgPool) {
    let app = panel(db).await;
    let (alice, bob) = (app.signed_in("alice"), app.signed_in("bob"));
    let server = add(&app, "one", "ACTIVE");
    let rename = job(ServerAction::Rename { name: "renamed".to_owned() }, &[&server]);
    let renamed = ask(&app, &alice, &rename).await;
    finished(&alice, &renamed.id).await;
    let snapshot =
        ask(&app, &bob, &job(ServerAction::Snapshot { name: "snap".to_owned() }, &[&server])).await;
    finished(&bob, &snapshot.id).await;
    // A plan is nothing that was done.
    ask(&app, &bob, &job(ServerAction::Delete, &[&server, &add(&app, "two", "ACTIVE")])).await;

    let path = routes::server_history(&app.project("alpha"), &region(), &server_id(&server));
    let history: ServerHistory = alice.get(&path).await.json();
    let seen = history.entries.iter().map(|entry| (entry.action.clone(), entry.user_name.as_str()));
    let [snapshot, rename] = [ActionKind::Snapshot, ActionKind::Rename].map(HistoryAction::Panel);
    assert_eq!(seen.collect::<Vec<_>>(), [(snapshot, "bob"), (rename, "alice")]);
    assert!(history.passed_on.is_empty(), "jobs make their calls themselves");
    assert_eq!(history.entries[1].detail.as_deref(), Some("renamed"));
    // Of a snapshot it is the image that came of it.
    let image = history.entries[0].detail.as_deref().expect("an image");
    assert!(uuid::Uuid::try_parse(image).is_ok());
    for entry in &history.entries {
        assert_eq!(entry.result, ItemResult::Done);
        assert!(entry.request_id.is_some() && entry.upstream_request_id.is_some() && entry.at > 0);
    }
    // Nova's own history has the snapshot under the same id.
    let shown = routes::server(&app.project("alpha"), &region(), &server_id(&server));
    let detail: api_types::servers::ServerDetail = alice.get(&shown).await.json();
    let api_types::servers::detail::Part::Known(actions) = detail.actions else { panic!("actions") };
    let ours = history.entries[0].upstream_request_id.as_deref();
    assert!(actions.iter().any(|action| Some(action.request_id.as_str()) == ours));

    let of_beta = routes::server_history(&app.project("beta"), &region(), &server_id(&server));
    let elsewhere: ServerHistory = alice.get(&of_beta).await.json();
    assert!(elsewhere.entries.is_empty());
    bob.get(&of_beta).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
}
