//! The server that stands for the recorded one, and what becomes of it before a case's request is sent.

use std::time::Duration;

use serde_json::{Value, json};
use simcloud::NewServer;

use super::{As, Before, RECORDED_VOLUME, REGION, Stage, Substitutes, id_named, text};

/// The recorded server, and the one that volumes were attached to.
const SAMPLE: [&str; 2] = ["40888098-a975-4b4a-a604-a5bd047f6310", "a2e66bfa-acea-4b23-9121-747abc6a155f"];

impl Stage {
    /// Makes a server of beta and brings it where the case wants it.
    pub(super) async fn make_server(&mut self, before: Before, substitutes: &mut Substitutes) {
        let id = match before {
            Before::JustCreated => self.create(json!({})).await,
            Before::FailedToBuild => {
                let id = self.create(json!({"oslab_fail": "spawn"})).await;
                self.control.advance(Duration::from_secs(30));
                id
            }
            _ => {
                let id = self.control.add_server(REGION, "beta", sample());
                self.control.update_server(REGION, &id, |server| {
                    server.rare_mut().user_data = Some("I2Nsb3VkLWNvbmZpZwo=".to_owned());
                });
                id
            }
        };
        for recorded in SAMPLE {
            substitutes.replace(recorded, id.clone());
        }
        substitutes.replace("72a46b31-062c-4f36-bf20-130774736717", id.clone());
        let path = format!("/servers/{id}");
        match before {
            Before::In(status) => self.control.update_server(REGION, &id, |server| {
                let (vm_state, power_state) = match status {
                    "PAUSED" => ("paused", 3),
                    "SHUTOFF" => ("stopped", 4),
                    "SUSPENDED" => ("suspended", 4),
                    "RESCUE" => ("rescued", 1),
                    "VERIFY_RESIZE" => ("resized", 1),
                    "ERROR" => ("error", 0),
                    other => panic!("{other}"),
                };
                server.set_state(vm_state, None);
                server.power_state = power_state;
            }),
            Before::Offloaded => {
                self.nova("POST", &format!("{path}/action"), Some(json!({"shelve": null}))).await;
                self.control.advance(Duration::from_secs(30));
            }
            Before::Locked => {
                let body = json!({"lock": {"locked_reason": "audit"}});
                self.nova("POST", &format!("{path}/action"), Some(body)).await;
            }
            Before::Deleting => {
                self.nova("DELETE", &path, None).await;
            }
            Before::Deleted => {
                self.control.delete_server(REGION, &id);
            }
            Before::ServerOfAnotherProject => {
                substitutes.replace("8fa481ad-cefe-4424-9812-f292a8535d0f", id);
            }
            Before::ThreeActions => {
                for action in ["lock", "unlock", "lock"] {
                    self.nova("POST", &format!("{path}/action"), Some(json!({action: null}))).await;
                }
                let all = self.nova("GET", &format!("{path}/os-instance-actions"), None).await;
                let newest = text(&all["instanceActions"][0]["request_id"]);
                substitutes.replace("req-ed7a2b29-9777-467c-a6ff-4ac4f94ad7ce", newest);
            }
            Before::NoSerialLine => self.control.label_server(REGION, &id, |server| {
                server.metadata.push(("oslab_fail".into(), "serial_console".into()));
            }),
            Before::VolumeToAttach => substitutes.replace(RECORDED_VOLUME, self.volume(2).await),
            Before::Active | Before::FreeFloatingIp | Before::LeadingFloatingIp => {
                self.prepare_floating_ips(before, &id, substitutes).await;
            }
            Before::SecondCard => {
                let attached = self
                    .nova("POST", &format!("{path}/os-interface"), Some(json!({"interfaceAttachment": {}})))
                    .await;
                let port = text(&attached["interfaceAttachment"]["port_id"]);
                substitutes.replace("cc11c833-a23c-49f0-a06a-9e0f4818f0ba", port);
            }
            Before::VolumeAttached => {
                let volume = self.volume(2).await;
                let body = json!({"volumeAttachment": {"volumeId": volume}});
                self.nova("POST", &format!("{path}/os-volume_attachments"), Some(body)).await;
                self.control.advance(Duration::from_secs(5));
                substitutes.replace(RECORDED_VOLUME, volume);
            }
            Before::Snapshot => {
                let body = json!({"createImage": {"name": "snap2"}});
                let made = self.nova("POST", &format!("{path}/action"), Some(body)).await;
                self.control.advance(Duration::from_secs(30));
                substitutes.replace("f566e0c4-a4d8-488f-9ef7-72d1d7d78998", text(&made["image_id"]));
            }
            _ => {}
        }
    }

    async fn create(&self, metadata: Value) -> String {
        self.key_pair("laptop").await;
        let networks = self
            .http
            .get(&format!("{}/v2.0/networks", self.base_url(As::Alice, "16696")), &self.tokens[&As::Alice])
            .await
            .json();
        let flavors = self.nova("GET", "/flavors", None).await;
        let images = self
            .http
            .get(&format!("{}/v2/images", self.base_url(As::Alice, "16292")), &self.tokens[&As::Alice])
            .await
            .json();
        let body = json!({"server": {
            "name": "sample",
            "flavorRef": id_named(&flavors["flavors"], "m1.tiny"),
            "imageRef": id_named(&images["images"], "cirros-0.6.2"),
            "networks": [{"uuid": id_named(&networks["networks"], "private")}],
            "metadata": metadata, "tags": ["one"], "key_name": "laptop", "description": "a sample",
        }});
        text(&self.nova("POST", "/servers", Some(body)).await["server"]["id"])
    }

    /// A free floating IP, or one that leads to the server's port, and a port in a network without a router.
    async fn prepare_floating_ips(&self, before: Before, server_id: &str, substitutes: &mut Substitutes) {
        let networks = self.neutron("GET", "/networks", None).await;
        let public = id_named(&networks["networks"], "public");
        let backend = id_named(&networks["networks"], "backend");
        substitutes.replace("8e07de10-a9f3-46a1-b1f2-273d0a1c9ea0", public.clone());
        substitutes.replace("e5de0ef0-47df-476a-9736-3c71cc2681ca", backend.clone());
        if matches!(before, Before::Active) {
            return;
        }
        let ports = self.neutron("GET", &format!("/ports?device_id={server_id}"), None).await;
        let port = &ports["ports"][0];
        substitutes.replace("001bf8b5-3ccb-4053-ba14-f61426412661", text(&port["id"]));
        substitutes.replace("10.10.6.1", text(&port["fixed_ips"][0]["ip_address"]));
        let body = json!({"port": {"network_id": backend}});
        let unreachable = self.neutron("POST", "/ports", Some(body)).await;
        substitutes.replace("726b482e-c538-4a7d-b818-036cd1611039", text(&unreachable["port"]["id"]));
        let subnet = text(&unreachable["port"]["fixed_ips"][0]["subnet_id"]);
        substitutes.replace("415e2631-3e84-46ca-bc9d-6685a941975d", subnet);
        let mut body = json!({"floatingip": {"floating_network_id": public}});
        if matches!(before, Before::LeadingFloatingIp) {
            body["floatingip"]["port_id"] = port["id"].clone();
        }
        let made = self.neutron("POST", "/floatingips", Some(body)).await;
        self.control.advance(Duration::from_secs(2));
        substitutes.replace("e76caf29-8e81-4ec8-95f9-ba87c0bc151a", text(&made["floatingip"]["id"]));
    }
}

fn sample() -> NewServer {
    NewServer {
        name: "sample".into(),
        flavor: "m1.tiny".into(),
        image: Some("cirros-0.6.2".into()),
        metadata: vec![("env".into(), "test".into())],
        tags: vec!["one".into()],
        description: Some("a sample".into()),
        key_name: Some("laptop".into()),
        security_groups: vec!["default".into(), "web".into()],
        ..NewServer::default()
    }
}

pub(super) fn too_big() -> NewServer {
    NewServer {
        name: "too-big".into(),
        status: "ERROR".into(),
        flavor: "t1.toobig".into(),
        addresses: Some(Vec::new()),
        availability_zone: String::new(),
        fault: Some("No valid host was found. ".into()),
        ..NewServer::default()
    }
}
