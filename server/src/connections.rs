//! The connections of browsers and proxies: how many there may be, how long they may be of no use, how they end.

mod joined;

use std::{
    convert::Infallible,
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, Version, header},
};
use futures_util::FutureExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
    time::{Instant, sleep, sleep_until},
};
use tower::Service;

use self::joined::Joined;
use crate::{
    config::{ConnectionLimits, ListenConfig},
    event_loops::EventLoops,
    shutdown::Shutdown,
};

/// Serves until `shutdown` begins. Then every answer closes its connection, old or new, for a moment, so that nobody finds
/// one closed that they were about to use; after it nothing is accepted any more, and what is under way may finish within
/// `listen.stop_after_secs`. Each connection has its place on one of the `loops`.
pub async fn serve<S: Site>(
    listener: TcpListener,
    site: S,
    shutdown: Shutdown,
    config: ListenConfig,
    loops: &EventLoops,
) {
    let mut connections = Connections {
        server: server(&config.connections),
        open: GracefulShutdown::new(),
        places: Arc::new(Semaphore::new(config.connections.most)),
        is_full: false,
        closing: Arc::default(),
        site,
        limits: config.connections.clone(),
        loops,
    };
    loop {
        tokio::select! {
            accepted = listener.accept() => connections.take(accepted).await,
            () = shutdown.begun() => break,
        }
    }
    connections.closing.store(true, Ordering::Relaxed);
    let lingers_until = Instant::now() + LINGER;
    while connections.open.count() > 0 && Instant::now() < lingers_until {
        tokio::select! {
            accepted = listener.accept() => connections.take(accepted).await,
            () = sleep_until(lingers_until) => {}
            // The last one may have gone.
            () = sleep(LINGER / 20) => {}
        }
    }
    // Those that were made while nobody looked.
    while let Some(accepted @ Ok(_)) = listener.accept().now_or_never() {
        connections.take(accepted).await;
    }
    drop(listener);
    if tokio::time::timeout(config.stop_after, connections.open.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

/// How long answers close their connections before idle ones are closed under whoever keeps them.
const LINGER: Duration = Duration::from_millis(500);

/// What answers requests, and is always ready to.
pub trait Site:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Site for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Those that are open, and what each new one gets.
struct Connections<'a, S> {
    server: auto::Builder<TokioExecutor>,
    open: GracefulShutdown,
    places: Arc<Semaphore>,
    is_full: bool,
    /// From then on every answer over HTTP/1 says that it is the last one; HTTP/2 has its own way to say so.
    closing: Arc<AtomicBool>,
    site: S,
    limits: ConnectionLimits,
    loops: &'a EventLoops,
}

impl<S: Site> Connections<'_, S> {
    /// Serves one more, or says that there is no room.
    async fn take(&mut self, accepted: std::io::Result<(TcpStream, SocketAddr)>) {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: a pause lets some be closed.
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(50)).await;
                return;
            }
        };
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            if !self.is_full {
                tracing::warn!(
                    most = self.limits.most,
                    "there are too many connections; new ones are refused"
                );
            }
            self.is_full = true;
            refuse(stream);
            return;
        };
        self.is_full = false;
        if let Err(error) = set_options(&stream, &self.limits) {
            tracing::debug!(%peer, %error, "a connection ended before it began");
            return;
        }
        let begun = Arc::<Begun>::default();
        let service = {
            let (begun, closing, site) = (begun.clone(), self.closing.clone(), self.site.clone());
            service_fn(move |mut request: Request<Incoming>| {
                begun.note();
                request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
                answer(&site, request, closing.clone())
            })
        };
        // The accepting runtime lets go of it; the loop it goes to takes it up.
        let Ok(stream) = stream.into_std() else { return };
        // Counts from here on, so that a stop waits for it.
        let (server, watcher) = (self.server.clone(), self.open.watcher());
        let head_within = self.limits.head_within;
        self.loops.spawn(async move {
            let Ok(stream) = TcpStream::from_std(stream) else { return };
            let connection = server.serve_connection_with_upgrades(Joined(TokioIo::new(stream)), service);
            let connection = watcher.watch(connection.into_owned());
            if let Err(error) = hold(connection, begun, head_within).await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
            drop(place);
        });
    }
}

/// Not an `async fn`: hyper moves what it gets, and that would hold the whole request.
fn answer<S: Site>(
    site: &S,
    request: Request<Incoming>,
    closing: Arc<AtomicBool>,
) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<S> {
    let is_http_1 = request.version() < Version::HTTP_2;
    site.clone().call(request.map(Body::new)).map(move |answered| {
        let mut response = answered?;
        // An upgrade has a word of its own there.
        if is_http_1
            && closing.load(Ordering::Relaxed)
            && !response.headers().contains_key(header::CONNECTION)
        {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    })
}

/// Whether a connection has had its first request.
#[derive(Default)]
struct Begun {
    is_noted: AtomicBool,
    noted: Notify,
}

impl Begun {
    fn note(&self) {
        if !self.is_noted.swap(true, Ordering::Relaxed) {
            self.noted.notify_one();
        }
    }
}

/// Headers that hyper reads. More than the panel takes, so that the refusal has a sentence and an id; beyond this
/// hyper refuses by itself, with a bare status.
const MOST_HEADERS_READ: usize = 200;

fn server(limits: &ConnectionLimits) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Covers the head of every request and the quiet between two. What comes before it is known whether this is
    // HTTP/1 or HTTP/2 is covered by `hold`.
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_headers(MOST_HEADERS_READ);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    server
}

/// Serves a connection to its end; without a first request in time, the end is then.
async fn hold<E>(
    connection: impl Future<Output = Result<(), E>>,
    begun: Arc<Begun>,
    within: Duration,
) -> Result<(), E> {
    tokio::pin!(connection);
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        () = begun.noted.notified() => {}
        // Nothing, or half of the preface of HTTP/2: an open connection costs us something, and them nothing.
        () = tokio::time::sleep(within) => return Ok(()),
    }
    connection.await
}

/// Errors: the peer has gone already.
fn set_options(stream: &TcpStream, limits: &ConnectionLimits) -> std::io::Result<()> {
    // A small answer is not held back to be sent with the next one.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    // A peer that vanished, or takes nothing of what is sent, is given up; streams would be written to it for ever.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(limits.dead_after))?;
    // And one that vanished while there was nothing to send is found out.
    let probe = (limits.dead_after / 3).max(Duration::from_secs(1));
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(probe).with_interval(probe))
}

/// Says why there is no place, as far as it can be said without waiting.
fn refuse(stream: TcpStream) {
    const SENTENCE: &str =
        "The panel has as many connections as it can hold. Please try again in a moment.\n";
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nretry-after: 5\r\nconnection: close\r\n\r\n{SENTENCE}",
        SENTENCE.len(),
    );
    // A new connection has room for this much; whoever hangs up before reading it loses nothing.
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(answer.as_bytes());
    }
}
