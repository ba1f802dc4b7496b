//! The stream as an answer to one request.

use std::collections::BTreeSet;

use api_types::servers::Image;
use axum::http::StatusCode;
use simcloud::{CloudConfig, NewServer, ProjectSeed};

use super::{viewer::FrameViewer, *};

#[sqlx::test(migrations = "../migrations")]
async fn the_list_has_every_server_of_every_region(db: PgPool) {
    let app = patient(db).await;
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("alpha"))).await;
    let seen = watcher.until_complete().await;
    for name in REGIONS {
        let there: BTreeSet<String> =
            app.cloud.admin().servers(name, "alpha").into_iter().map(|s| s.id).collect();
        let listed: BTreeSet<String> = seen.rows_of(name).iter().map(|row| row.id.to_string()).collect();
        assert!(!there.is_empty());
        assert_eq!(listed, there, "{name}");
    }
    assert_eq!(seen.resets, 0, "who holds nothing has nothing to forget");
    for state in seen.regions.values() {
        assert_eq!(state.expected, None);
        assert!(state.age_ms.is_some_and(|age| age < 10_000));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_does_not_follow_ends_once_everything_known_was_sent(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    Watcher::open(&alice, &path).await.until_complete().await;
    let seen = Watcher::open(&alice, &format!("{path}?follow=false")).await.into_end().await;
    assert!(seen.is_caught_up && seen.is_complete() && seen.position.is_some());
    assert_eq!(seen.rows.len(), 12);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_follows_briefly_brings_changes_and_ends_by_itself(db: PgPool) {
    let app = eager(db).await;
    let alice = app.signed_in("alice");
    let path = format!("{}?follow=briefly", list_path(&app.project("alpha")));
    let mut watcher = Watcher::open(&alice, &path).await;
    watcher.until("all that is known", |seen| seen.is_caught_up && seen.is_complete()).await;
    let new = server_id(&app.cloud.admin().add_server("RegionOne", "alpha", NewServer::default()));
    watcher.until("the new server", |seen| seen.row(new).is_some()).await;
    let seen = watcher.into_end().await;
    assert!(seen.position.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cold_list_that_does_not_follow_has_its_first_rows_and_leaves_the_index_at_work(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let path = format!("{}?follow=false", list_path(&app.project("alpha")));
    let first = Watcher::open(&alice, &path).await.into_end().await;
    assert!(first.is_caught_up && !first.rows.is_empty());
    crate::testing::until("the index to be complete without a viewer", async || {
        app.app.servers.totals().1 == 12
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn frames_and_lines_say_the_same(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let mut watcher = Watcher::open(&alice, &path).await;
    watcher.until_complete().await;

    let frames = alice
        .get_with(&format!("{path}?follow=false"), &[("accept", "application/vnd.meridian.frames")])
        .await;
    frames.assert_status(StatusCode::OK);
    assert_eq!(frames.header("content-type"), "application/vnd.meridian.frames");
    assert_eq!(frames.header("cache-control"), "no-store");
    let mut viewer = FrameViewer::default();
    viewer.push(&frames.body);
    assert!(viewer.seen.is_caught_up);
    assert_eq!(viewer.seen.rows, watcher.seen.rows);
    assert_eq!(viewer.seen.resets, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_stream_is_compressed_for_those_far_away_and_never_by_what_holds_pieces_back(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let path = format!("{}?follow=false", list_path(&app.project("alpha")));
    let encoding = async |client: &crate::testing::Client, accepted: &str| {
        let response = client.get_with(&path, &[("accept-encoding", accepted)]).await;
        response.assert_status(StatusCode::OK).header("content-encoding").to_owned()
    };
    assert_eq!(encoding(&alice, "gzip, deflate, br, zstd").await, "zstd");
    assert_eq!(encoding(&alice, "gzip, deflate, br").await, "");
    assert_eq!(encoding(&alice.clone().at("127.0.0.1"), "gzip, deflate, br, zstd").await, "");
    let refused = list_path(&app.project("gamma"));
    let refusal = alice.get_with(&refused, &[("accept-encoding", "zstd")]).await;
    refusal.assert_error(StatusCode::NOT_FOUND, "project_not_found");
    assert_eq!(refusal.header("content-encoding"), "");
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_of_a_large_region_come_in_pieces_the_first_of_them_small(db: PgPool) {
    let cloud = CloudConfig {
        projects: vec![ProjectSeed::new("alpha").with("RegionOne", 3_000).with("RegionTwo", 100)],
        ..CloudConfig::default()
    };
    let app = TestApp::with(db, cloud, |source| source).await;
    let alice = app.signed_in("alice");
    let path = list_path(&app.project("alpha"));
    let mut watcher = Watcher::open(&alice, &path).await;
    watcher.until_complete().await;
    assert_eq!(watcher.seen.rows.len(), 3_100);

    let mut warm = Watcher::open(&alice, &format!("{path}?follow=false")).await;
    let mut sizes = Vec::new();
    while let Some(event) = warm.next().await {
        if let api_types::servers::Event::Rows { rows, .. } = event {
            sizes.push(rows.len());
        }
    }
    assert_eq!(sizes.iter().sum::<usize>(), 3_100);
    assert!(sizes[0] <= 64 && sizes.iter().all(|size| *size <= 1024), "{sizes:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_and_odd_servers_arrive_as_they_are(db: PgPool) {
    let app = patient(db).await;
    let admin = app.cloud.admin();
    let hostile = [
        "<script>alert(1)</script>".to_owned(),
        "\u{202e}gpj.exe".to_owned(),
        "\u{1f600}".repeat(255),
        String::new(),
        "twice".to_owned(),
        "twice".to_owned(),
        "line\nbreak\0".to_owned(),
    ];
    let mut ids = Vec::new();
    for name in &hostile {
        ids.push(server_id(&admin.add_server(
            "RegionOne",
            "beta",
            NewServer { name: name.clone(), ..NewServer::default() },
        )));
    }
    let odd = server_id(&admin.add_server(
        "RegionOne",
        "beta",
        NewServer {
            name: "odd".to_owned(),
            status: "HIBERNATING".to_owned(),
            image: None,
            flavor: "gone.flavor".to_owned(),
            ..NewServer::default()
        },
    ));
    let nulls = server_id(
        &admin.add_server(
            "RegionOne",
            "beta",
            NewServer {
                name: "nulls".to_owned(),
                overrides: serde_json::from_value(serde_json::json!({
                    "addresses": null, "metadata": null, "tags": null, "flavor": null, "image": null,
                    "created": null, "updated": null,
                }))
                .expect("a map"),
                ..NewServer::default()
            },
        ),
    );

    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("beta"))).await;
    let seen = watcher.until_complete().await;
    for (id, name) in ids.iter().zip(&hostile) {
        assert_eq!(seen.row(*id).map(|row| &row.name), Some(name));
    }
    let odd = seen.row(odd).expect("the odd one");
    assert_eq!((odd.status.as_str(), &odd.image, odd.is_degraded), ("HIBERNATING", &Image::Volume, false));
    let nulls = seen.row(nulls).expect("the one with nulls");
    assert_eq!((nulls.name.as_str(), nulls.created_at, nulls.tags.len()), ("nulls", 0, 0));
    assert!(nulls.flavor.is_none() && nulls.addresses.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn images_have_names_and_one_that_is_gone_has_its_id(db: PgPool) {
    let app = eager(db).await;
    let admin = app.cloud.admin();
    let gone = "00000000-0000-4000-8000-000000000001";
    let id = server_id(&admin.add_server(
        "RegionTwo",
        "beta",
        NewServer { name: "old".to_owned(), image: Some(gone.to_owned()), ..NewServer::default() },
    ));
    let mut watcher = Watcher::open(&app.signed_in("alice"), &list_path(&app.project("beta"))).await;
    let seen = watcher
        .until("names of images", |seen| {
            let others = || seen.rows.values().filter(|row| row.id != id);
            others().count() > 0
                && others().all(|row| !matches!(row.image, Image::Unnamed { .. }))
                && seen.row(id).is_some()
        })
        .await;
    assert_eq!(seen.row(id).map(|row| row.image.clone()), Some(Image::Unnamed { id: gone.to_owned() }));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_nobody_may_see_is_not_found_and_nonsense_is_refused(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let other = app.project("web-shop");
    alice.get(&list_path(&other)).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
    app.browser().get(&list_path(&other)).await.assert_error(StatusCode::UNAUTHORIZED, "session_ended");
    let path = list_path(&app.project("alpha"));
    alice.get(&format!("{path}?follow=maybe")).await.assert_error(StatusCode::BAD_REQUEST, "invalid_query");
    alice.get(&format!("{path}/live")).await.assert_error(StatusCode::UPGRADE_REQUIRED, "upgrade_required");
    assert_eq!(compute_calls(&app), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_project_is_complete_with_no_rows(db: PgPool) {
    let app = patient(db).await;
    let mut watcher = Watcher::open(&app.signed_in("demo"), &list_path(&app.project("empty"))).await;
    let seen = watcher.until_complete().await;
    assert!(seen.rows.is_empty());
    assert_eq!(seen.regions.len(), 3);
}
