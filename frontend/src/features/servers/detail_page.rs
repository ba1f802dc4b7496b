//! The page of one server: at once from the row the list has, then completed by its region.

use std::cell::RefCell;

use api_types::{Region, ServerId, servers::ServerRow};
use leptos::prelude::*;

use super::{
    api,
    components::{
        detail_actions::{detail_actions, resize_note},
        detail_addresses::addresses,
        detail_history::history,
        detail_metadata::{json, metadata},
        detail_overview::{overview, status_label},
        detail_parts::{security_groups, volumes},
    },
    console::console,
    create::clone_link,
    detail_state::{DetailTab, best_row, change_mark, has_changed, shown_name},
    detail_texts as texts,
    list_address::use_list_address,
    shown_server::ShownServer,
    store::use_servers_store,
};
use crate::{
    api_client::ApiError,
    asked::ask,
    explain::{Fault, Traces, fault_banner},
    jobs::{News, use_jobs},
    project::{server_path, use_project},
    router::{parts_of, use_router, value_of},
    ui::{
        Above, BannerKind, El, Failure, Held, Icon, Page, Tab,
        banner::text_banner,
        derived,
        effect::{after, after_change},
        el,
        element::icon,
        empty_state::empty_state,
        loaded::{failure_state, lines, retry_button},
        page::page_header,
        tabs,
    },
};

#[component]
pub fn ServerDetailPage() -> impl IntoView {
    let project = use_project();
    let path = use_router().path();
    let address = derived(move || path.with(|path| address_of(path)));
    let listed = use_listed_row(address);
    let detail = ask(move |until| {
        let (project, (region, id)) = (project.get()?, address.get()?);
        Some(Box::pin(async move { api::show_server(&project, &region, &id, until.as_ref()).await }))
    });
    // Another server on the same page: what is known of the first must not stand under the second's name.
    after_change(move || address.with(|_| {}), move || detail.clear());
    let seen = derived(move || (address.get(), listed.with(|row| row.as_ref().map(change_mark))));
    let seen_before = RefCell::new((None, None));
    after(move || {
        let (of, mark) = seen.get();
        let (before_of, before) = seen_before.replace((of.clone(), mark.clone()));
        if of == before_of && has_changed(before.as_deref(), mark.as_deref()) {
            detail.refetch();
        }
    });
    // Not everything that is done shows in the row: a volume, a group, a description.
    use_jobs().listen(move |news| {
        if matches!(news, News::Ended(_)) {
            detail.refetch();
        }
    });
    let row = derived(move || listed.with(|listed| detail.with(|detail| best_row(listed.clone(), detail))));
    let refresh = Callback::new(move |()| detail.refetch());
    let server = ShownServer { address, row, detail, refresh };
    let is_gone = move || {
        matches!(detail.failure(), Some(ApiError::Refused { status: 404, .. }))
            && listed.with(Option::is_none)
    };
    let kind = derived(move || match (address.with(Option::is_some), is_gone()) {
        (false, _) => Kind::NoAddress,
        (true, true) => Kind::Gone,
        (true, false) => Kind::Server,
    });
    let title =
        Signal::derive(move || row.with(|row| row.as_ref().map_or(texts::SERVER.to_owned(), shown_name)));
    let content = move || match kind.get() {
        Kind::NoAddress => {
            nowhere(Icon::Search, texts::NO_ADDRESS_TITLE, texts::NO_ADDRESS_TEXT, "not-found")
        }
        Kind::Gone => nowhere(Icon::Server, texts::GONE_TITLE, texts::GONE_TEXT, "server-gone"),
        Kind::Server => untrack(|| whole(server, title)),
    };
    view! { <Page title>{el("div").live_children(move || vec![content()])}</Page> }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    NoAddress,
    Gone,
    Server,
}

/// The server whole: its head, its tabs, and the open one.
fn whole(server: ShownServer, title: Signal<String>) -> El {
    let search = use_router().search();
    let tab = derived(move || search.with(|search| DetailTab::from_key(value_of(search, "tab").as_deref())));
    let above = Above { label: texts::SERVERS, href: use_list_address() };
    let label = move || server.row.with(|row| row.as_ref().map(status_label).into_iter().collect());
    // Not what else came of asking again: a refresh that fails must not take away what is open, a console least of all.
    let shown = derived(move || match server.row.with(Option::is_some) {
        true => Shown::Tab(server.address.get(), tab.get()),
        false => server.detail.failure().map_or(Shown::Nothing, |failure| Shown::Failure(failure.into())),
    });
    let content = move || match shown.get() {
        Shown::Nothing => lines(6),
        Shown::Failure(failure) => failure_state(&failure, server.refresh),
        Shown::Tab(_, tab) => untrack(|| open_tab(server, tab)),
    };
    let count = move |key| {
        let tab = DetailTab::from_key(Some(key));
        server.row.with(|row| server.detail.with(|detail| tab.count(row.as_ref(), detail)))
    };
    let refresh = el("button")
        .attr("type", "button")
        .class("button")
        .child(icon(Icon::Refresh))
        .text(texts::REFRESH)
        .on("click", move |_| server.refresh.run(()));
    let clone = clone_link(server.address);
    let actions = detail_actions(server).into_iter().chain([clone, refresh]).collect();
    let head = page_header(title, Some(above), vec![el("div").live_children(label)], actions);
    let body = el("div")
        .class("page-body")
        .child(el("div").class("notes").live_children(move || notes(server, tab.get())))
        .child(tabs(texts::SECTIONS, use_tabs(), move || tab.get().key(), count))
        .child(el("div").live_children(move || vec![content()]));
    el("div").child(head).child(body)
}

/// What stands below the tabs.
#[derive(Clone, PartialEq, Eq)]
enum Shown {
    /// What the region says is on its way.
    Nothing,
    Failure(Failure),
    /// Of one server: what stays open, as a console does, must not go on under another's name.
    Tab(Option<(Region, ServerId)>, DetailTab),
}

fn open_tab(server: ShownServer, tab: DetailTab) -> El {
    let content = match tab {
        DetailTab::Overview => overview(server),
        DetailTab::Addresses => addresses(server),
        DetailTab::Volumes => volumes(server),
        DetailTab::Security => security_groups(server),
        DetailTab::Metadata => metadata(server),
        DetailTab::Console => console(server),
        DetailTab::History => history(server),
        DetailTab::Json => json(server),
    };
    el("div")
        .class("detail")
        .attr("data-testid", "server-detail")
        .attr("data-tab", tab.key())
        .children(content)
}

/// What is not as it should be: the server's own fault, a row that could not be read, a refresh that failed.
fn notes(server: ShownServer, tab: DetailTab) -> Vec<El> {
    // A tab that shows nothing but the rest has the reason where the rest would be.
    let has_gap = server.detail.with(|detail| detail.is_none()) && tab.is_of_the_rest();
    let failure = server.detail.failure().filter(|_| !has_gap);
    server.row.with(|row| {
        let Some(row) = row else { return Vec::new() };
        let fault = row
            .fault
            .as_deref()
            .map(|words| fault_banner(None, Fault { words, ..Fault::default() }, &Traces::default()));
        let degraded = row.is_degraded.then(|| text_banner(BannerKind::Warning, None, texts::DEGRADED, None));
        let late = failure.map(|failure| {
            let retry = retry_button(server.refresh);
            text_banner(BannerKind::Warning, None, &failure.message(), Some(retry))
        });
        [resize_note(server, row), fault, degraded, late].into_iter().flatten().collect()
    })
}

/// A place without a server, with the way back.
fn nowhere(icon_of: Icon, title: &str, text: &str, test_id: &str) -> El {
    let list = use_list_address();
    let back = el("a").class("button").live_attr("href", move || Some(list.get())).text(texts::BACK_TO_LIST);
    empty_state(icon_of, title, test_id).child(el("p").text(text)).child(back)
}

/// The server a path names, where it names one.
fn address_of(path: &str) -> Option<(Region, ServerId)> {
    match parts_of(super::SERVER, path)?[..] {
        [_, region, id] => Some((region.parse().ok()?, id.parse().ok()?)),
        _ => None,
    }
}

/// The list's row of this server, live; `None` while the list does not have it.
fn use_listed_row(address: Held<Option<(Region, ServerId)>>) -> Held<Option<ServerRow>> {
    let store = use_servers_store();
    derived(move || {
        let (_, id) = address.get()?;
        let found = store.track(|servers| {
            let row = servers.rows.row(servers.rows.find(&id)?);
            (!row.is_gone()).then(|| row.to_server_row())
        });
        found.flatten()
    })
}

fn use_tabs() -> impl Fn() -> Vec<Tab> {
    let project = use_project();
    let path = use_router().path();
    move || {
        let address = project.get().zip(path.with(|path| address_of(path)));
        let Some((project, (region, id))) = address else { return Vec::new() };
        let path = server_path(&project, &region, &id);
        let tab = |tab: DetailTab| Tab {
            key: tab.key(),
            label: tab.label(),
            href: if tab == DetailTab::Overview { path.clone() } else { format!("{path}?tab={}", tab.key()) },
        };
        DetailTab::ALL.map(tab).into()
    }
}
