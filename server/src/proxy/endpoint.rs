//! Where a request goes: the endpoint that the caller's own service catalog names, and nowhere else.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use api_types::{Region, routes};
use parking_lot::Mutex;
use url::Url;

use crate::{
    config::EndpointInterface,
    error::ApiError,
    session::ProjectScope,
    upstream::{
        ServiceCatalog, ServiceType,
        service_catalog::{join, versioned},
    },
};

/// A service of a region as a project's catalog has it.
#[derive(Debug)]
pub struct Endpoint {
    /// With the version of the API.
    base: Url,
    /// What stands for `base` in the browser: `/api/cloud/RegionOne/compute`.
    ours: String,
    /// The service's own addresses: of each interface the versioned endpoint's host, port and path.
    addresses: Vec<Address>,
}

/// One address of a service, however it is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// Host and, where it is not the scheme's own, port.
    pub authority: String,
    /// The path with the version, without a slash at its end.
    pub path: String,
    /// How much of it stands before the version: Nova's bookmarks go on from there.
    root_length: usize,
}

/// The endpoints that were chosen lately: a catalog is not read again for every call.
#[derive(Default)]
pub struct Endpoints(Mutex<HashMap<usize, OfCatalog>>);

struct OfCatalog {
    /// Kept, so that no other one can come to lie at its address, by which it is found.
    catalog: Arc<ServiceCatalog>,
    endpoints: Vec<(ServiceType, Region, Arc<Endpoint>)>,
}

/// Catalogs of which endpoints are kept: one for each session and project.
const MOST_CATALOGS: usize = 1_000;

impl Endpoints {
    /// Errors: those of [`Endpoint::choose`].
    pub fn choose(
        &self,
        scope: &ProjectScope,
        service: ServiceType,
        region: &Region,
        interface: EndpointInterface,
    ) -> Result<Arc<Endpoint>, ApiError> {
        let mut catalogs = self.0.lock();
        let at = Arc::as_ptr(&scope.catalog).addr();
        let is_asked =
            |known: &&(ServiceType, Region, Arc<Endpoint>)| known.0 == service && known.1 == *region;
        if let Some((.., endpoint)) =
            catalogs.get(&at).and_then(|known| known.endpoints.iter().find(is_asked))
        {
            return Ok(endpoint.clone());
        }
        let endpoint = Arc::new(Endpoint::choose(scope, service, region, interface)?);
        if catalogs.len() >= MOST_CATALOGS && !catalogs.contains_key(&at) {
            catalogs.clear();
        }
        let of_catalog = catalogs
            .entry(at)
            .or_insert_with(|| OfCatalog { catalog: scope.catalog.clone(), endpoints: Vec::new() });
        debug_assert!(Arc::ptr_eq(&of_catalog.catalog, &scope.catalog), "a kept catalog stays where it is");
        of_catalog.endpoints.push((service, region.clone(), endpoint.clone()));
        Ok(endpoint)
    }
}

impl Endpoint {
    /// Errors: 404, the project's catalog has no such service in this region.
    pub fn choose(
        scope: &ProjectScope,
        service: ServiceType,
        region: &Region,
        interface: EndpointInterface,
    ) -> Result<Self, ApiError> {
        let Some(endpoint) = scope.catalog.endpoint(service, region, interface) else {
            return Err(ApiError::NotFound { kind: "service", id: format!("{} in {region}", service.tag()) });
        };
        let addresses =
            scope.catalog.addresses(service, region).map(|url| Address::of(&with_version(service, url)));
        Ok(Self {
            base: with_version(service, endpoint),
            ours: format!("{}{region}/{}", routes::CLOUD_PREFIX, service.tag()),
            addresses: addresses.collect(),
        })
    }

    /// The URL of a path below the endpoint.
    pub fn url(&self, segments: &[Cow<'_, str>], query: Option<&str>) -> Url {
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let mut url = join(&self.base, &segments);
        url.set_query(query);
        url.set_fragment(None);
        url
    }

    /// What a service says of its own place, as the browser can use it: an absolute URL or a path of the service
    /// becomes a path of ours. `None` for any other place.
    pub fn ours_for(&self, place: &str) -> Option<String> {
        let url = self.base.join(place).ok()?;
        let is_own = |address: &&Address| url.host_str().is_some() && (authority(&url) == address.authority);
        let address = self.addresses.iter().find(is_own)?;
        let rest = below(url.path(), &address.path)
            // Glance behind a prefix leaves out what stands before the version, Nova's bookmarks the version.
            .or_else(|| below(url.path(), &address.path[address.root_length..]))
            .or_else(|| below(url.path(), address.root()))?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{}{rest}{query}", self.ours))
    }

    /// A `Link` header with the places in it as the browser can use them; those of other places are left out.
    pub fn ours_in_links(&self, links: &str) -> Option<String> {
        // Each begins with `<`, which none can hold.
        let links = links.split('<').skip(1).filter_map(|link| {
            let (place, parameters) = link.split_once('>')?;
            let parameters = parameters.trim_end().trim_end_matches(',');
            Some(format!("<{}>{parameters}", self.ours_for(place)?))
        });
        let links: Vec<String> = links.collect();
        (!links.is_empty()).then(|| links.join(", "))
    }

    /// Every address of the service, for a search in its answers.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The names of the service's hosts.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let base = self.base.host_str().into_iter();
        base.chain(self.addresses.iter().map(|address| address.host()))
    }

    #[cfg(test)]
    pub fn of_addresses(ours: &str, urls: &[&str]) -> Self {
        let addresses: Vec<Url> = urls.iter().map(|url| Url::parse(url).expect("a url")).collect();
        let base = addresses[0].clone();
        Self { base, ours: ours.to_owned(), addresses: addresses.iter().map(Address::of).collect() }
    }

    /// What stands for the endpoint in the browser.
    pub fn ours(&self) -> &str {
        &self.ours
    }
}

impl Address {
    fn of(url: &Url) -> Self {
        let path = url.path().trim_end_matches('/').to_owned();
        Self { authority: authority(url), root_length: version_at(&path), path }
    }

    fn host(&self) -> &str {
        self.authority.rsplit_once(':').map_or(&self.authority, |(host, _)| host)
    }

    /// The path up to the version.
    pub fn root(&self) -> &str {
        &self.path[..self.root_length]
    }
}

/// Catalogs list Glance and Neutron with their version or without it; Nova and Cinder always with it, and Cinder
/// with a project behind it.
fn with_version(service: ServiceType, endpoint: &Url) -> Url {
    match service {
        ServiceType::Image => versioned(endpoint, "v2"),
        ServiceType::Network => versioned(endpoint, "v2.0"),
        ServiceType::Identity | ServiceType::Compute | ServiceType::BlockStorage => endpoint.clone(),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn below<'a>(path: &'a str, base: &str) -> Option<&'a str> {
    path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where the version begins in a path: behind `/image` in `/image/v2`.
fn version_at(path: &str) -> usize {
    let is_version = |(at, _): &(usize, &str)| {
        let name = path[at + 1..].split('/').next().unwrap_or_default();
        name.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    path.match_indices('/').find(is_version).map_or(path.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(base: &str) -> Endpoint {
        Endpoint::of_addresses("/api/cloud/RegionOne/image", &[base, "http://10.0.0.1:9292/v2"])
    }

    #[test]
    fn a_place_of_the_service_becomes_ours_and_any_other_none() {
        let image = endpoint("https://cloud.example/image/v2");
        let ours = |place: &str| image.ours_for(place);
        assert_eq!(
            ours("https://cloud.example/image/v2/images/1").as_deref(),
            Some("/api/cloud/RegionOne/image/images/1")
        );
        assert_eq!(
            ours("http://10.0.0.1:9292/v2/images?a=b").as_deref(),
            Some("/api/cloud/RegionOne/image/images?a=b")
        );
        assert_eq!(
            ours("/v2/images?marker=x").as_deref(),
            Some("/api/cloud/RegionOne/image/images?marker=x")
        );
        assert_eq!(ours("/image/v2").as_deref(), Some("/api/cloud/RegionOne/image"));
        for other in [
            "https://evil.example/image/v2/x",
            "//evil.example/v2",
            "/identity/v3",
            "javascript:alert(1)",
            "http://10.0.0.2:9292/v2/x",
            "https://cloud.example.evil/image/v2/",
            "https://cloud.example/imagex/v2",
        ] {
            assert_eq!(ours(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_is_put_below_the_endpoint_and_its_query_behind_it() {
        let image = endpoint("https://cloud.example/image/v2/");
        let url = image.url(&["images".into(), "a b?c#d".into()], Some("x=1&y=%0a"));
        assert_eq!(url.as_str(), "https://cloud.example/image/v2/images/a%20b%3Fc%23d?x=1&y=%0a");
    }
}
