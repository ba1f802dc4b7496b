//! Looking for somebody. What is looked for stands in the address, so that it can be handed on.

use api_types::operator::customers::{CustomersFound, SignInFailures};
use leptos::prelude::*;
use web_sys::Event;

use super::{
    api, card,
    failures::failures_view,
    followed, keystone_note, live_card, nothing,
    place::PATH,
    renewed,
    rows::{found_person_row, project_rows},
    support::Support,
    texts,
};
use crate::{
    asked::{Asked, ask},
    router::{Step, use_router, value_of},
    ui::{
        El, Icon, Page, derived, el, element::icon, empty_state::empty_state, page::page_header, table::table,
    },
};

pub fn find_page() -> impl IntoView {
    let router = use_router();
    let search = router.search();
    let wanted = derived(move || search.with(|search| value_of(search, "search")).unwrap_or_default());
    let found = ask(move |until| {
        let wanted = wanted.get();
        if wanted.trim().is_empty() {
            return None;
        }
        Some(Box::pin(api::find(wanted, until)))
    });
    // Whom one may sign out or let in again is never somebody looked for before.
    let found = found.forgotten_when(move || wanted.with(|_| ()));
    let support = Support::new();
    // Short, and always there: what is found is not read aloud as a whole, and nobody waits for it in vain.
    let count = el("p")
        .class("page-about numbers")
        .attr("role", "status")
        .attr("tabindex", "-1")
        .live_text(move || found.with(|found| found.map(texts::found).unwrap_or_default()));
    let next = count.clone();
    let results = move || {
        let next = next.clone();
        Some(if wanted.with(|wanted| wanted.trim().is_empty()) {
            let about = el("p").text(texts::NOT_ASKED);
            empty_state(Icon::User, texts::NOT_ASKED_TITLE, "customers-not-asked").child(about).into_any()
        } else {
            followed(found, move || results(found, support, &next)).into_any()
        })
    };
    let typed = RwSignal::new(wanted.get_untracked());
    let input = el("input")
        .class("input")
        .attr("type", "search")
        .attr("aria-label", texts::SEARCH)
        .attr("placeholder", texts::SEARCH)
        .attr("autocomplete", "off")
        .attr("spellcheck", "false")
        .attr("maxlength", "100");
    let input = crate::ui::field::holds_value(input, typed);
    let button = el("button").attr("type", "submit").class("button primary").text(texts::FIND);
    let form = el("form")
        .class("customer-search")
        .attr("role", "search")
        .child(el("div").class("log-search").child(icon(Icon::Search)).child(input))
        .child(button)
        .on("submit", move |event: Event| {
            event.prevent_default();
            let text = typed.get_untracked();
            let encoded = String::from(js_sys::encode_uri_component(text.trim()));
            router.go(&format!("{PATH}?search={encoded}"), Step::Push);
        });
    let title = Signal::stored(texts::TITLE.to_owned());
    let body = el("div")
        .class("page-body customers-page")
        .attr("data-testid", "customers")
        .child(el("p").class("page-about").text(texts::ABOUT))
        .child(form)
        .child(count)
        .child(el("div").live_view(results))
        .child(support.dialog());
    view! { <Page title>{vec![page_header(title, None, Vec::new(), Vec::new()), body]}</Page> }
}

/// The keyboard goes on at `next` where it was on a lockout that was lifted.
fn results(found: Asked<CustomersFound>, support: Support, next: &El) -> El {
    let notes = move || {
        found.with(|found| {
            let cut =
                found.filter(|found| found.is_cut).map(|_| el("p").class("page-about").text(texts::CUT));
            let note = found.and_then(|found| keystone_note(found.keystone_refused.as_ref()));
            note.into_iter().chain(cut).collect()
        })
    };
    let people = live_card(
        texts::PEOPLE,
        None,
        move || found.with(|found| found.map(|found| found.people.clone())),
        |people| match &**people {
            [] => nothing(texts::NOBODY),
            people => table(texts::FOUND_PERSON_HEADS, people.iter().map(found_person_row).collect())
                .attr("data-testid", "people-table"),
        },
    );
    let projects = live_card(
        texts::PROJECTS,
        None,
        move || found.with(|found| found.map(|found| found.projects.clone())),
        move |projects| match &**projects {
            [] => nothing(texts::NO_PROJECT),
            projects => table(texts::PROJECT_HEADS, project_rows(projects, support, None))
                .attr("data-testid", "project-table"),
        },
    );
    let again = Callback::new(move |()| found.refetch());
    let failures = move |failures: &SignInFailures| {
        let title = format!("{}: {} ({})", texts::SIGN_IN, failures.user, failures.domain);
        card(&title, None, failures_view(failures, again))
    };
    let failures = renewed(
        next,
        move || {
            found.with(|found| {
                found.map(|found| found.failures.clone()).filter(|failures| !failures.is_empty())
            })
        },
        move |all| el("div").class("customer-parts").children(all.iter().map(failures).collect()),
    );
    el("div")
        .class("customer-parts")
        .child(el("div").class("customer-notes").live_children(notes))
        .child(failures.class("customer-notes"))
        .child(people)
        .child(projects)
}
