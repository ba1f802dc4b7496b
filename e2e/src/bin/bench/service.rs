//! A service that answers at once: a document of a server's size, a long file, and whatever is uploaded.

use std::{convert::Infallible, net::SocketAddr, thread};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response,
    body::{Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// How long the long file is.
pub const GIB: u64 = 1 << 30;

/// The service, on threads of its own; it ends with the program.
pub struct FakeService {
    address: SocketAddr,
}

impl FakeService {
    pub fn start() -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        thread::Builder::new()
            .name("service".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = TcpListener::from_std(listener) else { return };
                    while let Ok((stream, _)) = listener.accept().await {
                        let _ = stream.set_nodelay(true);
                        tokio::spawn(async move {
                            let _ = hyper::server::conn::http1::Builder::new()
                                .serve_connection(TokioIo::new(stream), service_fn(answer))
                                .await;
                        });
                    }
                });
            })
            .context("the service's thread")?;
        Ok(Self { address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

type AnyBody = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(request: Request<Incoming>) -> Result<Response<AnyBody>, Infallible> {
    if request.method() == Method::PUT {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
        return Ok(Response::new(Full::default().boxed_unsync()));
    }
    let mut response = if request.uri().path().ends_with("/file") {
        let mut response = Response::new(file().boxed_unsync());
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(GIB));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        response
    } else {
        let mut response = Response::new(Full::new(Bytes::from_static(DOCUMENT)).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let id = HeaderValue::from_static("req-5a3f2f0a-4f2c-4d0f-9a1e-2b7c9d1e0f3a");
    response.headers_mut().insert("x-openstack-request-id", id);
    Ok(response)
}

fn file() -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>> {
    let piece = Bytes::from(vec![7; 64 << 10]);
    let pieces = GIB / piece.len() as u64;
    let frames = (0..pieces).map(move |_| Ok(Frame::data(piece.clone())));
    StreamBody::new(futures_util::stream::iter(frames))
}

/// One server as Nova describes it, recorded.
const DOCUMENT: &[u8] = include_bytes!("../../../../server/src/features/servers/fixtures/server-locked.json");
