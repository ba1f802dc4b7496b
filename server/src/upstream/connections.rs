//! Connections to services, each driven by the very task that uses it.
//!
//! A client whose connections are tasks of their own wakes one of them for every request and is woken back for the
//! answer, often on another processor. Here nobody is woken but whoever waits for the service, and each of the
//! [event loops](crate::event_loops) keeps the connections it made.
//!
//! A [plain](self::plain) read needs no more than that; every other exchange is [hyper's](self::driven), for as long as it
//! lasts.

mod driven;
mod plain;
mod stream;

use std::{
    array,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::Body as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;
use url::{Position, Url};

pub use self::driven::ReceivedBody;
use self::{
    driven::Driven,
    plain::Exchanged,
    stream::{HandedOver, Said, Stream},
};
use super::{UpstreamError, srv::Hosts, upload::Upload};
use crate::event_loops;

/// Connections that are kept open between calls. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

/// What goes up with a request: bytes that are here, or some that come.
pub type Outgoing = Either<Full<Bytes>, Upload>;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// Nothing was sent.
    #[error("no connection could be made")]
    NotConnected(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
}

struct Inner {
    connector: HttpsConnector<HttpConnector<Hosts>>,
    connect_timeout: Duration,
    /// To one origin, of one event loop.
    most_idle: usize,
    kept_for: Duration,
    /// By the event loop they were made on.
    idle: [Mutex<Idle>; 1 + event_loops::MOST as usize],
    is_swept: AtomicBool,
}

/// By origin, the one used last at the end.
type Idle = HashMap<Box<str>, Vec<Connection>>;

/// A connection on which nothing is under way.
struct Connection {
    place: Place,
    stream: Box<dyn Stream>,
}

/// Where a connection belongs while it is not used.
struct Place {
    home: Connections,
    made_on: u8,
    origin: Box<str>,
    last_used: Instant,
}

/// HAProxy and uwsgi close idle connections after a minute by default; be the first.
const KEPT_FOR: Duration = Duration::from_secs(50);

impl Connections {
    pub fn new(hosts: Hosts, tls: ClientConfig, connect_timeout: Duration, most_idle: usize) -> Self {
        let mut http = HttpConnector::new_with_resolver(hosts);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Self(Arc::new(Inner {
            connector,
            connect_timeout,
            most_idle,
            kept_for: KEPT_FOR,
            idle: array::from_fn(|_| Mutex::default()),
            is_swept: AtomicBool::new(false),
        }))
    }

    /// Sends a request and returns with the head of its answer. Dropping the future or the answer's body ends both.
    ///
    /// A kept connection that turns out to be closed is replaced by another, as long as nothing was sent.
    pub async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Outgoing,
    ) -> Result<Response<ReceivedBody>, ConnectionError> {
        let is_plain = *method == Method::GET && body.is_end_stream();
        if let Some(text) = is_plain.then(|| plain::request(url, headers)).flatten() {
            let (place, stream) = match self.send_plain(url, &text).await? {
                Sent::Answered(response) => return Ok(response),
                Sent::Begun(place, stream) => (place, stream),
            };
            let request = request(method, url, headers, body)?;
            let driven = Driven::new(place, stream, false).await?;
            return driven.answer(request).await.map_err(|failed| failed.into_error().into());
        }
        self.send_any(method, url, headers, body).await
    }

    async fn send_any(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Outgoing,
    ) -> Result<Response<ReceivedBody>, ConnectionError> {
        let may_switch = headers.contains_key(header::UPGRADE);
        let mut request = request(method, url, headers, body)?;
        loop {
            let (connection, is_kept) = self.connection(url).await?;
            let stream = HandedOver::new(connection.stream, Said::default());
            let driven = Driven::new(connection.place, stream, may_switch).await?;
            match driven.answer(request).await {
                Ok(response) => return Ok(response),
                Err(mut failed) => match failed.take_message().filter(|_| is_kept) {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }

    async fn send_plain(&self, url: &Url, text: &[u8]) -> Result<Sent, ConnectionError> {
        loop {
            let (mut connection, is_kept) = self.connection(url).await?;
            match plain::exchange(&mut *connection.stream, text).await {
                Exchanged::Whole(response) => {
                    connection.put_back();
                    return Ok(Sent::Answered(response.map(ReceivedBody::whole)));
                }
                Exchanged::Unusable(_) if is_kept => {}
                Exchanged::Unusable(said) => {
                    return Ok(Sent::Begun(connection.place, HandedOver::new(connection.stream, said)));
                }
                Exchanged::Begun(said) => {
                    return Ok(Sent::Begun(connection.place, HandedOver::asked(connection.stream, said)));
                }
            }
        }
    }

    /// A connection, and whether it was kept.
    async fn connection(&self, url: &Url) -> Result<(Connection, bool), ConnectionError> {
        match self.take(origin(url)) {
            Some(connection) => Ok((connection, true)),
            None => Ok((self.connect(url).await?, false)),
        }
    }

    fn take(&self, origin: &str) -> Option<Connection> {
        let mut idle = self.0.idle[usize::from(event_loops::own())].lock();
        let kept = idle.get_mut(origin)?.pop()?;
        (kept.place.last_used.elapsed() < self.0.kept_for).then_some(kept)
    }

    async fn connect(&self, url: &Url) -> Result<Connection, ConnectionError> {
        let not_connected = |error| ConnectionError::NotConnected(error);
        let origin = origin(url);
        let uri: Uri = origin.parse().map_err(|error| not_connected(Box::from(error)))?;
        let connecting = self.0.connector.clone().oneshot(uri);
        let stream = timeout(self.0.connect_timeout, connecting)
            .await
            .map_err(|late| not_connected(Box::from(late)))?
            .map_err(not_connected)?;
        let place = Place {
            home: self.clone(),
            made_on: event_loops::own(),
            origin: origin.into(),
            last_used: Instant::now(),
        };
        Ok(Connection { place, stream: Box::new(stream) })
    }
}

/// What became of a plain read.
enum Sent {
    Answered(Response<ReceivedBody>),
    /// Hyper has to go on with it.
    Begun(Place, HandedOver),
}

/// Closes what was idle for too long, until nothing is left.
async fn sweep(connections: Connections) {
    loop {
        sleep(connections.0.kept_for / 5).await;
        let mut is_empty = true;
        for idle in &connections.0.idle {
            let mut idle = idle.lock();
            idle.retain(|_, kept| {
                kept.retain(|connection| connection.place.last_used.elapsed() < connections.0.kept_for);
                !kept.is_empty()
            });
            is_empty &= idle.is_empty();
        }
        if !is_empty {
            continue;
        }
        connections.0.is_swept.store(false, Ordering::SeqCst);
        // Whoever put one back into a list that was looked at already relies on this task.
        let is_left = connections.0.idle.iter().any(|idle| !idle.lock().is_empty());
        if !is_left || connections.0.is_swept.swap(true, Ordering::SeqCst) {
            return;
        }
    }
}

impl Connection {
    /// Keeps it for the next request.
    fn put_back(mut self) {
        self.place.last_used = Instant::now();
        let home = self.place.home.clone();
        {
            let mut idle = home.0.idle[usize::from(self.place.made_on)].lock();
            let kept = match idle.get_mut(&self.place.origin) {
                Some(kept) => kept,
                None => idle.entry(self.place.origin.clone()).or_default(),
            };
            if kept.len() >= home.0.most_idle {
                return;
            }
            kept.push(self);
        }
        if !home.0.is_swept.swap(true, Ordering::SeqCst) {
            tokio::spawn(sweep(home));
        }
    }
}

impl From<ConnectionError> for UpstreamError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Broken(error) => error.into(),
            error @ ConnectionError::NotConnected(_) => Self::Unreachable { source: error.into() },
        }
    }
}

impl From<hyper::Error> for UpstreamError {
    fn from(error: hyper::Error) -> Self {
        if error.is_parse() {
            return Self::Malformed { reason: error.to_string() };
        }
        Self::Unreachable { source: ConnectionError::Broken(error).into() }
    }
}

/// The request as HTTP/1 has it: the path alone, and the host as a header.
fn request(
    method: &Method,
    url: &Url,
    headers: &HeaderMap,
    body: Outgoing,
) -> Result<Request<Outgoing>, ConnectionError> {
    let unusable = |error: axum::http::Error| ConnectionError::NotConnected(error.into());
    let uri = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]);
    let uri = uri.map_err(|error| unusable(error.into()))?;
    let mut headers = headers.clone();
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    headers.insert(header::HOST, host.map_err(|error| unusable(error.into()))?);
    headers.entry(header::ACCEPT).or_insert(ANY_KIND);
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

const ANY_KIND: HeaderValue = HeaderValue::from_static("*/*");
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("meridian/", env!("CARGO_PKG_VERSION")));

fn origin(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

#[cfg(test)]
mod tests;
