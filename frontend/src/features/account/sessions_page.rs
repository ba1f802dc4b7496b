//! Where I am signed in, and the way to end it.

use api_types::session::SessionSummary;
use leptos::{prelude::*, task::spawn_local};

use super::{api, texts};
use crate::{
    analytics::consent_choice,
    api_client::ApiError,
    asked::ask,
    ui::{
        El, Icon, Page, derived, el,
        element::icon,
        page::page_header,
        table::{Cell, table},
        use_toasts,
    },
};

#[component]
pub fn SessionsPage() -> impl IntoView {
    let sessions = ask(|until| Some(Box::pin(api::list_sessions(until))));
    let other_count = derived(move || {
        sessions.with(|items| Some(items?.iter().filter(|session| !session.is_current).count()))
    });
    let toasts = use_toasts();
    let report = move |outcome: Result<(), ApiError>, done: &'static str| {
        match outcome {
            Ok(()) => toasts.say(done),
            Err(error) => toasts.fail(error.message(), error.request_id().map(str::to_owned)),
        }
        sessions.refetch();
    };
    let end = Callback::new(move |id: String| {
        spawn_local(async move { report(api::revoke_session(&id).await, texts::ENDED) });
    });
    let why_off = move || {
        let reason = match other_count.get() {
            None if sessions.failure().is_some() => texts::UNKNOWN,
            None => texts::LOADING,
            Some(0) => texts::NO_OTHERS,
            Some(_) => return None,
        };
        Some(reason.to_owned())
    };
    let end_others = move |_| {
        if untrack(why_off).is_none() {
            spawn_local(async move { report(api::revoke_other_sessions().await, texts::OTHERS_ENDED) });
        }
    };
    // One that cannot be pressed now stays where it is, takes the focus and says why.
    let end_others = el("button")
        .attr("type", "button")
        .class("button")
        .live_attr("aria-disabled", move || why_off().map(|_| "true".to_owned()))
        .live_attr("aria-description", why_off)
        .live_attr("title", why_off)
        .child(icon(Icon::SignOut))
        .text(texts::END_OTHERS)
        .on("click", end_others);
    let title = Signal::stored(texts::TITLE.to_owned());
    let body = el("div")
        .class("page-body")
        .child(el("p").class("page-about").text(texts::ABOUT))
        .child(sessions.drawn(move |items| session_table(items, end)))
        .child_if(consent_choice());
    view! { <Page title>{vec![page_header(title, None, Vec::new(), vec![end_others]), body]}</Page> }
}

fn session_table(items: &[SessionSummary], end: Callback<String>) -> El {
    let heads = &[texts::BROWSER, texts::ADDRESS, texts::SIGNED_IN, texts::LAST_USED, texts::ACTIONS];
    table(heads, items.iter().map(|session| session_row(session.clone(), end)).collect())
        .class("table stacked framed")
        .attr("data-testid", "session-table")
}

fn session_row(session: SessionSummary, end: Callback<String>) -> Vec<Cell> {
    let SessionSummary { id, created_at, last_seen_at, address, browser, is_current } = session;
    let last = if is_current {
        el("span").class("badge").text(texts::THIS_ONE)
    } else {
        el("button")
            .attr("type", "button")
            .class("button quiet")
            .attr("data-session", &id)
            .attr("aria-label", &texts::end_named(&browser, &address))
            .text(texts::END)
            .on("click", move |_| end.run(id.clone()))
    };
    vec![
        Cell::Text(browser),
        Cell::Mono(address),
        Cell::Moment(created_at),
        Cell::Moment(last_seen_at),
        Cell::El(last),
    ]
}
