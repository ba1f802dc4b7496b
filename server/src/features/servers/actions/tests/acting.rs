//! Each action on one server, and what is refused.

use std::sync::Arc;

use api_types::{
    jobs::{Confirmation, ItemResult, Job, JobState},
    operator::logs::LogPage,
    routes,
    servers::action::{ActionKind, Impossible, Password, ServerAction},
};
use axum::http::StatusCode;
use sqlx::PgPool;

use super::*;
use crate::log::{Facility, Level, Line, store::insert_lines};

#[sqlx::test(migrations = "../migrations")]
async fn an_action_on_one_server_reaches_nova_once_and_its_job_ends(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let asked = ask(&app, &alice, &job(ServerAction::Stop, &[&server])).await;
    assert_eq!((asked.action, asked.server_name.as_deref()), (ActionKind::Stop, Some("web-01")));
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.total, done.counts.done, done.counts.running), (1, 1, 0));
    assert!(done.finished_at.is_some() && done.version > asked.version);
    assert_eq!(changes(&app, &server), ["POST /v2.1/servers/{id}/action"]);
    assert_eq!(status_of(&app, &server).1.as_deref(), Some("powering-off"));
    let item = items(&alice, &asked.id).await.remove(0);
    assert_eq!((item.result, item.name.as_str()), (ItemResult::Done, "web-01"));
    assert!(item.request_id.is_some_and(|id| id.starts_with("req-")));
    assert!(item.upstream_request_id.is_some_and(|id| id.starts_with("req-")));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_job_asked_of_the_cloud_is_found_by_the_request_that_set_it_going(db: PgPool) {
    let app = panel(db.clone()).await;
    let (alice, operator) = (app.signed_in("alice"), app.signed_in("operator"));
    let server = add(&app, "web-01", "ACTIVE");
    let answer = post(&app, &alice, &job(ServerAction::Stop, &[&server])).await;
    let request = answer.header("x-request-id").to_owned();
    let asked: Job = answer.json();
    finished(&alice, &asked.id).await;
    let item = items(&alice, &asked.id).await.remove(0);
    let of_cloud = item.upstream_request_id.expect("the cloud's id");
    let item = item.request_id.expect("an id of its own");
    assert_ne!(item, request);
    // A node has stored what it logged of both, and of a third.
    let lines = [&item, &request, "req-third"].map(|id| {
        let mut line =
            Line::new(Arc::default(), Level::Info, Facility::Upstream, format!("the line of {id}"));
        line.request_id = Some(id.into());
        line
    });
    insert_lines(&mut db.acquire().await.expect("a connection"), &lines).await.expect("written");
    let found = |id: &str| format!("{}?request={id}&message=the+line+of", routes::OPERATOR_LOGS);
    let mut both = [item.clone(), request.clone()];
    both.sort();
    // Whichever id somebody has leads to all of it.
    for id in [request, item, of_cloud] {
        let page: LogPage = operator.get(&found(&id)).await.json();
        let mut ids: Vec<_> = page.lines.into_iter().filter_map(|line| line.request_id).collect();
        ids.sort();
        assert_eq!(ids, both, "{id}");
    }
    let page: LogPage = operator.get(&found("req-third")).await.json();
    assert_eq!(page.lines.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_for_which_it_cannot_work_is_left_out_with_the_reason(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (off, on) = (add(&app, "off", "SHUTOFF"), add(&app, "on", "ACTIVE"));
    let gone = "00000000-0000-4000-8000-000000000000";
    let asked = ask(&app, &alice, &job(ServerAction::Start, &[&off, &on, gone, &off])).await;
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.total, done.counts.done, done.counts.skipped), (3, 1, 2));
    let items = items(&alice, &asked.id).await;
    let why = Impossible::Status { status: "ACTIVE".to_owned(), needs: vec!["SHUTOFF".to_owned()] };
    assert_eq!(items[1].result, ItemResult::Skipped { because: why });
    assert_eq!(items[2].result, ItemResult::Skipped { because: Impossible::Gone });
    assert!(changes(&app, &on).is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_cloud_refuses_fails_with_the_clouds_own_words(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let flavor = "00000000-0000-4000-8000-000000000000".to_owned();
    let asked = ask(&app, &alice, &job(ServerAction::Resize { flavor_id: flavor }, &[&server])).await;
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.counts.failed), (0, 1));
    let item = items(&alice, &asked.id).await.remove(0);
    let ItemResult::Failed { error } = item.result else { panic!("it failed") };
    assert_eq!(error.upstream_status, Some(400));
    assert!(error.upstream_message.is_some_and(|words| words.contains("could not be found")));
    assert!(error.error.message.ends_with('.') && item.upstream_request_id.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_confirmed_enough_waits_and_says_what_it_needs(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (one, two) = (add(&app, "one", "ACTIVE"), add(&app, "two", "ACTIVE"));
    let deletes = job(ServerAction::Delete, &[&one, &two]);
    let planned = ask(&app, &alice, &deletes).await;
    assert_eq!(planned.state, JobState::Planned);
    assert_eq!(planned.confirmation, Confirmation::Word { word: "delete".to_owned() });
    let path = api_types::routes::job(&planned.id);
    let wrong = serde_json::json!({"do": "start", "confirmed": {"word": "stop"}});
    alice.post(&path, &wrong).await.assert_error(StatusCode::CONFLICT, "confirmation_needed");
    assert!(changes(&app, &one).is_empty());
    let right = serde_json::json!({"do": "start", "confirmed": {"word": "delete"}});
    alice.post(&path, &right).await.assert_status(StatusCode::OK);
    assert_eq!(finished(&alice, &planned.id).await.counts.done, 2);
    let server = add(&app, "other", "ACTIVE");
    let typed_before =
        typed(job(ServerAction::Delete, &[&server, &add(&app, "another", "ACTIVE")]), "delete");
    assert_ne!(ask(&app, &alice, &typed_before).await.state, JobState::Planned);
    // One server that is lost needs the word too.
    let alone = job(ServerAction::Delete, &[&add(&app, "alone", "ACTIVE")]);
    assert_eq!(ask(&app, &alice, &alone).await.state, JobState::Planned);
    assert_eq!(ask(&app, &alice, &typed(alone, "delete")).await.counts.total, 1);
    // Undoable things wait for nothing.
    let lock =
        api_types::jobs::CreateJob { confirmed: None, ..job(ServerAction::Lock { reason: None }, &[&one]) };
    assert_ne!(ask(&app, &alice, &lock).await.state, JobState::Planned);
}

#[sqlx::test(migrations = "../migrations")]
async fn asking_twice_with_one_key_is_one_job(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let reboot = job(ServerAction::Reboot { is_hard: false }, &[&server]);
    let (first, second) = tokio::join!(ask(&app, &alice, &reboot), ask(&app, &alice, &reboot));
    assert_eq!(first.id, second.id);
    finished(&alice, &first.id).await;
    assert_eq!(ask(&app, &alice, &reboot).await.id, first.id);
    assert_eq!(changes(&app, &server).len(), 1);
    let other = api_types::jobs::CreateJob { action: ServerAction::Stop, ..reboot };
    post(&app, &alice, &other).await.assert_error(StatusCode::CONFLICT, "job_key_used");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_is_good_for_the_same_values_and_servers_only(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let (server, another) = (add(&app, "web-01", "ACTIVE"), add(&app, "web-02", "ACTIVE"));
    let set = |password: &str| ServerAction::SetPassword { password: Password(password.to_owned()) };
    let first = job(set("correct-horse"), &[&server]);
    let asked = ask(&app, &alice, &first).await;
    finished(&alice, &asked.id).await;
    assert_eq!(ask(&app, &alice, &first).await.id, asked.id, "also when its values are erased");
    let others = [
        api_types::jobs::CreateJob { action: set("correct-mule"), ..first.clone() },
        api_types::jobs::CreateJob {
            targets: job(ServerAction::Start, &[&another]).targets,
            ..first.clone()
        },
    ];
    for other in others {
        post(&app, &alice, &other).await.assert_error(StatusCode::CONFLICT, "job_key_used");
    }
    assert_eq!((changes(&app, &server).len(), changes(&app, &another).len()), (1, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn nonsense_is_refused_before_anything_is_planned(db: PgPool) {
    let app = panel(db).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let rename = |name: &str| job(ServerAction::Rename { name: name.to_owned() }, &[&server]);
    let refused = [
        (rename("a\nb"), "invalid_action"),
        (job(ServerAction::Stop, &[]), "no_servers"),
        (api_types::jobs::CreateJob { idempotency_key: "1".to_owned(), ..rename("a") }, "invalid_job_key"),
    ];
    for (job, code) in refused {
        post(&app, &alice, &job).await.assert_error(StatusCode::BAD_REQUEST, code);
    }
    let mut elsewhere = rename("a");
    elsewhere.targets[0].region = "RegionNine".parse().expect("a region");
    post(&app, &alice, &elsewhere).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    let beta = app.project("beta");
    let bob = app.signed_in("bob");
    bob.post(&api_types::routes::project_jobs(&beta), &rename("a"))
        .await
        .assert_error(StatusCode::NOT_FOUND, "project_not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reader_is_refused_by_the_cloud_and_another_person_sees_no_job(db: PgPool) {
    let app = panel(db).await;
    let (alice, reader) = (app.signed_in("alice"), app.signed_in("reader"));
    let server = add(&app, "web-01", "ACTIVE");
    let asked = ask(&app, &reader, &job(ServerAction::Stop, &[&server])).await;
    let done = finished(&reader, &asked.id).await;
    assert_eq!(done.counts.failed, 1);
    let ItemResult::Failed { error } = items(&reader, &asked.id).await.remove(0).result else {
        panic!("it failed")
    };
    assert_eq!(error.error.code, "forbidden");
    for path in [api_types::routes::job(&asked.id), api_types::routes::job_items(&asked.id)] {
        alice.get(&path).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
    let mine: api_types::jobs::JobList = alice.get(api_types::routes::JOBS).await.json();
    assert!(mine.jobs.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn no_password_lies_readable_anywhere_and_none_is_left_at_the_end(db: PgPool) {
    let app = panel(db.clone()).await;
    let alice = app.signed_in("alice");
    let server = add(&app, "web-01", "ACTIVE");
    let password = ServerAction::SetPassword { password: Password("correct-horse".to_owned()) };
    let asked = ask(&app, &alice, &job(password, &[&server])).await;
    let done = finished(&alice, &asked.id).await;
    assert_eq!((done.counts.done, done.detail), (1, None));
    let left = async || {
        let left = "SELECT COUNT(*) FROM job_secrets WHERE payload IS NOT NULL OR permit IS NOT NULL";
        sqlx::query_scalar::<_, i64>(left).fetch_one(&db).await.expect("secrets") > 0
    };
    crate::testing::until("the secrets to be erased", async || !left().await).await;
    let all: String = sqlx::query_scalar(
        "SELECT string_agg(jobs::text, ' ') || (SELECT string_agg(job_items::text, ' ') FROM job_items) FROM jobs",
    )
    .fetch_one(&db)
    .await
    .expect("rows");
    assert!(all.contains("set_password") && !all.contains("correct-horse"));
    let again = serde_json::json!({"do": "retry_failed"});
    let path = api_types::routes::job(&asked.id);
    alice.post(&path, &again).await.assert_error(StatusCode::CONFLICT, "nothing_failed");
}
