//! Which services each region offers a project.

use std::collections::BTreeMap;

use api_types::{
    Region,
    projects::{ProjectServices, RegionServices},
};
use axum::{Json, extract::State};

use crate::{
    session::ProjectCaller,
    upstream::{ServiceType, UpstreamClient},
};

/// Lists the regions of a project by name, each with the services its catalog has there. Read from the token's own
/// catalog: no call goes out for it.
///
/// Errors: those of [`ProjectCaller`].
pub async fn list_services(
    caller: ProjectCaller,
    State(upstream): State<UpstreamClient>,
) -> Json<ProjectServices> {
    let interface = upstream.config().interface;
    let regions = |service| caller.scope.catalog.regions(service, interface);
    Json(ProjectServices { regions: by_region(regions) })
}

/// The names the browser calls services by, as in `/api/cloud/{region}/{service}`.
const SERVICES: [(ServiceType, &str); 4] = [
    (ServiceType::Compute, "compute"),
    (ServiceType::Image, "image"),
    (ServiceType::Network, "network"),
    (ServiceType::BlockStorage, "block-storage"),
];

fn by_region(regions_of: impl Fn(ServiceType) -> Vec<Region>) -> Vec<RegionServices> {
    let mut regions: BTreeMap<Region, Vec<String>> = BTreeMap::new();
    for (service, name) in SERVICES {
        for region in regions_of(service) {
            regions.entry(region).or_default().push(name.to_owned());
        }
    }
    regions.into_iter().map(|(region, services)| RegionServices { region, services }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{config::EndpointInterface, upstream::ServiceCatalog};

    #[test]
    fn each_region_names_the_services_of_its_catalog_in_one_order() {
        let endpoint =
            |region: &str| json!({"interface": "public", "region_id": region, "url": "http://c/v"});
        let catalog = ServiceCatalog::parse(&json!({"token": {"catalog": [
            {"type": "volumev3", "endpoints": [endpoint("RegionTwo")]},
            {"type": "compute", "endpoints": [endpoint("RegionTwo"), endpoint("RegionOne")]},
            {"type": "identity", "endpoints": [endpoint("RegionThree")]},
        ]}}));
        let regions = by_region(|service| catalog.regions(service, EndpointInterface::Public));
        let named: Vec<_> =
            regions.iter().map(|region| (region.region.as_str(), region.services.join(" "))).collect();
        assert_eq!(named, [("RegionOne", "compute".into()), ("RegionTwo", "compute block-storage".into())]);
    }
}
