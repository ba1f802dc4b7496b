//! Making servers and what they are made with: key pairs, groups, disks, cards; and how it fails.

use crate::common::Desk;
use serde_json::{Map, Value, json};
use simcloud::CloudConfig;

impl Desk {
    /// Alice in beta, which has nothing and Nova's default quota.
    async fn with_nothing() -> Desk {
        Desk::start(CloudConfig { projects: Vec::new(), ..CloudConfig::default() }).await
    }

    async fn limits(&self) -> Map<String, Value> {
        let limits = self.nova("GET", "/limits", None).await.json();
        limits["limits"]["absolute"].as_object().expect("limits").clone()
    }
}

#[tokio::test]
async fn a_key_pair_is_made_imported_used_and_deleted() {
    let desk = Desk::with_nothing().await;
    let make = |body: Value| desk.nova("POST", "/os-keypairs", Some(json!({"keypair": body})));
    let made = make(json!({"name": "made"})).await.json()["keypair"].clone();
    let private = made["private_key"].as_str().expect("a private key");
    assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"), "{private}");
    let shown = desk.nova("GET", "/os-keypairs/made", None).await.json()["keypair"].clone();
    assert_eq!((&shown["public_key"], shown.get("private_key")), (&made["public_key"], None));
    let imported = make(json!({"name": "imported", "public_key": made["public_key"]})).await;
    assert_eq!(imported.status, 201);
    assert_eq!(imported.json()["keypair"]["fingerprint"], made["fingerprint"]);
    assert_eq!(imported.json()["keypair"].get("private_key"), None);
    assert_eq!(make(json!({"name": "bad", "public_key": "ssh-rsa"})).await.status, 400);

    let id = desk.create_server(json!({"key_name": "made"})).await;
    assert_eq!(desk.server(&id).await["key_name"], "made");
    assert_eq!(desk.nova("DELETE", "/os-keypairs/made", None).await.status, 204);
    assert_eq!(desk.nova("DELETE", "/os-keypairs/made", None).await.status, 404);
    assert_eq!(desk.try_create_server(json!({"key_name": "made"})).await.status, 400);
}

#[tokio::test]
async fn limits_move_with_the_servers_and_refuse_what_is_over() {
    let desk = Desk::with_nothing().await;
    let before = desk.limits().await;
    assert_eq!((&before["totalInstancesUsed"], &before["maxTotalInstances"]), (&json!(0), &json!(10)));
    let id = desk.create_server(json!({})).await;
    let after = desk.limits().await;
    assert_eq!((&after["totalInstancesUsed"], &after["totalCoresUsed"]), (&json!(1), &json!(1)));
    assert_eq!(after["totalRAMUsed"], 2_048);
    let refused = desk.try_create_server(json!({"min_count": 10, "max_count": 10})).await;
    assert_eq!(refused.status, 403);
    let words = "Quota exceeded for instances: Requested 10, but already used 1 of 10 instances";
    assert_eq!(refused.json()["forbidden"]["message"], words);
    desk.nova("DELETE", &format!("/servers/{id}"), None).await;
    desk.wait(5);
    assert_eq!(desk.limits().await["totalInstancesUsed"], 0);
    for kind in ["instances", "cores", "ram"] {
        let refused = desk.try_create_server(json!({"name": format!("quota-exceeded-{kind}")})).await;
        assert_eq!(refused.status, 403);
        let message = refused.json()["forbidden"]["message"].as_str().expect("words").to_owned();
        assert!(message.starts_with(&format!("Quota exceeded for {kind}: ")), "{message}");
    }
}

#[tokio::test]
async fn many_are_made_at_once_or_as_many_as_fit() {
    let desk = Desk::with_nothing().await;
    desk.create_server(json!({"name": "many", "min_count": 3, "max_count": 3})).await;
    let list = desk.nova("GET", "/servers?sort_key=display_name&sort_dir=asc", None).await.json();
    let names: Vec<&Value> =
        list["servers"].as_array().expect("servers").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["many-1", "many-2", "many-3"]);
    desk.create_server(json!({"name": "more", "min_count": 2, "max_count": 50})).await;
    assert_eq!(desk.limits().await["totalInstancesUsed"], 10);
    assert_eq!(desk.try_create_server(json!({"min_count": 3, "max_count": 2})).await.status, 400);
    assert_eq!(desk.try_create_server(json!({"min_count": 0})).await.status, 400);
}

#[tokio::test]
async fn a_group_has_the_servers_made_in_it() {
    let desk = Desk::with_nothing().await;
    let group = json!({"server_group": {"name": "apart", "policy": "anti-affinity"}});
    let group = desk.nova("POST", "/os-server-groups", Some(group)).await.json()["server_group"].clone();
    assert_eq!(desk.limits().await["totalServerGroupsUsed"], 1);
    let server = desk.smallest_server().await;
    let create = |group: Value| {
        let body = json!({"server": server, "os:scheduler_hints": {"group": group}});
        desk.nova("POST", "/servers", Some(body))
    };
    let made = create(group["id"].clone()).await.json();
    let path = format!("/os-server-groups/{}", group["id"].as_str().expect("an id"));
    let shown = desk.nova("GET", &path, None).await.json()["server_group"].clone();
    assert_eq!(shown["members"], json!([made["server"]["id"]]));
    let id = made["server"]["id"].as_str().expect("an id");
    assert_eq!(desk.server(id).await["server_groups"], json!([group["id"]]));
    assert_eq!(create(json!("00000000-0000-4000-8000-000000000000")).await.status, 400);
    let bad = json!({"server_group": {"name": "x", "policy": "random"}});
    assert_eq!(desk.nova("POST", "/os-server-groups", Some(bad)).await.status, 400);
    assert_eq!(desk.nova("DELETE", &path, None).await.status, 204);
    assert_eq!(desk.nova("GET", &path, None).await.status, 404);
}

#[tokio::test]
async fn user_data_is_base64_and_a_config_drive_is_a_fact() {
    let desk = Desk::with_nothing().await;
    assert_eq!(desk.try_create_server(json!({"user_data": "#cloud-config"})).await.status, 400);
    let id = desk.create_server(json!({"user_data": "I2Nsb3VkLWNvbmZpZwo=", "config_drive": true})).await;
    assert_eq!(desk.server(&id).await["config_drive"], "True");
    assert_eq!(desk.try_create_server(json!({"config_drive": "perhaps"})).await.status, 400);
}

#[tokio::test]
async fn servers_boot_from_volumes_new_and_old() {
    let desk = Desk::with_nothing().await;
    let image = desk.image_id("debian-12").await;
    let disk = json!({
        "boot_index": 0, "source_type": "image", "destination_type": "volume", "uuid": image,
        "volume_size": 12, "volume_type": "ssd", "delete_on_termination": true,
    });
    let extra = json!({
        "boot_index": -1, "source_type": "blank", "destination_type": "volume", "volume_size": 7,
    });
    let id = desk.create_server(json!({"imageRef": "", "block_device_mapping_v2": [disk, extra]})).await;
    desk.wait(15);
    let server = desk.server(&id).await;
    assert_eq!((&server["status"], &server["image"]), (&json!("ACTIVE"), &json!("")));
    let attached = server["os-extended-volumes:volumes_attached"].as_array().expect("volumes").clone();
    assert_eq!(attached.len(), 2);
    let volumes = desk.cinder("GET", "/volumes/detail", None).await.json();
    let mut sizes: Vec<(u64, &str, &str)> = volumes["volumes"]
        .as_array()
        .expect("volumes")
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().expect("a text");
            (one["size"].as_u64().expect("a size"), text("status"), text("bootable"))
        })
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(7, "in-use", "false"), (12, "in-use", "true")]);
    desk.nova("DELETE", &format!("/servers/{id}"), None).await;
    desk.wait(5);
    let left = desk.cinder("GET", "/volumes/detail", None).await.json();
    assert_eq!((&left["volumes"][0]["size"], &left["volumes"][1]), (&json!(7), &Value::Null));

    let unbootable = left["volumes"][0]["id"].clone();
    let from = |volume: Value| {
        json!({"imageRef": "", "block_device_mapping_v2": [{
            "boot_index": 0, "source_type": "volume", "destination_type": "volume", "uuid": volume,
        }]})
    };
    assert_eq!(desk.try_create_server(from(unbootable.clone())).await.status, 400);
    let action = json!({"os-set_bootable": {"bootable": true}});
    let path = format!("/volumes/{}/action", unbootable.as_str().expect("an id"));
    desk.cinder("POST", &path, Some(action)).await;
    desk.create_server(from(unbootable.clone())).await;
    assert_eq!(desk.try_create_server(from(unbootable)).await.status, 400, "it is taken");
    assert_eq!(desk.try_create_server(json!({"imageRef": ""})).await.status, 400);
    let sizeless =
        json!([{"boot_index": 0, "source_type": "image", "destination_type": "volume", "uuid": image}]);
    let sizeless = json!({"imageRef": "", "block_device_mapping_v2": sizeless});
    assert_eq!(desk.try_create_server(sizeless).await.status, 400);
}

#[tokio::test]
async fn cards_are_asked_for_by_network_address_and_port() {
    let desk = Desk::with_nothing().await;
    let networks = desk.neutron("GET", "/networks", None).await.json();
    let networks = networks["networks"].as_array().expect("networks").clone();
    let network =
        |name: &str| networks.iter().find(|one| one["name"] == name).expect("a network")["id"].clone();
    let port = json!({"port": {"network_id": network("backend")}});
    let port = desk.neutron("POST", "/ports", Some(port)).await.json()["port"].clone();
    let asked = json!([{"uuid": network("private"), "fixed_ip": "10.77.0.9"}, {"port": port["id"]}]);
    let id = desk.create_server(json!({"networks": asked})).await;
    desk.wait(15);
    let addresses = desk.server(&id).await["addresses"].clone();
    assert_eq!(addresses["private"][0]["addr"], "10.77.0.9");
    assert_eq!(addresses["backend"][0]["addr"], port["fixed_ips"][0]["ip_address"]);
    assert_eq!(
        desk.try_create_server(json!({"networks": [{"port": port["id"]}]})).await.status,
        400,
        "it is taken"
    );
    assert_eq!(desk.try_create_server(json!({"networks": [{"uuid": network("public")}]})).await.status, 403);
}

#[tokio::test]
async fn servers_told_to_fail_end_in_error_and_say_why() {
    let desk = Desk::with_nothing().await;
    let cases = [
        ("no_valid_host", "No valid host was found."),
        ("spawn", "Exceeded maximum number of retries."),
        ("port_binding", "Binding failed for port "),
        ("network", "Build of instance "),
        ("volume", "Build of instance "),
    ];
    for (what, words) in cases {
        let id = desk.create_server(json!({"metadata": {"oslab_fail": what}})).await;
        desk.wait(15);
        let server = desk.server(&id).await;
        assert_eq!(server["status"], "ERROR", "{what}");
        let message = server["fault"]["message"].as_str().expect("a fault");
        assert!(message.starts_with(words), "{what}: {message}");
        assert_eq!(desk.nova("DELETE", &format!("/servers/{id}"), None).await.status, 204);
        desk.wait(5);
    }
}
