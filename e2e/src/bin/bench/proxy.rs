//! One origin for the panel and the reference: the reference's files are served from here, everything else is the
//! panel's. Both pages are measured through it, so both have the same path.

use std::{
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::harness::programs;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming},
    client::conn::http1::SendRequest,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Mutex,
    time::Instant,
};

type AnyBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// A running proxy; it ends with the program.
pub struct Proxy {
    address: SocketAddr,
    rate: Arc<AtomicU64>,
}

struct Route {
    panel: SocketAddr,
    files: PathBuf,
    /// Bytes a second of a stream of servers; 0 is as fast as it goes.
    rate: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens in front of the panel on this port.
    pub async fn start(panel_port: u16) -> Result<Self> {
        let files = programs::root().join("e2e/bench/react/dist");
        ensure!(files.is_dir(), "the reference is not built: npm run build --prefix e2e/bench");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let rate = Arc::new(AtomicU64::new(0));
        let route = Arc::new(Route { panel: ([127, 0, 0, 1], panel_port).into(), files, rate: rate.clone() });
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let _ = socket.set_nodelay(true);
                tokio::spawn(serve(socket, route.clone()));
            }
        });
        Ok(Self { address, rate })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets streams of servers through no faster than so many bytes a second; 0 is as fast as it goes.
    pub fn slow_streams_to(&self, bytes_per_second: u64) {
        self.rate.store(bytes_per_second, Ordering::Relaxed);
    }
}

async fn serve(socket: TcpStream, route: Arc<Route>) {
    let upstream: Arc<Mutex<Option<SendRequest<Incoming>>>> = Arc::default();
    let service = service_fn(move |request| {
        let (route, upstream) = (route.clone(), upstream.clone());
        async move {
            let answer = match request.uri().path().strip_prefix("/reference/") {
                Some(file) => Ok(reference_file(&route, file).await),
                None => pass_on(&route, &upstream, request).await,
            };
            Ok::<_, Infallible>(answer.unwrap_or_else(|error| bad_gateway(&error)))
        }
    });
    // A browser that goes away in the middle is no news.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades()
        .await;
}

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The pages of the reference end in the project they show; their files are named as they are.
async fn reference_file(route: &Route, file: &str) -> Response<AnyBody> {
    let name = match file.split('/').next() {
        Some("list") => "index.html",
        Some("table") => "table.html",
        Some("receive") => "receive.html",
        _ => file,
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        _ => "text/css",
    };
    let is_plain = !name.contains('/') && !name.starts_with('.');
    match tokio::fs::read(route.files.join(name)).await {
        Ok(bytes) if is_plain => {
            let mut answer = Response::new(whole(bytes));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let cache = if name.ends_with("html") { "no-store" } else { "max-age=31536000, immutable" };
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
            // As the panel says it. A page that differs in this from the one before is started in a process of its own,
            // which takes some 70 ms more: for both programs or for none.
            answer.headers_mut().insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
            answer
        }
        _ => {
            let mut answer = Response::new(whole(Vec::new()));
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        }
    }
}

/// Sends a request on over the connection that belongs to the browser's, and its answer back as it comes.
async fn pass_on(
    route: &Route,
    upstream: &Mutex<Option<SendRequest<Incoming>>>,
    mut request: Request<Incoming>,
) -> Result<Response<AnyBody>> {
    let is_stream = request.uri().path().ends_with("/servers") && request.uri().path().starts_with("/api/");
    let browser_side = hyper::upgrade::on(&mut request);
    let mut connection = upstream.lock().await;
    // A connection the panel has closed meanwhile is not ready any more.
    let kept = match connection.take() {
        Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
        None => None,
    };
    let mut sender = match kept {
        Some(sender) => sender,
        None => connect(route.panel).await?,
    };
    let mut answer = sender.send_request(request).await.context("the panel did not answer")?;
    *connection = Some(sender);
    drop(connection);
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        let panel_side = hyper::upgrade::on(&mut answer);
        tokio::spawn(async move {
            if let (Ok(browser), Ok(panel)) = tokio::join!(browser_side, panel_side) {
                let _ = copy_bidirectional(&mut TokioIo::new(browser), &mut TokioIo::new(panel)).await;
            }
        });
    }
    let rate = route.rate.load(Ordering::Relaxed);
    Ok(answer.map(|body| match rate {
        0 => body.boxed_unsync(),
        _ if !is_stream => body.boxed_unsync(),
        rate => slowed(body, rate).boxed_unsync(),
    }))
}

async fn connect(panel: SocketAddr) -> Result<SendRequest<Incoming>> {
    let socket = TcpStream::connect(panel).await?;
    socket.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender)
}

/// The same bytes, in pieces that come at an even pace.
fn slowed(body: Incoming, rate: u64) -> impl Body<Data = Bytes, Error = hyper::Error> + Send {
    const PIECE: usize = 32 * 1024;
    let start = Instant::now();
    let state = (body, Bytes::new(), 0u64);
    let pieces = futures_util::stream::unfold(state, move |(mut body, mut rest, mut sent)| async move {
        while rest.is_empty() {
            match body.frame().await? {
                Ok(frame) => rest = frame.into_data().unwrap_or_default(),
                Err(error) => return Some((Err(error), (body, rest, sent))),
            }
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        sent += piece.len() as u64;
        tokio::time::sleep_until(start + Duration::from_secs_f64(sent as f64 / rate as f64)).await;
        Some((Ok(Frame::data(piece)), (body, rest, sent)))
    });
    http_body_util::StreamBody::new(pieces)
}

fn whole(bytes: Vec<u8>) -> AnyBody {
    Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync()
}

fn bad_gateway(error: &anyhow::Error) -> Response<AnyBody> {
    let mut answer = Response::new(whole(format!("{error:#}").into_bytes()));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}
