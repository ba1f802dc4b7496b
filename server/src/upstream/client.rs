//! One way to call a service: deadline, cap on concurrent calls, circuit breaker, repetition of reads, metrics.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::http::{HeaderMap, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Body as _;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::{
    Answer, Call, Lane, Target, UpstreamError,
    call_log::{log_call, tell_again, tell_begin, tell_circuit, tell_end, tell_refused},
    circuit_breaker::{BreakerSettings, CallOutcome, CircuitBreaker, CircuitState, Pass, Refused},
    connections::{Connections, ReceivedBody},
    heard::{Endpoints, Heard, ServiceState},
    microversion::Microversions,
    places::{KEPT_FREE_FOR, Place, Places},
    retry::pause_before_retry,
    socket::{UpstreamSocket, open_socket},
    srv::Hosts,
    tls::{InvalidTls, client_config},
};
use crate::{
    config::UpstreamConfig,
    metrics::{Metric, Metrics},
};

/// Calls services. Cheap to clone; clones share connections, caps and circuits.
#[derive(Clone)]
pub struct UpstreamClient(Arc<Inner>);

impl UpstreamClient {
    /// Errors: the configured certificates are of no use.
    pub fn new(config: &UpstreamConfig, metrics: Metrics) -> Result<Self, InvalidTls> {
        // Fails when somebody installed one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (hosts, tls) = (Hosts::new(&config.name_servers), client_config(&config.tls)?);
        let most_idle = config.concurrency.saturating_mul(2);
        let connections = || Connections::new(hosts.clone(), tls.clone(), config.connect_timeout, most_idle);
        Ok(Self(Arc::new(Inner {
            documents: connections(),
            // Connections of its own: what a browser made of one is not to meet a list.
            streaming: connections(),
            config: config.clone(),
            metrics,
            microversions: Microversions::default(),
            endpoints: Endpoints::default(),
            gates: Mutex::default(),
        })))
    }

    /// Makes one call and reads the answer whole.
    ///
    /// Errors: every status of 400 and more is [`UpstreamError::Status`]; the others say why there is no answer.
    pub async fn send(&self, target: &Target, call: Call) -> Result<Answer, UpstreamError> {
        let answer = self.send_any(target, call).await?;
        UpstreamError::of(&answer).map_or(Ok(answer), Err)
    }

    /// Like [`send`](Self::send), but every status is an answer.
    pub async fn send_any(&self, target: &Target, call: Call) -> Result<Answer, UpstreamError> {
        let started_at = Instant::now();
        tell_begin(target, &call);
        let result = self.send_once(target, &call).await;
        match &call.behalf {
            Some(behalf) => {
                let sent_bytes = call.body.as_ref().map_or(0, Bytes::len);
                log_call(behalf, target, &call.method, &call.url, sent_bytes, started_at.elapsed(), &result);
            }
            None => tell_end(target, &call, started_at.elapsed(), &result),
        }
        result
    }

    async fn send_once(&self, target: &Target, call: &Call) -> Result<Answer, UpstreamError> {
        let inner = &*self.0;
        let gate = inner.gate(target);
        let _place = gate.place_of(&gate.places, call.lane, inner.config.timeout).await?;

        let deadline = call.deadline.unwrap_or(inner.config.timeout).min(inner.config.timeout);
        let ends_at = Instant::now() + deadline;
        let pass = gate.admit(inner, target)?;
        let mut attempts = 0;
        loop {
            let attempt = inner.attempt(call, ends_at, deadline).await;
            attempts += 1;
            let refusal = attempt.as_ref().ok().and_then(UpstreamError::of);
            let pause = refusal.as_ref().or(attempt.as_ref().err()).and_then(|error| {
                let left = ends_at.saturating_duration_since(Instant::now());
                pause_before_retry(error, call.is_repeatable, attempts, left, rand::random())
            });
            match pause {
                Some(pause) => {
                    tell_again(target, attempts, pause);
                    sleep(pause).await;
                }
                None => {
                    pass.record(&attempt);
                    return attempt;
                }
            }
        }
    }

    /// Lets the next call to this service through, though its circuit is open. For a person who asks to try again.
    pub fn try_now(&self, target: &Target) {
        self.0.gate(target).breaker.lock().try_now(Instant::now());
    }

    pub fn circuit(&self, target: &Target) -> CircuitState {
        self.0.gate(target).breaker.lock().state(Instant::now())
    }

    /// Opens a WebSocket to an address that a service named, such as a console's.
    ///
    /// Errors: those of [`open_socket`].
    pub async fn open_socket(&self, url: &Url, protocols: &[&str]) -> Result<UpstreamSocket, UpstreamError> {
        open_socket(&self.0.streaming, url, protocols, self.0.config.timeout).await
    }

    /// What is known of the endpoints' microversions.
    pub fn microversions(&self) -> &Microversions {
        &self.0.microversions
    }

    pub fn config(&self) -> &UpstreamConfig {
        &self.0.config
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

pub(super) struct Inner {
    documents: Connections,
    pub(super) streaming: Connections,
    pub(super) config: UpstreamConfig,
    metrics: Metrics,
    microversions: Microversions,
    pub(super) endpoints: Endpoints,
    gates: Mutex<HashMap<Target, Arc<Gate>>>,
}

/// What every call to one service of one region passes.
pub(super) struct Gate {
    pub(super) places: Arc<Places>,
    /// Long bodies, which take no worker of the service, and would keep the places above for minutes.
    pub(super) transfers: Arc<Places>,
    longest_queue: usize,
    breaker: Mutex<CircuitBreaker>,
    heard: Mutex<Heard>,
}

impl Inner {
    pub(super) fn gate(&self, target: &Target) -> Arc<Gate> {
        let mut gates = self.gates.lock();
        if let Some(gate) = gates.get(target) {
            return gate.clone();
        }
        let gate = Arc::new(Gate {
            places: Places::new(self.config.concurrency),
            transfers: Places::new(self.config.transfers),
            longest_queue: self.config.queue,
            breaker: Mutex::new(CircuitBreaker::new(BreakerSettings {
                failures_to_open: self.config.breaker.failures,
                open_for: self.config.breaker.open,
                open_for_at_most: self.config.breaker.open_max,
                ..BreakerSettings::default()
            })),
            heard: Mutex::default(),
        });
        gates.insert(target.clone(), gate.clone());
        gate
    }

    /// Every gate there is, as it is now.
    pub(super) fn states(&self, now: Instant) -> Vec<ServiceState> {
        let gates: Vec<(Target, Arc<Gate>)> =
            self.gates.lock().iter().map(|(target, gate)| (target.clone(), gate.clone())).collect();
        let state = |(target, gate): (Target, Arc<Gate>)| {
            let (circuit, retry_in) = {
                let breaker = gate.breaker.lock();
                (breaker.shown(now), breaker.retry_in(now))
            };
            let heard = gate.heard.lock().clone();
            ServiceState { target, circuit, retry_in, heard, waiting: gate.places.waiting() }
        };
        gates.into_iter().map(state).collect()
    }

    pub(super) async fn attempt(
        &self,
        call: &Call,
        ends_at: Instant,
        deadline: Duration,
    ) -> Result<Answer, UpstreamError> {
        let left = ends_at.saturating_duration_since(Instant::now());
        let configured = self.config.max_answer_bytes;
        let limit_bytes = call.max_body_bytes.map_or(configured, |bytes| bytes.min(configured));
        match timeout(left, self.exchange(call, limit_bytes)).await {
            Ok(result) => result,
            Err(_) => Err(UpstreamError::Timeout { after: deadline }),
        }
    }

    async fn exchange(&self, call: &Call, limit_bytes: usize) -> Result<Answer, UpstreamError> {
        let body = Either::Left(Full::from(call.body.clone().unwrap_or_default()));
        let answer = self.documents.send(&call.method, &call.url, &call.headers, body).await?;
        let (head, body) = answer.into_parts();
        let body = read_body(body, limit_bytes).await?;
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    fn note_circuit(&self, target: &Target, before: CircuitState, after: CircuitState) {
        if before == after {
            return;
        }
        let state = match after {
            CircuitState::Closed => "closed",
            CircuitState::Open => "open",
            CircuitState::HalfOpen | CircuitState::Reintroducing => "half_open",
        };
        self.metrics.count(Metric::UpstreamCircuit, &[target.service.tag(), target.region_tag(), state]);
        tell_circuit(target, after);
    }
}

impl Gate {
    /// Waits for a free place under the cap. The deadline of the call starts only then.
    pub(super) async fn place_of(
        &self,
        places: &Arc<Places>,
        lane: Lane,
        longest_wait: Duration,
    ) -> Result<Place, UpstreamError> {
        let waiting = match places.take(lane) {
            Ok(place) => return Ok(place),
            Err(waiting) => waiting,
        };
        if places.waiting() > self.longest_queue {
            return Err(UpstreamError::TooBusy);
        }
        let ends_at = Instant::now() + longest_wait;
        let mut turn = std::pin::pin!(waiting.place());
        while Instant::now() < ends_at {
            let left = ends_at.saturating_duration_since(Instant::now());
            match timeout(left.min(KEPT_FREE_FOR), &mut turn).await {
                Ok(Some(place)) => return Ok(place),
                Ok(None) => break,
                Err(_) => places.look_again(),
            }
        }
        Err(UpstreamError::TooBusy)
    }

    /// When the circuit lets a call through again; at once where it is not open.
    pub(super) fn retry_in(&self) -> Duration {
        self.breaker.lock().retry_in(Instant::now()).unwrap_or_default()
    }

    /// Takes in what a service answered, without a word to its circuit.
    pub(super) fn hear(&self, ended: Result<StatusCode, &UpstreamError>, now: Instant) {
        self.heard.lock().note(ended, now);
    }

    pub(super) fn admit<'a>(
        &'a self,
        inner: &'a Inner,
        target: &'a Target,
    ) -> Result<GatePass<'a>, UpstreamError> {
        let now = Instant::now();
        let mut breaker = self.breaker.lock();
        let before = breaker.state(now);
        let admitted = breaker.admit(now);
        inner.note_circuit(target, before, breaker.state(now));
        match admitted {
            Ok(pass) => Ok(GatePass { gate: self, inner, target, pass, started_at: now, is_recorded: false }),
            Err(Refused { retry_in }) => {
                tell_refused(target, retry_in);
                inner.metrics.count(
                    Metric::UpstreamCall,
                    &[target.service.tag(), target.region_tag(), "circuit_open"],
                );
                Err(UpstreamError::CircuitOpen { retry_in })
            }
        }
    }
}

/// A call that is under way. Dropped before its end, it counts as abandoned, not as a failure.
pub(super) struct GatePass<'a> {
    gate: &'a Gate,
    inner: &'a Inner,
    target: &'a Target,
    pass: Pass,
    started_at: Instant,
    is_recorded: bool,
}

impl GatePass<'_> {
    pub(super) fn record(self, attempt: &Result<Answer, UpstreamError>) {
        self.record_head(attempt.as_ref().map(|answer| answer.status));
    }

    /// The same for an answer of which only the head is there.
    pub(super) fn record_head(mut self, attempt: Result<StatusCode, &UpstreamError>) {
        let now = Instant::now();
        self.gate.hear(attempt, now);
        let (outcome, tag) = match attempt {
            Ok(status) if status.is_server_error() => (CallOutcome::Failed, "failed"),
            Ok(status) if status.is_client_error() => (CallOutcome::Answered, refusal(status)),
            Ok(_) => (CallOutcome::Answered, "ok"),
            Err(error) if error.is_fault_of_service() => (CallOutcome::Failed, error.code()),
            Err(error) => (CallOutcome::Answered, error.code()),
        };
        self.finish(outcome, tag, now);
    }

    fn finish(&mut self, outcome: CallOutcome, tag: &str, now: Instant) {
        self.is_recorded = true;
        let (service, region) = (self.target.service.tag(), self.target.region_tag());
        let metrics = &self.inner.metrics;
        metrics.count(Metric::UpstreamCall, &[service, region, tag]);
        metrics.time(Metric::UpstreamDuration, &[service, region], now - self.started_at);
        let mut breaker = self.gate.breaker.lock();
        let before = breaker.state(now);
        breaker.record(self.pass, outcome, now);
        self.inner.note_circuit(self.target, before, breaker.state(now));
    }
}

impl Drop for GatePass<'_> {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.finish(CallOutcome::Abandoned, "abandoned", Instant::now());
        }
    }
}

fn refusal(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        429 => "rate_limited",
        _ => "refused",
    }
}

/// A status that stands for a service out of order, as an error.
pub(super) fn gone_wrong(status: StatusCode) -> Option<UpstreamError> {
    status.is_server_error().then(|| UpstreamError::refused(status, &HeaderMap::new()))
}

async fn read_body(mut body: ReceivedBody, limit_bytes: usize) -> Result<Bytes, UpstreamError> {
    let announced = body.size_hint().exact().unwrap_or(0);
    if announced > limit_bytes as u64 {
        return Err(UpstreamError::TooLarge { limit_bytes });
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // Trailers are headers nobody looked at.
        let Ok(piece) = frame?.into_data() else { continue };
        if piece.len() as u64 == announced {
            return Ok(piece);
        }
        if whole.len() + piece.len() > limit_bytes {
            return Err(UpstreamError::TooLarge { limit_bytes });
        }
        if whole.is_empty() {
            whole.reserve((announced as usize).max(piece.len()));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
