//! Servers live: what people ask for happens over the cloud's time, not at once.

use std::time::Duration;

use crate::common::{Desk, seeded};
use serde_json::{Value, json};
use simcloud::{CloudConfig, NewServer};

impl Desk {
    /// The statuses a server passes through within a time, each once.
    async fn statuses(&self, id: &str, seconds: u64) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for _half_second in 0..seconds * 2 {
            let status = match self.server(id).await {
                Value::Null => "gone".to_owned(),
                server => server["status"].as_str().expect("a status").to_owned(),
            };
            if seen.last() != Some(&status) {
                seen.push(status);
            }
            self.cloud.admin().advance(Duration::from_millis(500));
        }
        seen
    }
}

#[tokio::test]
async fn a_server_builds_runs_and_is_gone_after_its_deletion() {
    let desk = Desk::with_servers(20).await;
    let id = desk.create_server(json!({"name": "web-01"})).await;
    assert_eq!(desk.server(&id).await["addresses"], json!({}));
    assert_eq!(desk.statuses(&id, 15).await, ["BUILD", "ACTIVE"]);
    let server = desk.server(&id).await;
    assert_eq!(server["addresses"]["private"].as_array().map(Vec::len), Some(2));
    assert!(!server["OS-EXT-AZ:availability_zone"].as_str().expect("a zone").is_empty());

    assert_eq!(desk.nova("DELETE", &format!("/servers/{id}"), None).await.status, 204);
    assert_eq!(desk.server(&id).await["OS-EXT-STS:task_state"], "deleting");
    assert_eq!(desk.statuses(&id, 5).await, ["ACTIVE", "gone"]);
}

#[tokio::test]
async fn servers_that_cannot_be_built_end_in_error_with_a_fault() {
    let desk = Desk::with_servers(20).await;
    let names = [("köln", json!({})), ("breaks", json!({"oslab_fail": "spawn"}))];
    for (name, metadata) in names {
        let id = desk.create_server(json!({"name": name, "metadata": metadata})).await;
        assert_eq!(desk.statuses(&id, 15).await, ["BUILD", "ERROR"], "{name}");
        let fault = desk.server(&id).await["fault"]["message"].clone();
        assert!(fault.as_str().expect("a message").starts_with("Exceeded maximum number of retries"));
        assert_eq!(desk.newest_action(&id).await["message"], "Error");
    }
}

#[tokio::test]
async fn actions_pass_through_the_states_nova_passes_through() {
    let desk = Desk::with_servers(20).await;
    let cases = [
        (json!({"reboot": {"type": "SOFT"}}), vec!["REBOOT", "ACTIVE"]),
        (json!({"reboot": {"type": "HARD"}}), vec!["HARD_REBOOT", "ACTIVE"]),
        (json!({"os-stop": null}), vec!["ACTIVE", "SHUTOFF"]),
        (json!({"pause": null}), vec!["ACTIVE", "PAUSED"]),
        (json!({"suspend": null}), vec!["ACTIVE", "SUSPENDED"]),
        (json!({"rescue": {}}), vec!["ACTIVE", "RESCUE"]),
        (json!({"shelve": null}), vec!["ACTIVE", "SHELVED", "SHELVED_OFFLOADED"]),
        (json!({"changePassword": {"adminPass": "x"}}), vec!["PASSWORD", "ACTIVE"]),
        (json!({"createImage": {"name": "snap"}}), vec!["ACTIVE"]),
    ];
    for (action, expected) in cases {
        let id = desk.add_server(NewServer::default());
        assert!(desk.act(&id, &action).await.status < 300, "{action}");
        assert_eq!(desk.statuses(&id, 15).await, expected, "{action}");
        assert_eq!(desk.server(&id).await["OS-EXT-STS:task_state"], Value::Null, "{action}");
    }
}

#[tokio::test]
async fn a_resize_waits_to_be_confirmed_or_reverted() {
    let desk = Desk::with_servers(20).await;
    let resize = json!({"resize": {"flavorRef": desk.flavor_id("m1.large").await}});
    for (end, flavor) in [("confirmResize", "m1.large"), ("revertResize", "m1.small")] {
        let id = desk.add_server(NewServer::default());
        assert_eq!(desk.act(&id, &resize).await.status, 202);
        assert_eq!(desk.statuses(&id, 12).await, ["RESIZE", "VERIFY_RESIZE"]);
        assert!(desk.act(&id, &json!({end: null})).await.status < 300);
        let seen = desk.statuses(&id, 8).await;
        assert_eq!(seen.last().map(String::as_str), Some("ACTIVE"), "{end}");
        assert_eq!(desk.server(&id).await["flavor"]["original_name"], flavor, "{end}");
    }
}

#[tokio::test]
async fn a_busy_or_locked_server_takes_no_other_action() {
    let desk = Desk::with_servers(20).await;
    let id = desk.add_server(NewServer::default());
    assert_eq!(desk.act(&id, &json!({"os-stop": null})).await.status, 202);
    assert_eq!(desk.act(&id, &json!({"reboot": {"type": "SOFT"}})).await.status, 409);
    desk.wait(6);
    assert_eq!(desk.act(&id, &json!({"lock": null})).await.status, 202);
    assert_eq!(desk.act(&id, &json!({"os-start": null})).await.status, 409);
    assert_eq!(desk.act(&id, &json!({"unlock": null})).await.status, 202);
    assert_eq!(desk.act(&id, &json!({"os-start": null})).await.status, 202);
}

#[tokio::test]
async fn life_goes_on_by_itself_without_the_clock_being_moved() {
    let desk = Desk::start(CloudConfig { pace: 1_000.0, ..seeded("beta", 20) }).await;
    let id = desk.create_server(json!({"name": "web-01"})).await;
    let is_active = async {
        while desk.server(&id).await["status"] != "ACTIVE" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_active).await.expect("active");
}

#[tokio::test]
async fn readers_and_other_projects_change_nothing() {
    let desk = Desk::with_servers(20).await;
    let id = desk.add_server(NewServer::default());
    let path = format!("/servers/{id}");
    let stranger = Desk::of(&desk.cloud, "bob", "alpha").await;
    assert_eq!(stranger.nova("GET", &path, None).await.status, 404);
    assert_eq!(stranger.nova("DELETE", &path, None).await.status, 404);
    let reader = Desk::of(&desk.cloud, "reader", "alpha").await;
    let path = format!("/servers/{}", reader.add_server(NewServer::default()));
    assert_eq!(reader.nova("GET", &path, None).await.status, 200);
    assert_eq!(reader.nova("DELETE", &path, None).await.status, 403);
    let tags = Some(json!({"tags": ["x"]}));
    assert_eq!(reader.nova("PUT", &format!("{path}/tags"), tags).await.status, 403);
}

#[tokio::test]
async fn tags_and_metadata_change_without_a_new_updated() {
    let desk = Desk::with_servers(20).await;
    let id = desk.add_server(NewServer::default());
    let before = desk.server(&id).await["updated"].clone();
    desk.wait(60);
    let put = desk.nova("PUT", &format!("/servers/{id}/tags"), Some(json!({"tags": ["b", "a", "a"]}))).await;
    assert_eq!(put.json(), json!({"tags": ["a", "b"]}));
    assert_eq!(desk.nova("PUT", &format!("/servers/{id}/tags/c"), None).await.status, 201);
    assert_eq!(desk.nova("PUT", &format!("/servers/{id}/tags/c"), None).await.status, 204);
    assert_eq!(desk.nova("DELETE", &format!("/servers/{id}/tags/a"), None).await.status, 204);
    let set =
        desk.nova("PUT", &format!("/servers/{id}/metadata"), Some(json!({"metadata": {"k": "v"}}))).await;
    assert_eq!(set.json(), json!({"metadata": {"k": "v"}}));
    let server = desk.server(&id).await;
    assert_eq!((&server["tags"], &server["metadata"]), (&json!(["b", "c"]), &json!({"k": "v"})));
    assert_eq!(server["updated"], before);
}
