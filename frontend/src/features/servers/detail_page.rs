//! The page of one server: at once from the row the list has, then completed by its region.

use api_types::{
    Region, ServerId,
    servers::{ServerDetail, ServerRow},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    api,
    components::{
        detail_addresses::AddressesTab, detail_head::StatusLabel, detail_history::HistoryTab,
        detail_json::JsonTab, detail_metadata::MetadataTab, detail_overview::OverviewTab,
        detail_security::SecurityTab, detail_volumes::VolumesTab,
    },
    detail_state::{DetailTab, best_row, change_mark, row_of, shown_name},
    detail_texts as texts,
    list_address::use_list_address,
    store::use_servers_store,
};
use crate::{
    api_client::{ApiError, until_left},
    project::{server_path, use_param, use_project},
    ui::{
        Banner, BannerKind, Button, Crumb, EmptyState, Icon, LinkButton, Page, PageHeader, Tab, Tabs,
        loaded::{FailureState, Lines},
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
    let region = use_param::<Region>("region");
    let id = use_param::<ServerId>("id");
    let is_address = Memo::new(move |_| region.read().is_some() && id.read().is_some());
    let listed = use_listed_row(id);
    let detail = RwSignal::new(None::<ServerDetail>);
    let failure = RwSignal::new(None::<ApiError>);
    let answer = LocalResource::new(move || {
        let (project, region, id, until) = (project.get(), region.get(), id.get(), until_left());
        async move {
            let answer = api::show_server(&project?, &region?, &id?, until.as_ref()).await;
            Some(answer)
        }
    });
    Effect::new(move || match answer.get().flatten() {
        Some(Ok(shown)) => {
            failure.set(None);
            detail.set(Some(shown));
        }
        Some(Err(ApiError::Aborted)) | None => {}
        Some(Err(error)) => failure.set(Some(error)),
    });
    // Another server on the same page: what is known of the first must not stand under the second's name.
    Effect::new(move |before: Option<Option<ServerId>>| {
        let id = id.get();
        if before.is_some_and(|before| before != id) {
            detail.set(None);
            failure.set(None);
        }
        id
    });
    let mark = Memo::new(move |_| listed.read().as_ref().map(change_mark));
    Effect::new(move |before: Option<Option<_>>| {
        let mark = mark.get();
        // The first sight of the row is no change.
        if before.flatten().is_some_and(|before| mark.as_ref().is_some_and(|mark| *mark != before)) {
            answer.refetch();
        }
        mark
    });
    let row = Memo::new(move |_| best_row(listed.get(), detail.read().as_ref()));
    let refresh = Callback::new(move |()| answer.refetch());
    let server = ShownServer { region, row, detail, refresh };
    let is_gone = Memo::new(move |_| {
        matches!(&*failure.read(), Some(ApiError::Refused { status: 404, .. })) && listed.read().is_none()
    });
    let title = Memo::new(move |_| row.read().as_ref().map_or(texts::SERVER.to_owned(), shown_name));
    view! {
        <Page title>
            {move || match (is_address.get(), is_gone.get()) {
                (false, _) => view! { <NoAddress /> }.into_any(),
                (true, true) => view! { <Gone /> }.into_any(),
                (true, false) => view! { <Server server title failure /> }.into_any(),
            }}
        </Page>
    }
}

/// The server whole: its head, its tabs, and the open one.
#[component]
fn Server(server: ShownServer, title: Memo<String>, failure: RwSignal<Option<ApiError>>) -> impl IntoView {
    let list = use_list_address();
    let query = use_query_map();
    let tab = Memo::new(move |_| query.with(|query| DetailTab::from_key(query.get_str("tab"))));
    let crumbs = Signal::derive(move || vec![Crumb { label: texts::SERVERS.to_owned(), href: list.get() }]);
    let actions = move || {
        view! {
            <Button icon=Icon::Refresh on_press=server.refresh>
                {texts::REFRESH}
            </Button>
        }
    };
    let beside = move || view! { <StatusLabel row=server.row /> };
    view! {
        <PageHeader title crumbs beside actions />
        <div class="page-body">
            <Notes server failure />
            <Tabs
                label=texts::SECTIONS
                tabs=use_tabs(server)
                current=Signal::derive(move || tab.get().key().to_owned())
            />
            {move || match (server.row.read().is_some(), failure.get()) {
                (false, Some(error)) => {
                    view! { <FailureState failure=error.into() retry=server.refresh /> }.into_any()
                }
                (false, None) => view! { <Lines count=6 /> }.into_any(),
                (true, _) => view! { <OpenTab server tab=tab.get() /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn OpenTab(server: ShownServer, tab: DetailTab) -> impl IntoView {
    let content = match tab {
        DetailTab::Overview => view! { <OverviewTab server /> }.into_any(),
        DetailTab::Addresses => view! { <AddressesTab server /> }.into_any(),
        DetailTab::Volumes => view! { <VolumesTab server /> }.into_any(),
        DetailTab::Security => view! { <SecurityTab server /> }.into_any(),
        DetailTab::Metadata => view! { <MetadataTab server /> }.into_any(),
        DetailTab::History => view! { <HistoryTab server /> }.into_any(),
        DetailTab::Json => view! { <JsonTab server /> }.into_any(),
    };
    view! { <div class="detail" data-testid="server-detail" data-tab=tab.key()>{content}</div> }
}

/// What is not as it should be: the server's own fault, a row that could not be read, a refresh that failed.
#[component]
fn Notes(server: ShownServer, failure: RwSignal<Option<ApiError>>) -> impl IntoView {
    let fault = Memo::new(move |_| server.row.read().as_ref().and_then(|row| row.fault.clone()));
    let is_degraded = Memo::new(move |_| server.row.read().as_ref().is_some_and(|row| row.is_degraded));
    let late = Memo::new(move |_| {
        let failure = failure.read();
        failure.as_ref().filter(|_| server.row.read().is_some()).map(ApiError::message)
    });
    let retry = move || view! { <Button on_press=server.refresh>{texts::RETRY}</Button> };
    view! {
        <div class="notes">
            {move || fault.get().map(|fault| view! { <Banner kind=BannerKind::Failure>{fault}</Banner> })}
            {move || is_degraded.get().then(|| view! { <Banner kind=BannerKind::Warning>{texts::DEGRADED}</Banner> })}
            {move || {
                late.get()
                    .map(|message| view! { <Banner kind=BannerKind::Warning actions=retry>{message}</Banner> })
            }}
        </div>
    }
}

#[component]
fn Gone() -> impl IntoView {
    let list = use_list_address();
    view! {
        <EmptyState icon=Icon::Server title=texts::GONE_TITLE test_id="server-gone">
            <p>{texts::GONE_TEXT}</p>
            <LinkButton href=list>{texts::BACK_TO_LIST}</LinkButton>
        </EmptyState>
    }
}

#[component]
fn NoAddress() -> impl IntoView {
    let list = use_list_address();
    view! {
        <EmptyState icon=Icon::Search title=texts::NO_ADDRESS_TITLE test_id="not-found">
            <p>{texts::NO_ADDRESS_TEXT}</p>
            <LinkButton href=list>{texts::BACK_TO_LIST}</LinkButton>
        </EmptyState>
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

fn use_tabs(server: ShownServer) -> Signal<Vec<Tab>> {
    let project = use_project();
    let id = use_param::<ServerId>("id");
    let tabs = Memo::new(move |_| {
        let (project, region, id) = (project.get(), server.region.get(), id.get());
        let Some(path) =
            project.zip(region).zip(id).map(|((project, region), id)| server_path(&project, &region, &id))
        else {
            return Vec::new();
        };
        let tab = |tab: DetailTab| Tab {
            key: tab.key(),
            label: tab.label().to_owned(),
            href: if tab == DetailTab::Overview { path.clone() } else { format!("{path}?tab={}", tab.key()) },
            count: tab.count(server.row.read().as_ref(), server.detail.read().as_ref()),
        };
        DetailTab::ALL.map(tab).to_vec()
    });
    tabs.into()
}
