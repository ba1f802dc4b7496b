//! Floating IPs, ports and security groups, and how they show at the servers.

use crate::common::{Desk, merged};
use serde_json::{Value, json};
use simcloud::NewServer;

impl Desk {
    async fn port_of(&self, server: &str) -> Value {
        let ports = self.neutron("GET", &format!("/ports?device_id={server}"), None).await.json();
        ports["ports"][0].clone()
    }

    async fn floating_ip(&self, more: Value) -> Value {
        let body = merged(json!({"floating_network_id": self.network_id("public").await}), more);
        let made = self.neutron("POST", "/floatingips", Some(json!({"floatingip": body}))).await;
        assert_eq!(made.status, 201, "{:?}", made.json());
        made.json()["floatingip"].clone()
    }

    /// The floating addresses among those of a server.
    async fn floating_of(&self, server: &str) -> Vec<Value> {
        let server = self.server(server).await;
        let all = server["addresses"]["private"].as_array().cloned().unwrap_or_default();
        let floating = all.iter().filter(|address| address["OS-EXT-IPS:type"] == "floating");
        floating.map(|address| address["addr"].clone()).collect()
    }
}

#[tokio::test]
async fn a_floating_ip_is_made_led_to_a_server_and_away_from_it_again() {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer::default());
    let port = desk.port_of(&server).await;
    let made = desk.floating_ip(json!({"description": "front door"})).await;
    assert_eq!((&made["status"], &made["port_id"]), (&json!("DOWN"), &Value::Null));
    let path = format!("/floatingips/{}", made["id"].as_str().expect("an id"));
    let lead = |port: Value| {
        let (desk, path) = (&desk, &path);
        async move { desk.neutron("PUT", path, Some(json!({"floatingip": {"port_id": port}}))).await }
    };
    let led = lead(port["id"].clone()).await.json()["floatingip"].clone();
    assert_eq!((&led["status"], &led["port_details"]["device_id"]), (&json!("DOWN"), &json!(server)));
    assert_eq!(desk.floating_of(&server).await, [made["floating_ip_address"].clone()]);
    desk.wait(2);
    let shown = desk.neutron("GET", &path, None).await.json()["floatingip"].clone();
    assert_eq!((&shown["status"], &shown["description"]), (&json!("ACTIVE"), &json!("front door")));

    let second = json!({"floatingip": {
        "floating_network_id": desk.network_id("public").await, "port_id": port["id"],
    }});
    assert_eq!(desk.neutron("POST", "/floatingips", Some(second)).await.status, 409);
    let other = desk.add_server(NewServer::default());
    assert_eq!(lead(desk.port_of(&other).await["id"].clone()).await.status, 200);
    assert_eq!(desk.floating_of(&server).await.len(), 0, "it moved");
    assert_eq!(desk.floating_of(&other).await.len(), 1);
    assert_eq!(lead(Value::Null).await.json()["floatingip"]["port_id"], Value::Null);
    assert_eq!(desk.floating_of(&other).await.len(), 0);
    assert_eq!(desk.neutron("DELETE", &path, None).await.status, 204);
    assert_eq!(desk.neutron("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn a_deleted_server_leaves_its_floating_ip_to_the_project() {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer::default());
    let port = desk.port_of(&server).await;
    let made = desk.floating_ip(json!({"port_id": port["id"]})).await;
    assert_eq!(desk.nova("DELETE", &format!("/servers/{server}"), None).await.status, 204);
    desk.wait(10);
    let path = format!("/floatingips/{}", made["id"].as_str().expect("an id"));
    let left = desk.neutron("GET", &path, None).await.json()["floatingip"].clone();
    assert_eq!((&left["port_id"], &left["status"]), (&Value::Null, &json!("DOWN")));
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_neutrons_words() {
    let desk = Desk::new().await;
    let refuse = |body: Value| {
        let desk = &desk;
        async move {
            let answer = desk.neutron("POST", "/floatingips", Some(json!({"floatingip": body}))).await;
            (answer.status, answer.json()["NeutronError"]["type"].as_str().unwrap_or_default().to_owned())
        }
    };
    let public = desk.network_id("public").await;
    let private = desk.network_id("private").await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    let cases = [
        (json!({}), 400, "HTTPBadRequest"),
        (json!({"floating_network_id": public, "nonesuch": 1}), 400, "HTTPBadRequest"),
        (json!({"floating_network_id": private}), 400, "BadRequest"),
        (json!({"floating_network_id": unknown}), 404, "NetworkNotFound"),
        (json!({"floating_network_id": public, "port_id": unknown}), 404, "PortNotFound"),
        (json!({"floating_network_id": public, "description": "quota-exceeded"}), 409, "OverQuota"),
    ];
    for (body, status, kind) in cases {
        assert_eq!(refuse(body.clone()).await, (status, kind.to_owned()), "{body}");
    }
    let reader = Desk::of(&desk.cloud, "reader", "alpha").await;
    let body = json!({"floatingip": {"floating_network_id": public}});
    assert_eq!(reader.neutron("POST", "/floatingips", Some(body)).await.status, 403);
}

#[tokio::test]
async fn an_interface_comes_and_goes_with_its_port() {
    let desk = Desk::new().await;
    let server = desk.add_server(NewServer::default());
    let path = format!("/servers/{server}/os-interface");
    let count = || async {
        let ports = desk.neutron("GET", &format!("/ports?device_id={server}"), None).await.json();
        ports["ports"].as_array().map_or(0, Vec::len)
    };
    let backend = desk.network_id("backend").await;
    let attach = json!({"interfaceAttachment": {"net_id": backend}});
    let attached = desk.nova("POST", &path, Some(attach)).await.json();
    assert_eq!(count().await, 2);
    let port = attached["interfaceAttachment"]["port_id"].as_str().expect("a port").to_owned();
    assert_eq!(desk.nova("DELETE", &format!("{path}/{port}"), None).await.status, 202);
    desk.wait(2);
    assert_eq!(count().await, 1);

    let made =
        desk.neutron("POST", "/ports", Some(json!({"port": {"network_id": backend, "name": "p"}}))).await;
    let port = made.json()["port"]["id"].as_str().expect("a port").to_owned();
    let attach = || Some(json!({"interfaceAttachment": {"port_id": port}}));
    assert_eq!(desk.nova("POST", &path, attach()).await.status, 200);
    assert_eq!(desk.nova("POST", &path, attach()).await.status, 400, "it is in use");
    assert_eq!(count().await, 2);
    assert_eq!(desk.neutron("DELETE", &format!("/ports/{port}"), None).await.status, 204);
    assert_eq!(count().await, 1);

    let public = desk.network_id("public").await;
    let attach = json!({"interfaceAttachment": {"net_id": public}});
    assert_eq!(desk.nova("POST", &path, Some(attach)).await.status, 403);
    let shelved = NewServer { status: "SHELVED_OFFLOADED".into(), ..NewServer::default() };
    let shelved = desk.add_server(shelved);
    let attach = Some(json!({"interfaceAttachment": {}}));
    assert_eq!(desk.nova("POST", &format!("/servers/{shelved}/os-interface"), attach).await.status, 409);
}

#[tokio::test]
async fn an_interface_told_to_fail_gives_500_and_shows_in_the_history() {
    let desk = Desk::new().await;
    let metadata = vec![("oslab_fail".to_owned(), "attach_interface".to_owned())];
    let server = NewServer { metadata, ..NewServer::default() };
    let server = desk.add_server(server);
    let attach = Some(json!({"interfaceAttachment": {}}));
    let failed = desk.nova("POST", &format!("/servers/{server}/os-interface"), attach).await;
    assert_eq!(failed.status, 500);
    let newest = desk.newest_action(&server).await;
    assert_eq!((&newest["action"], &newest["message"]), (&json!("attach_interface"), &json!("Error")));
}

#[tokio::test]
async fn security_groups_are_made_filled_put_on_servers_and_deleted() {
    let desk = Desk::new().await;
    let made =
        desk.neutron("POST", "/security-groups", Some(json!({"security_group": {"name": "db"}}))).await;
    let id = made.json()["security_group"]["id"].as_str().expect("an id").to_owned();
    let rule = || {
        Some(json!({"security_group_rule": {
            "security_group_id": id, "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp",
            "port_range_min": 5432, "port_range_max": 5432, "remote_ip_prefix": "10.0.0.0/8",
        }}))
    };
    let added = desk.neutron("POST", "/security-group-rules", rule()).await;
    assert_eq!(added.status, 201, "{:?}", added.json());
    assert_eq!(desk.neutron("POST", "/security-group-rules", rule()).await.status, 409);

    let server = desk.add_server(NewServer::default());
    let act = |action: Value| {
        let (desk, server) = (&desk, &server);
        async move { desk.act(server, &action).await.status }
    };
    assert_eq!(act(json!({"addSecurityGroup": {"name": "db"}})).await, 202);
    let of_server = desk.nova("GET", &format!("/servers/{server}/os-security-groups"), None).await.json();
    let names: Vec<&Value> =
        of_server["security_groups"].as_array().expect("groups").iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["default", "db"]);
    let port = desk.port_of(&server).await;
    assert!(port["security_groups"].as_array().expect("groups").contains(&json!(id)));
    let path = format!("/security-groups/{id}");
    assert_eq!(desk.neutron("DELETE", &path, None).await.status, 409);
    assert_eq!(act(json!({"removeSecurityGroup": {"name": "db"}})).await, 202);
    assert_eq!(act(json!({"addSecurityGroup": {"name": "nonesuch"}})).await, 404);
    let rule = added.json()["security_group_rule"]["id"].as_str().expect("a rule").to_owned();
    assert_eq!(desk.neutron("DELETE", &format!("/security-group-rules/{rule}"), None).await.status, 204);
    assert_eq!(desk.neutron("DELETE", &path, None).await.status, 204);
    assert_eq!(desk.neutron("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn quotas_count_what_there_is_and_refuse_what_is_over() {
    let desk = Desk::new().await;
    let beta = desk.cloud.admin().project_id("beta");
    let path = format!("/quotas/{beta}/details.json");
    let used = || async { desk.neutron("GET", &path, None).await.json()["quota"]["floatingip"].clone() };
    let before = used().await;
    desk.floating_ip(json!({})).await;
    let after = used().await;
    assert_eq!(after["used"].as_u64(), before["used"].as_u64().map(|used| used + 1));
    let left = after["limit"].as_u64().expect("a limit") - after["used"].as_u64().expect("a number");
    for _ in 0..left {
        desk.floating_ip(json!({})).await;
    }
    let body = json!({"floatingip": {"floating_network_id": desk.network_id("public").await}});
    let refused = desk.neutron("POST", "/floatingips", Some(body)).await;
    assert_eq!(refused.json()["NeutronError"]["type"], "OverQuota");
}
