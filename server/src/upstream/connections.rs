//! Connections to services, each driven by the very task that uses it.
//!
//! A client whose connections are tasks of their own wakes one of them for every request and is woken back for the
//! answer, often on another processor. Here nobody is woken but whoever waits for the service, and each of the
//! [event loops](crate::event_loops) keeps the connections it made.

use std::{
    array,
    collections::HashMap,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;
use url::{Position, Url};

use super::{UpstreamError, srv::Hosts, upload::Upload};
use crate::event_loops;

/// Connections that are kept open between calls. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

/// What goes up with a request: bytes that are here, or some that come.
pub type Outgoing = Either<Full<Bytes>, Upload>;

/// The body of an answer, with the connection it comes over. At its end the connection is kept for the next call; a
/// body that is dropped before closes it, which tells the service that nobody waits any more.
pub struct ReceivedBody {
    body: Incoming,
    connection: Option<Connection>,
}

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

struct Connection {
    home: Connections,
    made_on: u8,
    sender: SendRequest<Outgoing>,
    /// Gone when the connection is over.
    driver: Option<Driver>,
    origin: Box<str>,
    last_used: Instant,
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

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
        headers: HeaderMap,
        body: Outgoing,
    ) -> Result<Response<ReceivedBody>, ConnectionError> {
        let mut request = request(method, url, headers, body)?;
        loop {
            let kept = self.take(origin(url));
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect(url).await?,
            };
            match connection.head(request).await {
                Ok(response) => return Ok(response.map(|body| ReceivedBody::new(body, connection))),
                Err(mut failed) => match failed.take_message().filter(|_| is_kept) {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
    }

    fn take(&self, origin: &str) -> Option<Connection> {
        let mut idle = self.0.idle[usize::from(event_loops::own())].lock();
        let kept = idle.get_mut(origin)?.pop()?;
        (kept.last_used.elapsed() < self.0.kept_for).then_some(kept)
    }

    fn put_back(&self, mut connection: Connection) {
        connection.last_used = Instant::now();
        {
            let mut idle = self.0.idle[usize::from(connection.made_on)].lock();
            let kept = match idle.get_mut(&connection.origin) {
                Some(kept) => kept,
                None => idle.entry(connection.origin.clone()).or_default(),
            };
            if kept.len() >= self.0.most_idle {
                return;
            }
            kept.push(connection);
        }
        if !self.0.is_swept.swap(true, Ordering::SeqCst) {
            tokio::spawn(sweep(self.clone()));
        }
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
        let (sender, driver) =
            http1::handshake(stream).await.map_err(|error| not_connected(Box::from(error)))?;
        Ok(Connection {
            home: self.clone(),
            made_on: event_loops::own(),
            sender,
            driver: Some(Box::pin(driver.with_upgrades())),
            origin: origin.into(),
            last_used: Instant::now(),
        })
    }
}

/// Closes what was idle for too long, until nothing is left.
async fn sweep(connections: Connections) {
    loop {
        sleep(connections.0.kept_for / 5).await;
        let mut is_empty = true;
        for idle in &connections.0.idle {
            let mut idle = idle.lock();
            idle.retain(|_, kept| {
                kept.retain(|connection| connection.last_used.elapsed() < connections.0.kept_for);
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
    /// Sends a request, and drives the connection until the head of the answer is here.
    async fn head(
        &mut self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Outgoing>>> {
        let mut sent = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let response = poll_fn(|context| {
            drive(driver, context);
            sent.as_mut().poll(context)
        })
        .await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // It hands the connection over, and is done.
            poll_fn(|context| {
                drive(driver, context);
                if driver.is_none() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        Ok(response)
    }

    /// Keeps it for the next request, if that can be sent now that an answer is complete.
    fn keep(mut self, context: &mut Context<'_>) {
        drive(&mut self.driver, context);
        if self.driver.is_some() && self.sender.is_ready() {
            self.home.clone().put_back(self);
        }
    }
}

/// Lets a connection read and write what it can. What went wrong is told to whoever waits for an answer.
fn drive(driver: &mut Option<Driver>, context: &mut Context<'_>) {
    if let Some(running) = driver
        && running.as_mut().poll(context).is_ready()
    {
        *driver = None;
    }
}

impl ReceivedBody {
    fn new(body: Incoming, connection: Connection) -> Self {
        if body.is_end_stream() {
            // Nobody asks a body without bytes for any.
            connection.keep(&mut Context::from_waker(Waker::noop()));
            return Self { body, connection: None };
        }
        Self { body, connection: Some(connection) }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.body).poll_frame(context);
        if let (Poll::Pending, Some(connection)) = (&polled, &mut this.connection) {
            drive(&mut connection.driver, context);
            polled = Pin::new(&mut this.body).poll_frame(context);
        }
        let is_complete = match &polled {
            Poll::Pending => false,
            // With its length known, nobody asks whether there is more.
            Poll::Ready(Some(Ok(_))) => this.body.is_end_stream(),
            Poll::Ready(None) => true,
            Poll::Ready(Some(Err(_))) => {
                this.connection = None;
                false
            }
        };
        if let Some(connection) = this.connection.take_if(|_| is_complete) {
            connection.keep(context);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
    mut headers: HeaderMap,
    body: Outgoing,
) -> Result<Request<Outgoing>, ConnectionError> {
    let unusable = |error: axum::http::Error| ConnectionError::NotConnected(error.into());
    let uri = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]);
    let uri = uri.map_err(|error| unusable(error.into()))?;
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
mod tests {
    use http_body_util::BodyExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{config::TlsConfig, upstream::tls::client_config};

    fn connections(kept_for: Duration) -> Connections {
        let tls = client_config(&TlsConfig::default()).expect("what the machine trusts");
        let connections = Connections::new(Hosts::new(&[]), tls, Duration::from_secs(5), 2);
        let inner = Arc::into_inner(connections.0).expect("the only one");
        Connections(Arc::new(Inner { kept_for, ..inner }))
    }

    async fn ask(connections: &Connections, url: &Url) -> Bytes {
        let nothing = Either::Left(Full::default());
        let answer = connections.send(&Method::GET, url, HeaderMap::new(), nothing).await.expect("an answer");
        answer.into_body().collect().await.expect("its body").to_bytes()
    }

    #[tokio::test]
    async fn a_connection_that_is_not_used_for_a_while_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://{address}/")).expect("a url");
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut answered = 0;
            let mut request = [0; 1024];
            while stream.read(&mut request).await.expect("a request or the end") > 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.expect("an answer");
                answered += 1;
            }
            answered
        });
        let connections = connections(Duration::from_millis(200));
        for _ in 0..3 {
            assert_eq!(ask(&connections, &url).await, "ok");
        }
        assert_eq!(serving.await.expect("the end of the connection"), 3, "all over one connection");
        assert!(connections.0.idle[0].lock().is_empty());
    }

    #[tokio::test]
    async fn no_more_connections_are_kept_than_is_allowed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://{address}/")).expect("a url");
        let together = Arc::new(tokio::sync::Barrier::new(4));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let together = together.clone();
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    let _ = stream.read(&mut request).await;
                    together.wait().await;
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    let _ = stream.read(&mut request).await;
                });
            }
        });
        let connections = connections(KEPT_FOR);
        tokio::join!(
            ask(&connections, &url),
            ask(&connections, &url),
            ask(&connections, &url),
            ask(&connections, &url)
        );
        assert_eq!(connections.0.idle[0].lock().values().map(Vec::len).sum::<usize>(), 2);
    }
}
