//! What was last heard of each service of each region, and a look at one without anybody waiting for it.

use std::{collections::HashMap, time::Duration};

use api_types::Region;
use axum::http::StatusCode;
use parking_lot::Mutex;
use tokio::time::Instant;
use url::Url;

use super::{
    Answer, Call, ServiceCatalog, ServiceType, Target, UpstreamClient, UpstreamError,
    circuit_breaker::CircuitState,
};

/// A service of a region, as this node knows it.
#[derive(Clone, Debug)]
pub struct ServiceState {
    pub target: Target,
    pub circuit: CircuitState,
    /// When an open circuit tries a call again.
    pub retry_in: Option<Duration>,
    pub heard: Heard,
    /// Calls that wait for their turn.
    pub waiting: usize,
}

/// What was last heard of a service.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// When it last answered, be it with a refusal.
    pub answered_at: Option<Instant>,
    pub failure: Option<Failure>,
}

/// How a service failed the last time it did.
#[derive(Clone, Debug)]
pub struct Failure {
    pub at: Instant,
    /// As [`UpstreamError::code`] has it.
    pub code: &'static str,
    /// Where it answered with an error of its own.
    pub status: Option<u16>,
}

/// Where services are, as the catalogs of callers said lately.
#[derive(Default)]
pub(super) struct Endpoints(Mutex<HashMap<Target, (Url, Instant)>>);

/// A region that no catalog names any more is forgotten after so long.
const FORGET_ENDPOINT: Duration = Duration::from_secs(86_400);
/// A catalog names tens; this is a bound for those that name anything.
const MOST_ENDPOINTS: usize = 2_000;
/// What a service says of itself is short, and nobody reads it.
const LONGEST_LOOK: usize = 1 << 20;

impl UpstreamClient {
    /// Every service of every region that was called, or that a caller's catalog named; by region, then by service.
    pub fn services(&self) -> Vec<ServiceState> {
        let now = Instant::now();
        for target in self.inner().endpoints.targets(now) {
            // Known from now on, with a circuit that is closed.
            self.inner().gate(&target);
        }
        let mut states = self.inner().states(now);
        let key = |state: &ServiceState| {
            (state.target.region.as_ref().map(Region::to_string), state.target.service)
        };
        states.sort_by_key(key);
        states
    }

    /// Remembers where the services are.
    pub fn note_endpoints(&self, catalog: &ServiceCatalog) {
        self.inner().endpoints.note(catalog.all(self.config().interface), Instant::now());
    }

    /// Where a service is, as far as it is known.
    pub fn known_endpoint(&self, target: &Target) -> Option<Url> {
        self.inner().endpoints.0.lock().get(target).map(|(url, _)| url.clone())
    }

    /// Looks whether a service answers at all, without a token and without a place under its cap. A service whose
    /// circuit is closed is looked at past it: that its front page answers says nothing of the calls that fail. One
    /// whose circuit waits for a call to try is tried with this one.
    ///
    /// Errors: there is no answer, or one of 500 and more.
    pub async fn look(&self, target: &Target, url: &Url, deadline: Duration) -> Result<(), UpstreamError> {
        let inner = self.inner();
        let gate = inner.gate(target);
        let call = Call::get(url.clone()).deadline(deadline).max_body_bytes(LONGEST_LOOK);
        let ends_at = Instant::now() + deadline;
        let circuit = self.circuit(target);
        let result = match circuit {
            CircuitState::Open => return Err(UpstreamError::CircuitOpen { retry_in: gate.retry_in() }),
            CircuitState::HalfOpen => {
                let pass = gate.admit(inner, target)?;
                let result = inner.attempt(&call, ends_at, deadline).await;
                pass.record(&result);
                result
            }
            CircuitState::Closed | CircuitState::Reintroducing => {
                let result = inner.attempt(&call, ends_at, deadline).await;
                gate.hear(result.as_ref().map(|answer| answer.status), Instant::now());
                result
            }
        };
        match result? {
            answer if answer.status.is_server_error() => {
                Err(UpstreamError::refused(answer.status, &answer.headers))
            }
            _ => Ok(()),
        }
    }

    /// Asks an address that belongs to no service, such as another node's.
    ///
    /// Errors: there is no answer.
    pub async fn ask(&self, url: &Url, deadline: Duration) -> Result<Answer, UpstreamError> {
        let call = Call::get(url.clone()).max_body_bytes(LONGEST_LOOK);
        self.inner().attempt(&call, Instant::now() + deadline, deadline).await
    }
}

impl Heard {
    /// Takes in how a call ended.
    pub(super) fn note(&mut self, ended: Result<StatusCode, &UpstreamError>, now: Instant) {
        match ended {
            Ok(status) if status.is_server_error() => {
                let code = UpstreamError::refused(status, &Default::default()).code();
                self.failure = Some(Failure { at: now, code, status: Some(status.as_u16()) });
            }
            Ok(_) => self.answered_at = Some(now),
            Err(error) if error.is_fault_of_service() => {
                let status = error.status().map(|status| status.as_u16());
                self.failure = Some(Failure { at: now, code: error.code(), status });
            }
            // It was not asked, or what it said was of no use, which is an answer.
            Err(UpstreamError::CircuitOpen { .. } | UpstreamError::TooBusy) => {}
            Err(_) => self.answered_at = Some(now),
        }
    }
}

impl Endpoints {
    fn note<'a>(&self, all: impl Iterator<Item = (ServiceType, &'a Region, &'a Url)>, now: Instant) {
        let mut known = self.0.lock();
        for (service, region, url) in all {
            // There is one for all regions, and its address is configured.
            if service == ServiceType::Identity {
                continue;
            }
            let target = Target::new(service, region.clone());
            if known.len() < MOST_ENDPOINTS || known.contains_key(&target) {
                known.insert(target, (url.clone(), now));
            }
        }
    }

    fn targets(&self, now: Instant) -> Vec<Target> {
        let mut known = self.0.lock();
        known.retain(|_, (_, noted_at)| now.duration_since(*noted_at) < FORGET_ENDPOINT);
        known.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{config::EndpointInterface, config::UpstreamConfig, metrics::Metrics};

    #[test]
    fn an_error_of_the_service_is_a_failure_and_a_refusal_is_an_answer() {
        let now = Instant::now();
        let mut heard = Heard::default();
        heard.note(Ok(StatusCode::SERVICE_UNAVAILABLE), now);
        let failure = heard.failure.clone().expect("a failure");
        assert_eq!((failure.code, failure.status), ("upstream_unavailable", Some(503)));
        assert!(heard.answered_at.is_none());
        heard.note(Ok(StatusCode::UNAUTHORIZED), now);
        assert!(heard.answered_at.is_some(), "401 is an answer");
        let mut heard = Heard::default();
        heard.note(Err(&UpstreamError::CircuitOpen { retry_in: Duration::ZERO }), now);
        assert!(heard.answered_at.is_none() && heard.failure.is_none(), "nobody was asked");
        heard.note(Err(&UpstreamError::Timeout { after: Duration::ZERO }), now);
        assert_eq!(heard.failure.map(|failure| failure.code), Some("upstream_timeout"));
    }

    #[test]
    fn services_that_catalogs_name_are_known_before_anybody_calls_them() {
        let catalog = ServiceCatalog::parse(&json!({"catalog": [
            {"type": "compute", "endpoints": [
                {"interface": "public", "region_id": "RegionTwo", "url": "http://two/compute/v2.1"},
                {"interface": "public", "region_id": "RegionOne", "url": "http://one/compute/v2.1"},
            ]},
            {"type": "identity", "endpoints": [
                {"interface": "public", "region_id": "RegionOne", "url": "http://one/identity"},
            ]},
        ]}));
        assert_eq!(catalog.all(EndpointInterface::Public).count(), 3);
        let client = UpstreamClient::new(&UpstreamConfig::default(), Metrics::nowhere()).expect("a client");
        client.note_endpoints(&catalog);
        let known: Vec<String> = client.services().iter().map(|state| state.target.to_string()).collect();
        assert_eq!(known, ["Compute in RegionOne", "Compute in RegionTwo"]);
        assert!(client.services().iter().all(|state| state.circuit == CircuitState::Closed));
        let region = "RegionTwo".parse().expect("a region");
        let url = client.known_endpoint(&Target::new(ServiceType::Compute, region)).expect("its address");
        assert_eq!(url.as_str(), "http://two/compute/v2.1");
    }
}
