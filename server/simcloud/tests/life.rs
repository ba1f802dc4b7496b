//! Servers live: what people ask for happens over the cloud's time, not at once.

use std::time::Duration;

use crate::common::{Answer, Http};
use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, NewServer, ProjectSeed, Service};

/// A cloud with one person working in it.
struct Desk {
    cloud: Cloud,
    http: Http,
    token: String,
}

impl Desk {
    async fn new() -> Desk {
        // Seeded, so that the quota does not end the fun.
        let projects = vec![ProjectSeed::new("beta").with("RegionOne", 20)];
        let cloud = Cloud::start(CloudConfig { projects, ..CloudConfig::default() }).await.expect("cloud");
        let http = Http::new();
        let token = http.token(&cloud, "alice", "beta").await;
        Desk { cloud, http, token }
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let nova = self.cloud.service_url("RegionOne", Service::Compute).expect("nova");
        self.http.send(method, &format!("{nova}/v2.1{path}"), &self.token, body.as_ref()).await
    }

    async fn server(&self, id: &str) -> Value {
        self.send("GET", &format!("/servers/{id}"), None).await.json()["server"].clone()
    }

    async fn act(&self, id: &str, action: Value) -> u16 {
        self.send("POST", &format!("/servers/{id}/action"), Some(action)).await.status
    }

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

    async fn create(&self, name: &str, metadata: Value) -> String {
        let flavors = self.send("GET", "/flavors", None).await.json();
        let neutron = self.cloud.service_url("RegionOne", Service::Network).expect("neutron");
        let networks =
            self.http.get(&format!("{neutron}/v2.0/networks?name=private"), &self.token).await.json();
        let glance = self.cloud.service_url("RegionOne", Service::Image).expect("glance");
        let images = self.http.get(&format!("{glance}/v2/images?name=debian-12"), &self.token).await.json();
        let small =
            flavors["flavors"].as_array().expect("flavors").iter().find(|one| one["name"] == "m1.small");
        let body = json!({"server": {
            "name": name, "flavorRef": small.expect("m1.small")["id"], "metadata": metadata,
            "imageRef": images["images"][0]["id"], "networks": [{"uuid": networks["networks"][0]["id"]}],
        }});
        let created = self.send("POST", "/servers", Some(body)).await;
        assert_eq!(created.status, 202, "{:?}", created.json());
        created.json()["server"]["id"].as_str().expect("an id").to_owned()
    }

    fn add(&self) -> String {
        self.cloud.admin().add_server("RegionOne", "beta", NewServer::default())
    }
}

#[tokio::test]
async fn a_server_builds_runs_and_is_gone_after_its_deletion() {
    let desk = Desk::new().await;
    let id = desk.create("web-01", json!({})).await;
    assert_eq!(desk.server(&id).await["addresses"], json!({}));
    assert_eq!(desk.statuses(&id, 15).await, ["BUILD", "ACTIVE"]);
    let server = desk.server(&id).await;
    assert_eq!(server["addresses"]["private"].as_array().map(Vec::len), Some(2));
    assert!(!server["OS-EXT-AZ:availability_zone"].as_str().expect("a zone").is_empty());

    assert_eq!(desk.send("DELETE", &format!("/servers/{id}"), None).await.status, 204);
    assert_eq!(desk.server(&id).await["OS-EXT-STS:task_state"], "deleting");
    assert_eq!(desk.statuses(&id, 5).await, ["ACTIVE", "gone"]);
}

#[tokio::test]
async fn servers_that_cannot_be_built_end_in_error_with_a_fault() {
    let desk = Desk::new().await;
    let names = [("köln", json!({})), ("breaks", json!({"oslab_fail": "spawn"}))];
    for (name, metadata) in names {
        let id = desk.create(name, metadata).await;
        assert_eq!(desk.statuses(&id, 15).await, ["BUILD", "ERROR"], "{name}");
        let fault = desk.server(&id).await["fault"]["message"].clone();
        assert!(fault.as_str().expect("a message").starts_with("Exceeded maximum number of retries"));
        let history = desk.send("GET", &format!("/servers/{id}/os-instance-actions"), None).await.json();
        assert_eq!(history["instanceActions"][0]["message"], "Error");
    }
}

#[tokio::test]
async fn actions_pass_through_the_states_nova_passes_through() {
    let desk = Desk::new().await;
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
        let id = desk.add();
        assert!(desk.act(&id, action.clone()).await < 300, "{action}");
        assert_eq!(desk.statuses(&id, 15).await, expected, "{action}");
        assert_eq!(desk.server(&id).await["OS-EXT-STS:task_state"], Value::Null, "{action}");
    }
}

#[tokio::test]
async fn a_resize_waits_to_be_confirmed_or_reverted() {
    let desk = Desk::new().await;
    let flavors = desk.send("GET", "/flavors", None).await.json();
    let large = flavors["flavors"].as_array().expect("flavors").iter().find(|one| one["name"] == "m1.large");
    let resize = json!({"resize": {"flavorRef": large.expect("m1.large")["id"]}});
    for (end, flavor) in [("confirmResize", "m1.large"), ("revertResize", "m1.small")] {
        let id = desk.add();
        assert_eq!(desk.act(&id, resize.clone()).await, 202);
        assert_eq!(desk.statuses(&id, 12).await, ["RESIZE", "VERIFY_RESIZE"]);
        assert!(desk.act(&id, json!({end: null})).await < 300);
        let seen = desk.statuses(&id, 8).await;
        assert_eq!(seen.last().map(String::as_str), Some("ACTIVE"), "{end}");
        assert_eq!(desk.server(&id).await["flavor"]["original_name"], flavor, "{end}");
    }
}

#[tokio::test]
async fn a_busy_or_locked_server_takes_no_other_action() {
    let desk = Desk::new().await;
    let id = desk.add();
    assert_eq!(desk.act(&id, json!({"os-stop": null})).await, 202);
    assert_eq!(desk.act(&id, json!({"reboot": {"type": "SOFT"}})).await, 409);
    desk.cloud.admin().advance(Duration::from_secs(6));
    assert_eq!(desk.act(&id, json!({"lock": null})).await, 202);
    assert_eq!(desk.act(&id, json!({"os-start": null})).await, 409);
    assert_eq!(desk.act(&id, json!({"unlock": null})).await, 202);
    assert_eq!(desk.act(&id, json!({"os-start": null})).await, 202);
}

#[tokio::test]
async fn life_goes_on_by_itself_without_the_clock_being_moved() {
    let projects = vec![ProjectSeed::new("beta").with("RegionOne", 20)];
    let config = CloudConfig { projects, pace: 1_000.0, ..CloudConfig::default() };
    let cloud = Cloud::start(config).await.expect("cloud");
    let http = Http::new();
    let token = http.token(&cloud, "alice", "beta").await;
    let desk = Desk { cloud, http, token };
    let id = desk.create("web-01", json!({})).await;
    let is_active = async {
        while desk.server(&id).await["status"] != "ACTIVE" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), is_active).await.expect("active");
}

#[tokio::test]
async fn readers_and_other_projects_change_nothing() {
    let desk = Desk::new().await;
    let id = desk.add();
    let nova = desk.cloud.service_url("RegionOne", Service::Compute).expect("nova");
    let url = format!("{nova}/v2.1/servers/{id}");
    let stranger = desk.http.token(&desk.cloud, "bob", "alpha").await;
    assert_eq!(desk.http.get(&url, &stranger).await.status, 404);
    assert_eq!(desk.http.send("DELETE", &url, &stranger, None).await.status, 404);
    let of_alpha = desk.cloud.admin().add_server("RegionOne", "alpha", NewServer::default());
    let reader = desk.http.token(&desk.cloud, "reader", "alpha").await;
    let url = format!("{nova}/v2.1/servers/{of_alpha}");
    assert_eq!(desk.http.get(&url, &reader).await.status, 200);
    assert_eq!(desk.http.send("DELETE", &url, &reader, None).await.status, 403);
    let tags = json!({"tags": ["x"]});
    assert_eq!(desk.http.send("PUT", &format!("{url}/tags"), &reader, Some(&tags)).await.status, 403);
}

#[tokio::test]
async fn tags_and_metadata_change_without_a_new_updated() {
    let desk = Desk::new().await;
    let id = desk.add();
    let before = desk.server(&id).await["updated"].clone();
    desk.cloud.admin().advance(Duration::from_secs(60));
    let put = desk.send("PUT", &format!("/servers/{id}/tags"), Some(json!({"tags": ["b", "a", "a"]}))).await;
    assert_eq!(put.json(), json!({"tags": ["a", "b"]}));
    assert_eq!(desk.send("PUT", &format!("/servers/{id}/tags/c"), None).await.status, 201);
    assert_eq!(desk.send("PUT", &format!("/servers/{id}/tags/c"), None).await.status, 204);
    assert_eq!(desk.send("DELETE", &format!("/servers/{id}/tags/a"), None).await.status, 204);
    let set =
        desk.send("PUT", &format!("/servers/{id}/metadata"), Some(json!({"metadata": {"k": "v"}}))).await;
    assert_eq!(set.json(), json!({"metadata": {"k": "v"}}));
    let server = desk.server(&id).await;
    assert_eq!((&server["tags"], &server["metadata"]), (&json!(["b", "c"]), &json!({"k": "v"})));
    assert_eq!(server["updated"], before);
}
