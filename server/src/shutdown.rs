//! Stopping: accept no more, let requests finish, with a limit.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo, http::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Says that the panel stops. Streams watch it, because they would never finish by themselves. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    pub fn begin(&self) {
        self.0.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves once the panel stops.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}

/// Who sends no whole head for so long is cut off: an open connection costs us something, and them nothing.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// Serves until `shutdown` begins, then lets what is under way finish for at most `stop_after`.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown, stop_after: Duration) {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let connections = GracefulShutdown::new();
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
        // A small answer is not held back to be sent with the next one.
        let _ = stream.set_nodelay(true);
        let from_peer = move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            request
        };
        let service = TowerToHyperService::new(router.clone().map_request(from_peer));
        let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(stop_after, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}
