//! Networks to be on, and ports to give up.

use api_types::servers::{
    action::ServerAction,
    detail::{Interface, Part},
};

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
};
use crate::{
    api_client::ApiError,
    asked::ask,
    features::servers::api,
    offers::{Network, list_networks},
};

pub fn attach(about: &About) -> Form {
    let chosen = Chosen::new();
    let cloud = about.cloud();
    let networks = ask(move |until| {
        let cloud = cloud.clone();
        Some(Box::pin(async move { list_networks(&cloud, until.as_ref()).await.map_err(ApiError::from) }))
    });
    let lines = |networks: &Vec<Network>| networks.iter().map(to_attach).collect();
    let table = choices(LABEL, HEADS, networks, lines, NONE, chosen);
    Form::new(vec![table], move || Some(ServerAction::AttachInterface { network_id: chosen.read(MISSING)? }))
}

pub fn detach(about: &About) -> Form {
    let chosen = Chosen::new();
    let (cloud, server) = (about.cloud(), about.first());
    let found = ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let detail = api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await?;
            let networks = list_networks(&cloud, until.as_ref()).await.unwrap_or_default();
            match detail.interfaces {
                Part::Known(ports) => Ok(ports.iter().map(|port| to_detach(port, &networks)).collect()),
                Part::Missing(body) => Err(ApiError::Refused { status: 502, body }),
            }
        }))
    });
    let table = choices(PORTS, PORT_HEADS, found, Vec::clone, NO_PORT, chosen);
    Form::new(vec![table], move || {
        Some(ServerAction::DetachInterface { port_id: chosen.read(PORT_MISSING)? })
    })
}

fn to_attach(network: &Network) -> Choice {
    let kind = match (network.is_external, network.shared) {
        (true, _) => EXTERNAL,
        (false, true) => SHARED,
        (false, false) => OWN,
    };
    Choice {
        value: network.id.clone(),
        cells: vec![name_of(network), kind.to_owned()],
        off: network.subnets.is_empty().then(|| NO_SUBNET.to_owned()),
    }
}

fn to_detach(port: &Interface, networks: &[Network]) -> Choice {
    let network = networks.iter().find(|network| network.id == port.network_id);
    let addresses =
        if port.fixed_ips.is_empty() { port.mac_address.clone() } else { port.fixed_ips.join(", ") };
    Choice {
        value: port.port_id.clone(),
        cells: vec![addresses, network.map_or_else(|| port.network_id.clone(), name_of)],
        off: None,
    }
}

fn name_of(network: &Network) -> String {
    if network.name.trim().is_empty() { network.id.clone() } else { network.name.clone() }
}

const LABEL: &str = "Networks";
const HEADS: &[&str] = &["Network", "Kind"];
const OWN: &str = "Own";
const SHARED: &str = "Shared";
const EXTERNAL: &str = "External";
const NO_SUBNET: &str = "It has no subnet, so there is no address to get.";
const NONE: &str = "There is no network in this region.";
const MISSING: &str = "Choose a network.";
const PORTS: &str = "Ports";
const PORT_HEADS: &[&str] = &["Addresses", "Network"];
const NO_PORT: &str = "It has no port.";
const PORT_MISSING: &str = "Choose a port.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_without_a_subnet_gives_no_address() {
        let bare = Network { id: "n".to_owned(), ..Network::default() };
        assert_eq!(to_attach(&bare).off.as_deref(), Some(NO_SUBNET));
        let whole = Network { subnets: vec!["s".to_owned()], shared: true, ..bare };
        assert_eq!(
            to_attach(&whole),
            Choice { value: "n".to_owned(), cells: vec!["n".to_owned(), SHARED.to_owned()], off: None }
        );
    }
}
