//! The list of all servers of a project, in every region.

use leptos::prelude::*;

use super::{
    components::{
        column_menu::ColumnMenu, empty_states::EmptyStates, export_menu::ExportMenu, facet_panel::FacetPanel,
        new_rows_pill::NewRowsPill, region_banner::RegionBanners, region_summary::RegionSummary,
        search_box::SearchBox, server_table::ServerTable, status_line::StatusLine,
    },
    list_state::use_list_state,
    rows::Facet,
    store::use_servers_store,
    texts,
};
use crate::ui::{Button, Icon, Page, PageHeader, page::use_side_drawer};

#[component]
pub fn ServerListPage() -> impl IntoView {
    let store = use_servers_store();
    let state = use_list_state(store);
    let drawer = use_side_drawer();
    let is_unfiltered = move || state.is_unfiltered();
    let by_tag = Callback::new(move |tag: String| state.choose(Facet::Tag, &tag, true));
    view! {
        <Page title=texts::TITLE is_fixed=true side=move || view! { <FacetPanel state /> } side_label=texts::FILTERS>
            <PageHeader title=texts::TITLE actions=move || view! { <RegionSummary /> } />
            <div class="servers-toolbar">
                <SearchBox state />
                <div class="only-narrow">
                    <Button
                        icon=Icon::Filter
                        label=texts::FILTERS
                        on_press=Callback::new(move |()| drawer.open())
                    />
                </div>
                <ColumnMenu state />
                <ExportMenu state />
            </div>
            <StatusLine state />
            <div class="server-area">
                <ServerTable
                    columns=state.columns()
                    sort=state.sort()
                    is_compact=state.is_compact()
                    on_sort=Callback::new(move |column| state.sort_by(column))
                    on_tag=by_tag
                />
                <NewRowsPill />
                <EmptyStates is_unfiltered=Signal::derive(is_unfiltered) on_clear=Callback::new(move |()| state.clear()) />
            </div>
            <RegionBanners />
        </Page>
    }
}
