//! Where I am signed in, and the way to end it.

use api_types::session::SessionSummary;
use leptos::{prelude::*, task::spawn_local};

use super::{api, texts};
use crate::{
    api_client::{ApiError, until_left},
    ui::{Button, ButtonKind, Icon, Loaded, Page, PageHeader, RelativeTime, use_toasts},
};

#[component]
pub fn SessionsPage() -> impl IntoView {
    let sessions = LocalResource::new(|| api::list_sessions(until_left()));
    let other_count = Memo::new(move |_| match &*sessions.read() {
        Some(Ok(items)) => items.iter().filter(|session| !session.is_current).count(),
        _ => 0,
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
    let no_others = Signal::derive(move || (other_count.get() == 0).then(|| texts::NO_OTHERS.to_owned()));
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
                <Loaded resource=sessions let:items>
                    <SessionTable items end />
                </Loaded>
            </div>
        </Page>
    }
}

#[component]
fn SessionTable(items: Vec<SessionSummary>, end: Callback<String>) -> impl IntoView {
    view! {
        <table class="table stacked" data-testid="session-table">
            <thead>
                <tr>
                    <th scope="col">{texts::BROWSER}</th>
                    <th scope="col">{texts::ADDRESS}</th>
                    <th scope="col">{texts::SIGNED_IN}</th>
                    <th scope="col">{texts::LAST_USED}</th>
                    <th scope="col">
                        <span class="unseen">{texts::ACTIONS}</span>
                    </th>
                </tr>
            </thead>
            <tbody>{items.into_iter().map(|session| view! { <SessionRow session end /> }).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn SessionRow(session: SessionSummary, end: Callback<String>) -> impl IntoView {
    let SessionSummary { id, created_at, last_seen_at, address, browser, is_current } = session;
    let label = texts::end_named(&browser, &address);
    let session_id = id.clone();
    view! {
        <tr data-session=session_id aria-current=is_current.then_some("true")>
            <th scope="row" class="foreign">
                {browser}
                {is_current.then(|| view! { <span class="badge">{texts::THIS_ONE}</span> })}
            </th>
            <td data-label=texts::ADDRESS class="mono foreign">
                {address}
            </td>
            <td data-label=texts::SIGNED_IN>
                <RelativeTime at=created_at />
            </td>
            <td data-label=texts::LAST_USED>
                <RelativeTime at=last_seen_at />
            </td>
            <td class="row-actions">
                {(!is_current)
                    .then(|| {
                        view! {
                            <Button
                                kind=ButtonKind::Quiet
                                label=label
                                on_press=Callback::new(move |()| end.run(id.clone()))
                            >
                                {texts::END}
                            </Button>
                        }
                    })}
            </td>
        </tr>
    }
}
