//! Where the services are, as Keystone says it with every scoped token.

use std::collections::{BTreeMap, HashMap};

use api_types::Region;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::ServiceType;
use crate::config::EndpointInterface;

/// The endpoints of one scoped token. Does not change once made; shared by `Arc`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceCatalog {
    endpoints: HashMap<ServiceType, BTreeMap<Region, Endpoints>>,
}

impl ServiceCatalog {
    /// Reads the catalog of a token: the body of Keystone's answer, or its `token` object.
    ///
    /// Entries that cannot be used (another interface, no usable URL or region name) are left out; a token without
    /// a catalog (unscoped, `nocatalog`) gives an empty one.
    pub fn parse(token: &Value) -> Self {
        let token = token.get("token").unwrap_or(token);
        let services = token.get("catalog").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut catalog = Self::default();
        for service_type in SERVICES {
            // The official name wins over its older aliases.
            for name in service_type.catalog_types() {
                let entries =
                    services.iter().filter(|entry| entry.get("type").and_then(Value::as_str) == Some(name));
                for endpoint in entries.filter_map(|entry| entry.get("endpoints")?.as_array()).flatten() {
                    catalog.add(service_type, endpoint);
                }
            }
        }
        catalog
    }

    /// The regions that have this service on this interface, by name: Keystone gives endpoints in no lasting order.
    pub fn regions(&self, service: ServiceType, interface: EndpointInterface) -> Vec<Region> {
        let regions = self.endpoints.get(&service).into_iter().flatten();
        regions.filter(|(_, urls)| urls.of(interface).is_some()).map(|(region, _)| region.clone()).collect()
    }

    /// Every service of every region on this interface.
    pub fn all(&self, interface: EndpointInterface) -> impl Iterator<Item = (ServiceType, &Region, &Url)> {
        self.endpoints.iter().flat_map(move |(service, regions)| {
            let of_interface = move |(region, urls)| {
                let (region, urls): (&Region, &Endpoints) = (region, urls);
                Some((*service, region, urls.of(interface)?))
            };
            regions.iter().filter_map(of_interface)
        })
    }

    /// The URL of a service in a region, as the catalog gives it.
    pub fn endpoint(
        &self,
        service: ServiceType,
        region: &Region,
        interface: EndpointInterface,
    ) -> Option<&Url> {
        self.endpoints.get(&service)?.get(region)?.of(interface)
    }

    /// The URLs of a service in a region on every interface: its own addresses.
    pub fn addresses(&self, service: ServiceType, region: &Region) -> impl Iterator<Item = &Url> {
        let endpoints = self.endpoints.get(&service).and_then(|regions| regions.get(region));
        endpoints.into_iter().flat_map(|urls| [&urls.public, &urls.internal, &urls.admin]).flatten()
    }

    fn add(&mut self, service: ServiceType, endpoint: &Value) {
        let Ok(endpoint) = EndpointEntry::deserialize(endpoint) else { return };
        let Some(region) = endpoint.region_id.or(endpoint.region).and_then(|name| name.parse().ok()) else {
            return;
        };
        let Some(url) = Url::parse(&endpoint.url).ok().filter(is_usable) else { return };
        let urls = self.endpoints.entry(service).or_default().entry(region).or_default();
        let place = match endpoint.interface.as_str() {
            "public" => &mut urls.public,
            "internal" => &mut urls.internal,
            "admin" => &mut urls.admin,
            _ => return,
        };
        place.get_or_insert(url);
    }
}

/// An endpoint's URL with path segments added; each segment is escaped, so that none can leave its place.
pub fn join(endpoint: &Url, segments: &[&str]) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// Like [`join`], below the version of the API: catalogs list Glance and Neutron with it or without it.
pub fn join_versioned(endpoint: &Url, version: &str, segments: &[&str]) -> Url {
    join(&versioned(endpoint, version), segments)
}

/// The endpoint with the version of the API, whether or not the catalog lists it with one.
pub fn versioned(endpoint: &Url, version: &str) -> Url {
    let is_versioned =
        endpoint.path_segments().is_some_and(|mut path| path.any(|segment| segment == version));
    if is_versioned { endpoint.clone() } else { join(endpoint, &[version]) }
}

const SERVICES: [ServiceType; 5] = [
    ServiceType::Identity,
    ServiceType::Compute,
    ServiceType::Image,
    ServiceType::Network,
    ServiceType::BlockStorage,
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Endpoints {
    public: Option<Url>,
    internal: Option<Url>,
    admin: Option<Url>,
}

impl Endpoints {
    fn of(&self, interface: EndpointInterface) -> Option<&Url> {
        match interface {
            EndpointInterface::Public => self.public.as_ref(),
            EndpointInterface::Internal => self.internal.as_ref(),
            EndpointInterface::Admin => self.admin.as_ref(),
        }
    }
}

#[derive(Deserialize)]
struct EndpointEntry {
    interface: String,
    url: String,
    region_id: Option<String>,
    region: Option<String>,
}

fn is_usable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalog() -> ServiceCatalog {
        ServiceCatalog::parse(&json!({"token": {"catalog": [
            {"type": "compute", "name": "nova", "endpoints": [
                {"interface": "public", "region_id": "RegionTwo", "region": "RegionTwo", "url": "http://two:8774/v2.1"},
                {"interface": "internal", "region_id": "RegionOne", "url": "http://one.internal:8774/v2.1"},
                {"interface": "public", "region_id": "RegionOne", "url": "http://one:8774/v2.1/"},
                {"interface": "public", "region_id": "Region Three", "url": "http://three:8774/v2.1"},
                {"interface": "public", "region_id": "RegionFour", "url": "$(compute_url)s/v2.1"},
                {"interface": "sideways", "region_id": "RegionFive", "url": "http://five"},
            ]},
            {"type": "volumev3", "endpoints": [
                {"interface": "public", "region_id": "RegionOne", "url": "http://one:8776/v3/project"},
            ]},
            {"type": "block-storage", "endpoints": [
                {"interface": "public", "region_id": "RegionOne", "url": "http://one:8776/v3"},
            ]},
            {"type": "compute"},
            "nonsense",
        ]}}))
    }

    fn region(name: &str) -> Region {
        name.parse().expect("a region")
    }

    #[test]
    fn regions_come_by_name_and_unusable_entries_are_left_out() {
        let regions = catalog().regions(ServiceType::Compute, EndpointInterface::Public);
        assert_eq!(regions, [region("RegionOne"), region("RegionTwo")]);
        assert_eq!(
            catalog().regions(ServiceType::Compute, EndpointInterface::Internal),
            [region("RegionOne")]
        );
        assert!(catalog().regions(ServiceType::Network, EndpointInterface::Public).is_empty());
    }

    #[test]
    fn the_official_name_of_a_service_wins_over_its_aliases() {
        let catalog = catalog();
        let url =
            catalog.endpoint(ServiceType::BlockStorage, &region("RegionOne"), EndpointInterface::Public);
        assert_eq!(url.map(Url::as_str), Some("http://one:8776/v3"));
    }

    #[test]
    fn a_token_without_catalog_has_no_endpoints() {
        assert_eq!(
            ServiceCatalog::parse(&json!({"token": {"methods": ["password"]}})),
            ServiceCatalog::default()
        );
        assert_eq!(ServiceCatalog::parse(&json!(null)), ServiceCatalog::default());
    }

    #[test]
    fn a_path_is_joined_with_or_without_a_final_slash_and_keeps_its_segments_apart() {
        let url = |text: &str| Url::parse(text).expect("a url");
        assert_eq!(
            join(&url("http://one/v2.1/"), &["servers", "detail"]).as_str(),
            "http://one/v2.1/servers/detail"
        );
        assert_eq!(
            join(&url("http://one/v2.1"), &["servers", "a/../b"]).as_str(),
            "http://one/v2.1/servers/a%2F..%2Fb"
        );
        assert_eq!(join_versioned(&url("http://one"), "v2", &["images"]).as_str(), "http://one/v2/images");
        assert_eq!(
            join_versioned(&url("http://one/image/v2"), "v2", &["images"]).as_str(),
            "http://one/image/v2/images"
        );
    }
}
