//! Lists of servers over HTTP: pages, order, changes, and what tokens let through.

use std::time::Duration;

use crate::common::{Desk, Http, seeded};
use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, Fault, NewServer, Service};

async fn cloud_with(servers: usize) -> Cloud {
    Cloud::start(seeded("alpha", servers)).await.expect("a cloud")
}

/// Alice in alpha, with so many servers.
async fn desk_with(servers: usize) -> Desk {
    Desk::of(&cloud_with(servers).await, "alice", "alpha").await
}

fn ids(page: &Value) -> Vec<String> {
    let servers = page["servers"].as_array().expect("servers");
    servers.iter().map(|server| server["id"].as_str().expect("id").to_owned()).collect()
}

#[tokio::test]
async fn following_the_next_links_gives_every_server_once_in_order() {
    let desk = desk_with(95).await;
    let mut seen = Vec::new();
    let mut next = Some(desk.url(Service::Compute, "/servers/detail?limit=20"));
    let mut pages = 0;
    while let Some(url) = next {
        let page = desk.get(&url).await.json();
        seen.extend(ids(&page));
        next = page["servers_links"][0]["href"].as_str().map(str::to_owned);
        pages += 1;
    }
    let expected: Vec<String> =
        desk.cloud.admin().servers("RegionOne", "alpha").into_iter().map(|server| server.id).collect();
    assert_eq!(seen, expected);
    assert_eq!(pages, 5);
}

#[tokio::test]
async fn a_list_that_ends_at_the_limit_costs_one_empty_page() {
    let desk = desk_with(10).await;
    let page = desk.nova("GET", "/servers?limit=10", None).await.json();
    let next = page["servers_links"][0]["href"].as_str().expect("a next page");
    let last = desk.get(next).await.json();
    assert_eq!(last, json!({"servers": []}));
}

#[tokio::test]
async fn changes_since_shows_what_changed_and_what_was_deleted() {
    let desk = desk_with(30).await;
    let control = desk.cloud.admin();
    desk.wait(10);
    let since = control.now().format("%Y-%m-%dT%H:%M:%SZ");
    let path = format!("/servers/detail?changes-since={since}");
    assert!(ids(&desk.nova("GET", &path, None).await.json()).is_empty());

    let all = control.servers("RegionOne", "alpha");
    control.update_server("RegionOne", &all[3].id, |server| server.name = "renamed".into());
    control.delete_server("RegionOne", &all[7].id);
    let new = desk.add_server(NewServer::default());
    let changed = desk.nova("GET", &path, None).await.json();
    let mut expected = vec![all[3].id.clone(), all[7].id.clone(), new.clone()];
    let mut found = ids(&changed);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let servers = changed["servers"].as_array().expect("servers");
    let gone = servers.iter().find(|server| server["id"] == *all[7].id).expect("the deleted one");
    assert_eq!(gone["status"], "DELETED");
    assert_eq!(desk.nova("GET", &format!("/servers/{}", all[7].id), None).await.status, 404);
}

#[tokio::test]
async fn sorting_by_name_pages_through_all() {
    let desk = desk_with(50).await;
    let mut names = Vec::new();
    let mut next = Some(desk.url(Service::Compute, "/servers?sort_key=display_name&sort_dir=asc&limit=7"));
    while let Some(url) = next {
        let page = desk.get(&url).await.json();
        let servers = page["servers"].as_array().expect("servers").clone();
        names.extend(servers.iter().map(|server| server["name"].as_str().expect("name").to_lowercase()));
        next = page["servers_links"][0]["href"].as_str().map(str::to_owned);
    }
    assert_eq!(names.len(), 50);
    assert!(names.is_sorted(), "{names:?}");
}

#[tokio::test]
async fn hostile_names_come_through_unharmed() {
    let desk = desk_with(0).await;
    let names = ["<script>alert(1)</script>", "", "a\nb\u{202e}c", &"🦀".repeat(255), "\"quoted\" \\ \u{7f}"];
    for name in names {
        desk.add_server(NewServer { name: name.into(), ..NewServer::default() });
    }
    let page = desk.nova("GET", "/servers", None).await.json();
    for name in names {
        assert!(
            page["servers"].as_array().expect("servers").iter().any(|server| server["name"] == name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_fault_does_what_it_says_and_ends_when_it_is_cleared() {
    let desk = desk_with(20).await;
    let control = desk.cloud.admin();
    let url = desk.url(Service::Compute, "/servers/detail");
    let headers = [("x-auth-token", desk.token.as_str())];
    let try_get = || desk.http.try_send("GET", &url, &headers, bytes::Bytes::new());
    let set = |fault| control.set_fault("RegionOne", Service::Compute, fault);

    set(Some(Fault::Refuse));
    try_get().await.expect_err("refused");
    set(Some(Fault::CutInTheMiddle));
    try_get().await.expect_err("cut");
    for code in [401, 403, 409, 413, 429, 500, 503] {
        set(Some(Fault::Status(code)));
        let answer = try_get().await.expect("an answer");
        assert_eq!(answer.status, code);
        assert!(!answer.body.is_empty());
        // What stands in front of the service says 503, and numbers nothing.
        let id = answer.header("x-openstack-request-id");
        assert_eq!(id.is_some_and(|id| id.starts_with("req-")), code != 503, "{code}: {id:?}");
    }
    set(Some(Fault::MalformedJson));
    let answer = try_get().await.expect("an answer");
    assert_eq!(answer.status, 200);
    serde_json::from_slice::<Value>(&answer.body).expect_err("not JSON");

    set(Some(Fault::MalformedRow));
    let rows = try_get().await.expect("an answer").json();
    let rows = rows["servers"].as_array().expect("servers").clone();
    assert_eq!(rows.len(), 20);
    assert_eq!(rows.iter().filter(|row| !row["name"].is_string() || !row["status"].is_string()).count(), 1);

    set(Some(Fault::Hang));
    let hanging = tokio::time::timeout(Duration::from_millis(200), try_get()).await;
    hanging.expect_err("no answer");
    set(Some(Fault::Drip { bytes_per_second: 100_000 }));
    assert_eq!(try_get().await.expect("an answer").json()["servers"].as_array().map(Vec::len), Some(20));
    set(None);
    assert_eq!(try_get().await.expect("an answer").status, 200);
    // The one that hung was received, but never answered.
    assert!(control.calls().iter().any(|call| call.status.is_none()));
}

#[tokio::test]
async fn a_revoked_token_is_refused_at_once_or_when_the_services_cache_has_forgotten_it() {
    for cache_seconds in [0, 300] {
        let token_cache = Duration::from_secs(cache_seconds);
        let cloud =
            Cloud::start(CloudConfig { token_cache, ..CloudConfig::default() }).await.expect("a cloud");
        let desk = Desk::of(&cloud, "alice", "alpha").await;
        let list = || desk.nova("GET", "/servers", None);
        assert_eq!(list().await.status, 200);
        desk.cloud.admin().revoke_tokens_of("alice");
        let expected = if cache_seconds == 0 { 401 } else { 200 };
        assert_eq!(list().await.status, expected);
        desk.wait(301);
        assert_eq!(list().await.status, 401);
    }
}

#[tokio::test]
async fn a_token_expires_with_the_clock() {
    let desk = desk_with(1).await;
    desk.wait(3599);
    let projects = desk.url(Service::Identity, "/auth/projects");
    assert_eq!(desk.get(&projects).await.status, 200);
    desk.wait(2);
    assert_eq!(desk.get(&projects).await.status, 401);
    assert_eq!(desk.nova("GET", "/servers", None).await.status, 401);
}

#[tokio::test]
async fn shutdown_frees_the_ports() {
    let cloud = cloud_with(0).await;
    let url = cloud.keystone_url();
    cloud.shutdown().await;
    let gone = Http::new().try_send("GET", &url, &[], bytes::Bytes::new()).await;
    gone.expect_err("nobody listens");
}
