//! A card for each region, in it a bar for each quota, service by service: what one service does not say takes nothing
//! from the others.

use api_types::{Region, projects::RegionServices};
use leptos::prelude::*;
use web_sys::AbortSignal;

use super::quota_sets::{Quota, compute_quotas, network_quotas, volume_quotas};
use crate::{
    api_client::ApiError,
    asked::{Answering, ask},
    cloud::{Cloud, CloudError, Service},
    project::use_project,
    regions::use_regions,
    ui::{
        El, Failure, Held, Icon, Page, derived, el,
        element::icon,
        loaded::{lines, retry_button},
        page::page_header,
    },
    usage_bar::bar,
};

#[component]
pub fn QuotasPage() -> impl IntoView {
    let regions = use_regions();
    let title = Signal::stored(TITLE.to_owned());
    let body = el("div").class("page-body").child(el("p").class("page-about").text(ABOUT)).child(
        regions.drawn(|regions| el("div").class("region-cards").children(regions.iter().map(card).collect())),
    );
    let refresh = el("button")
        .attr("type", "button")
        .class("button")
        .child(icon(Icon::Refresh))
        .text("Refresh")
        .on("click", move |_| regions.refetch());
    view! { <Page title>{vec![page_header(title, None, Vec::new(), vec![refresh]), body]}</Page> }
}

const TITLE: &str = "Quotas";
const ABOUT: &str = "How much of each region this project may use, and how much of it is in use. Your provider sets the \
                     limits.";

fn card(region: &RegionServices) -> El {
    let has = |service: Service| region.services.iter().any(|name| name == service.key());
    let mut parts = Vec::new();
    if has(Service::Compute) {
        parts.push(part("Compute", &region.region, async |cloud, until| compute_quotas(cloud, until).await));
    }
    if has(Service::BlockStorage) {
        parts.push(part("Volumes", &region.region, async |cloud, until| volume_quotas(cloud, until).await));
    }
    if has(Service::Network) {
        parts.push(part("Network", &region.region, async |cloud, until| network_quotas(cloud, until).await));
    }
    el("section")
        .class("card region-card")
        .attr("data-region", region.region.as_str())
        .child(el("h2").class("foreign").text(region.region.as_str()))
        .children(parts)
}

/// The quotas of one service.
fn part<F: Future<Output = Result<Vec<Quota>, CloudError>> + 'static>(
    name: &'static str,
    region: &Region,
    list: impl Fn(Cloud, Option<AbortSignal>) -> F + 'static,
) -> El {
    let project = use_project();
    let region = region.clone();
    let place = region.clone();
    let quotas = ask(move |until| {
        let listing = list(Cloud::new(&project.get()?, &region), until);
        Some(Box::pin(async move { listing.await.map_err(ApiError::from) }) as Answering<Vec<Quota>>)
    });
    let failure: Held<Option<Failure>> = derived(move || quotas.failure().map(Failure::from));
    let place = place.to_string();
    let draw = move || match (quotas.with(|quotas| quotas.map(|quotas| rows(&place, quotas))), failure.get())
    {
        (Some(rows), None) => rows,
        (Some(rows), Some(failure)) => [gap(&failure, quotas)].into_iter().chain(rows).collect(),
        (None, Some(failure)) => vec![gap(&failure, quotas)],
        (None, None) => vec![lines(3)],
    };
    el("div")
        .class("quota-part")
        .child(el("h3").text(name))
        .child(el("div").class("quota-rows").live_children(draw))
}

fn gap(failure: &Failure, quotas: crate::asked::Asked<Vec<Quota>>) -> El {
    el("div")
        .class("offer-failed")
        .attr("role", "status")
        .child(el("p").class("foreign").text("Not known now. ").text(&failure.message))
        .child(retry_button(Callback::new(move |()| quotas.refetch())))
}

fn rows(region: &str, quotas: &[Quota]) -> Vec<El> {
    let row = |quota: &Quota| {
        let used = quota.unit.told(quota.room.used);
        let words = match quota.room.limit {
            Some(limit) => format!("{used} of {}", quota.unit.told(limit)),
            None => format!("{used}, no limit"),
        };
        let label = format!("{} in {region}: {words}", quota.name);
        let percent = quota.room.percent();
        el("div")
            .class("room")
            .attr("data-quota", quota.name)
            .child(el("span").text(quota.name))
            .child(el("span").class("numbers room-words").text(&words))
            .child_if(percent.map(|percent| bar(&label, percent, false)))
    };
    quotas.iter().map(row).collect()
}
