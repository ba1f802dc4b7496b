//! One action on one server: makes its calls with the job's token, writes a line in the log for each, and tells the
//! index that there is something new.

use std::time::Duration;

use api_types::{
    ErrorBody, Region, ServerId,
    jobs::ItemError,
    servers::{action::ServerAction, calls::ActionCall},
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{
    calls::{also_needs, calls_of, method_of, service_of},
    floating_ip::{Leads, floating_ip_leads, port_leads},
    look_up,
    outcome::{Judged, note, reason},
};
use crate::{
    clock::Clock,
    features::servers::index::ServerIndexes,
    jobs::{Found, Item, Jobs, LeasedJob, Outcome, Reason, Work},
    proxy::Proxy,
    session::{Keystone, ProjectScope},
    upstream::{
        Answer, Call, Lane, Microversion, OnBehalf, ServiceType, Target, UpstreamClient, UpstreamError,
        service_catalog::{join, join_versioned},
    },
};

/// Actions on servers, as the jobs have them done.
pub struct ServerActions {
    pub upstream: UpstreamClient,
    pub keystone: Keystone,
    pub indexes: ServerIndexes,
    pub proxy: Proxy,
    pub jobs: Jobs,
    pub clock: Clock,
}

/// What all servers of a job share.
pub struct OpenJob {
    pub job: LeasedJob,
    pub action: ServerAction,
    pub scope: ProjectScope,
}

impl Work for ServerActions {
    type Open = OpenJob;

    fn open(&self, job: &LeasedJob, payload: &[u8], permit: &[u8]) -> Option<OpenJob> {
        let action = serde_json::from_slice(payload).ok()?;
        let scope = ProjectScope::unpack(&job.project_id.parse().ok()?, permit)?;
        Some(OpenJob { job: job.clone(), action, scope })
    }

    fn longest_call(&self) -> Duration {
        // Waiting for a free place, then the call itself, then Keystone's word on a refused token.
        self.upstream.config().timeout * 3
    }

    async fn run(&self, open: &OpenJob, item: &Item) -> Outcome {
        if open.scope.expires_at <= self.clock.now() {
            return Outcome::Held { because: TOKEN_IS_OVER.to_owned() };
        }
        let Some((region, server)) = target_of(item) else {
            return Outcome::Failed { reason: no_service(item, "Compute"), upstream_request_id: None };
        };
        self.proxy.forget(&open.scope.project, &region);
        match self.act(open, item, &region, server).await {
            Ok(done) => done,
            Err(Trouble::NoService(service)) => {
                let name = Target::new(service, region).to_string();
                Outcome::Failed { reason: no_service(item, &name), upstream_request_id: None }
            }
            Err(Trouble::Upstream(target, error)) => self.judge(open, item, &target, &error).await,
        }
    }

    async fn look_up(&self, open: &OpenJob, item: &Item) -> Found {
        look_up::look_up(self, open, item).await
    }

    async fn done(&self, open: &OpenJob, item: &Item) {
        let Some((region, server)) = target_of(item) else { return };
        // What pages were shown of this region a moment ago is not to be shown again.
        self.proxy.forget(&open.scope.project, &region);
        // For one server the list is to show at once what Nova says of it. Labels and addresses change without a new
        // `updated`, so no question about changes shows them.
        if open.job.is_single || !is_shown_by_changes(&open.action) {
            self.indexes.learn_one(&open.scope, &region, server, open.job.is_single).await;
        }
        if is_shown_by_changes(&open.action) {
            self.indexes.stir(&open.scope.project, &region);
        }
    }
}

/// Why there is no good answer.
enum Trouble {
    /// The catalog has no such service in the region.
    NoService(ServiceType),
    Upstream(Target, Box<UpstreamError>),
}

const TOKEN_IS_OVER: &str = "Your sign-in has ended on this. Resume it to go on with your present one.";
/// A service that refuses a token which Keystone cannot be asked about.
const KEYSTONE_PAUSE: Duration = Duration::from_secs(5);
/// Answers to actions are short; a rebuild's is a server.
const LONGEST_ANSWER: usize = 1 << 20;

impl ServerActions {
    /// Makes the calls of the action in their order; the first that fails ends it.
    async fn act(
        &self,
        open: &OpenJob,
        item: &Item,
        region: &Region,
        server: ServerId,
    ) -> Result<Outcome, Trouble> {
        let compute = self.endpoint(open, ServiceType::Compute, region)?;
        if let Some(service) = also_needs(&open.action) {
            self.endpoint(open, service, region)?;
        }
        if let ServerAction::DetachFloatingIp { floating_ip_id } = &open.action {
            match self.leads(open, item, region, server, floating_ip_id).await? {
                Leads::Here => {}
                // Somebody was faster, or an attempt before this one.
                Leads::Nowhere => return Ok(Outcome::Done { upstream_request_id: None, note: None }),
                Leads::Elsewhere | Leads::To(_) => {
                    let reason = refusal(item, "not_its_floating_ip", NOT_ITS_FLOATING_IP.to_owned());
                    return Ok(Outcome::Failed { reason, upstream_request_id: None });
                }
            }
        }
        let versions = self.upstream.microversions();
        let version = versions.of(compute, Instant::now());
        let last = match self.calls(open, item, region, server, version).await {
            // It is older than thought, which it says before it does anything.
            Err(Trouble::Upstream(target, error))
                if error.status() == Some(StatusCode::NOT_ACCEPTABLE)
                    && target.service == ServiceType::Compute =>
            {
                let lower = versions.negotiate(&self.upstream, &target, compute).await;
                let lower = lower.map_err(|error| Trouble::Upstream(target.clone(), error.into()))?;
                if lower == version {
                    return Err(Trouble::Upstream(target, error));
                }
                self.calls(open, item, region, server, lower).await
            }
            result => result,
        }?;
        let is_snapshot = matches!(open.action, ServerAction::Snapshot { .. });
        Ok(Outcome::Done {
            upstream_request_id: last.as_ref().and_then(upstream_request_id).map(str::to_owned),
            note: last.as_ref().filter(|_| is_snapshot).and_then(note),
        })
    }

    async fn calls(
        &self,
        open: &OpenJob,
        item: &Item,
        region: &Region,
        server: ServerId,
        version: Microversion,
    ) -> Result<Option<Answer>, Trouble> {
        let mut last = None;
        for call in calls_of(&open.action, server, version) {
            let service = service_of(&call);
            let endpoint = self.endpoint(open, service, region)?;
            let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
            let url = match service {
                ServiceType::Network => join_versioned(endpoint, "v2.0", &path),
                _ => join(endpoint, &path),
            };
            let target = Target::new(service, region.clone());
            let made = Call::new(method_of(&call), url);
            let made = match &call.body {
                Some(body) => made.json(body),
                None => made,
            };
            match self.make(open, item, &target, made, version).await {
                Ok(answer) => last = Some(answer),
                Err(error) if is_fine(&open.action, &call, item, &error) => {}
                Err(error) => return Err(Trouble::Upstream(target, error.into())),
            }
        }
        Ok(last)
    }

    /// Where a floating IP leads.
    async fn leads(
        &self,
        open: &OpenJob,
        item: &Item,
        region: &Region,
        server: ServerId,
        floating_ip: &str,
    ) -> Result<Leads, Trouble> {
        let endpoint = self.endpoint(open, ServiceType::Network, region)?;
        let target = Target::new(ServiceType::Network, region.clone());
        let read = async |path: &[&str]| {
            let call = Call::new(Method::GET, join_versioned(endpoint, "v2.0", path));
            let answer = self.make(open, item, &target, call, Microversion::WANTED).await;
            answer.and_then(|answer| answer.json::<Value>())
        };
        let trouble = |error: UpstreamError| Trouble::Upstream(target.clone(), error.into());
        match floating_ip_leads(&read(&["floatingips", floating_ip]).await.map_err(trouble)?, server) {
            Leads::To(port) => match read(&["ports", &port]).await {
                Ok(port) => Ok(port_leads(&port, server)),
                // A port that this project may not see is not its server's.
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(Leads::Elsewhere),
                Err(error) => Err(trouble(error)),
            },
            leads => Ok(leads),
        }
    }

    /// Makes one call, with a line in the log.
    async fn make(
        &self,
        open: &OpenJob,
        item: &Item,
        target: &Target,
        call: Call,
        version: Microversion,
    ) -> Result<Answer, UpstreamError> {
        let lane = if open.job.is_single { Lane::Interactive } else { Lane::Bulk };
        let mut call = call
            .token(open.scope.token.expose())
            .lane(lane)
            .max_body_bytes(LONGEST_ANSWER)
            .repeatable(false)
            .on_behalf(Some(on_behalf(&open.job, item).into()));
        if let Ok(id) = HeaderValue::from_str(&item.request_id) {
            // The services keep it beside their own, as the id of everything that follows from one request.
            call = call.header(HeaderName::from_static("x-openstack-request-id"), id);
        }
        if target.service == ServiceType::Compute {
            call = call.microversion(version);
        }
        self.upstream.send(target, call).await
    }

    async fn judge(&self, open: &OpenJob, item: &Item, target: &Target, error: &UpstreamError) -> Outcome {
        let judged = Judged { target, request_id: &item.request_id, is_single: open.job.is_single };
        if error.status() != Some(StatusCode::UNAUTHORIZED) {
            return judged.outcome(error);
        }
        // Services err; only Keystone knows whether a token is over.
        match self.keystone.is_token_valid(&open.scope.token).await {
            Ok(false) => Outcome::Held { because: TOKEN_IS_OVER.to_owned() },
            Ok(true) => judged.failed(error),
            Err(_) if open.job.is_single => judged.failed(error),
            Err(_) => Outcome::NotNow { retry_in: KEYSTONE_PAUSE, slows: false },
        }
    }

    fn endpoint<'a>(
        &self,
        open: &'a OpenJob,
        service: ServiceType,
        region: &Region,
    ) -> Result<&'a Url, Trouble> {
        let interface = self.upstream.config().interface;
        open.scope.catalog.endpoint(service, region, interface).ok_or(Trouble::NoService(service))
    }
}

/// The region and server of an item; `None` only if somebody wrote something else into the table.
pub fn target_of(item: &Item) -> Option<(Region, ServerId)> {
    Some((item.place.parse().ok()?, ServerId(item.target.into_bytes())))
}

/// The id a service gave a call.
pub fn upstream_request_id(answer: &Answer) -> Option<&str> {
    answer.header("x-openstack-request-id").or_else(|| answer.header("x-compute-request-id"))
}

/// A refusal that says that it is as wanted already.
fn is_fine(action: &ServerAction, call: &ActionCall, item: &Item, error: &UpstreamError) -> bool {
    let UpstreamError::Status { status: StatusCode::NOT_FOUND, message, .. } = error else { return false };
    // The first attempt did it, though nobody saw its answer.
    let was_deleted = matches!(action, ServerAction::Delete) && item.attempts > 1;
    // "Server {id} has no tag 'x'", "Metadata item was not found"; the server itself "could not be found".
    was_deleted || (call.may_be_gone && !message.contains("could not be found"))
}

/// Whether the question about changes shows what this does.
fn is_shown_by_changes(action: &ServerAction) -> bool {
    !matches!(
        action,
        ServerAction::Tag { .. }
            | ServerAction::SetMetadata { .. }
            | ServerAction::AttachInterface { .. }
            | ServerAction::DetachInterface { .. }
            | ServerAction::AttachFloatingIp { .. }
            | ServerAction::DetachFloatingIp { .. }
    )
}

fn no_service(item: &Item, name: &str) -> Reason {
    refusal(item, "no_such_service", format!("{name} is not in the service catalog."))
}

const NOT_ITS_FLOATING_IP: &str =
    "The floating IP leads to something else by now. Reload the page to see where.";

/// What the panel itself refuses.
fn refusal(item: &Item, code: &str, message: String) -> Reason {
    reason(&ItemError {
        error: ErrorBody {
            code: code.to_owned(),
            message,
            request_id: item.request_id.clone(),
            retry_after_secs: None,
        },
        upstream_message: None,
        upstream_status: None,
    })
}

/// For whom an item's calls are made.
pub fn on_behalf(job: &LeasedJob, item: &Item) -> OnBehalf {
    OnBehalf {
        user: job.user_name.clone(),
        user_id: job.user_id.clone(),
        project: job.project_id.clone(),
        session: job.session.clone(),
        job: Some(job.id.to_string()),
        request_id: item.request_id.clone(),
    }
}
