//! The regions of a project and what each offers, for pages that ask the cloud through the proxy.

use api_types::{
    ProjectId, Region,
    projects::{ProjectServices, RegionServices},
    routes,
};
use web_sys::AbortSignal;

use crate::{
    api_client::{ApiError, Call},
    asked::{Asked, ask},
    cloud::Service,
    project::use_project,
};

/// The regions of the project on screen, by name.
pub fn use_regions() -> Asked<Vec<RegionServices>> {
    let project = use_project();
    ask(move |until| {
        let project = project.get()?;
        Some(Box::pin(async move { list_regions(&project, until).await }))
    })
}

/// Those of them that have a service.
pub fn with_service(regions: &[RegionServices], service: Service) -> Vec<Region> {
    let has = |region: &&RegionServices| region.services.iter().any(|name| name == service.key());
    regions.iter().filter(has).map(|region| region.region.clone()).collect()
}

async fn list_regions(
    project: &ProjectId,
    until: Option<AbortSignal>,
) -> Result<Vec<RegionServices>, ApiError> {
    let mut call = Call::get(routes::project_services(project));
    if let Some(until) = &until {
        call = call.until(until);
    }
    call.json::<ProjectServices>().await.map(|services| services.regions)
}
