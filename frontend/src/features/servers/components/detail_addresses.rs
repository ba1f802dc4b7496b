//! How a server is reached, and through which ports.

use super::detail_part::{copied, part_section, section, table_or};
use crate::{
    features::servers::{detail_texts as texts, shown_server::ShownServer},
    ui::{El, Icon, el, element::icon, table::Cell},
};
use api_types::servers::{Address, detail::Interface};

pub fn addresses(server: ShownServer) -> Vec<El> {
    let list = move || {
        let addresses = server.row.with(|row| {
            row.as_ref().map(|row| row.addresses.iter().map(address).collect()).unwrap_or_default()
        });
        vec![table_or(&[texts::ADDRESS, texts::NETWORK, texts::KIND], addresses, texts::NO_ADDRESSES)]
    };
    let ports = part_section(
        texts::PORTS,
        server,
        |detail| &detail.interfaces,
        &[texts::PORT, texts::STATUS, texts::MAC, texts::FIXED_IPS, texts::NETWORK],
        port,
        texts::NO_PORTS,
    );
    vec![section(texts::ADDRESSES, el("div").live_children(list)), ports]
}

fn address(address: &Address) -> Vec<Cell> {
    let kind = if address.is_floating { texts::FLOATING } else { texts::FIXED };
    vec![copied(&address.ip), Cell::Text(address.network.clone()), Cell::Text(kind.to_owned())]
}

fn port(port: &Interface) -> Vec<Cell> {
    vec![
        copied(&port.port_id),
        Cell::El(port_status(&port.status)),
        Cell::Mono(port.mac_address.clone()),
        Cell::Mono(port.fixed_ips.join(", ")),
        Cell::Mono(port.network_id.clone()),
    ]
}

/// What Neutron says of a port, as everywhere a state is shown: a word and its icon.
fn port_status(status: &str) -> El {
    let (mark, class) = match status {
        "ACTIVE" => (Icon::StatusRunning, "outcome good"),
        "BUILD" => (Icon::StatusChanging, "outcome"),
        "DOWN" => (Icon::StatusResting, "outcome"),
        "ERROR" => (Icon::StatusFailed, "outcome bad"),
        _ => (Icon::StatusUnknown, "outcome"),
    };
    el("span").class(class).child(icon(mark)).text(texts::port_status(status))
}
