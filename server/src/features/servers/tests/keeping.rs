//! The index over time: shared, refreshed, resumed from, dropped.

use api_types::{ProjectId, servers::RegionStatus};
use simcloud::{CloudConfig, Fault, NewServer, ProjectSeed, Service};

use super::*;
use crate::testing::until;

fn named(name: &str) -> NewServer {
    NewServer { name: name.to_owned(), ..NewServer::default() }
}

/// A project, and somebody who has the list open and complete.
async fn watching(app: &TestApp) -> (ProjectId, Watcher) {
    let project = app.project("alpha");
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&project)).await;
    watcher.until_complete().await;
    (project, watcher)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_created_changed_and_deleted_in_the_cloud_is_seen(db: PgPool) {
    let app = eager(db).await;
    let (_, mut watcher) = watching(&app).await;
    let admin = app.cloud.admin();

    let text = admin.add_server("RegionTwo", "alpha", named("fresh"));
    let id = server_id(&text);
    watcher.until("the new server", |seen| seen.row(id).is_some_and(|row| row.name == "fresh")).await;
    admin.update_server("RegionTwo", &text, |server| server.name = "renamed".into());
    watcher.until("its new name", |seen| seen.row(id).is_some_and(|row| row.name == "renamed")).await;
    assert!(admin.delete_server("RegionTwo", &text));
    watcher.until("its end", |seen| seen.row(id).is_none()).await;
    assert_eq!(watcher.seen.resets, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn opening_a_warm_list_makes_no_upstream_call(db: PgPool) {
    let app = patient(db).await;
    let (project, watcher) = watching(&app).await;
    until("the images", async || app.cloud.admin().call_count("RegionThree", Service::Image) > 0).await;
    app.cloud.admin().reset_calls();
    let mut second = Watcher::open(&app.signed_in("alice"), &list_path(&project)).await;
    second.until_complete().await;
    assert_eq!(second.seen.rows.len(), watcher.seen.rows.len());

    // Also after everybody left for a while shorter than the interval.
    drop((watcher, second));
    let mut third = Watcher::open(&app.signed_in("alice"), &list_path(&project)).await;
    third.until_complete().await;
    let calls: Vec<_> =
        app.cloud.admin().calls().into_iter().filter(|call| !call.region.is_empty()).collect();
    assert!(calls.is_empty(), "{calls:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_thousand_viewers_cause_one_poll(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_STREAMS_PER_SESSION", "1000")).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let mut first = Watcher::open(&alice, &path).await;
    first.until_complete().await;
    let mut others = Vec::new();
    for _ in 0..999 {
        others.push(Watcher::open(&alice, &path).await);
    }
    app.cloud.admin().reset_calls();
    let began = std::time::Instant::now();
    let id = server_id(&app.cloud.admin().add_server("RegionOne", "alpha", named("seen-by-all")));
    for watcher in std::iter::once(&mut first).chain(&mut others) {
        watcher.until("the new server", |seen| seen.row(id).is_some()).await;
    }
    // One poll in each interval of 0.1 s, however many look.
    let most = began.elapsed().as_millis() as u64 / 100 + 2;
    for name in REGIONS {
        let calls = app.cloud.admin().call_count(name, Service::Compute);
        assert!(calls <= most, "{calls} calls in {name}, at most {most}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_connection_goes_on_where_it_was(db: PgPool) {
    let app = eager(db).await;
    let (project, mut watcher) = watching(&app).await;
    let alice = app.signed_in("alice");
    watcher.until("its position", |seen| seen.is_position_current).await;
    let held = std::mem::take(&mut watcher.seen);
    let position = held.position.clone().expect("a position");
    drop(watcher);

    let admin = app.cloud.admin();
    let gone = admin.servers("RegionOne", "alpha")[0].id.clone();
    admin.delete_server("RegionOne", &gone);
    let new = server_id(&admin.add_server("RegionOne", "alpha", named("meanwhile")));
    let mut resumed = Watcher::resume(
        &alice,
        &format!("{}?position={position}", list_path(&project)),
        super::viewer::Seen { received: 0, ..held },
    )
    .await;
    let seen = resumed
        .until("what happened meanwhile", |seen| {
            seen.row(new).is_some() && seen.row(server_id(&gone)).is_none()
        })
        .await;
    assert_eq!((seen.resets, seen.received), (0, 1), "only what changed was sent");
    assert_eq!(seen.rows.len(), 12);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_position_of_another_node_or_none_at_all_starts_over(db: PgPool) {
    let app = patient(db).await;
    let (project, mut watcher) = watching(&app).await;
    watcher.until("its position", |seen| seen.is_position_current).await;
    let foreign = watcher.seen.position.clone().expect("a position");
    let node = app.another_node();
    for position in [foreign.as_str(), "forged", "", "AQAAAAAAAAAAAAAA", "%F0%9F%98%80"] {
        let held = super::viewer::Seen { rows: watcher.seen.rows.clone(), ..Default::default() };
        let path = format!("{}?position={position}", list_path(&project));
        let mut resumed = Watcher::resume(&node.signed_in("alice"), &path, held).await;
        let seen = resumed.until_complete().await;
        assert_eq!((seen.resets, seen.rows.len()), (3, 12), "{position}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn leaving_the_page_cancels_calls_that_nobody_else_waits_for(db: PgPool) {
    let app = patient(db).await;
    let admin = app.cloud.admin();
    admin.set_fault("*", Service::Compute, Some(Fault::Hang));
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let in_flight =
        || -> u64 { REGIONS.iter().map(|region| admin.in_flight(region, Service::Compute)).sum() };

    let first = Watcher::open(&alice, &path).await;
    let second = Watcher::open(&alice, &path).await;
    until("calls to be under way", async || in_flight() >= 6).await;
    drop(first);
    let third = Watcher::open(&alice, &path).await;
    assert!(in_flight() >= 6, "somebody still waits for them");
    drop((second, third));
    until("the calls to be hung up", async || in_flight() == 0).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fill_that_was_broken_off_goes_on_where_it_was(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 2_000)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| source.with_env("UPSTREAM_CONCURRENCY", "1")).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let mut first = Watcher::open(&alice, &path).await;
    first.until("a part of the rows", |seen| seen.rows.len() > 300).await;
    app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(Fault::Hang));
    drop(first);
    let had = app.app.servers.totals().1;
    app.cloud.admin().clear_faults();
    app.cloud.admin().reset_calls();
    let mut second = Watcher::open(&alice, &path).await;
    second.until_complete().await;
    assert_eq!(second.seen.rows.len(), 2_000);
    let asked: usize = app
        .cloud
        .admin()
        .calls()
        .iter()
        .filter(|call| {
            call.path_and_query.starts_with("/v2.1/servers/detail")
                && !call.path_and_query.contains("changes-since")
        })
        .filter_map(|call| {
            call.path_and_query.split("limit=").nth(1)?.split('&').next()?.parse::<usize>().ok()
        })
        .sum();
    assert!(asked < 2_000 - had + 500, "{asked} rows asked for, {had} were there");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_index_nobody_looks_at_is_dropped(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_EVICT_IDLE_SECS", "0.2")).await;
    let (_, watcher) = watching(&app).await;
    assert_eq!(app.app.servers.totals().0, 3);
    drop(watcher);
    until("the indexes to be dropped", async || app.app.servers.totals() == (0, 0, 0)).await;
    let calls = compute_calls(&app);
    tokio::task::yield_now().await;
    assert_eq!(compute_calls(&app), calls, "nobody looks, nothing is asked");
}

#[sqlx::test(migrations = "../migrations")]
async fn beyond_the_bound_on_bytes_the_longest_idle_index_goes_first(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![
            ProjectSeed::new("alpha").with("RegionOne", 2_500),
            ProjectSeed::new("beta").with("RegionOne", 2_500),
        ],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| source.with_env("INDEX_MAX_BYTES", "1048576")).await;
    let alice = app.signed_in("alice");
    let mut alpha = Watcher::open(&alice, &list_path(&app.project("alpha"))).await;
    alpha.until_complete().await;
    let (_, _, alone) = app.app.servers.totals();
    assert!(alone < 1 << 20, "2,500 rows have {alone} bytes");
    drop(alpha);
    let mut beta = Watcher::open(&alice, &list_path(&app.project("beta"))).await;
    beta.until_complete().await;
    until("alpha's index to make room", async || {
        let (_, rows, bytes) = app.app.servers.totals();
        rows == 2_500 && bytes <= 1 << 20
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn when_what_is_looked_at_fills_the_memory_a_region_says_so(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 8_000)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| source.with_env("INDEX_MAX_BYTES", "1048576")).await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    let seen = watcher.until("a failure", |seen| seen.failure("RegionOne").is_some()).await;
    assert_eq!(seen.failure("RegionOne"), Some("index_full"));
    assert_eq!(seen.status("RegionOne"), Some(RegionStatus::Unreachable));
    assert!(app.app.servers.totals().2 <= 1 << 20, "{:?}", app.app.servers.totals());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_needs_no_room_stays_true_though_there_is_none_for_what_is_new(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 2_500)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| {
        source
            .with_env("INDEX_MAX_BYTES", "1048576")
            .with_env("INDEX_POLL_IDLE_SECS", "0.1")
            .with_env("INDEX_POLL_TRANSITION_SECS", "0.1")
            .with_env("INDEX_BACK_OFF_MAX_SECS", "0.2")
    })
    .await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    let admin = app.cloud.admin();
    let old = admin.servers("RegionOne", "alpha");
    for number in 0..4_000 {
        admin.add_server("RegionOne", "alpha", named(&format!("more-{number}")));
    }
    watcher.until("the failure", |seen| seen.failure("RegionOne") == Some("index_full")).await;
    let (goes, changes) = (server_id(&old[0].id), server_id(&old[1].id));
    admin.delete_server("RegionOne", &old[0].id);
    admin.update_server("RegionOne", &old[1].id, |server| server.name = "renamed".into());
    watcher
        .until("what happens to the others", |seen| {
            seen.row(goes).is_none() && seen.row(changes).is_some_and(|row| row.name == "renamed")
        })
        .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn callers_with_other_roles_have_an_index_of_their_own(db: PgPool) {
    let app = patient(db).await;
    let path = list_path(&app.project("alpha"));
    let mut alice = Watcher::open(&app.signed_in("alice"), &path).await;
    alice.until_complete().await;
    assert_eq!(app.app.servers.totals().0, 3);
    let mut reader = Watcher::open(&app.signed_in("reader"), &path).await;
    reader.until_complete().await;
    assert_eq!(app.app.servers.totals().0, 6);
    assert_eq!(alice.seen.rows, reader.seen.rows);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reader_who_does_not_read_holds_no_more_than_a_piece(db: PgPool) {
    let app = eager(db).await;
    let (project, mut fast) = watching(&app).await;
    let mut slow = Watcher::open(&app.signed_in("alice"), &list_path(&project)).await;
    slow.until_complete().await;
    let received = slow.seen.received;
    let admin = app.cloud.admin();
    let text = admin.add_server("RegionOne", "alpha", named("busy"));
    let id = server_id(&text);
    for round in 0..50 {
        let name = format!("busy-{round}");
        admin.update_server("RegionOne", &text, |server| server.name = name.as_str().into());
        fast.until("the change", |seen| seen.row(id).is_some_and(|row| row.name == name)).await;
    }
    slow.until("the last change", |seen| seen.row(id).is_some_and(|row| row.name == "busy-49")).await;
    let pieces = slow.seen.received - received;
    assert!(pieces < 25, "50 changes came as {pieces}");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_comparison_finds_what_the_changes_lost(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_RECONCILE_SECS", "1")).await;
    let (project, mut watcher) = watching(&app).await;
    let index = index_of(&app, &project, "RegionOne");
    let lost = server_id(&app.cloud.admin().servers("RegionOne", "alpha")[0].id);
    let row = index.read(|rows| rows.get(lost)).expect("a row");
    let ghost = api_types::servers::ServerRow {
        id: server_id("00000000-0000-4000-8000-000000000002"),
        name: "ghost".to_owned(),
        created_at: 1,
        ..row
    };
    index.apply([&ghost], &[lost]);
    watcher.until("the loss", |seen| seen.row(lost).is_none() && seen.row(ghost.id).is_some()).await;
    watcher.until("the repair", |seen| seen.row(lost).is_some() && seen.row(ghost.id).is_none()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_comparison_sees_tags_and_metadata_of_which_no_change_is_told(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_RECONCILE_SECS", "1")).await;
    let (_, mut watcher) = watching(&app).await;
    let admin = app.cloud.admin();
    let text = admin.servers("RegionOne", "alpha")[0].id.clone();
    admin.label_server("RegionOne", &text, |server| {
        server.tags = vec!["found".into()];
        server.metadata = vec![("tier".into(), "gold".into())];
    });
    let id = server_id(&text);
    let seen = watcher.until("the tag", |seen| seen.row(id).is_some_and(|row| row.tags == ["found"])).await;
    assert_eq!(seen.row(id).map(|row| row.metadata.clone()), Some(vec![("tier".into(), "gold".into())]));
    assert_eq!((seen.resets, seen.rows.len()), (0, 12));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_comparison_keeps_rows_without_an_id_and_finds_many_that_are_lost(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 300)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| {
        source.with_env("INDEX_POLL_IDLE_SECS", "0.1").with_env("INDEX_RECONCILE_SECS", "1")
    })
    .await;
    let admin = app.cloud.admin();
    let nothing = serde_json::Value::Null;
    let overrides = [("id".to_owned(), nothing.clone()), ("links".to_owned(), nothing)];
    let nameless = NewServer { overrides: overrides.into_iter().collect(), ..named("nameless") };
    admin.add_server("RegionOne", "alpha", nameless);
    let (project, mut watcher) = watching(&app).await;
    assert_eq!((watcher.seen.rows.len(), watcher.seen.regions[&region("RegionOne")].degraded_rows), (301, 1));
    let index = index_of(&app, &project, "RegionOne");
    let lost: Vec<ServerId> = index.read(|rows| rows.ids().filter(|id| id.0[0] < 0x80).collect());
    assert!(lost.len() > 100);
    index.apply([], &lost);
    watcher.until("the loss", |seen| seen.rows.len() < 200).await;
    let seen = watcher.until("the repair", |seen| seen.rows.len() == 301).await;
    assert_eq!(seen.regions[&region("RegionOne")].degraded_rows, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reopened_list_shows_what_is_held_with_its_age_and_asks_at_once(db: PgPool) {
    let app = eager_with(db, |source| source.with_env("INDEX_POLL_IDLE_SECS", "0.5")).await;
    let (project, watcher) = watching(&app).await;
    drop(watcher);
    let admin = app.cloud.admin();
    let index = index_of(&app, &project, "RegionOne");
    until("the rows to be old", async || index.state().age_ms.is_some_and(|age| age > 600)).await;
    let new = server_id(&admin.add_server("RegionOne", "alpha", named("while-away")));
    admin.set_fault("RegionOne", Service::Compute, Some(Fault::Slow(Duration::from_millis(300))));
    let mut back = Watcher::open(&app.signed_in("alice"), &list_path(&project)).await;
    let seen = back.until("what is held", |seen| seen.is_caught_up).await;
    assert_eq!((seen.rows.len(), seen.status("RegionOne")), (12, Some(RegionStatus::Complete)));
    assert!(seen.regions[&region("RegionOne")].age_ms.is_some_and(|age| age > 600));
    back.until("the new server", |seen| seen.row(new).is_some()).await;
}
