//! The regions at a glance: how many servers each has, and how fresh that is.

use api_types::servers::RegionStatus;
use leptos::prelude::*;

use crate::{
    features::servers::{
        connection::Health,
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{
        El, Held, derived, el, format,
        time::{use_now, use_seconds},
    },
};

/// A region as the page tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRegion {
    pub name: String,
    pub status: RegionStatus,
    pub rows: usize,
    pub expected: usize,
    /// When it last answered in full, in seconds since 1970; `None` if it never did.
    pub answered_at: Option<i64>,
    /// When it is asked again, in seconds since 1970.
    pub retry_at: Option<i64>,
    pub reason: Option<String>,
}

/// The regions as they stand, in the stream's order.
pub fn shown_regions(servers: &Servers) -> Vec<ShownRegion> {
    let regions = servers.rows.regions().iter().zip(&servers.region_heard_at);
    regions
        .map(|(region, heard_at)| {
            let state = region.state.as_ref();
            // What the stream says is an age at the time it was said.
            let seconds = |ms: u64| i64::try_from(ms / 1_000).unwrap_or(0);
            ShownRegion {
                name: region.name.to_string(),
                status: state.map_or(RegionStatus::Loading, |state| state.status),
                rows: region.rows,
                expected: state.and_then(|state| state.expected).unwrap_or(0) as usize,
                answered_at: state.and_then(|state| state.age_ms).map(|age| heard_at - seconds(age)),
                retry_at: state.and_then(|state| state.retry_in_ms).map(|wait| heard_at + seconds(wait)),
                reason: state.and_then(|state| state.failure.as_ref()).map(|failure| failure.message.clone()),
            }
        })
        .collect()
}

/// The regions of the store, changed only when one of them did.
pub fn use_shown_regions() -> Held<Vec<ShownRegion>> {
    let store = use_servers_store();
    derived(move || store.track(shown_regions).unwrap_or_default())
}

pub fn region_summary() -> El {
    let store = use_servers_store();
    let regions = derived(move || store.track_beside(shown_regions).unwrap_or_default());
    let freshness = derived(move || {
        let health = store.track_beside(|servers| servers.connection).unwrap_or(Health::Live);
        regions.with(|regions| freshness(regions, health)).to_owned()
    });
    let chips = move || regions.with(|regions| regions.iter().cloned().map(chip).collect());
    let told = el("span")
        .class("region-chip freshness")
        .attr("role", "status")
        .live_class("lost", move || !matches!(freshness.get().as_str(), "" | texts::UP_TO_DATE))
        .live_text(move || freshness.get());
    el("div")
        .class("region-summary")
        // It scrolls where the window is narrow.
        .attr("role", "group")
        .attr("aria-label", texts::REGIONS)
        .attr("tabindex", "0")
        .child(el("ul").live_children(chips))
        .child(told)
}

/// How true all of it is, where one word holds for every region.
fn freshness(regions: &[ShownRegion], health: Health) -> &'static str {
    match health {
        Health::Reconnecting => texts::RECONNECTING,
        Health::Unreachable | Health::Ended => texts::NOT_UPDATED,
        Health::Live if regions.is_empty() => "",
        Health::Live if regions.iter().all(|region| region.status == RegionStatus::Complete) => {
            texts::UP_TO_DATE
        }
        Health::Live => "",
    }
}

fn chip(region: ShownRegion) -> El {
    // The age of what is shown stands in the banner too, and is to be the same.
    let now = if region.status == RegionStatus::Stale { use_seconds() } else { use_now() };
    let of_tip = region.clone();
    el("li")
        .class("region-chip")
        .attr("data-status", status_key(region.status))
        .attr("data-testid", "region-chip")
        .attr("data-region", &region.name)
        .live_attr("title", move || Some(tip_of(&of_tip, now.get())))
        .child(el("span").class("region-dot").attr("aria-hidden", "true"))
        .child(el("span").class("region-name").text(&region.name))
        .child(el("span").class("region-words numbers").live_text(move || words_of(&region, now.get())))
}

/// The status as attributes name it.
pub fn status_key(status: RegionStatus) -> &'static str {
    match status {
        RegionStatus::Loading => "loading",
        RegionStatus::Complete => "complete",
        RegionStatus::Stale => "stale",
        RegionStatus::Unreachable => "unreachable",
    }
}

fn words_of(region: &ShownRegion, now: i64) -> String {
    let rows = format::number(region.rows as u64);
    match region.status {
        RegionStatus::Complete => rows,
        RegionStatus::Loading if region.expected > region.rows => {
            texts::of(&rows, &format::number(region.expected as u64))
        }
        RegionStatus::Loading => texts::LOADING.to_owned(),
        RegionStatus::Stale => match region.answered_at {
            Some(at) => texts::as_of(&rows, &format::ago(at, now)),
            None => rows,
        },
        RegionStatus::Unreachable => texts::NO_ANSWER.to_owned(),
    }
}

fn tip_of(region: &ShownRegion, now: i64) -> String {
    match (region.status, region.answered_at) {
        (RegionStatus::Complete, None) => texts::UP_TO_DATE.to_owned(),
        (_, Some(at)) => texts::last_answer(&format::ago(at, now)),
        (RegionStatus::Loading, None) => texts::LOADING.to_owned(),
        (_, None) => region.reason.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(status: RegionStatus) -> ShownRegion {
        ShownRegion {
            name: "RegionOne".to_owned(),
            status,
            rows: 1_200,
            expected: 3_333,
            answered_at: Some(880),
            retry_at: None,
            reason: None,
        }
    }

    #[test]
    fn a_chip_says_what_is_there_and_how_far_it_can_be_trusted() {
        assert_eq!(words_of(&region(RegionStatus::Complete), 1_000), "1,200");
        assert_eq!(words_of(&region(RegionStatus::Loading), 1_000), "1,200 of 3,333");
        assert_eq!(words_of(&region(RegionStatus::Stale), 1_000), "1,200, 2 minutes ago");
        assert_eq!(words_of(&region(RegionStatus::Unreachable), 1_000), "no answer");
    }

    #[test]
    fn a_list_that_nobody_keeps_true_is_never_called_up_to_date() {
        let complete = [region(RegionStatus::Complete), region(RegionStatus::Complete)];
        assert_eq!(freshness(&complete, Health::Live), "Up to date");
        assert_eq!(freshness(&complete, Health::Reconnecting), "Connection lost, trying again");
        assert_eq!(freshness(&complete, Health::Unreachable), "No longer updated");
        assert_eq!(freshness(&complete, Health::Ended), "No longer updated");
        let partly = [region(RegionStatus::Complete), region(RegionStatus::Stale)];
        assert_eq!(freshness(&partly, Health::Live), "");
        assert_eq!(freshness(&[], Health::Live), "");
    }
}
