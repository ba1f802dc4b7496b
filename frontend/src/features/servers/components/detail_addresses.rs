//! How a server is reached, and through which ports.

use api_types::servers::{Address, detail::Interface};
use leptos::prelude::*;

use super::detail_part::{Nothing, PartSection, Section};
use crate::{
    features::servers::{detail_page::ShownServer, detail_texts as texts},
    ui::CopyButton,
};

#[component]
pub fn AddressesTab(server: ShownServer) -> impl IntoView {
    let addresses =
        Memo::new(move |_| server.row.read().as_ref().map(|row| row.addresses.clone()).unwrap_or_default());
    view! {
        <Section title=texts::ADDRESSES>
            {move || match addresses.get() {
                addresses if addresses.is_empty() => view! { <Nothing text=texts::NO_ADDRESSES /> }.into_any(),
                addresses => view! { <AddressTable addresses /> }.into_any(),
            }}
        </Section>
        <PartSection title=texts::PORTS server pick=|detail| &detail.interfaces let:ports>
            <PortTable ports />
        </PartSection>
    }
}

#[component]
fn AddressTable(addresses: Vec<Address>) -> impl IntoView {
    let row = |address: Address| {
        let kind = if address.is_floating { texts::FLOATING } else { texts::FIXED };
        let what = texts::copy(&address.ip);
        view! {
            <tr>
                <th scope="row" class="mono foreign">
                    {address.ip.clone()}
                    " "
                    <CopyButton text=address.ip what />
                </th>
                <td data-label=texts::NETWORK class="foreign">
                    {address.network}
                </td>
                <td data-label=texts::KIND>{kind}</td>
            </tr>
        }
    };
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::ADDRESS}</th>
                    <th scope="col">{texts::NETWORK}</th>
                    <th scope="col">{texts::KIND}</th>
                </tr>
            </thead>
            <tbody>{addresses.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
}

#[component]
fn PortTable(ports: Vec<Interface>) -> impl IntoView {
    if ports.is_empty() {
        return view! { <Nothing text=texts::NO_PORTS /> }.into_any();
    }
    let row = |port: Interface| {
        let what = texts::copy(&port.port_id);
        view! {
            <tr>
                <th scope="row" class="mono foreign">
                    {port.port_id.clone()}
                    " "
                    <CopyButton text=port.port_id what />
                </th>
                <td data-label=texts::STATUS class="foreign">
                    {port.status}
                </td>
                <td data-label=texts::MAC class="mono foreign">
                    {port.mac_address}
                </td>
                <td data-label=texts::FIXED_IPS class="mono foreign">
                    {port.fixed_ips.join(", ")}
                </td>
                <td data-label=texts::NETWORK class="mono foreign">
                    {port.network_id}
                </td>
            </tr>
        }
    };
    view! {
        <table class="table stacked">
            <thead>
                <tr>
                    <th scope="col">{texts::PORT}</th>
                    <th scope="col">{texts::STATUS}</th>
                    <th scope="col">{texts::MAC}</th>
                    <th scope="col">{texts::FIXED_IPS}</th>
                    <th scope="col">{texts::NETWORK}</th>
                </tr>
            </thead>
            <tbody>{ports.into_iter().map(row).collect_view()}</tbody>
        </table>
    }
    .into_any()
}
