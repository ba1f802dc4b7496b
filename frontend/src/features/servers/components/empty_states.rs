//! Three kinds of emptiness, each with its own words: nothing there yet, nothing matches, nothing could be had.

use api_types::servers::RegionStatus;
use leptos::prelude::*;

use crate::{
    features::servers::{
        connection::{Health, Reason},
        list_state::ListState,
        store::{Servers, use_servers_store},
        texts,
    },
    ui::{El, Icon, el, element::icon},
};

/// Why there is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Emptiness {
    NothingYet,
    NoMatch,
    /// With a sentence that says why.
    Unreachable(String),
}

pub fn empty_states(state: ListState) -> El {
    let store = use_servers_store();
    let emptiness = Memo::new(move |_| {
        let is_unfiltered = state.is_unfiltered();
        store.track(|servers| emptiness(servers, is_unfiltered)).flatten()
    });
    let draw = move || match emptiness.get() {
        None => Vec::new(),
        Some(Emptiness::NothingYet) => {
            vec![place("empty-nothing-yet", Icon::Server, texts::NOTHING_YET, texts::NOTHING_YET_MORE)]
        }
        Some(Emptiness::NoMatch) => {
            let clear = button().text(texts::CLEAR_FILTERS).on("click", move |_| state.clear());
            vec![place("empty-no-match", Icon::Search, texts::NO_MATCH, texts::NO_MATCH_MORE).child(clear)]
        }
        Some(Emptiness::Unreachable(why)) => {
            let retry = button().child(icon(Icon::Refresh)).text(texts::RETRY);
            let retry = retry.on("click", move |_| store.try_again());
            vec![place("empty-unreachable", Icon::Alert, texts::UNREACHABLE, &why).child(retry)]
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

fn button() -> El {
    el("button").attr("type", "button").class("button")
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
