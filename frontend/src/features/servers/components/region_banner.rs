//! A region that fails is one calm line with its reason, its age and a way to try again; so is a connection that is
//! given up. They stand below the rows, so that none of them moves when one comes or goes.

use api_types::{ProjectId, Region, servers::RegionStatus};
use leptos::{prelude::*, task::spawn_local};

use super::region_summary::{ShownRegion, status_key, use_shown_regions};
use crate::{
    features::servers::{
        api,
        connection::{Health, Reason},
        store::{Servers, use_servers_store},
        texts,
    },
    project::use_project,
    ui::{
        El, Held, Icon, derived, el, element::icon, format, time::use_seconds, toast::ToastBox, use_toasts,
    },
};

pub fn region_banners() -> El {
    let store = use_servers_store();
    let stopped = derived(move || store.track(why_stopped).flatten().unwrap_or_default());
    let stopped = move || {
        let why = stopped.get();
        if why.is_empty() {
            return Vec::new();
        }
        let retry = retry_button().on("click", move |_| store.try_again());
        vec![el("div").attr("data-testid", "stopped-banner").child(line(el("span").text(&why), retry))]
    };
    let regions = use_shown_regions();
    let is_failing =
        |region: &&ShownRegion| matches!(region.status, RegionStatus::Stale | RegionStatus::Unreachable);
    // A banner stays the same element while its region goes on failing; only its words follow.
    let failing = derived(move || {
        regions.with(|regions| {
            regions.iter().filter(is_failing).map(|region| region.name.clone()).collect::<Vec<_>>()
        })
    });
    let banners = move || failing.get().into_iter().map(|name| banner(name, regions)).collect();
    el("div")
        .class("region-banners")
        .child(el("div").live_children(stopped))
        .child(el("div").live_children(banners))
}

/// Asks regions again now, and says which cannot be asked.
pub async fn retry_regions(project: &ProjectId, regions: Vec<String>, toasts: ToastBox) {
    for region in regions.iter().filter_map(|region| region.parse::<Region>().ok()) {
        if let Err(error) = api::retry_region(project, &region).await {
            toasts.fail(error.message(), error.request_id().map(str::to_owned));
        }
    }
}

pub fn retry_button() -> El {
    el("button").attr("type", "button").class("button").child(icon(Icon::Refresh)).text(texts::RETRY)
}

/// Why the rows on screen no longer follow the cloud. Where there are none, the empty list says it.
fn why_stopped(servers: &Servers) -> Option<String> {
    let why = match (&servers.refusal, servers.connection) {
        (Some(Reason::Refused { message, .. }), _) => message,
        (Some(Reason::SignedOut), _) => texts::SESSION_OVER,
        (None, Health::Unreachable) => texts::UNREACHABLE_MORE,
        (None, _) => return None,
    };
    (servers.view.total() > 0).then(|| format!("{why} {}", texts::SHOWN_AS_LEFT))
}

fn banner(name: String, regions: Held<Vec<ShownRegion>>) -> El {
    let now = use_seconds();
    let (of_what, of_when, of_status, to_retry) = (name.clone(), name.clone(), name.clone(), name.clone());
    // Read aloud when it is another, not whenever the region is heard of.
    let what = derived(move || {
        regions.with(|regions| find(regions, &of_what).map(what_happened)).unwrap_or_default()
    });
    let when = move || {
        let when = |region: &ShownRegion| how_long(region, now.get());
        regions.with(|regions| find(regions, &of_when).map(when)).unwrap_or_default()
    };
    let status = move || {
        let key = |region: &ShownRegion| status_key(region.status).to_owned();
        regions.with(|regions| find(regions, &of_status).map(key))
    };
    let is_asking = RwSignal::new(false);
    let (project, toasts) = (use_project(), use_toasts());
    let retry = move |_| {
        let Some(project) = project.get_untracked().filter(|_| !is_asking.get_untracked()) else { return };
        is_asking.set(true);
        let regions = vec![to_retry.clone()];
        spawn_local(async move {
            retry_regions(&project, regions, toasts).await;
            // The banner is gone once the region has answered.
            _ = is_asking.try_set(false);
        });
    };
    let button = retry_button()
        .live_class("busy", move || is_asking.get())
        .live_attr("aria-busy", move || is_asking.get().then(|| "true".to_owned()))
        .on("click", retry);
    // Its age and the seconds until the next try change all the time: they are read, not said.
    let words = el("span")
        .child(el("span").attr("role", "status").live_text(move || what.get()))
        .text(" ")
        .child(el("span").live_text(when));
    el("div")
        .attr("data-testid", "region-banner")
        .attr("data-region", &name)
        .live_attr("data-status", status)
        .child(line(words, button))
}

fn line(words: El, button: El) -> El {
    el("div")
        .class("banner warning")
        .child(icon(Icon::Alert))
        .child(el("div").class("banner-text foreign").child(el("p").child(words)))
        .child(el("div").class("banner-actions").child(button))
}

fn find<'r>(regions: &'r [ShownRegion], name: &str) -> Option<&'r ShownRegion> {
    regions.iter().find(|region| region.name == name)
}

/// What happened, and what it means for the list.
fn what_happened(region: &ShownRegion) -> String {
    let reason = region.reason.clone().unwrap_or_else(|| texts::region_unreachable(&region.name));
    match (region.status, region.rows) {
        (RegionStatus::Unreachable, 0) => format!("{reason} {}", texts::REGION_MISSING),
        (RegionStatus::Unreachable, _) => format!("{reason} {}", texts::REGION_PARTLY_MISSING),
        _ => reason,
    }
}

/// Since when it has been so, and when it is tried again.
fn how_long(region: &ShownRegion, now: i64) -> String {
    let age = region.answered_at.filter(|_| region.status == RegionStatus::Stale);
    let age = age.map(|at| texts::region_stale(&format::ago(at, now)));
    let next = region.retry_at.map(|at| texts::next_try(u64::try_from(at - now).unwrap_or(0)));
    age.into_iter().chain(next).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(status: RegionStatus, rows: usize) -> ShownRegion {
        ShownRegion {
            name: "RegionTwo".to_owned(),
            status,
            rows,
            expected: 0,
            answered_at: Some(1_000),
            retry_at: Some(1_132),
            reason: Some("Compute in RegionTwo did not answer within 5 seconds.".to_owned()),
        }
    }

    #[test]
    fn a_banner_says_why_what_is_shown_instead_and_when_it_is_tried_again() {
        let stale = region(RegionStatus::Stale, 10);
        assert_eq!(what_happened(&stale), "Compute in RegionTwo did not answer within 5 seconds.");
        assert_eq!(
            how_long(&stale, 1_120),
            "Its servers are shown as they were 2 minutes ago. Next try in 12 s."
        );
        let missing = region(RegionStatus::Unreachable, 0);
        assert_eq!(
            what_happened(&missing),
            "Compute in RegionTwo did not answer within 5 seconds. Its servers are missing here."
        );
        assert_eq!(how_long(&missing, 1_140), "Trying again now.");
    }

    #[test]
    fn a_region_that_fails_without_a_reason_is_still_named() {
        let silent = ShownRegion { reason: None, retry_at: None, ..region(RegionStatus::Unreachable, 3) };
        assert_eq!(
            what_happened(&silent),
            "RegionTwo does not answer. Some of its servers are missing here."
        );
        assert_eq!(how_long(&silent, 1_120), "");
    }

    #[test]
    fn what_is_said_aloud_stays_while_the_seconds_pass() {
        let stale = region(RegionStatus::Stale, 10);
        assert_ne!(how_long(&stale, 1_120), how_long(&stale, 1_121));
        assert_eq!(
            what_happened(&stale),
            what_happened(&ShownRegion { retry_at: Some(1_500), ..stale.clone() })
        );
    }
}
