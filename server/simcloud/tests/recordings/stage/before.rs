//! What a case wants to be so before its request is sent.

use std::time::Duration;

use serde_json::{Value, json};
use simcloud::{Fault, Service};

use super::server::too_big;
use super::{As, Before, RECORDED_VOLUME, REGION, Stage, Substitutes, id_named, text, token_of};

impl Stage {
    pub(super) async fn make_so(&mut self, before: Before, substitutes: &mut Substitutes) {
        match before {
            Before::Nothing => {}
            Before::FirstFactor => {
                let answer =
                    self.http.sign_in(&self.cloud, "mfa", simcloud::TEST_PASSWORD, Some("beta")).await;
                substitutes.receipt = answer.header("openstack-auth-receipt").map(str::to_owned);
                substitutes.replace("849520", self.control.totp_code("mfa"));
            }
            Before::UnscopedToken => {
                substitutes.replace("<token of 162 characters>", self.tokens[&As::AliceUnscoped].clone());
            }
            Before::ApplicationCredential => {
                let credential = self.application_credential().await;
                substitutes.replace("8a0bb2aaadea420c8a61da6a1ca8f854", text(&credential["id"]));
                substitutes.replace(
                    "mm-jcq12OZl48Roa8MZtaLG3W_7N8Jtrg3dvb6hN_9mRyDTw8Frbs55L-IYO0qVSZOcbx8G-dmmcGHL5Ydw6MQ",
                    text(&credential["secret"]),
                );
                substitutes.replace("<secret>", text(&credential["secret"]));
            }
            Before::SubjectGood => {
                substitutes.subject = Some(self.http.token(&self.cloud, "bob", "alpha").await);
            }
            Before::SubjectExpired => substitutes.subject = Some(self.tokens[&As::Expired].clone()),
            Before::SubjectRevoked => substitutes.subject = Some(self.tokens[&As::Revoked].clone()),
            Before::SubjectOfDeletedCredential => {
                let (credential, token) = self.application_credential_token().await;
                let path = format!("{}/{}", self.credentials_path(), text(&credential["id"]));
                self.send(As::Bob, "DELETE", &path, None).await;
                substitutes.replace("8a0bb2aaadea420c8a61da6a1ca8f854", text(&credential["id"]));
                substitutes.subject = Some(token);
            }
            Before::ServiceDown => self.control.set_fault(REGION, Service::Compute, Some(Fault::Status(503))),
            Before::KeyPair => self.key_pair("laptop").await,
            Before::GeneratedKeyPair => self.key_pair("generated").await,
            Before::ServerGroup => {
                let body = json!({"server_group": {"name": "apart", "policy": "anti-affinity"}});
                self.nova("POST", "/os-server-groups", Some(body)).await;
            }
            Before::NoValidHost => {
                let id = self.control.add_server(REGION, "alpha", too_big());
                substitutes.replace("91aa070b-d6dc-4efe-8adf-8bda58f252b5", id);
            }
            Before::ReadersServer => {
                let servers = self.control.servers(REGION, "alpha");
                substitutes.replace("8fa481ad-cefe-4424-9812-f292a8535d0f", servers[0].id.clone());
            }
            Before::Volume(size) => substitutes.replace(RECORDED_VOLUME, self.volume(size).await),
            Before::VolumesOfAlpha => {
                let url = format!("{}/v3/volumes", self.base_url(As::Bob, "16776"));
                let known = self.http.get(&url, &self.tokens[&As::Bob]).await.json();
                let missing =
                    if known["volumes"] == json!([]) { ["db-data", "logs"].as_slice() } else { &[] };
                for name in missing {
                    let body = json!({"volume": {"size": 1, "name": name, "metadata": {"owner": "lab"}}});
                    self.http.send("POST", &url, &self.tokens[&As::Bob], Some(&body)).await;
                }
                self.control.advance(Duration::from_secs(5));
            }
            Before::VolumeWithSnapshot => {
                let volume = self.volume(2).await;
                let body = json!({"snapshot": {"volume_id": volume, "name": "s"}});
                self.cinder("POST", "/snapshots", Some(body)).await;
                self.control.advance(Duration::from_secs(5));
                substitutes.replace(RECORDED_VOLUME, volume);
            }
            Before::NoFloatingIpLeft => {
                let networks = self.neutron("GET", "/networks", None).await;
                let public = id_named(&networks["networks"], "public");
                let body = json!({"floatingip": {"floating_network_id": public}});
                while self
                    .neutron("POST", "/floatingips", Some(body.clone()))
                    .await
                    .get("floatingip")
                    .is_some()
                {}
                substitutes.replace("8e07de10-a9f3-46a1-b1f2-273d0a1c9ea0", public);
            }
            Before::Port => {
                let networks = self.neutron("GET", "/networks", None).await;
                let backend = id_named(&networks["networks"], "backend");
                let body = json!({"port": {"network_id": backend}});
                let port = self.neutron("POST", "/ports", Some(body)).await["port"].clone();
                substitutes.replace("e5de0ef0-47df-476a-9736-3c71cc2681ca", backend);
                substitutes.replace("10.99.0.49", text(&port["fixed_ips"][0]["ip_address"]));
                let subnet = text(&port["fixed_ips"][0]["subnet_id"]);
                substitutes.replace("415e2631-3e84-46ca-bc9d-6685a941975d", subnet);
            }
            Before::SecurityGroup | Before::SecurityGroupRule => {
                let groups = self.neutron("GET", "/security-groups?name=default", None).await;
                substitutes.replace(
                    "152e4178-a22b-4733-8214-daf8b61d2395",
                    text(&groups["security_groups"][0]["id"]),
                );
                let body = json!({"security_group": {"name": "sample"}});
                let group =
                    text(&self.neutron("POST", "/security-groups", Some(body)).await["security_group"]["id"]);
                substitutes.replace("acba51e4-7fd4-4f67-9ffd-fbdf01b69cc3", group.clone());
                if matches!(before, Before::SecurityGroupRule) {
                    let body = json!({"security_group_rule": {
                        "security_group_id": group, "direction": "ingress", "ethertype": "IPv4",
                        "protocol": "tcp", "port_range_min": 1, "port_range_max": 2,
                        "remote_ip_prefix": "0.0.0.0/0",
                    }});
                    let rule = self.neutron("POST", "/security-group-rules", Some(body)).await;
                    let rule = text(&rule["security_group_rule"]["id"]);
                    substitutes.replace("3d22735e-02a3-4368-bfda-a9505c90c233", rule);
                }
            }
            Before::PublicImage => {
                let images = self.glance(As::Bob, "GET", "/images?name=debian-12", None).await;
                substitutes.replace("ec202a13-6406-44f3-8c46-fdc89f156302", text(&images["images"][0]["id"]));
            }
            Before::QueuedImage | Before::UploadedImage => {
                let id = self.image(matches!(before, Before::UploadedImage)).await;
                substitutes.replace("94c59d51-f72b-46aa-8c84-2a617a51640d", id);
            }
            Before::SharedImage => {
                let id = self.image(true).await;
                let beta = self.control.project_id("beta").to_string();
                let path = format!("/images/{id}/members");
                self.glance(As::Bob, "POST", &path, Some(json!({"member": beta}))).await;
                let accepted = json!({"status": "accepted"});
                self.glance(As::Alice, "PUT", &format!("{path}/{beta}"), Some(accepted)).await;
                substitutes.replace("ccb3165d-df39-40c4-bc48-89912c36c2ee", id);
            }
            Before::FloatingIp => {
                let url = format!("{}/v2.0/floatingips", self.base_url(As::Rich, "16696"));
                let all = self.http.get(&url, &self.tokens[&As::Rich]).await.json();
                substitutes
                    .replace("e76caf29-8e81-4ec8-95f9-ba87c0bc151a", text(&all["floatingips"][0]["id"]));
            }
            _ => self.make_server(before, substitutes).await,
        }
    }

    /// Makes a volume of beta, where others may be in the way of the quota.
    pub(super) async fn volume(&self, size_gib: u32) -> String {
        let others = self.cinder("GET", "/volumes", None).await;
        for other in others["volumes"].as_array().expect("volumes") {
            self.cinder("DELETE", &format!("/volumes/{}", text(&other["id"])), None).await;
        }
        let body = json!({"volume": {"size": size_gib, "name": "sample", "volume_type": "ssd"}});
        let id = text(&self.cinder("POST", "/volumes", Some(body)).await["volume"]["id"]);
        self.control.advance(Duration::from_secs(5));
        id
    }

    /// Makes an image of alpha, with data or without.
    async fn image(&self, has_data: bool) -> String {
        let body =
            json!({"name": "sample", "disk_format": "raw", "container_format": "bare", "os_distro": "x"});
        let id = text(&self.glance(As::Bob, "POST", "/images", Some(body)).await["id"]);
        if has_data {
            let url = format!("{}/v2/images/{id}/file", self.base_url(As::Bob, "16292"));
            let headers = [
                ("content-type", "application/octet-stream"),
                ("x-auth-token", self.tokens[&As::Bob].as_str()),
            ];
            let uploaded = self.http.try_send("PUT", &url, &headers, "data".into()).await.expect("an answer");
            assert_eq!(uploaded.status, 204, "{:?}", uploaded.json());
        }
        id
    }

    pub(super) async fn key_pair(&self, name: &str) {
        let public_key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4pQ2o1kz5mC0dQxG4N2Q8wq3m8b9J0sX7aV5tY1u2E sim@example";
        let body = json!({"keypair": {"name": name, "public_key": public_key}});
        self.nova("POST", "/os-keypairs", Some(body)).await;
    }

    fn credentials_path(&self) -> String {
        let bob = self.ids.iter().find(|(recorded, _)| recorded == "57d0c9164fe240c6829fa78cc08d7427");
        format!("/v3/users/{}/application_credentials", bob.expect("bob").1)
    }

    async fn application_credential(&self) -> Value {
        let name = format!("credential-{}", rand::random::<u64>());
        let body = json!({"application_credential": {
            "name": name, "description": "for the panel", "roles": [{"name": "member"}],
        }});
        let made = self.send(As::Bob, "POST", &self.credentials_path(), Some(body)).await;
        made.json()["application_credential"].clone()
    }

    pub(super) async fn application_credential_token(&self) -> (Value, String) {
        let credential = self.application_credential().await;
        let given = json!({"id": credential["id"], "secret": credential["secret"]});
        let body = json!({"auth": {"identity": {
            "methods": ["application_credential"], "application_credential": given,
        }}});
        let answer = self.send(As::Bob, "POST", "/v3/auth/tokens", Some(body)).await;
        (credential, token_of(&answer))
    }
}
