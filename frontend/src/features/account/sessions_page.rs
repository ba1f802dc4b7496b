//! Where I am signed in, and the way to end it.

use api_types::session::SessionSummary;
use leptos::{prelude::*, task::spawn_local};

use super::{api, texts};
use crate::{
    api_client::ApiError,
    asked::ask,
    ui::{
        Button, El, Icon, Page, PageHeader, derived, el,
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
    let end_others = Callback::new(move |()| {
        spawn_local(async move { report(api::revoke_other_sessions().await, texts::OTHERS_ENDED) });
    });
    let no_others = Signal::derive(move || {
        let reason = match other_count.get() {
            None if sessions.failure().is_some() => texts::UNKNOWN,
            None => texts::LOADING,
            Some(0) => texts::NO_OTHERS,
            Some(_) => return None,
        };
        Some(reason.to_owned())
    });
    let actions = move || {
        view! {
            <Button icon=Icon::SignOut disabled_reason=no_others on_press=end_others>
                {texts::END_OTHERS}
            </Button>
        }
    };
    view! {
        <Page title=texts::TITLE>
            <PageHeader title=texts::TITLE actions />
            <div class="page-body">
                <p class="page-about">{texts::ABOUT}</p>
                {sessions.drawn(move |items| session_table(items, end))}
            </div>
        </Page>
    }
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
