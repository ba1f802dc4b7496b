//! A service tried now, because an operator says that it may be well again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::{
    Region,
    operator::health::{ProbeService, ProbedService},
};
use axum::{Json, extract::State};
use url::Url;

use super::report::circuit;
use crate::{
    clock::Clock,
    error::ApiError,
    health::Health,
    session::{Keystone, Operator},
    upstream::{
        Call, OnBehalf, ServiceType, Target, UpstreamClient, UpstreamError,
        service_catalog::{join, join_versioned},
    },
};

/// Each service of each region is tried at most so often from one node, whoever presses.
const PAUSE: Duration = Duration::from_secs(2);
/// Nobody waits longer for a button.
const DEADLINE: Duration = Duration::from_secs(5);

/// Makes one small call to a service, with the operator's own rights, even where the circuit is open. What the service
/// answers is the circuit's to judge: a refusal is an answer.
///
/// Errors: 404 no operator, 400 `no_such_service`, 409 `probed_a_moment_ago`. That there is no answer is a result.
pub async fn probe_service(
    operator: Operator,
    State(health): State<Health>,
    State(upstream): State<UpstreamClient>,
    State(keystone): State<Keystone>,
    State(clock): State<Clock>,
    Json(wanted): Json<ProbeService>,
) -> Result<Json<ProbedService>, ApiError> {
    let no_such_service = || ApiError::Invalid {
        code: "no_such_service",
        message: "This node knows no such service.".to_owned(),
    };
    let target = target_of(&wanted).ok_or_else(no_such_service)?;
    let url = url_of(&target, &operator, &upstream, &keystone).ok_or_else(no_such_service)?;
    let key = format!("probe {target}");
    if health.pauses().take(&key, PAUSE, clock.instant()).is_err() {
        return Err(ApiError::Conflict {
            code: "probed_a_moment_ago",
            message: format!("{target} was probed a moment ago; what came of it is on this page."),
        });
    }
    operator.note("probed a service", &target);
    let caller = &operator.caller;
    let behalf = OnBehalf {
        user: caller.user().name.clone(),
        user_id: caller.user().id.clone(),
        session: caller.session.id.short(),
        request_id: caller.request_id.0.to_string(),
        ..OnBehalf::default()
    };
    let call = Call::get(url)
        .token(operator.rights.token.expose())
        .deadline(DEADLINE)
        .repeatable(false)
        .on_behalf(Some(Arc::new(behalf)));
    let started_at = Instant::now();
    upstream.try_now(&target);
    let answer = upstream.send_any(&target, call).await;
    let took_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = answer.as_ref().ok().map(|answer| answer.status);
    let error = match &answer {
        Ok(answer) => answer
            .status
            .is_server_error()
            .then(|| UpstreamError::refused(answer.status, &answer.headers).code()),
        Err(error) => Some(error.code()),
    };
    Ok(Json(ProbedService {
        is_answered: error.is_none(),
        status: status.map(|status| status.as_u16()),
        error: error.map(str::to_owned),
        took_ms,
        circuit: circuit(upstream.circuit(&target)),
    }))
}

fn target_of(wanted: &ProbeService) -> Option<Target> {
    use ServiceType::*;
    let all = [Identity, Compute, Image, Network, BlockStorage];
    let service = all.into_iter().find(|service| service.tag() == wanted.service)?;
    match (service, &wanted.region) {
        (Identity, None) => Some(Target::identity()),
        (Identity, Some(_)) | (_, None) => None,
        (service, Some(region)) => Some(Target::new(service, region.parse::<Region>().ok()?)),
    }
}

/// A call that reads next to nothing; where the operator's catalog does not have the service, its front page.
fn url_of(
    target: &Target,
    operator: &Operator,
    upstream: &UpstreamClient,
    keystone: &Keystone,
) -> Option<Url> {
    let Some(region) = &target.region else { return Some(keystone.auth_url().clone()) };
    let interface = upstream.config().interface;
    let Some(endpoint) = operator.rights.catalog.endpoint(target.service, region, interface) else {
        return upstream.known_endpoint(target);
    };
    let mut url = match target.service {
        ServiceType::Compute => join(endpoint, &["servers"]),
        ServiceType::BlockStorage => join(endpoint, &["volumes"]),
        ServiceType::Image => join_versioned(endpoint, "v2", &["images"]),
        ServiceType::Network => join_versioned(endpoint, "v2.0", &["networks"]),
        ServiceType::Identity => endpoint.clone(),
    };
    url.set_query(Some("limit=1"));
    Some(url)
}
