//! The list of all servers of a project, in every region.

use leptos::prelude::*;

use crate::ui::{Page, PageHeader};

#[component]
pub fn ServerListPage() -> impl IntoView {
    view! {
        <Page title="Servers">
            <PageHeader title="Servers" />
        </Page>
    }
}
