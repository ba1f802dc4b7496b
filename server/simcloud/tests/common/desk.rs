//! A place to work from: somebody signed in to a cloud, and what most tests do there.

use std::time::Duration;

use serde_json::{Value, json};
use simcloud::{Cloud, CloudConfig, NewServer, ProjectSeed, Service};

use super::{Answer, Http};

/// Where everybody works.
const REGION: &str = "RegionOne";

/// Somebody at work in a project, in RegionOne of a cloud.
pub struct Desk {
    pub cloud: Cloud,
    pub http: Http,
    pub token: String,
    project: &'static str,
}

/// A cloud in which one project has so many servers, and a quota to match; the others have none.
pub fn seeded(project: &str, servers: usize) -> CloudConfig {
    let projects = vec![ProjectSeed::new(project).with(REGION, servers)];
    CloudConfig { projects, ..CloudConfig::default() }
}

impl Desk {
    /// Alice in beta, in the default cloud.
    pub async fn new() -> Desk {
        Desk::start(CloudConfig::default()).await
    }

    /// Alice in beta, in another cloud.
    pub async fn start(config: CloudConfig) -> Desk {
        let cloud = Cloud::start(config).await.expect("a cloud");
        Desk::of(&cloud, "alice", "beta").await
    }

    /// Alice in beta with so many servers, and a quota to match: it does not end the fun.
    pub async fn with_servers(servers: usize) -> Desk {
        Desk::start(seeded("beta", servers)).await
    }

    /// Anybody, in a cloud that others may be at work in too.
    pub async fn of(cloud: &Cloud, user: &str, project: &'static str) -> Desk {
        let http = Http::new();
        let token = http.token(cloud, user, project).await;
        Desk { cloud: cloud.clone(), http, token, project }
    }

    pub async fn nova(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(Service::Compute, method, path, body).await
    }

    pub async fn glance(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(Service::Image, method, path, body).await
    }

    pub async fn neutron(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(Service::Network, method, path, body).await
    }

    pub async fn cinder(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send(Service::BlockStorage, method, path, body).await
    }

    async fn send(&self, service: Service, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.http.send(method, &self.url(service, path), &self.token, body.as_ref()).await
    }

    /// Reads from a whole address, such as an answer's link to the next page.
    pub async fn get(&self, url: &str) -> Answer {
        self.http.get(url, &self.token).await
    }

    /// The address of a path as the service knows it, without its version.
    pub fn url(&self, service: Service, path: &str) -> String {
        let base = self.cloud.service_url(REGION, service).expect("a service");
        let version = match service {
            Service::Identity => "v3",
            Service::Compute => "v2.1",
            Service::Image => "v2",
            Service::Network => "v2.0",
            Service::BlockStorage => "v3",
        };
        format!("{base}/{version}{path}")
    }

    /// Lets the cloud's time pass.
    pub fn wait(&self, seconds: u64) {
        self.cloud.admin().advance(Duration::from_secs(seconds));
    }

    /// Puts a server into the project, as if it had been there.
    pub fn add_server(&self, new: NewServer) -> String {
        self.cloud.admin().add_server(REGION, self.project, new)
    }

    /// Asks for a server and gives its id; it is still to be built.
    pub async fn create_server(&self, more: Value) -> String {
        let made = self.try_create_server(more).await;
        assert_eq!(made.status, 202, "{:?}", made.json());
        made.json()["server"]["id"].as_str().expect("an id").to_owned()
    }

    pub async fn try_create_server(&self, more: Value) -> Answer {
        let server = merged(self.smallest_server().await, more);
        self.nova("POST", "/servers", Some(json!({"server": server}))).await
    }

    /// What a request for a server has to say.
    pub async fn smallest_server(&self) -> Value {
        json!({
            "name": "web",
            "flavorRef": self.flavor_id("m1.small").await,
            "imageRef": self.image_id("debian-12").await,
            "networks": [{"uuid": self.network_id("private").await}],
        })
    }

    /// A server as Nova shows it; `Null` when there is none.
    pub async fn server(&self, id: &str) -> Value {
        self.nova("GET", &format!("/servers/{id}"), None).await.json()["server"].clone()
    }

    pub async fn act(&self, id: &str, action: &Value) -> Answer {
        self.nova("POST", &format!("/servers/{id}/action"), Some(action.clone())).await
    }

    /// The youngest entry of a server's history.
    pub async fn newest_action(&self, id: &str) -> Value {
        let history = self.nova("GET", &format!("/servers/{id}/os-instance-actions"), None).await.json();
        history["instanceActions"][0].clone()
    }

    pub async fn flavor_id(&self, name: &str) -> String {
        let found = self.nova("GET", "/flavors", None).await.json();
        let flavors = found["flavors"].as_array().expect("flavors");
        let flavor = flavors.iter().find(|flavor| flavor["name"] == name).expect("a flavor");
        flavor["id"].as_str().expect("an id").to_owned()
    }

    pub async fn image_id(&self, name: &str) -> String {
        let found = self.glance("GET", &format!("/images?name={name}"), None).await.json();
        found["images"][0]["id"].as_str().expect("an image").to_owned()
    }

    pub async fn network_id(&self, name: &str) -> String {
        let found = self.neutron("GET", &format!("/networks?name={name}"), None).await.json();
        found["networks"][0]["id"].as_str().expect("a network").to_owned()
    }
}

/// An object with more fields, or with others in their place.
pub fn merged(mut object: Value, more: Value) -> Value {
    for (key, value) in more.as_object().expect("fields") {
        object[key] = value.clone();
    }
    object
}
