//! Volumes: made, attached to servers through Nova, detached and deleted.

use crate::common::{Answer, Desk, merged};
use serde_json::{Value, json};
use simcloud::{Fault, NewServer, Service};

impl Desk {
    async fn create_volume(&self, more: Value) -> String {
        let volume = merged(json!({"size": 1}), more);
        let made = self.cinder("POST", "/volumes", Some(json!({"volume": volume}))).await;
        assert_eq!(made.status, 202, "{:?}", made.json());
        self.wait(3);
        made.json()["volume"]["id"].as_str().expect("an id").to_owned()
    }

    async fn volume_status(&self, id: &str) -> String {
        let volume = self.cinder("GET", &format!("/volumes/{id}"), None).await.json();
        volume["volume"]["status"].as_str().unwrap_or("none").to_owned()
    }

    async fn attach_volume(&self, server: &str, volume: &str) -> Answer {
        let body = json!({"volumeAttachment": {"volumeId": volume}});
        self.nova("POST", &format!("/servers/{server}/os-volume_attachments"), Some(body)).await
    }

    async fn attached_volumes(&self, server: &str) -> Vec<Value> {
        let all = self.nova("GET", &format!("/servers/{server}/os-volume_attachments"), None).await.json();
        all["volumeAttachments"].as_array().expect("attachments").clone()
    }
}

#[tokio::test]
async fn a_volume_is_made_attached_detached_and_deleted() {
    let desk = Desk::new().await;
    let made = desk.cinder("POST", "/volumes", Some(json!({"volume": {"size": 3, "name": "data"}}))).await;
    let id = made.json()["volume"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(desk.volume_status(&id).await, "creating");
    desk.wait(3);
    assert_eq!(desk.volume_status(&id).await, "available");

    let server = desk.add_server(NewServer::default());
    let answer = desk.attach_volume(&server, &id).await;
    assert_eq!((answer.status, &answer.json()["volumeAttachment"]["device"]), (200, &json!("/dev/vdb")));
    assert_eq!(desk.volume_status(&id).await, "reserved");
    desk.wait(3);
    let volume = desk.cinder("GET", &format!("/volumes/{id}"), None).await.json()["volume"].clone();
    assert_eq!(
        (&volume["status"], &volume["attachments"][0]["server_id"]),
        (&json!("in-use"), &json!(server))
    );
    assert_eq!(desk.cinder("DELETE", &format!("/volumes/{id}"), None).await.status, 400);
    let other = desk.add_server(NewServer::default());
    assert_eq!(desk.attach_volume(&other, &id).await.status, 400, "it is at another server");

    let path = format!("/servers/{server}/os-volume_attachments/{id}");
    assert_eq!(desk.nova("DELETE", &path, None).await.status, 202);
    assert_eq!(desk.volume_status(&id).await, "detaching");
    assert_eq!(desk.attached_volumes(&server).await.len(), 1, "it leaves when the host is done");
    desk.wait(3);
    assert_eq!(desk.volume_status(&id).await, "available");
    assert_eq!(desk.attached_volumes(&server).await.len(), 0);
    assert_eq!(desk.nova("DELETE", &path, None).await.status, 404);

    assert_eq!(desk.cinder("DELETE", &format!("/volumes/{id}"), None).await.status, 202);
    assert_eq!(desk.volume_status(&id).await, "deleting");
    desk.wait(3);
    assert_eq!(desk.cinder("GET", &format!("/volumes/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn only_available_volumes_of_the_project_go_to_servers_in_the_right_state() {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer::default());
    let unknown = "00000000-0000-4000-8000-000000000000";
    let answer = desk.attach_volume(&server, unknown).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["itemNotFound"]["message"], format!("Volume {unknown} could not be found."));
    assert_eq!(desk.attach_volume(&server, "abc").await.status, 400);
    let broken = desk.create_volume(json!({"name": "oslab-fail"})).await;
    assert_eq!(desk.volume_status(&broken).await, "error");
    assert_eq!(desk.attach_volume(&server, &broken).await.status, 400);

    let id = desk.create_volume(json!({})).await;
    let suspended = desk.add_server(NewServer { status: "SUSPENDED".into(), ..NewServer::default() });
    assert_eq!(desk.attach_volume(&suspended, &id).await.status, 409);
    let locked = desk.add_server(NewServer { is_locked: true, ..NewServer::default() });
    assert_eq!(desk.attach_volume(&locked, &id).await.status, 409);
    desk.cloud.admin().set_fault("RegionOne", Service::BlockStorage, Some(Fault::Status(503)));
    assert_eq!(desk.attach_volume(&server, &id).await.status, 500);
    desk.cloud.admin().clear_faults();
    let of_alpha = Desk::of(&desk.cloud, "bob", "alpha").await;
    assert_eq!(of_alpha.cinder("GET", &format!("/volumes/{id}"), None).await.status, 404);

    let root = desk.add_server(NewServer { image: None, ..NewServer::default() });
    let of_root = desk.attached_volumes(&root).await[0]["volumeId"].as_str().expect("a volume").to_owned();
    let path = format!("/servers/{root}/os-volume_attachments/{of_root}");
    assert_eq!(desk.nova("DELETE", &path, None).await.status, 403);
}

#[tokio::test]
async fn an_attachment_told_to_fail_shows_in_the_history_and_frees_the_volume() {
    let desk = Desk::new().await;
    let metadata = vec![("oslab_fail".to_owned(), "attach_volume".to_owned())];
    let server = desk.add_server(NewServer { metadata, ..NewServer::default() });
    let id = desk.create_volume(json!({})).await;
    assert_eq!(desk.attach_volume(&server, &id).await.status, 200);
    desk.wait(3);
    assert_eq!(desk.volume_status(&id).await, "available");
    assert_eq!(desk.attached_volumes(&server).await.len(), 0);
    let newest = desk.newest_action(&server).await;
    assert_eq!((&newest["action"], &newest["message"]), (&json!("attach_volume"), &json!("Error")));
}

#[tokio::test]
async fn a_deleted_server_frees_its_volumes_or_takes_them_along() {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer { volumes: 1, ..NewServer::default() });
    let seeded = desk.attached_volumes(&server).await[0]["volumeId"].as_str().expect("a volume").to_owned();
    assert_eq!(desk.volume_status(&seeded).await, "in-use");
    let id = desk.create_volume(json!({})).await;
    let body = json!({"volumeAttachment": {"volumeId": id, "delete_on_termination": true}});
    desk.nova("POST", &format!("/servers/{server}/os-volume_attachments"), Some(body)).await;
    desk.wait(3);
    assert_eq!(desk.nova("DELETE", &format!("/servers/{server}"), None).await.status, 204);
    desk.wait(5);
    assert_eq!(desk.volume_status(&seeded).await, "available");
    assert_eq!(desk.cinder("GET", &format!("/volumes/{id}"), None).await.status, 404);
}

#[tokio::test]
async fn a_volume_of_a_shared_type_is_at_several_servers() {
    let desk = Desk::new().await;
    let id = desk.create_volume(json!({"volume_type": "shared"})).await;
    let servers = [desk.add_server(NewServer::default()), desk.add_server(NewServer::default())];
    for server in &servers {
        assert_eq!(desk.attach_volume(server, &id).await.status, 200);
        desk.wait(3);
    }
    let path = format!("/servers/{}/os-volume_attachments/{id}", servers[0]);
    assert_eq!(desk.nova("DELETE", &path, None).await.status, 202);
    desk.wait(3);
    let volume = desk.cinder("GET", &format!("/volumes/{id}"), None).await.json()["volume"].clone();
    assert_eq!(volume["status"], "in-use");
    assert_eq!(volume["attachments"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn projects_have_volumes_from_the_start_and_lists_go_by_pages() {
    let desk = Desk::new().await;
    let all = desk.cinder("GET", "/volumes/detail", None).await.json();
    let names: Vec<&str> =
        all["volumes"].as_array().expect("volumes").iter().filter_map(|one| one["name"].as_str()).collect();
    for expected in ["db-data", "logs", "scratch", "oslab-fail"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    let mut seen = 0;
    let mut path = "/volumes?limit=2".to_owned();
    loop {
        let page = desk.cinder("GET", &path, None).await.json();
        seen += page["volumes"].as_array().expect("volumes").len();
        let Some(next) = page["volumes_links"][0]["href"].as_str() else { break };
        path = next.split_once("/v3").expect("a link").1.to_owned();
    }
    assert_eq!(seen, names.len());
    let free = desk.cinder("GET", "/volumes?name=scratch&status=available", None).await.json();
    assert_eq!(free["volumes"].as_array().map(Vec::len), Some(1));
    let limits = desk.cinder("GET", "/limits", None).await.json();
    assert_eq!(limits["limits"]["absolute"]["totalVolumesUsed"], names.len());
}

#[tokio::test]
async fn snapshots_hold_their_volume_and_make_new_ones() {
    let desk = Desk::new().await;
    let id = desk.create_volume(json!({"size": 4})).await;
    let made =
        desk.cinder("POST", "/snapshots", Some(json!({"snapshot": {"volume_id": id, "name": "s"}}))).await;
    assert_eq!(made.status, 202);
    let snapshot = made.json()["snapshot"]["id"].as_str().expect("an id").to_owned();
    desk.wait(3);
    assert_eq!(desk.cinder("DELETE", &format!("/volumes/{id}"), None).await.status, 400);
    let too_small = json!({"volume": {"size": 1, "snapshot_id": snapshot}});
    assert_eq!(desk.cinder("POST", "/volumes", Some(too_small)).await.status, 400);
    let copy =
        desk.cinder("POST", "/volumes", Some(json!({"volume": {"snapshot_id": snapshot}}))).await.json();
    assert_eq!(copy["volume"]["size"], 4);
    assert_eq!(desk.cinder("DELETE", &format!("/snapshots/{snapshot}"), None).await.status, 202);
    desk.wait(3);
    assert_eq!(desk.cinder("GET", &format!("/snapshots/{snapshot}"), None).await.status, 404);
    assert_eq!(desk.cinder("DELETE", &format!("/volumes/{id}"), None).await.status, 202);
}

#[tokio::test]
async fn the_catalog_names_block_storage_under_both_its_types() {
    let desk = Desk::new().await;
    let answer = desk.http.sign_in(&desk.cloud, "alice", simcloud::TEST_PASSWORD, Some("beta")).await.json();
    let url_of = |kind: &str| {
        let catalog = answer["token"]["catalog"].as_array().expect("a catalog");
        let entry = catalog.iter().find(|entry| entry["type"] == kind).expect("an entry");
        let endpoints = entry["endpoints"].as_array().expect("endpoints").iter();
        let mut own = endpoints.filter(|one| one["region"] == "RegionOne" && one["interface"] == "public");
        own.next().expect("an endpoint")["url"].as_str().expect("a URL").to_owned()
    };
    let beta = desk.cloud.admin().project_id("beta");
    assert!(url_of("block-storage").ends_with("/v3"));
    assert!(url_of("volumev3").ends_with(&format!("/v3/{beta}")));
    for kind in ["block-storage", "volumev3"] {
        let volumes = desk.get(&format!("{}/volumes", url_of(kind))).await;
        assert_eq!(volumes.status, 200, "{kind}");
    }
}
