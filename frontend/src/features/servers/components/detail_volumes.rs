//! The volumes attached to a server.

use api_types::servers::detail::AttachedVolume;
use leptos::prelude::*;

use super::detail_part::{Nothing, PartSection};
use crate::{
    features::servers::{detail_page::ShownServer, detail_texts as texts},
    ui::CopyButton,
};

#[component]
pub fn VolumesTab(server: ShownServer) -> impl IntoView {
    view! {
        <PartSection title=texts::VOLUMES server pick=|detail| &detail.volumes let:volumes>
            <VolumeTable volumes />
        </PartSection>
    }
}

#[component]
fn VolumeTable(volumes: Vec<AttachedVolume>) -> impl IntoView {
    if volumes.is_empty() {
        return view! { <Nothing text=texts::NO_VOLUMES /> }.into_any();
    }
    let row = |volume: AttachedVolume| {
        let what = texts::copy(&volume.id);
        let device = volume.device.unwrap_or_else(|| texts::UNKNOWN.to_owned());
        view! {
            <tr>
                <th scope="row" class="mono foreign">
                    {volume.id.clone()}
                    " "
                    <CopyButton text=volume.id what />
                </th>
                <td data-label=texts::DEVICE class="mono foreign">
                    {device}
                </td>
                <td data-label=texts::WITH_SERVER>
                    {if volume.delete_on_termination { texts::YES } else { texts::NO }}
                </td>
            </tr>
        }
    };
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::VOLUME}</th>
                    <th scope="col">{texts::DEVICE}</th>
                    <th scope="col">{texts::WITH_SERVER}</th>
                </tr>
            </thead>
            <tbody>{volumes.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}
