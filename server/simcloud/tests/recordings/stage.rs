//! The cloud that recorded requests are put to: people, projects and servers that stand for those of the
//! recordings, and the ids that take the place of theirs.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, Control, DEMO_PASSWORD, Fault, NewServer, ProjectSeed, Service};

use crate::common::{Answer, Http};

/// Who asks. The recordings' alice, with one project, is our `bob`; their bob, with two, our `alice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum As {
    Nobody,
    Nonsense,
    Expired,
    Revoked,
    RevokedButCached,
    /// In the project alpha, with many servers.
    Bob,
    /// In the project beta, with those a case makes.
    Alice,
    AliceUnscoped,
    /// In alpha, to read.
    Reader,
    Mfa,
    Admin,
    /// A project with seeded servers of all kinds, and a quota to match.
    Rich,
    WithApplicationCredential,
}

/// What is so before the request is sent. Most make a server of beta, which stands for the recorded one.
#[derive(Clone, Copy, Debug)]
pub enum Before {
    Nothing,
    FirstFactor,
    UnscopedToken,
    ApplicationCredential,
    SubjectGood,
    SubjectExpired,
    SubjectRevoked,
    SubjectOfDeletedCredential,
    ServiceDown,
    Active,
    In(&'static str),
    Offloaded,
    Locked,
    JustCreated,
    Deleting,
    Deleted,
    FailedToBuild,
    NoValidHost,
    ServerOfAnotherProject,
    ReadersServer,
    ThreeActions,
    SecondCard,
    VolumeAttached,
    /// A volume of so many GiB.
    Volume(u32),
    VolumeWithSnapshot,
    VolumeToAttach,
    NoSerialLine,
    VolumesOfAlpha,
    KeyPair,
    GeneratedKeyPair,
    ServerGroup,
    Snapshot,
    PublicImage,
    QueuedImage,
    UploadedImage,
    SharedImage,
    FloatingIp,
    FreeFloatingIp,
    LeadingFloatingIp,
    NoFloatingIpLeft,
    Port,
    SecurityGroup,
    SecurityGroupRule,
}

/// What a case replaces in the recorded request, and in the recorded answer where texts are compared.
#[derive(Clone, Default)]
pub struct Substitutes {
    pub texts: Vec<(String, String)>,
    pub token: Option<String>,
    pub subject: Option<String>,
    pub receipt: Option<String>,
}

pub struct Stage {
    cloud: Cloud,
    /// Another, whose services keep validations.
    caching: Cloud,
    control: Control,
    pub http: Http,
    tokens: HashMap<As, String>,
    ids: Vec<(String, String)>,
}

/// The recorded server, and the one that volumes were attached to.
const SAMPLE: [&str; 2] = ["40888098-a975-4b4a-a604-a5bd047f6310", "a2e66bfa-acea-4b23-9121-747abc6a155f"];
const RECORDED_VOLUME: &str = "7eceb1f4-7097-4974-b086-77ab61f2948e";
const REGION: &str = "RegionOne";

impl Stage {
    pub async fn set() -> Stage {
        let projects = vec![ProjectSeed::new("web-shop").with(REGION, 60)];
        let config = CloudConfig { projects, ..CloudConfig::default() };
        let cloud = Cloud::start(config).await.expect("a cloud");
        let token_cache = Duration::from_secs(300);
        let caching =
            Cloud::start(CloudConfig { token_cache, ..CloudConfig::default() }).await.expect("a cloud");
        let control = cloud.admin();
        let mut stage =
            Stage { cloud, caching, control, http: Http::new(), tokens: HashMap::new(), ids: Vec::new() };
        stage.fill_alpha();
        stage.sign_everybody_in().await;
        stage.learn_ids().await;
        stage
    }

    /// The address of the simulated service that stands for a recorded one.
    pub fn base_url(&self, caller: As, recorded_port: &str) -> String {
        let cloud = if caller == As::RevokedButCached { &self.caching } else { &self.cloud };
        let service = match recorded_port {
            "15000" => return cloud.keystone_url().trim_end_matches("/v3").to_owned(),
            "16774" => Service::Compute,
            "16292" => Service::Image,
            "16696" => Service::Network,
            "16776" => Service::BlockStorage,
            other => panic!("no simulated service stands for port {other}"),
        };
        cloud.service_url(REGION, service).expect("the region")
    }

    /// Makes so what comes before, and says what stands for what.
    pub async fn prepare(&mut self, caller: As, before: Before) -> Substitutes {
        self.control.clear_faults();
        for server in self.control.servers(REGION, "beta") {
            self.control.delete_server(REGION, &server.id);
        }
        let mut substitutes = Substitutes { texts: self.ids.clone(), ..Substitutes::default() };
        if caller == As::Rich {
            let web_shop = self.control.project_id("web-shop").to_string();
            substitutes.texts.insert(0, ("fb24309dbd064132a5172a8df30fa2f1".into(), web_shop));
        }
        substitutes.token = match caller {
            As::Nobody => None,
            As::WithApplicationCredential => Some(self.application_credential_token().await.1),
            _ => Some(self.tokens[&caller].clone()),
        };
        self.make_so(before, &mut substitutes).await;
        substitutes
    }

    async fn make_so(&mut self, before: Before, substitutes: &mut Substitutes) {
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

    /// Makes a server of beta and brings it where the case wants it.
    async fn make_server(&mut self, before: Before, substitutes: &mut Substitutes) {
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

    /// Newest first: four in ERROR, five `web-`, and more than a page of others.
    fn fill_alpha(&self) {
        let now = self.control.now();
        let ago = |seconds: i64| Some(now - chrono::TimeDelta::seconds(seconds));
        for number in 0..1_200 {
            let name = format!("app-{number}");
            let new = NewServer { name, created_at: ago(100 + number), ..NewServer::default() };
            self.control.add_server(REGION, "alpha", new);
        }
        for number in 0..5 {
            let name = format!("web-test-{number}");
            let tags = vec!["prod".to_owned(), "web".to_owned()];
            let new = NewServer { name, tags, created_at: ago(50 + number), ..NewServer::default() };
            self.control.add_server(REGION, "alpha", new);
        }
        for number in 0..4 {
            self.control.add_server(REGION, "alpha", NewServer { created_at: ago(number), ..too_big() });
        }
    }

    async fn sign_everybody_in(&mut self) {
        let (cloud, http) = (&self.cloud, &self.http);
        let mut tokens = HashMap::from([(As::Nonsense, "nonsense".to_owned())]);
        tokens.insert(As::Expired, http.token(cloud, "alice", "beta").await);
        self.control.expire_tokens_of("alice");
        tokens.insert(As::Revoked, http.token(cloud, "alice", "beta").await);
        self.control.revoke_tokens_of("alice");
        tokens.insert(As::Alice, http.token(cloud, "alice", "beta").await);
        tokens.insert(As::Bob, http.token(cloud, "bob", "alpha").await);
        tokens.insert(As::Reader, http.token(cloud, "reader", "alpha").await);
        tokens.insert(As::Admin, http.token(cloud, "operator", "admin").await);
        let unscoped = http.sign_in(cloud, "alice", simcloud::TEST_PASSWORD, None).await;
        tokens.insert(As::AliceUnscoped, token_of(&unscoped));
        let rich = http.sign_in(cloud, "demo", DEMO_PASSWORD, Some("web-shop")).await;
        tokens.insert(As::Rich, token_of(&rich));
        // Whoever sees a network of another project as if it did not exist: any member of beta.
        tokens.insert(As::Mfa, tokens[&As::Alice].clone());
        let cached = http.token(&self.caching, "alice", "beta").await;
        for (service, path) in [
            (Service::Compute, "/v2.1/servers"),
            (Service::Image, "/v2/images"),
            (Service::Network, "/v2.0/networks"),
            (Service::BlockStorage, "/v3/volumes"),
        ] {
            let url = self.caching.service_url(REGION, service).expect("a region");
            http.get(&format!("{url}{path}"), &cached).await;
        }
        self.caching.admin().revoke_tokens_of("alice");
        tokens.insert(As::RevokedButCached, cached);
        self.tokens = tokens;
    }

    /// Finds out what stands for the recorded users, projects, flavors, images, networks and markers.
    async fn learn_ids(&mut self) {
        let mut ids: Vec<(String, String)> = Vec::new();
        let mut learn = |recorded: &str, own: String| ids.push((recorded.to_owned(), own));
        for (recorded, project) in [
            ("fb24309dbd064132a5172a8df30fa2f1", "alpha"),
            ("8a5381e0392d4755a2dd73218e643a8f", "beta"),
            ("4142c8db3a6b4855b94e8bd5e96310d1", "admin"),
        ] {
            learn(recorded, self.control.project_id(project).to_string());
        }
        let users = self.send(As::Admin, "GET", "/v3/users", None).await.json();
        for (recorded, name) in
            [("57d0c9164fe240c6829fa78cc08d7427", "bob"), ("8f37001435364bea89d0be9d4303525f", "alice")]
        {
            learn(recorded, id_named(&users["users"], name));
        }
        let flavors = self.nova("GET", "/flavors", None).await;
        for (recorded, name) in [
            ("9a0158cf-af4a-4c3c-aba3-2fafae3f2733", "m1.tiny"),
            ("0f9aea28-9f08-467e-9e12-2367bc35d042", "m1.small"),
            ("e366c064-bcc4-4ba4-b79f-6e51e7eafb98", "m1.medium"),
            ("3b5cc6da-1bca-48be-9205-aa9ce5f27fce", "r1.2xlarge"),
            ("6e8731c3-a2b1-4be3-879a-106f9c2c69ff", "t1.toobig"),
        ] {
            learn(recorded, id_named(&flavors["flavors"], name));
        }
        let url = format!("{}/v2/images", self.base_url(As::Alice, "16292"));
        let images = self.http.get(&url, &self.tokens[&As::Alice]).await.json();
        for (recorded, name) in [
            ("b441b104-db5a-4f3a-ad16-cb2a27dd2677", "cirros-0.6.2"),
            ("0bcec58e-d46c-444a-a245-d20f00d67bf7", "windows-server-2022"),
            ("47b02f61-f48e-43b7-9217-9923c952689c", "ubuntu-18.04-old"),
        ] {
            learn(recorded, id_named(&images["images"], name));
        }
        learn("e57c51db-fc83-4576-a5e3-8fd9d8befd6a", text(&images["images"][2]["id"]));
        let url = format!("{}/v2.0/networks", self.base_url(As::Alice, "16696"));
        let of_beta = self.http.get(&url, &self.tokens[&As::Alice]).await.json();
        learn("a1840d7e-7d08-4dae-8fe9-027ac3c14d20", id_named(&of_beta["networks"], "private"));
        learn("ab995b2e-7bc9-492f-9506-3c05e34c971b", id_named(&of_beta["networks"], "backend"));
        let of_rich = self.http.get(&url, &self.tokens[&As::Rich]).await.json();
        learn("091b18ff-2e6e-49b7-b3b1-9a8803a58a41", id_named(&of_rich["networks"], "private"));
        let url = format!("{}/v2.0/routers", self.base_url(As::Alice, "16696"));
        let routers = self.http.get(&url, &self.tokens[&As::Rich]).await.json();
        learn("42bcc8ab-16ea-4e46-bf42-79778109f2f3", text(&routers["routers"][0]["id"]));
        let url = format!("{}/v2.0/ports", self.base_url(As::Alice, "16696"));
        let ports = self.http.get(&url, &self.tokens[&As::Rich]).await.json();
        learn("00253276-7866-4a90-8ac8-02a4dbdd2f33", text(&ports["ports"][1]["id"]));
        // Markers of lists: the third server, and the last but one.
        let servers = self.control.servers(REGION, "alpha");
        learn("021acc4f-3acf-4b74-b85f-adb264d16526", servers[2].id.clone());
        learn("940021e2-12c3-45e5-8141-101c2d1c8ac5", servers[servers.len() - 2].id.clone());
        let later = self.control.now() + chrono::TimeDelta::hours(2);
        learn("2026-11-20T18:57:47Z", later.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        self.ids = ids;
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

    /// Sends something to Neutron as alice, in beta.
    async fn neutron(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v2.0{path}", self.base_url(As::Alice, "16696"));
        self.http.send(method, &url, &self.tokens[&As::Alice], body.as_ref()).await.json()
    }

    /// Makes a volume of beta, where others may be in the way of the quota.
    async fn volume(&self, size_gib: u32) -> String {
        let others = self.cinder("GET", "/volumes", None).await;
        for other in others["volumes"].as_array().expect("volumes") {
            self.cinder("DELETE", &format!("/volumes/{}", text(&other["id"])), None).await;
        }
        let body = json!({"volume": {"size": size_gib, "name": "sample", "volume_type": "ssd"}});
        let id = text(&self.cinder("POST", "/volumes", Some(body)).await["volume"]["id"]);
        self.control.advance(Duration::from_secs(5));
        id
    }

    /// Sends something to Cinder as alice, in beta.
    async fn cinder(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v3{path}", self.base_url(As::Alice, "16776"));
        self.http.send(method, &url, &self.tokens[&As::Alice], body.as_ref()).await.json()
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

    /// Sends something to Glance.
    async fn glance(&self, caller: As, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v2{path}", self.base_url(caller, "16292"));
        self.http.send(method, &url, &self.tokens[&caller], body.as_ref()).await.json()
    }

    async fn key_pair(&self, name: &str) {
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

    async fn application_credential_token(&self) -> (Value, String) {
        let credential = self.application_credential().await;
        let given = json!({"id": credential["id"], "secret": credential["secret"]});
        let body = json!({"auth": {"identity": {
            "methods": ["application_credential"], "application_credential": given,
        }}});
        let answer = self.send(As::Bob, "POST", "/v3/auth/tokens", Some(body)).await;
        (credential, token_of(&answer))
    }

    /// Sends something to Keystone.
    async fn send(&self, caller: As, method: &str, path: &str, body: Option<Value>) -> Answer {
        let url = format!("{}{path}", self.base_url(caller, "15000"));
        self.http.send(method, &url, &self.tokens[&caller], body.as_ref()).await
    }

    /// Sends something to Nova as alice, in beta.
    async fn nova(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v2.1{path}", self.base_url(As::Alice, "16774"));
        self.http.send(method, &url, &self.tokens[&As::Alice], body.as_ref()).await.json()
    }
}

impl Substitutes {
    /// What a case says goes before what is said of all.
    fn replace(&mut self, recorded: &str, own: String) {
        self.texts.insert(0, (recorded.to_owned(), own));
    }

    pub fn apply(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, (recorded, own)| text.replace(recorded, own))
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

fn too_big() -> NewServer {
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

fn token_of(answer: &Answer) -> String {
    answer.header("x-subject-token").unwrap_or_else(|| panic!("no token: {:?}", answer.json())).to_owned()
}

fn id_named(list: &Value, name: &str) -> String {
    let all = list.as_array().expect("a list");
    text(&all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))["id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
