//! The cloud that recorded requests are put to: people, projects and servers that stand for those of the
//! recordings, and the ids that take the place of theirs.

mod backdrop;
mod before;
mod server;

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use simcloud::{Cloud, CloudConfig, Control, ProjectSeed, Service};

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

    /// Sends something to Glance.
    async fn glance(&self, caller: As, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v2{path}", self.base_url(caller, "16292"));
        self.http.send(method, &url, &self.tokens[&caller], body.as_ref()).await.json()
    }

    /// Sends something to Neutron as alice, in beta.
    async fn neutron(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v2.0{path}", self.base_url(As::Alice, "16696"));
        self.http.send(method, &url, &self.tokens[&As::Alice], body.as_ref()).await.json()
    }

    /// Sends something to Cinder as alice, in beta.
    async fn cinder(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/v3{path}", self.base_url(As::Alice, "16776"));
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
