//! A region that fails is one calm line with its reason, its age and a way to try again. It stands below the rows,
//! so that none of them moves when it comes or goes.

use api_types::{Region, servers::RegionStatus};
use leptos::{prelude::*, task::spawn_local};

use super::region_summary::{ShownRegion, shown_regions, status_key};
use crate::{
    features::servers::{api, store::use_servers_store, texts},
    project::use_project,
    ui::{Banner, BannerKind, Button, Icon, format, use_toasts},
};

#[component]
pub fn RegionBanners() -> impl IntoView {
    let store = use_servers_store();
    let failing = Memo::new(move |_| {
        let mut regions = store.track(shown_regions).unwrap_or_default();
        regions.retain(|region| matches!(region.status, RegionStatus::Stale | RegionStatus::Unreachable));
        regions
    });
    view! {
        <div class="region-banners">
            <For each=move || failing.get() key=|region| (region.name.clone(), status_key(region.status)) let:region>
                <RegionBanner region failing />
            </For>
        </div>
    }
}

#[component]
fn RegionBanner(region: ShownRegion, failing: Memo<Vec<ShownRegion>>) -> impl IntoView {
    let project = use_project();
    let toasts = use_toasts();
    let is_asking = RwSignal::new(false);
    let name = region.name.clone();
    let (of_name, to_retry) = (name.clone(), name.clone());
    let now = use_seconds();
    let latest = Memo::new(move |_| {
        failing.read().iter().find(|region| region.name == of_name).cloned().unwrap_or_else(|| region.clone())
    });
    let retry = Callback::new(move |()| {
        let (Some(project), Ok(region)) = (project.get_untracked(), to_retry.parse::<Region>()) else {
            return;
        };
        is_asking.set(true);
        spawn_local(async move {
            let outcome = api::retry_region(&project, &region).await;
            // The banner is gone once the region has answered.
            _ = is_asking.try_set(false);
            if let Err(error) = outcome {
                toasts.fail(error.message(), error.request_id().map(str::to_owned));
            }
        });
    });
    let actions = move || {
        view! {
            <Button icon=Icon::Refresh busy=is_asking on_press=retry>
                {texts::RETRY}
            </Button>
        }
    };
    view! {
        <div
            data-testid="region-banner"
            data-region=name
            data-status=move || status_key(latest.read().status)
        >
            <Banner kind=BannerKind::Warning actions>
                <p>{move || sentence(&latest.read(), now.get())}</p>
            </Banner>
        </div>
    }
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
