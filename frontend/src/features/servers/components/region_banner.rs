//! A region that fails is one calm line with its reason, its age and a way to try again. It stands below the rows,
//! so that none of them moves when it comes or goes.

use api_types::{Region, servers::RegionStatus};
use leptos::{prelude::*, task::spawn_local};

use super::region_summary::{ShownRegion, status_key, use_shown_regions};
use crate::{
    features::servers::{api, texts},
    project::use_project,
    ui::{El, Icon, el, element::icon, format, use_toasts},
};

pub fn region_banners() -> El {
    let regions = use_shown_regions();
    let is_failing =
        |region: &&ShownRegion| matches!(region.status, RegionStatus::Stale | RegionStatus::Unreachable);
    // A banner stays the same element while its region goes on failing; only its words follow.
    let failing = Memo::new(move |_| {
        regions.read().iter().filter(is_failing).map(|region| region.name.clone()).collect::<Vec<_>>()
    });
    let banners = move || failing.get().into_iter().map(|name| banner(name, regions)).collect();
    el("div").class("region-banners").live_children(banners)
}

fn banner(name: String, regions: Memo<Vec<ShownRegion>>) -> El {
    let now = use_seconds();
    let (of_words, of_status, to_retry) = (name.clone(), name.clone(), name.clone());
    let words = move || {
        find(&regions.read(), &of_words).map_or_else(String::new, |region| sentence(region, now.get()))
    };
    let status = move || find(&regions.read(), &of_status).map(|region| status_key(region.status).to_owned());
    let is_asking = RwSignal::new(false);
    let (project, toasts) = (use_project(), use_toasts());
    let retry = move |_| {
        let (Some(project), Ok(region)) = (project.get_untracked(), to_retry.parse::<Region>()) else {
            return;
        };
        if is_asking.get_untracked() {
            return;
        }
        is_asking.set(true);
        spawn_local(async move {
            let outcome = api::retry_region(&project, &region).await;
            // The banner is gone once the region has answered.
            _ = is_asking.try_set(false);
            if let Err(error) = outcome {
                toasts.fail(error.message(), error.request_id().map(str::to_owned));
            }
        });
    };
    let button = el("button")
        .attr("type", "button")
        .class("button")
        .live_class("busy", move || is_asking.get())
        .live_attr("aria-busy", move || is_asking.get().then(|| "true".to_owned()))
        .child(icon(Icon::Refresh))
        .text(texts::RETRY)
        .on("click", retry);
    let words = el("div").class("banner-text foreign").child(el("p").live_text(words));
    let line = el("div")
        .class("banner warning")
        .attr("role", "status")
        .child(icon(Icon::Alert))
        .child(words)
        .child(el("div").class("banner-actions").child(button));
    el("div")
        .attr("data-testid", "region-banner")
        .attr("data-region", &name)
        .live_attr("data-status", status)
        .child(line)
}

fn find<'r>(regions: &'r [ShownRegion], name: &str) -> Option<&'r ShownRegion> {
    regions.iter().find(|region| region.name == name)
}

/// What happened, what it means for the list, and when it is tried again.
fn sentence(region: &ShownRegion, now: i64) -> String {
    let mut sentences = vec![match &region.reason {
        Some(reason) => reason.clone(),
        None => texts::region_unreachable(&region.name),
    }];
    match (region.status, region.answered_at) {
        (RegionStatus::Stale, Some(at)) => sentences.push(texts::region_stale(&format::ago(at, now))),
        (RegionStatus::Unreachable, _) if region.rows == 0 => {
            sentences.push(texts::REGION_MISSING.to_owned())
        }
        (RegionStatus::Unreachable, _) => sentences.push(texts::REGION_PARTLY_MISSING.to_owned()),
        _ => {}
    }
    sentences.extend(region.retry_at.map(|at| texts::next_try(u64::try_from(at - now).unwrap_or(0))));
    sentences.join(" ")
}

/// Seconds since 1970, every second: for a countdown.
fn use_seconds() -> Signal<i64> {
    let now = RwSignal::new(format::now());
    let tick = move || _ = now.try_set(format::now());
    if let Ok(timer) = set_interval_with_handle(tick, std::time::Duration::from_secs(1)) {
        on_cleanup(move || timer.clear());
    }
    now.into()
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
        assert_eq!(
            sentence(&region(RegionStatus::Stale, 10), 1_120),
            "Compute in RegionTwo did not answer within 5 seconds. Its servers are shown as they were 2 minutes ago. \
             Next try in 12 s."
        );
        assert_eq!(
            sentence(&region(RegionStatus::Unreachable, 0), 1_140),
            "Compute in RegionTwo did not answer within 5 seconds. Its servers are missing here. Trying again now."
        );
    }

    #[test]
    fn a_region_that_fails_without_a_reason_is_still_named() {
        let silent = ShownRegion { reason: None, retry_at: None, ..region(RegionStatus::Unreachable, 3) };
        assert_eq!(
            sentence(&silent, 1_120),
            "RegionTwo does not answer. Some of its servers are missing here."
        );
    }
}
