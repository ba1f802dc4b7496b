//! Floating IPs: one the project has, or a new one, for a port of the server; and giving one up.

use api_types::servers::{
    action::ServerAction,
    detail::{Interface, Part},
};
use leptos::{prelude::*, task::spawn_local};
use serde::Deserialize;

use super::{
    About, Form,
    choices::{Choice, Chosen, choices},
};
use crate::{
    api_client::ApiError,
    asked::{Asked, ask},
    cloud::{Cloud, CloudError, Service},
    features::servers::api,
    offers::{Network, list_networks, until_is},
    ui::{El, Held, choice::button, el},
};

pub fn attach(about: &About) -> Form {
    let (address, port) = (Chosen::new(), Chosen::new());
    let found = find(about);
    let addresses = choices(
        ADDRESSES,
        HEADS,
        found,
        |found| found.addresses.iter().map(|it| it.to_attach()).collect(),
        NONE,
        address,
    );
    let ports = choices(
        PORTS,
        PORT_HEADS,
        found,
        |found| found.ports.iter().map(|port| found.port_line(port)).collect(),
        NO_PORT,
        port,
    );
    let heading = |text: &str| el("p").class("field-heading").attr("aria-hidden", "true").text(text);
    let fields = vec![
        el("div").class("field").child(heading(ADDRESSES)).child(addresses).child(more(about.cloud(), found)),
        el("div").class("field").child(heading(PORTS)).child(ports),
    ];
    Form::new(fields, move || {
        let (address, port) = (address.read(MISSING), port.read(PORT_MISSING));
        Some(ServerAction::AttachFloatingIp { floating_ip_id: address?, port_id: port? })
    })
}

pub fn detach(about: &About) -> Form {
    let address = Chosen::new();
    let lines = |found: &Found| {
        let own = found.addresses.iter().filter(|address| found.has_port(address.port_id.as_deref()));
        own.map(FloatingIp::line).collect()
    };
    let table = choices(ADDRESSES, HEADS, find(about), lines, NONE_ATTACHED, address);
    Form::new(vec![table], move || {
        Some(ServerAction::DetachFloatingIp { floating_ip_id: address.read(MISSING)? })
    })
}

/// What there is to choose from.
struct Found {
    addresses: Vec<FloatingIp>,
    ports: Vec<Interface>,
    networks: Vec<Network>,
}

impl Found {
    /// Where new addresses come from.
    fn pools(&self) -> impl Iterator<Item = &Network> {
        self.networks.iter().filter(|network| network.is_external)
    }

    fn port_line(&self, port: &Interface) -> Choice {
        let network = self.networks.iter().find(|network| network.id == port.network_id);
        let network = network.map_or(&port.network_id, |network| &network.name);
        let addresses =
            if port.fixed_ips.is_empty() { port.mac_address.clone() } else { port.fixed_ips.join(", ") };
        Choice { value: port.port_id.clone(), cells: vec![addresses, network.clone()], off: None }
    }

    fn has_port(&self, id: Option<&str>) -> bool {
        self.ports.iter().any(|port| Some(port.port_id.as_str()) == id)
    }
}

/// Source: network API, list floating IPs.
#[derive(Clone, Debug, Default, Deserialize)]
struct FloatingIp {
    id: String,
    floating_ip_address: String,
    #[serde(default)]
    fixed_ip_address: Option<String>,
    #[serde(default)]
    port_id: Option<String>,
    #[serde(default)]
    description: String,
}

impl FloatingIp {
    fn line(&self) -> Choice {
        Choice {
            value: self.id.clone(),
            cells: vec![self.floating_ip_address.clone(), self.description.clone()],
            off: None,
        }
    }

    fn to_attach(&self) -> Choice {
        let fixed = self.fixed_ip_address.as_deref().unwrap_or(ANOTHER);
        Choice { off: self.port_id.as_ref().map(|_| in_use(fixed)), ..self.line() }
    }
}

fn find(about: &About) -> Asked<Found> {
    let (cloud, server) = (about.cloud(), about.first());
    ask(move |until| {
        let (cloud, server) = (cloud.clone(), server.clone());
        Some(Box::pin(async move {
            let detail = api::show_server(&cloud.project, &server.region, &server.id, until.as_ref()).await?;
            let ports = match detail.interfaces {
                Part::Known(ports) => ports,
                Part::Missing(body) => return Err(ApiError::Refused { status: 502, body }),
            };
            let addresses = list_addresses(&cloud, until.as_ref()).await?;
            let networks = list_networks(&cloud, until.as_ref()).await.unwrap_or_default();
            Ok(Found { addresses, ports, networks })
        }))
    })
}

async fn list_addresses(
    cloud: &Cloud,
    until: Option<&web_sys::AbortSignal>,
) -> Result<Vec<FloatingIp>, CloudError> {
    #[derive(Deserialize)]
    struct Answer {
        floatingips: Vec<FloatingIp>,
    }
    let path = format!("floatingips?project_id={}", cloud.project);
    let mut addresses =
        until_is(cloud.get(Service::Network, &path), until).json::<Answer>().await?.floatingips;
    addresses.sort_by(|a, b| {
        (a.port_id.is_some(), &a.floating_ip_address).cmp(&(b.port_id.is_some(), &b.floating_ip_address))
    });
    Ok(addresses)
}

/// Buttons that get a new address, one for each network that has some.
fn more(cloud: Cloud, found: Asked<Found>) -> El {
    let failure: Held<Option<String>> = Held::new(None);
    let is_busy = RwSignal::new(false);
    let pool = move |network: &Network| {
        let (cloud, id) = (cloud.clone(), network.id.clone());
        button("button", &new_from(&network.name), move || {
            if is_busy.get_untracked() {
                return;
            }
            is_busy.set(true);
            let (cloud, id) = (cloud.clone(), id.clone());
            spawn_local(async move {
                let body = serde_json::json!({ "floatingip": { "floating_network_id": id } });
                let made = cloud.post(Service::Network, "floatingips").body(&body).done().await;
                _ = is_busy.try_set(false);
                match made {
                    Ok(()) => {
                        failure.set(None);
                        found.refetch();
                    }
                    Err(error) => {
                        let explained = error.explained();
                        failure.set(Some(format!("{} {}", explained.cause, explained.next)));
                    }
                }
            });
        })
        .attr("data-testid", "new-address")
    };
    let buttons =
        move || found.with(|found| found.iter().flat_map(|found| found.pools()).map(&pool).collect());
    let note = el("p")
        .class("field-note error")
        .attr("role", "alert")
        .live_text(move || failure.get().unwrap_or_default());
    el("div").class("field").child(el("div").class("form-actions").live_children(buttons)).child(note)
}

fn in_use(fixed: &str) -> String {
    format!("It leads to {fixed}.")
}

/// "Get a new one from public"
fn new_from(network: &str) -> String {
    format!("Get a new one from {network}")
}

const ADDRESSES: &str = "Floating IPs";
const HEADS: &[&str] = &["Address", "Description"];
const NONE: &str = "The project has no floating IP in this region yet.";
const NONE_ATTACHED: &str = "No floating IP leads to it.";
const MISSING: &str = "Choose a floating IP.";
const ANOTHER: &str = "another port";
const PORTS: &str = "Ports of the server";
const PORT_HEADS: &[&str] = &["Addresses", "Network"];
const NO_PORT: &str = "The server has no port.";
const PORT_MISSING: &str = "Choose a port.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_somewhere_says_where() {
        let free = FloatingIp { id: "f".to_owned(), ..FloatingIp::default() };
        assert_eq!(free.to_attach().off, None);
        let taken = FloatingIp {
            port_id: Some("p".to_owned()),
            fixed_ip_address: Some("10.0.0.7".to_owned()),
            ..free
        };
        assert_eq!(taken.to_attach().off.as_deref(), Some("It leads to 10.0.0.7."));
    }
}
