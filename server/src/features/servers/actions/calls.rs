//! What the panel's server adds to an action's calls: what an older service does not take, and whom else it needs.

use api_types::{
    ServerId,
    servers::{
        action::ServerAction,
        calls::{self, ActionCall, CalledService},
    },
};
use axum::http::Method;

use crate::upstream::{Microversion, ServiceType};

/// The calls that make up an action, in their order, as a compute service of this version understands them.
pub fn calls_of(action: &ServerAction, server: ServerId, version: Microversion) -> Vec<ActionCall> {
    let action = match action {
        ServerAction::Lock { .. } if version < LOCKED_REASON => &ServerAction::Lock { reason: None },
        action => action,
    };
    calls::calls_of(action, server)
}

/// A service beside those called that an action needs: Nova would find out late that there is none.
pub fn also_needs(action: &ServerAction) -> Option<ServiceType> {
    match action {
        ServerAction::AttachVolume { .. } | ServerAction::DetachVolume { .. } => {
            Some(ServiceType::BlockStorage)
        }
        ServerAction::AttachInterface { .. } | ServerAction::DetachInterface { .. } => {
            Some(ServiceType::Network)
        }
        _ => None,
    }
}

pub fn service_of(call: &ActionCall) -> ServiceType {
    match call.service {
        CalledService::Compute => ServiceType::Compute,
        CalledService::Network => ServiceType::Network,
    }
}

pub fn method_of(call: &ActionCall) -> Method {
    match call.method {
        calls::Method::Post => Method::POST,
        calls::Method::Put => Method::PUT,
        calls::Method::Delete => Method::DELETE,
    }
}

/// From here on a lock may have a reason.
const LOCKED_REASON: Microversion = Microversion::new(2, 73);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_nova_gets_a_lock_without_the_reason_it_does_not_know() {
        let lock = ServerAction::Lock { reason: Some("audit".to_owned()) };
        let server = "40888098-a975-4b4a-a604-a5bd047f6310".parse().expect("a server");
        let body = |version| {
            let calls = calls_of(&lock, server, version);
            calls[0].body.as_ref().map(ToString::to_string)
        };
        let with_reason = r#"{"lock":{"locked_reason":"audit"}}"#;
        assert_eq!(body(Microversion::WANTED).as_deref(), Some(with_reason));
        assert_eq!(body(Microversion::new(2, 60)).as_deref(), Some(r#"{"lock":null}"#));
    }
}
