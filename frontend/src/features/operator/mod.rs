//! The operator's console: what the panel and the cloud did for whom. A part of its own, with a frame that says where
//! one is; whoever is no operator finds nothing here.

mod analytics;
mod customers;
mod frame;
mod health;
mod logs;
mod statistics;
mod support_view;
mod texts;

use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

use crate::{
    router::Router,
    session::use_session,
    ui::{derived, el, loaded::lines, part::Part},
};
use frame::{Section, console_frame};

/// The sections: one line each. `path` is what follows `/operator/`; a section may have pages below it.
const SECTIONS: &[Section] = &[
    Section {
        path: "logs",
        name: "Logs",
        icon: include_str!("../../../../assets/icons/log.svg"),
        page: || logs::logs_page().into_any(),
    },
    Section {
        path: "customers",
        name: "Customers",
        icon: include_str!("../../../../assets/icons/people.svg"),
        page: || customers::customers_page().into_any(),
    },
    Section {
        path: "statistics",
        name: "Statistics",
        icon: include_str!("../../../../assets/icons/chart.svg"),
        page: || statistics::statistics_page().into_any(),
    },
    Section {
        path: "analytics",
        name: "Analytics",
        icon: include_str!("../../../../assets/icons/bars.svg"),
        page: || analytics::analytics_page().into_any(),
    },
    Section {
        path: "health",
        name: "Health",
        icon: include_str!("../../../../assets/icons/pulse.svg"),
        page: || health::health_page().into_any(),
    },
];

/// Keeps true what stands over every page of a support view.
#[wasm_split(operator, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn watch_support_view(router: Router) -> Result<(), SplitLoaderError> {
    support_view::watch(router);
    Ok(())
}

/// The console for operators; for everybody else what `not_found` draws.
#[wasm_split(operator, wasm_split_path = ::leptos::wasm_split, fallible)]
pub fn console(not_found: fn() -> AnyView) -> Part {
    let session = use_session();
    let is_operator = derived(move || session.current().map(|current| current.is_operator));
    let page = move || {
        Some(match is_operator.get() {
            Some(true) => untrack(|| console_frame(SECTIONS, not_found)),
            Some(false) => untrack(not_found),
            None => lines(6).into_any(),
        })
    };
    Ok(el("div").class("page").live_view(page).into_any())
}
