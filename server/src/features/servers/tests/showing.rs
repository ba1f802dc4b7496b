//! One server whole.

use api_types::servers::{ServerDetail, detail::Part};
use axum::http::StatusCode;
use simcloud::{Fault, NewServer, Service};

use super::*;

fn path(app: &TestApp, id: &str) -> String {
    routes::server(&app.project("alpha"), &region("RegionOne"), &server_id(id))
}

fn known<T>(part: Part<Vec<T>>) -> Vec<T> {
    match part {
        Part::Known(items) => items,
        Part::Missing(error) => panic!("missing: {}", error.message),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_is_shown_with_all_its_parts(db: PgPool) {
    let app = patient(db).await;
    let id = app.cloud.admin().add_server(
        "RegionOne",
        "alpha",
        NewServer {
            name: "whole".to_owned(),
            description: Some("a sample".to_owned()),
            security_groups: vec!["default".to_owned()],
            volumes: 2,
            ..NewServer::default()
        },
    );
    let detail: ServerDetail = app.signed_in("alice").get(&path(&app, &id)).await.json();
    assert_eq!((detail.row.name.as_str(), detail.description.as_deref()), ("whole", Some("a sample")));
    assert_eq!(detail.row.id.to_string(), id);
    assert_eq!(detail.raw["name"], "whole");
    assert_eq!(known(detail.volumes).len(), 2);
    assert_eq!(known(detail.security_groups)[0].name, "default");
    assert!(!known(detail.interfaces).is_empty());
    assert!(known(detail.actions).iter().all(|action| action.started_at > 0));
    let calls: Vec<String> = app.cloud.admin().calls().into_iter().map(|call| call.path_and_query).collect();
    let mut made: Vec<_> = calls.iter().filter(|call| call.contains(&id)).collect();
    assert_eq!(made.len(), 5, "{calls:?}");
    // Each of them is told, with its result and both ids.
    let mut told: Vec<_> = detail.calls.iter().map(|call| &call.path).collect();
    told.sort();
    made.sort();
    assert!(made.iter().zip(&told).all(|(made, told)| made.ends_with(*told)), "{made:?} {told:?}");
    for call in &detail.calls {
        assert_eq!(call.status, Some(200), "{call:?}");
        assert!(call.upstream_request_id.as_deref().is_some_and(|id| id.starts_with("req-")), "{call:?}");
        assert!(call.microversion.as_deref().is_some_and(|it| it.starts_with("compute ")), "{call:?}");
        assert!(!call.request_id.is_empty());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_page_shows_the_list_learns(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let mut watcher = Watcher::open(&alice, &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    let id = app.cloud.admin().servers("RegionOne", "alpha")[0].id.clone();
    app.cloud.admin().update_server("RegionOne", &id, |server| server.name = "seen on its page".into());
    alice.get(&path(&app, &id)).await.assert_status(StatusCode::OK);
    watcher
        .until("the new name", |seen| {
            seen.row(server_id(&id)).is_some_and(|row| row.name == "seen on its page")
        })
        .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_there_is_not_found_and_nonsense_is_refused(db: PgPool) {
    let app = patient(db).await;
    let alice = app.signed_in("alice");
    let nobody = "00000000-0000-4000-8000-000000000000";
    alice.get(&path(&app, nobody)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    let of_beta = app.cloud.admin().servers("RegionOne", "beta")[0].id.clone();
    alice.get(&path(&app, &of_beta)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    let project = app.project("alpha");
    let odd = |region: &str, id: &str| format!("/api/projects/{project}/regions/{region}/servers/{id}");
    alice.get(&odd("RegionNine", nobody)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    alice.get(&odd("%ff", nobody)).await.assert_status(StatusCode::BAD_REQUEST);
    // The same for all that is asked of one server.
    for rest in ["", "/history", "/console?kind=vnc"] {
        let odd = |region: &str, id: &str| odd(region, &format!("{id}{rest}"));
        let of_nothing = alice.get(&odd("RegionOne", "abc")).await;
        of_nothing.assert_error(StatusCode::BAD_REQUEST, "invalid_server_id");
        alice.get(&odd("Region%20One", nobody)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_server_of_another_project_is_not_there_though_nova_shows_it_to_an_administrator(db: PgPool) {
    let app = patient(db).await;
    let operator = app.signed_in("operator");
    let mut watcher = Watcher::open(&operator, &list_path(&app.project("alpha"))).await;
    watcher.until_complete().await;
    let admin = app.cloud.admin();
    let of_beta = admin.servers("RegionOne", "beta")[0].id.clone();
    operator.get(&path(&app, &of_beta)).await.assert_error(StatusCode::NOT_FOUND, "not_found");
    let index = index_of(&app, &app.project("alpha"), "RegionOne");
    assert!(!index.read(|rows| rows.contains(server_id(&of_beta))));
    let of_alpha = admin.servers("RegionOne", "alpha")[0].id.clone();
    operator.get(&path(&app, &of_alpha)).await.assert_status(StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_part_that_hangs_is_missing_and_keeps_nobody_elses_page(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("UPSTREAM_TIMEOUT_SECS", "30"))
            .await;
    let admin = app.cloud.admin();
    let id = admin.servers("RegionOne", "alpha")[0].id.clone();
    let alice = app.signed_in("alice");
    alice.get(routes::SESSION).await.assert_status(StatusCode::OK);
    admin.set_fault("RegionOne", Service::Network, Some(Fault::Hang));
    let path = path(&app, &id);
    let pages = futures_util::future::join_all((0..8).map(|_| alice.get(&path))).await;
    for page in pages {
        let detail: ServerDetail = page.json();
        let Part::Missing(missing) = detail.interfaces else { panic!("Neutron answered") };
        assert_eq!(missing.code, "upstream_timeout");
        // Its own, short time; the whole page's is 30 seconds.
        assert!(missing.message.ends_with("within 5 seconds."), "{}", missing.message);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_that_fails_is_said_to(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("UPSTREAM_TIMEOUT_SECS", "0.3"))
            .await;
    let alice = app.signed_in("alice");
    let id = app.cloud.admin().servers("RegionOne", "alpha")[0].id.clone();
    let cases = [
        (Fault::Hang, StatusCode::GATEWAY_TIMEOUT, "upstream_timeout"),
        (Fault::Refuse, StatusCode::SERVICE_UNAVAILABLE, "upstream_unreachable"),
        (Fault::Status(500), StatusCode::BAD_GATEWAY, "upstream_error"),
        (Fault::MalformedJson, StatusCode::BAD_GATEWAY, "upstream_malformed"),
    ];
    for (fault, status, code) in cases {
        let node = app.another_node();
        app.cloud.admin().set_fault("RegionOne", Service::Compute, Some(fault));
        node.signed_in("alice").get(&path(&app, &id)).await.assert_error(status, code);
        app.cloud.admin().clear_faults();
    }
    alice.get(&path(&app, &id)).await.assert_status(StatusCode::OK);
}
