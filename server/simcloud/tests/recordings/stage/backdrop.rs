//! What is there before anything is asked: the servers of alpha, everybody's tokens, and what stands for the
//! ids in the recordings.

use std::collections::HashMap;

use simcloud::{DEMO_PASSWORD, NewServer, Service};

use super::server::too_big;
use super::{As, REGION, Stage, id_named, text, token_of};

impl Stage {
    /// Newest first: four in ERROR, five `web-`, and more than a page of others.
    pub(super) fn fill_alpha(&self) {
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

    pub(super) async fn sign_everybody_in(&mut self) {
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
    pub(super) async fn learn_ids(&mut self) {
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
}
