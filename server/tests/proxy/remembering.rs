//! What a write leaves in the history of the server it is about.

use api_types::{
    jobs::ItemResult,
    routes,
    servers::{
        ActionKind, ServerDetail, ServerHistory,
        detail::{HistoryAction, HistoryEntry, Part},
    },
};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};
use server::testing::{DatabaseProxy, TestApp, TestResponse, until};
use simcloud::CloudConfig;
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Asking, cloud};
use crate::node::Node;

impl Asking<'_> {
    async fn change(&self, method: Method, path: &str, body: Value) -> TestResponse {
        let headers = [("content-type", "application/json")];
        self.send(method, &cloud("compute", path), &headers, body.to_string().into()).await
    }

    async fn history_in(&self, project: &str, server: &str) -> TestResponse {
        let (region, server) = ("RegionOne".parse().expect("a region"), server.parse().expect("a server"));
        self.client.get(&routes::server_history(&self.app.project(project), &region, &server)).await
    }

    /// What was passed on about a server, once there is so much.
    async fn passed_on(&self, server: &str, count: usize) -> Vec<HistoryEntry> {
        let ask = async || {
            let history: ServerHistory = self.history_in(self.project, server).await.json();
            assert!(history.entries.is_empty(), "nothing was done by a job");
            history.passed_on
        };
        until("the history", async || ask().await.len() >= count).await;
        ask().await
    }

    async fn create_server(&self) -> TestResponse {
        let first = async |service: &str, path: &str, key: &str, wanted: &str| {
            let answer: Value = self.get(service, path).await.json();
            let all = answer[key].as_array().expect("a list").clone();
            let found = all.into_iter().find(|one| one["name"] == wanted).expect("the one of this name");
            found["id"].clone()
        };
        let server = json!({
            "name": "web-1",
            "flavorRef": first("compute", "flavors", "flavors", "m1.small").await,
            "imageRef": first("image", "images", "images", "debian-12").await,
            "networks": [{"uuid": first("network", "networks", "networks", "private").await}],
            "user_data": "aHVudGVyMg==",
        });
        self.post("compute", "servers", &json!({"server": server})).await
    }
}

fn first_server(app: &TestApp) -> String {
    app.cloud.admin().servers("RegionOne", "alpha")[0].id.clone()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_servers_history_says_who_created_it_under_both_ids(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let created = alice.create_server().await;
    created.assert_status(StatusCode::ACCEPTED);
    let id = created.json::<Value>()["server"]["id"].as_str().expect("an id").to_owned();
    let entries = alice.passed_on(&id, 1).await;
    let [entry] = &entries[..] else { panic!("one entry of {entries:?}") };
    assert_eq!(entry.action, HistoryAction::Cloud("create".to_owned()));
    assert_eq!((entry.user_name.as_str(), &entry.result), ("alice", &ItemResult::Done));
    assert_eq!(entry.request_id.as_deref(), Some(created.header("x-request-id")));
    let theirs = created.header("x-openstack-request-id");
    assert_eq!(entry.upstream_request_id.as_deref(), Some(theirs));
    assert!(entry.at > 0 && entry.job.is_none() && entry.detail.is_none());
    // Nova's own history has it under the same id.
    let (region, server) = ("RegionOne".parse().expect("a region"), id.parse().expect("a server"));
    let shown = alice.client.get(&routes::server(&app.project("alpha"), &region, &server)).await;
    let Part::Known(actions) = shown.json::<ServerDetail>().actions else { panic!("actions") };
    assert!(actions.iter().any(|action| action.action == "create" && action.request_id == theirs));
    // Nothing of what was sent or answered is kept.
    let row: String = sqlx::query_scalar("SELECT server_changes::text FROM server_changes")
        .fetch_one(&db)
        .await
        .expect("a row");
    let password = created.json::<Value>()["server"]["adminPass"].as_str().expect("a password").to_owned();
    assert!(!row.contains(&password) && !row.contains("aHVudGVyMg") && !row.contains("web-1"), "{row}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_passed_on_about_a_server_is_told_with_what_came_of_it_the_newest_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let (alice, bob) = (Asking::new(&app, "alice", "alpha"), Asking::new(&app, "bob", "alpha"));
    let id = first_server(&app);
    let path = |rest: &str| format!("servers/{id}{rest}");
    let labeled = json!({"metadata": {"db_password": "hunter2"}});
    alice.change(Method::POST, &path("/metadata"), labeled).await.assert_status(StatusCode::OK);
    let locked = alice.change(Method::POST, &path("/action"), json!({"lock": null})).await;
    locked.assert_status(StatusCode::ACCEPTED);
    let nowhere = json!({"volumeAttachment": {"volumeId": "00000000-0000-4000-8000-000000000000"}});
    let refused = bob.change(Method::POST, &path("/os-volume_attachments"), nowhere).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());

    let entries = alice.passed_on(&id, 3).await;
    let kind = |kind| HistoryAction::Panel(kind);
    let mut told: Vec<_> = entries.iter().map(|entry| (entry.action.clone(), &*entry.user_name)).collect();
    // Of the same moment they have no order.
    assert!(entries.is_sorted_by(|newer, older| newer.at >= older.at));
    told.sort_by_key(|(action, _)| String::from(action.clone()));
    let wanted = [
        (kind(ActionKind::AttachVolume), "bob"),
        (kind(ActionKind::Lock), "alice"),
        (kind(ActionKind::SetMetadata), "alice"),
    ];
    assert_eq!(told, wanted);
    let of =
        |kind| entries.iter().find(|entry| entry.action == HistoryAction::Panel(kind)).expect("an entry");
    assert_eq!(
        of(ActionKind::SetMetadata).detail.as_deref(),
        Some("+db_password"),
        "its value is nobody's business"
    );
    let ItemResult::Failed { error } = &of(ActionKind::AttachVolume).result else { panic!("refused") };
    assert_eq!(error.upstream_status, Some(refused.status.as_u16()));
    assert_eq!(error.error.request_id, refused.header("x-request-id"));
    assert!(error.error.message.contains("RegionOne"), "{}", error.error.message);
    assert_eq!(
        of(ActionKind::AttachVolume).upstream_request_id.as_deref(),
        Some(refused.header("x-openstack-request-id"))
    );

    let elsewhere: ServerHistory = alice.history_in("beta", &id).await.json();
    assert_eq!(elsewhere, ServerHistory::default(), "another project's people");
    bob.history_in("beta", &id).await.assert_error(StatusCode::NOT_FOUND, "project_not_found");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_reads_leaves_nothing(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let id = first_server(&app);
    alice.get("compute", &format!("servers/{id}")).await.assert_status(StatusCode::OK);
    let log = json!({"os-getConsoleOutput": {"length": 5}});
    alice.post("compute", &format!("servers/{id}/action"), &log).await.assert_status(StatusCode::OK);
    let pair = json!({"keypair": {"name": "k"}});
    assert!(alice.post("compute", "os-keypairs", &pair).await.status.is_success());
    // Whatever was noted before is written with this, or before it.
    let tag = alice.change(Method::DELETE, &format!("servers/{id}"), Value::Null).await;
    tag.assert_status(StatusCode::NO_CONTENT);
    assert_eq!(alice.passed_on(&id, 1).await.len(), 1);
    let rows = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM server_changes").fetch_one(&db).await;
    assert_eq!(rows.expect("a count"), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_floating_ip_that_gets_to_lead_to_a_server_is_in_its_history(db: PgPool) {
    let app = TestApp::new(db).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let created: Value = alice.create_server().await.json();
    let id = created["server"]["id"].as_str().expect("an id").to_owned();
    let path = format!("ports?device_id={id}");
    let mut port = Value::Null;
    until("its port", async || {
        port = alice.get("network", &path).await.json::<Value>()["ports"][0]["id"].clone();
        port.is_string()
    })
    .await;
    let networks: Value = alice.get("network", "networks?router:external=true").await.json();
    let body = json!({"floatingip": {"floating_network_id": networks["networks"][0]["id"], "port_id": port}});
    let attached = alice.post("network", "floatingips", &body).await;
    attached.assert_status(StatusCode::CREATED);
    let entries = alice.passed_on(&id, 2).await;
    let attach = HistoryAction::Panel(ActionKind::AttachFloatingIp);
    let entry = entries.iter().find(|entry| entry.action == attach).expect("the address");
    let address = attached.json::<Value>()["floatingip"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(entry.detail, Some(address));
    assert_eq!(entry.upstream_request_id.as_deref(), Some(attached.header("x-openstack-request-id")));
}

#[sqlx::test(migrations = "../migrations")]
async fn no_write_waits_for_postgres_and_what_waits_there_is_told_when_it_is_back(db: PgPool) {
    let proxy = DatabaseProxy::start(&db).await;
    // Longer than any test may take: a request that waits for it is never answered.
    let app = TestApp::with(proxy.patient_pool(), CloudConfig::default(), |source| source).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let id = first_server(&app);
    alice.get("compute", &format!("servers/{id}")).await.assert_status(StatusCode::OK);
    proxy.hang();
    for tag in ["one", "two"] {
        let path = cloud("compute", &format!("servers/{id}/metadata/{tag}"));
        let body = json!({"meta": {tag: "1"}}).to_string();
        let headers = [("content-type", "application/json")];
        let answer = alice.send(Method::PUT, &path, &headers, Body::from(body)).await;
        answer.assert_status(StatusCode::OK);
    }
    proxy.pass();
    let entries = alice.passed_on(&id, 2).await;
    let mut details: Vec<_> = entries.iter().filter_map(|entry| entry.detail.as_deref()).collect();
    details.sort_unstable();
    assert_eq!(details, ["+one", "+two"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_node_that_stops_writes_what_waits_before_it_ends(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let alice = Asking::new(&app, "alice", "alpha");
    let id = first_server(&app);
    let csrf_token = alice.csrf_token().await;
    let mut node = Node::start(&app, &db, &[]);
    until("the node to listen", async || TcpStream::connect(node.address).await.is_ok()).await;
    let cookie = alice.client.cookie("meridian").expect("a cookie");
    let delete = async |tag: &str| {
        let path = cloud("compute", &format!("servers/{id}/tags/{tag}"));
        let request = format!(
            "DELETE {path} HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: meridian={cookie}\r\n\
             {}: {csrf_token}\r\n{}: {}\r\nopenstack-api-version: compute 2.79\r\nconnection: close\r\n\r\n",
            routes::CSRF_HEADER,
            routes::PROJECT_HEADER,
            app.project("alpha"),
            address = node.address,
        );
        let mut connection = TcpStream::connect(node.address).await.expect("a connection");
        connection.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("itemNotFound"), "{answer}");
    };
    // One is on its way into the table, and the other one waits behind it.
    let mut lock = db.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE server_changes").execute(&mut *lock).await.expect("locked");
    delete("one").await;
    until("the first to wait for the table", async || {
        let waiting =
            "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'server_changes'::regclass";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db).await.expect("a count") == 1
    })
    .await;
    delete("two").await;
    node.signal("TERM");
    until("the node to take nothing more", async || TcpStream::connect(node.address).await.is_err()).await;
    lock.rollback().await.expect("unlocked");
    assert_eq!(node.exit_code().await, Some(0));
    let written = "SELECT detail FROM server_changes ORDER BY at";
    let written: Vec<String> = sqlx::query_scalar(written).fetch_all(&db).await.expect("rows");
    assert_eq!(written, ["-one", "-two"]);
}
