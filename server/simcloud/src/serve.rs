//! Listens, reads requests, lets faults and latency have their way with them, and writes answers.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::calls::CallRecord;
use crate::faults::{Fault, Service};
use crate::http::{Answer, Call, JSON};
use crate::image::Part;
use crate::runtime::Shared;
use crate::{cinder, control_api, errors, glance, ids, keystone, neutron, nova};

/// What a listener is for.
#[derive(Clone, Debug)]
pub enum Endpoint {
    Identity,
    Compute(usize),
    Image(usize),
    Network(usize),
    BlockStorage(usize),
    Control,
}

/// A body on its way out.
type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The bodies the services read: `max_request_body_size` of oslo.middleware.
const LARGEST_BODY: usize = 114_688;

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Unanswered;

impl Endpoint {
    /// The service, and the position of its region.
    pub fn service(&self) -> Option<(Service, Option<usize>)> {
        match self {
            Endpoint::Identity => Some((Service::Identity, None)),
            Endpoint::Compute(region) => Some((Service::Compute, Some(*region))),
            Endpoint::Image(region) => Some((Service::Image, Some(*region))),
            Endpoint::Network(region) => Some((Service::Network, Some(*region))),
            Endpoint::BlockStorage(region) => Some((Service::BlockStorage, Some(*region))),
            Endpoint::Control => None,
        }
    }
}

/// Binds a port; 0 takes any free one.
pub async fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(address, port)).await
}

/// Accepts connections until the task is aborted, which ends the connections too.
pub async fn run(shared: Arc<Shared>, endpoint: Endpoint, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(shared.clone(), endpoint.clone(), stream));
                }
                Err(error) => {
                    // Out of file descriptors, mostly: it may pass.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
        }
    }
}

async fn converse(shared: Arc<Shared>, endpoint: Endpoint, stream: TcpStream) {
    if fault_of(&shared, &endpoint) == Some(Fault::Refuse) {
        reset(stream);
        return;
    }
    // Answers are written whole; waiting to fill packets would only delay them.
    let _unsupported = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let shared = shared.clone();
        let endpoint = endpoint.clone();
        async move { answer(&shared, &endpoint, request).await }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends a connection as an operating system does where nobody listens.
fn reset(stream: TcpStream) {
    // Without lingering, closing sends a reset. Where that is not supported, it just closes.
    let _unsupported = stream.set_zero_linger();
    drop(stream);
}

fn fault_of(shared: &Shared, endpoint: &Endpoint) -> Option<Fault> {
    let (service, region) = endpoint.service()?;
    shared.faults.get(shared.region_name(region), service)
}

async fn answer(
    shared: &Arc<Shared>,
    endpoint: &Endpoint,
    request: Request<Incoming>,
) -> Result<Response<Body>, Unanswered> {
    let Some((service, region)) = endpoint.service() else {
        let (parts, body) = request.into_parts();
        let body = read(body).await.unwrap_or_default();
        let call = Call::new(parts, body, &shared.control_url, shared.world.clock.now());
        return Ok(response(control_api::handle(shared, &call), None));
    };
    let region_name = shared.region_name(region);
    let fault = shared.faults.get(region_name, service);
    if fault == Some(Fault::Refuse) {
        return Err(Unanswered);
    }
    let call_in_flight = shared.calls.begin(record(shared, region_name, service, &request));
    if service == Service::Compute
        && asks_neutron(request.uri().path())
        && shared.faults.get(region_name, Service::Network) == Some(Fault::Hang)
    {
        std::future::pending().await
    }
    match fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            tracing::trace!("answered late, as told");
        }
        _ => {}
    }
    let answer = if let Some(Fault::Status(code)) = fault {
        let answer = errors::fault(service, code, &shared.keystone_root());
        // What stands in front of the services numbers nothing.
        if matches!(code, 502..=504) { answer } else { numbered(service, answer) }
    } else {
        let lost = match fault {
            Some(Fault::LostAnswer(code)) if request.method() != hyper::Method::GET => Some(code),
            _ => None,
        };
        match (handle(shared, service, region, request, fault.as_ref()).await, lost) {
            (Some(_), Some(code)) => errors::fault(service, code, &shared.keystone_root()),
            (Some(answer), None) => answer,
            (None, _) => return Err(Unanswered),
        }
    };
    call_in_flight.answered(answer.status);
    Ok(response(answer, fault))
}

/// Nova answers these from what Neutron tells it, and waits for as long as Neutron does.
fn asks_neutron(path: &str) -> bool {
    path.contains("/servers/") && (path.ends_with("/os-interface") || path.ends_with("/os-security-groups"))
}

/// Reads the request, waits for a worker, computes the answer and takes as long as it costs. `None` where
/// the connection is to end without one.
async fn handle(
    shared: &Arc<Shared>,
    service: Service,
    region: Option<usize>,
    request: Request<Incoming>,
    fault: Option<&Fault>,
) -> Option<Answer> {
    let (parts, body) = request.into_parts();
    if let (Service::Image, Some(region)) = (service, region)
        && glance::is_upload(&parts)
    {
        return match glance::upload(shared, region, parts, body, fault).await {
            glance::Upload::Answered(answer) => Some(answer),
            glance::Upload::Cut => None,
        };
    }
    let Some(body) = read(body).await else { return Some(too_large(service)) };
    let region_name = shared.region_name(region);
    let worker = shared.workers.occupy(region_name, service).await;
    let base_url = shared.url(service, region);
    let call = Call::new(parts, body, base_url, shared.world.clock.now());
    let answer = match (service, region) {
        (Service::Compute, Some(region)) => nova::handle(shared, region, &call),
        (Service::Image, Some(region)) => glance::handle(shared, region, &call),
        (Service::Network, Some(region)) => neutron::handle(shared, region, &call),
        (Service::BlockStorage, Some(region)) => cinder::handle(shared, region, &call),
        _ => keystone::handle(shared, &call),
    };
    shared.workers.compute(worker, answer.cost).await;
    Some(answer)
}

/// The 413 for a body over the limit, from in front of the service but behind what numbers requests.
fn too_large(service: Service) -> Answer {
    numbered(service, errors::body_too_large())
}

/// With an id, under which the service's log would have the request.
fn numbered(service: Service, answer: Answer) -> Answer {
    let request_id = ids::request_id();
    let answer = answer.header("x-openstack-request-id", request_id.clone());
    if service == Service::Compute { answer.header("x-compute-request-id", request_id) } else { answer }
}

/// The body, or `None` where it is over the limit.
async fn read(body: Incoming) -> Option<Bytes> {
    match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(collected) => Some(collected.to_bytes()),
        Err(_too_large_or_cut) => None,
    }
}

fn record(shared: &Shared, region: &str, service: Service, request: &Request<Incoming>) -> CallRecord {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let identity = shared.world.identity.read();
    let token = header("x-auth-token").and_then(|id| identity.tokens.get(id));
    let user = token.and_then(|token| identity.users.get(&token.user_id));
    let project = token.and_then(|token| token.project_id()).and_then(|id| identity.projects.get(id));
    CallRecord {
        region: region.to_owned(),
        service,
        method: request.method().to_string(),
        path_and_query: request.uri().to_string(),
        status: None,
        at: shared.world.clock.now(),
        user: user.map(|user| user.name.clone()),
        project: project.map(|project| project.name.clone()),
        microversion: header("openstack-api-version").map(str::to_owned),
        global_request_id: header("x-openstack-request-id").filter(|id| is_request_id(id)).map(str::to_owned),
    }
}

/// `req-` and a UUID; the services take no other.
fn is_request_id(id: &str) -> bool {
    id.strip_prefix("req-").is_some_and(|rest| rest.len() == 36 && uuid::Uuid::parse_str(rest).is_ok())
}

fn response(mut answer: Answer, fault: Option<Fault>) -> Response<Body> {
    match fault {
        Some(Fault::MalformedJson) => answer.body = cut_json(&answer),
        Some(Fault::MalformedRow) => answer.body = break_one_row(&answer),
        _ => {}
    }
    let length = answer.long.as_ref().map_or(answer.body.len() as u64, |part| part.to - part.from);
    let is_in_pieces =
        answer.long.is_some() || matches!(fault, Some(Fault::Drip { .. } | Fault::CutInTheMiddle));
    let mut response = Response::new(match answer.long {
        Some(part) => long_body(*part, fault),
        None => body(answer.body, fault),
    });
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    if is_in_pieces {
        // As whole answers have it, so that a cut shows as a body shorter than promised.
        headers.insert("content-length", length.into());
    }
    if let Some(content_type) = answer.content_type {
        headers.insert("content-type", HeaderValue::from_static(content_type));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

fn body(bytes: Bytes, fault: Option<Fault>) -> Body {
    match fault {
        Some(Fault::Drip { bytes_per_second }) => drip(bytes, bytes_per_second.max(1)),
        Some(Fault::CutInTheMiddle) => {
            let half = bytes.slice(..bytes.len() / 2);
            let cut = Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut in the middle, as told"));
            StreamBody::new(futures_util::stream::iter([Ok(Frame::data(half)), cut])).boxed_unsync()
        }
        _ => Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync(),
    }
}

/// Data that is made piece by piece, as fast as the caller reads.
fn long_body(part: Part, fault: Option<Fault>) -> Body {
    let Part { data, from, to } = part;
    let cut_at = (fault == Some(Fault::CutInTheMiddle)).then_some(from + (to - from) / 2);
    let bytes_per_second = match fault {
        Some(Fault::Drip { bytes_per_second }) => Some(bytes_per_second.max(1)),
        _ => None,
    };
    let pieces = futures_util::stream::unfold((data, from), move |(data, at)| async move {
        if cut_at.is_some_and(|cut_at| at >= cut_at) {
            let cut = io::Error::new(io::ErrorKind::ConnectionReset, "cut in the middle, as told");
            return Some((Err(cut), (data, to)));
        }
        let mut piece = data.piece(at).filter(|_| at < to)?;
        piece.truncate(usize::try_from(to - at).unwrap_or(piece.len()));
        if let Some(bytes_per_second) = bytes_per_second {
            piece.truncate(usize::try_from(bytes_per_second.div_ceil(10)).unwrap_or(1));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let next = at + piece.len() as u64;
        Some((Ok(Frame::data(piece)), (data, next)))
    });
    StreamBody::new(pieces.fuse()).boxed_unsync()
}

/// Ten pieces a second.
fn drip(bytes: Bytes, bytes_per_second: u32) -> Body {
    let piece = usize::try_from(bytes_per_second.div_ceil(10)).unwrap_or(1);
    let pieces = futures_util::stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok(Frame::data(next)), rest))
    });
    StreamBody::new(pieces.fuse()).boxed_unsync()
}

/// JSON that ends early and goes on with something else.
fn cut_json(answer: &Answer) -> Bytes {
    let mut broken = answer.body[..answer.body.len() / 2].to_vec();
    broken.extend_from_slice(b"<<< not JSON");
    broken.into()
}

/// Spoils the row in the middle of the answer's list: wrong types, nulls, most fields missing.
fn break_one_row(answer: &Answer) -> Bytes {
    if answer.content_type != Some(JSON) {
        return answer.body.clone();
    }
    let Ok(serde_json::Value::Object(mut object)) = serde_json::from_slice(&answer.body) else {
        return answer.body.clone();
    };
    let longest = object.values_mut().filter_map(|value| value.as_array_mut()).max_by_key(|list| list.len());
    if let Some(list) = longest {
        let middle = list.len() / 2;
        if let Some(serde_json::Value::Object(row)) = list.get_mut(middle) {
            // The id stays: it is what tells which row is bad.
            for (key, value) in row.iter_mut().filter(|(key, _)| *key != "id") {
                *value = match (key.len() % 3, &value) {
                    (0, _) => serde_json::Value::Null,
                    (1, _) => serde_json::json!({"unexpected": [1, 2, 3]}),
                    _ => serde_json::json!(-1),
                };
            }
        }
    }
    serde_json::to_vec(&object).map_or_else(|_| answer.body.clone(), Bytes::from)
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused, as told")
    }
}

impl std::error::Error for Unanswered {}
