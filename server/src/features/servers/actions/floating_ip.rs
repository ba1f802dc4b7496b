//! Taking a floating IP from a server: Neutron takes it from whatever it leads to, so it is looked at first.

use api_types::ServerId;
use serde_json::Value;

/// Where a floating IP leads, as far as one server is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leads {
    Here,
    Nowhere,
    Elsewhere,
    /// To this port; whose it is has to be asked.
    To(String),
}

/// Reads Neutron's answer about a floating IP. Whose port it is stands in it where Neutron has `fip-port-details`.
pub fn floating_ip_leads(answer: &Value, server: ServerId) -> Leads {
    let Some(port) = answer.pointer("/floatingip/port_id").and_then(Value::as_str) else {
        return Leads::Nowhere;
    };
    match answer.pointer("/floatingip/port_details/device_id").and_then(Value::as_str) {
        Some(device) => belongs(device, server),
        None => Leads::To(port.to_owned()),
    }
}

/// Reads Neutron's answer about a port.
pub fn port_leads(answer: &Value, server: ServerId) -> Leads {
    match answer.pointer("/port/device_id").and_then(Value::as_str) {
        Some(device) => belongs(device, server),
        None => Leads::Elsewhere,
    }
}

fn belongs(device: &str, server: ServerId) -> Leads {
    if device == server.to_string() { Leads::Here } else { Leads::Elsewhere }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SERVER: &str = "26baacb8-dbb9-443a-9deb-daa713fe856e";
    const OTHER: &str = "40888098-a975-4b4a-a604-a5bd047f6310";

    #[test]
    fn a_floating_ip_leads_to_the_server_whose_port_it_has() {
        let server = SERVER.parse().expect("a server");
        let leads = |floating: Value| floating_ip_leads(&json!({"floatingip": floating}), server);
        assert_eq!(leads(json!({"port_id": "p", "port_details": {"device_id": SERVER}})), Leads::Here);
        assert_eq!(leads(json!({"port_id": "p", "port_details": {"device_id": OTHER}})), Leads::Elsewhere);
        assert_eq!(leads(json!({"port_id": "p", "port_details": {"device_id": ""}})), Leads::Elsewhere);
        assert_eq!(leads(json!({"port_id": null, "port_details": null})), Leads::Nowhere);
        assert_eq!(leads(json!({"port_id": "p"})), Leads::To("p".to_owned()));
        assert_eq!(port_leads(&json!({"port": {"device_id": SERVER}}), server), Leads::Here);
        assert_eq!(port_leads(&json!({"port": {"device_id": OTHER}}), server), Leads::Elsewhere);
    }
}
