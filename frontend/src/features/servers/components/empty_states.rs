//! Three kinds of emptiness, each with its own words: nothing there yet, nothing matches, nothing could be had.

use api_types::servers::RegionStatus;
use leptos::prelude::*;

use crate::{
    features::servers::{
        connection::{Health, Reason},
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{Button, EmptyState, Icon},
};

/// Why there is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Emptiness {
    NothingYet,
    NoMatch,
    /// With a sentence that says why.
    Unreachable(String),
}

#[component]
pub fn EmptyStates(#[prop(into)] is_unfiltered: Signal<bool>, on_clear: Callback<()>) -> impl IntoView {
    let store = use_servers_store();
    let emptiness = Memo::new(move |_| {
        let is_unfiltered = is_unfiltered.get();
        store.track(|servers| emptiness(servers, is_unfiltered)).flatten()
    });
    move || {
        emptiness.get().map(|emptiness| match emptiness {
            Emptiness::NothingYet => view! {
                <EmptyState icon=Icon::Server title=texts::NOTHING_YET test_id="empty-nothing-yet">
                    <p>{texts::NOTHING_YET_MORE}</p>
                </EmptyState>
            }
            .into_any(),
            Emptiness::NoMatch => view! {
                <EmptyState icon=Icon::Search title=texts::NO_MATCH test_id="empty-no-match">
                    <p>{texts::NO_MATCH_MORE}</p>
                    <Button on_press=on_clear>{texts::CLEAR_FILTERS}</Button>
                </EmptyState>
            }
            .into_any(),
            Emptiness::Unreachable(why) => view! {
                <EmptyState icon=Icon::Alert title=texts::UNREACHABLE test_id="empty-unreachable">
                    <p>{why}</p>
                    <Button icon=Icon::Refresh on_press=Callback::new(move |()| store.try_again())>
                        {texts::RETRY}
                    </Button>
                </EmptyState>
            }
            .into_any(),
        })
    }
}

fn emptiness(servers: &Servers, is_unfiltered: bool) -> Option<Emptiness> {
    if !servers.view.is_empty() {
        return None;
    }
    if let Some(Reason::Refused { message, .. }) = &servers.refusal {
        return Some(Emptiness::Unreachable(message.clone()));
    }
    if servers.connection == Health::Unreachable {
        return Some(Emptiness::Unreachable(texts::UNREACHABLE_MORE.to_owned()));
    }
    if !servers.is_complete() {
        return None;
    }
    let regions = servers.rows.regions();
    let failing = regions.iter().filter(|region| {
        region.state.as_ref().is_some_and(|state| state.status == RegionStatus::Unreachable)
    });
    if servers.view.total() > 0 {
        Some(Emptiness::NoMatch)
    } else if failing.count() > 0 {
        // An outage must never look like an empty list.
        Some(Emptiness::Unreachable(texts::REGIONS_UNREACHABLE_MORE.to_owned()))
    } else if is_unfiltered {
        Some(Emptiness::NothingYet)
    } else {
        Some(Emptiness::NoMatch)
    }
}
