//! The calls to Nova and Glance by their API names. What they answer is read here and in `decode.rs`, nowhere else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use api_types::{
    Region, ServerId,
    servers::{Flavor, console::ConsoleKind},
};
use axum::http::StatusCode;
use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::{decode::clip, fill::Side};
use crate::{
    session::ProjectScope,
    upstream::{
        Answer, Call, Lane, Microversion, OnBehalf, ServiceType, Target, UpstreamClient, UpstreamError,
        service_catalog::{join, join_versioned},
    },
};

/// Calls about servers. Cheap to clone.
#[derive(Clone)]
pub struct ServersUpstream {
    pub(super) client: UpstreamClient,
}

/// The compute or image service of one region, asked with one caller's token.
pub struct Place<'a> {
    pub target: Target,
    endpoint: &'a Url,
    token: &'a str,
    behalf: Option<Arc<OnBehalf>>,
}

impl Place<'_> {
    /// Gives every call there a line in the log, under somebody's name.
    pub fn on_behalf(mut self, behalf: OnBehalf) -> Self {
        self.behalf = Some(Arc::new(behalf));
        self
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    pub marker: Option<ServerId>,
    pub limit: u32,
    /// In the order of ids, ascending or descending, instead of Nova's own (the newest first).
    pub by_id: Option<Side>,
    /// Only what changed at or after this time, in seconds since 1970; deleted servers too.
    pub changes_since: Option<i64>,
    /// The longest wait for it; one that fits the limit when not said.
    pub deadline: Option<Duration>,
}

/// A page as it came, and what it tells about the upstream's clock.
pub struct PageAnswer {
    pub answer: Answer,
    pub asked_at: Instant,
    /// The upstream's time when it was asked, by its `Date` header; seconds since 1970.
    pub upstream_time: Option<i64>,
}

impl ServersUpstream {
    pub fn new(client: UpstreamClient) -> Self {
        Self { client }
    }

    /// Where the compute service of a region is; `None`: the project's catalog does not have it.
    pub fn compute<'a>(&self, scope: &'a ProjectScope, region: &Region) -> Option<Place<'a>> {
        self.place(ServiceType::Compute, scope, region)
    }

    pub fn image<'a>(&self, scope: &'a ProjectScope, region: &Region) -> Option<Place<'a>> {
        self.place(ServiceType::Image, scope, region)
    }

    /// The regions whose servers a project can have.
    pub fn regions(&self, scope: &ProjectScope) -> Vec<Region> {
        scope.catalog.regions(ServiceType::Compute, self.client.config().interface)
    }

    /// Source: compute API, list servers detailed.
    pub async fn list_detailed(&self, place: &Place<'_>, page: Page) -> Result<PageAnswer, UpstreamError> {
        self.list(place, &["servers", "detail"], page).await
    }

    /// Ids and names only, at a third of the price. Source: compute API, list servers.
    pub async fn list_light(&self, place: &Place<'_>, page: Page) -> Result<PageAnswer, UpstreamError> {
        self.list(place, &["servers"], page).await
    }

    /// How many servers count against the project's quota. Source: compute API, show limits.
    pub async fn count_servers(&self, place: &Place<'_>) -> Result<Option<u32>, UpstreamError> {
        let call = |url| Call::get(url).lane(Lane::Bulk).deadline(deadline_for(0));
        let answer = self.send(place, &["limits"], &[], call).await?;
        let limits: Value = answer.json()?;
        let used = limits.pointer("/limits/absolute/totalInstancesUsed").and_then(Value::as_u64);
        Ok(used.and_then(|used| u32::try_from(used).ok()))
    }

    /// Source: compute API, show server.
    pub async fn show_server(&self, place: &Place<'_>, server: ServerId) -> Result<Answer, UpstreamError> {
        self.send(place, &["servers", &server.to_string()], &[], Call::get).await
    }

    /// The same for a list that is being compared: nobody waits for it.
    pub async fn look_up_server(
        &self,
        place: &Place<'_>,
        server: ServerId,
        deadline: Duration,
    ) -> Result<Answer, UpstreamError> {
        let call = |url| Call::get(url).lane(Lane::Bulk).deadline(deadline);
        self.send(place, &["servers", &server.to_string()], &[], call).await
    }

    /// A part of a server that has its own address: `os-interface`, `os-instance-actions`.
    pub async fn show_part(
        &self,
        place: &Place<'_>,
        server: ServerId,
        part: &str,
    ) -> Result<Answer, UpstreamError> {
        let call = |url| Call::get(url).lane(Lane::Aside);
        self.send(place, &["servers", &server.to_string(), part], &[], call).await
    }

    /// Asks for a console: the address of its socket, with a token that is good once and for some minutes.
    /// Source: compute API, create console.
    pub async fn create_console(
        &self,
        place: &Place<'_>,
        server: ServerId,
        kind: ConsoleKind,
    ) -> Result<Url, UpstreamError> {
        let wanted = json!({"remote_console": {"protocol": kind.protocol(), "type": kind.nova_type()}});
        let call = |url| Call::post(url).json(&wanted);
        let answer =
            self.send(place, &["servers", &server.to_string(), "remote-consoles"], &[], call).await?;
        let body: Value = answer.json()?;
        let url = body.pointer("/remote_console/url").and_then(Value::as_str);
        let url = url.and_then(|url| Url::parse(url).ok()).and_then(|url| socket_url(&url));
        url.ok_or_else(|| UpstreamError::Malformed { reason: "a console without an address".to_owned() })
    }

    /// The flavors there are, by id. Source: compute API, list flavors with details.
    pub async fn list_flavors(&self, place: &Place<'_>) -> Result<HashMap<String, Flavor>, UpstreamError> {
        #[derive(Deserialize)]
        struct Flavors {
            flavors: Vec<Value>,
        }
        let answer = self
            .send(place, &["flavors", "detail"], &[("limit", "1000".into())], |url| {
                Call::get(url).lane(Lane::Bulk)
            })
            .await?;
        let number = |flavor: &Value, key: &str| {
            flavor.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
        };
        let flavors = answer.json::<Flavors>()?.flavors.into_iter().filter_map(|flavor| {
            let known = Flavor {
                name: clip(flavor.get("name")?.as_str()?.into()),
                vcpus: number(&flavor, "vcpus"),
                ram_mib: number(&flavor, "ram"),
                disk_gib: number(&flavor, "disk"),
            };
            Some((flavor.get("id")?.as_str()?.to_owned(), known))
        });
        Ok(flavors.collect())
    }

    /// The names of the images the project can see, by id. Source: image API v2, list images.
    pub async fn list_image_names(
        &self,
        place: &Place<'_>,
    ) -> Result<HashMap<String, String>, UpstreamError> {
        #[derive(Deserialize)]
        struct Images {
            images: Vec<Value>,
            next: Option<String>,
        }
        let mut names = HashMap::new();
        let mut url = join_versioned(place.endpoint, "v2", &["images"]);
        url.query_pairs_mut().append_pair("limit", "1000");
        for _ in 0..MOST_IMAGE_PAGES {
            let call = Call::get(url.clone()).token(place.token).lane(Lane::Bulk);
            let images: Images = self.client.send(&place.target, call).await?.json()?;
            names.extend(images.images.iter().filter_map(image_name));
            let next = images.next.as_deref().and_then(|next| next_of(place.endpoint, &url, next));
            match next {
                Some(next) => url = next,
                None => break,
            }
        }
        Ok(names)
    }

    /// One image's name; `None`: there is no such image, or not for this project.
    pub async fn show_image_name(
        &self,
        place: &Place<'_>,
        image: &str,
    ) -> Result<Option<String>, UpstreamError> {
        let url = join_versioned(place.endpoint, "v2", &["images", image]);
        let call = Call::get(url).token(place.token).lane(Lane::Bulk);
        match self.client.send(&place.target, call).await {
            Ok(answer) => Ok(image_name(&answer.json()?).map(|(_, name)| name)),
            Err(error) if matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::FORBIDDEN)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// True when the region's Nova sends only the ids of flavors.
    pub fn has_flavor_ids_only(&self, place: &Place<'_>) -> bool {
        self.client.microversions().of(place.endpoint, Instant::now()) < FLAVOR_INLINE
    }

    fn place<'a>(&self, service: ServiceType, scope: &'a ProjectScope, region: &Region) -> Option<Place<'a>> {
        let endpoint = scope.catalog.endpoint(service, region, self.client.config().interface)?;
        let target = Target::new(service, region.clone());
        Some(Place { target, endpoint, token: scope.token.expose(), behalf: None })
    }

    async fn list(&self, place: &Place<'_>, path: &[&str], page: Page) -> Result<PageAnswer, UpstreamError> {
        let mut query = vec![("limit", page.limit.to_string())];
        if let Some(side) = page.by_id {
            let direction = match side {
                Side::Up => "asc",
                Side::Down => "desc",
            };
            query.extend([("sort_key", "uuid".to_owned()), ("sort_dir", direction.to_owned())]);
        }
        query.extend(page.marker.map(|marker| ("marker", marker.to_string())));
        query.extend(page.changes_since.and_then(utc_text).map(|since| ("changes-since", since)));
        let deadline = page.deadline.unwrap_or_else(|| deadline_for(page.limit));
        let asked_at = Instant::now();
        let answer =
            self.send(place, path, &query, |url| Call::get(url).lane(Lane::Bulk).deadline(deadline)).await?;
        let took = i64::try_from(asked_at.elapsed().as_secs()).unwrap_or(i64::MAX) + 1;
        let date = answer.header("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        let upstream_time = date.map(|date| date.timestamp().saturating_sub(took));
        Ok(PageAnswer { answer, asked_at, upstream_time })
    }

    /// Makes a call at the version the endpoint has; one that turns out too high is lowered, once.
    async fn send(
        &self,
        place: &Place<'_>,
        path: &[&str],
        query: &[(&str, String)],
        build: impl Fn(Url) -> Call,
    ) -> Result<Answer, UpstreamError> {
        let mut url = join(place.endpoint, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let versions = self.client.microversions();
        let version = versions.of(place.endpoint, Instant::now());
        let call = |version: Microversion| {
            build(url.clone()).token(place.token).microversion(version).on_behalf(place.behalf.clone())
        };
        match self.client.send(&place.target, call(version)).await {
            Err(error) if error.status() == Some(StatusCode::NOT_ACCEPTABLE) => {
                let lower = versions.negotiate(&self.client, &place.target, place.endpoint).await?;
                if lower == version { Err(error) } else { self.client.send(&place.target, call(lower)).await }
            }
            result => result,
        }
    }
}

/// From here on a server carries its flavor's values, and no id of it.
const FLAVOR_INLINE: Microversion = Microversion::new(2, 47);
/// 20,000 images: more than anybody looks through.
const MOST_IMAGE_PAGES: usize = 20;

/// How long a page may take: an empty answer a few seconds, each row four times of what it takes a real Nova.
fn deadline_for(rows: u32) -> Duration {
    Duration::from_secs(5) + Duration::from_millis(25) * rows
}

/// The address of the socket behind the page that Nova names: noVNC's page takes the socket's path from its query
/// (`path=%3Ftoken%3D...`), older ones the token itself; a serial console's address is the socket's.
fn socket_url(page: &Url) -> Option<Url> {
    if matches!(page.scheme(), "ws" | "wss") {
        return Some(page.clone());
    }
    let of_query =
        |key: &str| page.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    let mut socket = page.clone();
    match (of_query("path"), of_query("token")) {
        (Some(path), _) => {
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            socket.set_path(path);
            socket.set_query(Some(query).filter(|query| !query.is_empty()));
        }
        (None, Some(token)) => {
            socket.set_path("websockify");
            socket.query_pairs_mut().clear().append_pair("token", &token);
        }
        (None, None) => return None,
    }
    Some(socket)
}

fn utc_text(seconds: i64) -> Option<String> {
    DateTime::from_timestamp(seconds, 0).map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn image_name(image: &Value) -> Option<(String, String)> {
    let id = image.get("id")?.as_str()?;
    // An image may be without a name; then its id has to do.
    let name = image.get("name")?.as_str().filter(|name| !name.is_empty())?;
    Some((clip(id.into()), clip(name.into())))
}

/// Glance's `next` is a path from the root of its host, without the prefix a proxy may have put before it. Only its
/// query is taken, so that no answer can send the token elsewhere.
fn next_of(endpoint: &Url, current: &Url, next: &str) -> Option<Url> {
    let next = endpoint.join(next).ok()?;
    let mut url = current.clone();
    url.set_query(Some(next.query()?));
    (url != *current).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a url")
    }

    #[test]
    fn the_next_page_of_images_stays_with_the_endpoint_whatever_the_answer_says() {
        let endpoint = url("https://cloud/image");
        let current = url("https://cloud/image/v2/images?limit=1000");
        let next = next_of(&endpoint, &current, "/v2/images?limit=1000&marker=x");
        assert_eq!(next, Some(url("https://cloud/image/v2/images?limit=1000&marker=x")));
        let elsewhere = next_of(&endpoint, &current, "http://evil/v2/images?marker=x");
        assert_eq!(elsewhere, Some(url("https://cloud/image/v2/images?marker=x")));
        assert_eq!(next_of(&endpoint, &current, "/v2/images?limit=1000"), None);
        assert_eq!(next_of(&endpoint, &current, "/v2/images"), None);
    }

    #[test]
    fn the_socket_of_a_console_is_found_behind_each_kind_of_address() {
        let socket = |page: &str| socket_url(&url(page));
        assert_eq!(
            socket("http://127.0.0.1:16680/vnc_auto.html?path=%3Ftoken%3Dcb348707"),
            Some(url("http://127.0.0.1:16680/?token=cb348707"))
        );
        assert_eq!(socket("ws://console:6083/?token=x"), Some(url("ws://console:6083/?token=x")));
        assert_eq!(
            socket("https://console/vnc_lite.html?token=x"),
            Some(url("https://console/websockify?token=x"))
        );
        assert_eq!(socket("https://console/vnc_lite.html"), None);
    }

    #[test]
    fn times_are_written_as_nova_reads_them() {
        assert_eq!(utc_text(1_795_201_368).as_deref(), Some("2026-11-20T19:02:48Z"));
    }
}
