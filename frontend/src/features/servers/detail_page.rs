//! The page of one server: at once from the row the list has, then completed by its region.

use api_types::{
    Region, ServerId,
    servers::{ServerDetail, ServerRow},
};
use leptos::prelude::*;

use super::{
    api,
    components::{
        detail_addresses::addresses,
        detail_metadata::{json, metadata},
        detail_overview::{overview, status_label},
        detail_parts::{history, security_groups, volumes},
    },
    detail_state::{DetailTab, best_row, change_mark, row_of, shown_name},
    detail_texts as texts,
    list_address::use_list_address,
    store::use_servers_store,
};
use crate::{
    api_client::ApiError,
    asked::{Asked, ask},
    project::{server_path, use_project},
    router::{parts_of, use_router, value_of},
    ui::{
        BannerKind, Button, Crumb, El, EmptyState, Icon, LinkButton, Page, PageHeader, Tab, Tabs,
        banner::text_banner,
        el,
        loaded::{failure_state, lines, retry_button},
    },
};

/// What the parts of the page draw from. Cheap to hand on.
#[derive(Clone, Copy)]
pub struct ShownServer {
    pub region: Memo<Option<Region>>,
    /// What is known at once.
    pub row: Memo<Option<ServerRow>>,
    /// What the region said; `None` until it did.
    pub detail: RwSignal<Option<ServerDetail>>,
    /// Asks the region again.
    pub refresh: Callback<()>,
}

#[component]
pub fn ServerDetailPage() -> impl IntoView {
    let project = use_project();
    let path = use_router().path();
    let address = Memo::new(move |_| path.with(|path| address_of(path)));
    let region = Memo::new(move |_| address.get().map(|(region, _)| region));
    let id = Memo::new(move |_| address.get().map(|(_, id)| id));
    let listed = use_listed_row(id);
    let shown = ask(move |until| {
        let (project, (region, id)) = (project.get()?, address.get()?);
        Some(Box::pin(async move { api::show_server(&project, &region, &id, until.as_ref()).await }))
    });
    let detail = RwSignal::new(None::<ServerDetail>);
    Effect::new(move || shown.with(|shown| detail.set(shown.cloned())));
    // Another server on the same page: what is known of the first must not stand under the second's name.
    Effect::new(move |before: Option<Option<ServerId>>| {
        let id = id.get();
        if before.is_some_and(|before| before != id) {
            shown.clear();
        }
        id
    });
    let mark = Memo::new(move |_| listed.read().as_ref().map(change_mark));
    Effect::new(move |before: Option<Option<_>>| {
        let mark = mark.get();
        // The first sight of the row is no change.
        if before.flatten().is_some_and(|before| mark.as_ref().is_some_and(|mark| *mark != before)) {
            shown.refetch();
        }
        mark
    });
    let row = Memo::new(move |_| best_row(listed.get(), detail.read().as_ref()));
    let refresh = Callback::new(move |()| shown.refetch());
    let server = ShownServer { region, row, detail, refresh };
    let is_gone = Memo::new(move |_| {
        matches!(shown.failure(), Some(ApiError::Refused { status: 404, .. })) && listed.read().is_none()
    });
    let title = Memo::new(move |_| row.read().as_ref().map_or(texts::SERVER.to_owned(), shown_name));
    view! {
        <Page title>
            {move || match (address.read().is_some(), is_gone.get()) {
                (false, _) => view! {
                    <Nowhere
                        icon=Icon::Search
                        title=texts::NO_ADDRESS_TITLE
                        text=texts::NO_ADDRESS_TEXT
                        test_id="not-found"
                    />
                }
                .into_any(),
                (true, true) => view! {
                    <Nowhere icon=Icon::Server title=texts::GONE_TITLE text=texts::GONE_TEXT test_id="server-gone" />
                }
                .into_any(),
                (true, false) => view! { <Server server title shown /> }.into_any(),
            }}
        </Page>
    }
}

/// The server whole: its head, its tabs, and the open one.
#[component]
fn Server(server: ShownServer, title: Memo<String>, shown: Asked<ServerDetail>) -> impl IntoView {
    let list = use_list_address();
    let search = use_router().search();
    let tab = Memo::new(move |_| DetailTab::from_key(value_of(&search.read(), "tab").as_deref()));
    let crumbs = Signal::derive(move || vec![Crumb { label: texts::SERVERS, href: list.get() }]);
    let actions =
        move || view! { <Button icon=Icon::Refresh on_press=server.refresh>{texts::REFRESH}</Button> };
    let beside = move || {
        el("div").live_children(move || server.row.read().as_ref().map(status_label).into_iter().collect())
    };
    let count = Callback::new(move |key| {
        DetailTab::from_key(Some(key)).count(server.row.read().as_ref(), server.detail.read().as_ref())
    });
    let has_row = Memo::new(move |_| server.row.read().is_some());
    let content = move || match (has_row.get(), shown.failure()) {
        (false, Some(error)) => vec![failure_state(&error.into(), server.refresh)],
        (false, None) => vec![lines(6)],
        (true, _) => vec![open_tab(server, tab.get())],
    };
    view! {
        <PageHeader title crumbs beside actions />
        <div class="page-body">
            {el("div").class("notes").live_children(move || notes(server, shown.failure().as_ref()))}
            <Tabs
                label=texts::SECTIONS
                tabs=use_tabs()
                current=Signal::derive(move || tab.get().key())
                count
            />
            {el("div").live_children(content)}
        </div>
    }
}

fn open_tab(server: ShownServer, tab: DetailTab) -> El {
    let content = match tab {
        DetailTab::Overview => overview(server),
        DetailTab::Addresses => addresses(server),
        DetailTab::Volumes => volumes(server),
        DetailTab::Security => security_groups(server),
        DetailTab::Metadata => metadata(server),
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
fn notes(server: ShownServer, failure: Option<&ApiError>) -> Vec<El> {
    let row = server.row.read();
    let Some(row) = row.as_ref() else { return Vec::new() };
    let fault = row.fault.as_deref().map(|fault| text_banner(BannerKind::Failure, None, fault, None));
    let degraded = row.is_degraded.then(|| text_banner(BannerKind::Warning, None, texts::DEGRADED, None));
    let late = failure.map(|failure| {
        text_banner(BannerKind::Warning, None, &failure.message(), Some(retry_button(server.refresh)))
    });
    [fault, degraded, late].into_iter().flatten().collect()
}

/// A place without a server, with the way back.
#[component]
fn Nowhere(icon: Icon, title: &'static str, text: &'static str, test_id: &'static str) -> impl IntoView {
    let list = use_list_address();
    view! {
        <EmptyState icon title test_id>
            {el("p").text(text)}
            <LinkButton href=list>{texts::BACK_TO_LIST}</LinkButton>
        </EmptyState>
    }
}

/// The server a path names, where it names one.
fn address_of(path: &str) -> Option<(Region, ServerId)> {
    match parts_of(super::SERVER, path)?[..] {
        [_, region, id] => Some((region.parse().ok()?, id.parse().ok()?)),
        _ => None,
    }
}

/// The list's row of this server, live; `None` while the list does not have it.
fn use_listed_row(id: Memo<Option<ServerId>>) -> Memo<Option<ServerRow>> {
    let store = use_servers_store();
    Memo::new(move |_| {
        let id = id.get()?;
        let found = store.track(|servers| {
            let row = servers.rows.row(servers.rows.find(&id)?);
            (!row.is_gone()).then(|| row_of(row))
        });
        found.flatten()
    })
}

fn use_tabs() -> Signal<Vec<Tab>> {
    let project = use_project();
    let path = use_router().path();
    let tabs = Memo::new(move |_| {
        let address = project.get().zip(path.with(|path| address_of(path)));
        let Some((project, (region, id))) = address else { return Vec::new() };
        let path = server_path(&project, &region, &id);
        let tab = |tab: DetailTab| Tab {
            key: tab.key(),
            label: tab.label(),
            href: if tab == DetailTab::Overview { path.clone() } else { format!("{path}?tab={}", tab.key()) },
        };
        DetailTab::ALL.map(tab).to_vec()
    });
    tabs.into()
}
