//! Three kinds of emptiness, each with its own words: nothing there yet, nothing matches, nothing could be had.

use api_types::servers::RegionStatus;
use leptos::task::spawn_local;

use super::region_banner::{retry_button, retry_regions};
use crate::{
    features::servers::{
        connection::{Health, Reason},
        list_state::ListState,
        store::{Servers, use_servers_store},
        texts,
    },
    project::use_project,
    ui::{El, Icon, derived, el, element::icon, use_toasts},
};

/// Why there is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Emptiness {
    NothingYet,
    NoMatch,
    /// With a sentence that says why.
    Unreachable(String),
    /// These regions do not answer, of how many.
    Regions(Vec<String>, usize),
}

pub fn empty_states(state: ListState) -> El {
    let store = use_servers_store();
    let emptiness = derived(move || {
        let is_unfiltered = state.is_unfiltered();
        store.track(|servers| emptiness(servers, is_unfiltered)).flatten()
    });
    let (project, toasts) = (use_project(), use_toasts());
    let unreachable = move |title: &str, why: &str, regions: Vec<String>| {
        let retry = retry_button().on("click", move |_| {
            store.try_again();
            let Some(project) = project.get_untracked() else { return };
            let regions = regions.clone();
            spawn_local(async move { retry_regions(&project, regions, toasts).await });
        });
        vec![place("empty-unreachable", Icon::Alert, title, why).child(retry)]
    };
    let draw = move || match emptiness.get() {
        None => Vec::new(),
        Some(Emptiness::NothingYet) => {
            vec![place("empty-nothing-yet", Icon::Server, texts::NOTHING_YET, texts::NOTHING_YET_MORE)]
        }
        Some(Emptiness::NoMatch) => {
            let clear = el("button").attr("type", "button").class("button").text(texts::CLEAR_FILTERS);
            let clear = clear.on("click", move |_| state.clear());
            vec![place("empty-no-match", Icon::Search, texts::NO_MATCH, texts::NO_MATCH_MORE).child(clear)]
        }
        Some(Emptiness::Unreachable(why)) => unreachable(texts::UNREACHABLE, &why, Vec::new()),
        Some(Emptiness::Regions(failing, all)) if failing.len() == all => {
            unreachable(texts::UNREACHABLE, texts::REGIONS_UNREACHABLE_MORE, failing)
        }
        Some(Emptiness::Regions(failing, _)) => {
            unreachable(texts::PARTLY_UNREACHABLE, &texts::regions_unreachable(&failing), failing)
        }
    };
    el("div").class("empty-place").live_children(draw)
}

fn place(test_id: &str, of: Icon, title: &str, text: &str) -> El {
    el("div")
        .class("empty-state")
        .attr("data-testid", test_id)
        .child(icon(of))
        .child(el("h2").text(title))
        .child(el("p").text(text))
}

fn emptiness(servers: &Servers, is_unfiltered: bool) -> Option<Emptiness> {
    if !servers.view.is_empty() {
        return None;
    }
    if servers.view.total() == 0 {
        if let Some(Reason::Refused { message, .. }) = &servers.refusal {
            return Some(Emptiness::Unreachable(message.clone()));
        }
        if servers.connection == Health::Unreachable {
            return Some(Emptiness::Unreachable(texts::UNREACHABLE_MORE.to_owned()));
        }
    }
    if !servers.is_complete() {
        return None;
    }
    if servers.view.total() > 0 {
        return Some(Emptiness::NoMatch);
    }
    let regions = servers.rows.regions();
    let failing = regions.iter().filter(|region| {
        region.state.as_ref().is_some_and(|state| state.status == RegionStatus::Unreachable)
    });
    let failing: Vec<_> = failing.map(|region| region.name.to_string()).collect();
    if !failing.is_empty() {
        // An outage must never look like an empty list.
        Some(Emptiness::Regions(failing, regions.len()))
    } else if is_unfiltered {
        Some(Emptiness::NothingYet)
    } else {
        Some(Emptiness::NoMatch)
    }
}
