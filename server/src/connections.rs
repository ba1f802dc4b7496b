//! The connections of browsers and proxies: how many there may be, how long they may be of no use, how they end.

use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    config::{ConnectionLimits, ListenConfig},
    shutdown::Shutdown,
};

/// Serves until `shutdown` begins, then accepts no more and lets what is under way finish for at most
/// `listen.stop_after_secs`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown, config: ListenConfig) {
    let limits = &config.connections;
    let server = server(limits);
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.most));
    let mut is_full = false;
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, mostly: a pause lets some be closed.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = shutdown.begun() => break,
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            if !is_full {
                tracing::warn!(most = limits.most, "there are too many connections; new ones are refused");
            }
            is_full = true;
            refuse(stream);
            continue;
        };
        is_full = false;
        if let Err(error) = set_options(&stream, limits) {
            tracing::debug!(%peer, %error, "a connection ended before it began");
            continue;
        }
        let begun = CancellationToken::new();
        let from_peer = {
            let begun = begun.clone();
            move |mut request: Request<Incoming>| {
                begun.cancel();
                request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
                request
            }
        };
        let service = TowerToHyperService::new(router.clone().map_request(from_peer));
        let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        let head_within = limits.head_within;
        tokio::spawn(async move {
            if let Err(error) = hold(connection, begun, head_within).await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(config.stop_after, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
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
    begun: CancellationToken,
    within: Duration,
) -> Result<(), E> {
    tokio::pin!(connection);
    tokio::select! {
        biased;
        ended = &mut connection => return ended,
        () = begun.cancelled() => {}
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
