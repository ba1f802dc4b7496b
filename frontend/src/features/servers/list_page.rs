//! The list of all servers of a project, in every region.

use leptos::prelude::*;

use super::{
    components::{
        actions::{actions_menu, create_button},
        column_menu::column_menu,
        empty_states::empty_states,
        export_menu::export_menu,
        facet_panel::facet_panel,
        new_rows_pill::new_rows_pill,
        region_banner::region_banners,
        region_summary::region_summary,
        search_box::search_box,
        server_table::server_table,
        status_line::status_line,
    },
    list_state::use_list_state,
    store::use_servers_store,
    texts,
};
use crate::ui::{
    Icon, Page, el,
    element::icon,
    page::{page_header, use_side_drawer},
};

#[component]
pub fn ServerListPage() -> impl IntoView {
    let state = use_list_state(use_servers_store());
    let drawer = use_side_drawer();
    let filters = el("button")
        .attr("type", "button")
        .class("button icon-only only-narrow")
        .attr("aria-label", texts::FILTERS)
        .attr("title", texts::FILTERS)
        .child(icon(Icon::Filter))
        .on("click", move |_| drawer.open());
    let actions = el("div").class("list-actions").child(actions_menu()).child(create_button());
    let title = Signal::stored(texts::TITLE.to_owned());
    let header = page_header(title, None, vec![actions], vec![region_summary()]);
    let toolbar = el("div")
        .class("servers-toolbar")
        .child(search_box(state))
        .child(filters)
        .child(column_menu(state))
        .child(export_menu(state));
    let table = el("div")
        .class("server-area")
        .child(server_table(state))
        .child(new_rows_pill())
        .child(empty_states(state));
    view! {
        <Page title=texts::TITLE is_fixed=true side=move || facet_panel(state) side_label=texts::FILTERS>
            {vec![header, toolbar, status_line(state), table, region_banners()]}
        </Page>
    }
}
