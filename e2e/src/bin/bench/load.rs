//! The load: requests over kept connections, as fast as answers come or at an even rate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, StreamBody, combinators::BoxBody};
use hyper::{Method, Request, body::Frame, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::Instant};

/// Who is asked, and how.
#[derive(Clone)]
pub struct Asked {
    pub address: SocketAddr,
    /// Stands before every path.
    pub prefix: String,
    /// What is asked for.
    pub path: String,
    pub headers: Vec<(String, String)>,
}

/// How it is asked.
#[derive(Clone, Copy)]
pub struct Load {
    connections: usize,
    lasts: Duration,
    /// Requests a second in all; `None`: the next as soon as the last is answered.
    rate: Option<f64>,
}

/// What came of it.
pub struct Outcome {
    took: Duration,
    /// Of every answer, from when it was due.
    latencies: Vec<Duration>,
}

impl Load {
    pub fn closed(connections: usize, lasts: Duration) -> Self {
        Self { connections, lasts, rate: None }
    }

    pub fn paced(connections: usize, lasts: Duration, rate: f64) -> Self {
        Self { connections, lasts, rate: Some(rate) }
    }

    /// Errors: any answer but 200.
    pub async fn run(self, asked: &Asked) -> Result<Outcome> {
        self.run_as(std::slice::from_ref(asked)).await
    }

    /// As several people, each on connections of their own.
    ///
    /// Errors: any answer but 200.
    pub async fn run_as(self, people: &[Asked]) -> Result<Outcome> {
        let asked: Vec<&Asked> = people.iter().cycle().take(self.connections).collect();
        let mut senders = Vec::new();
        for asked in &asked {
            senders.push(connect(asked.address).await?);
        }
        // No two requests are the same, so that none is answered from memory.
        let number = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for (lane, (sender, asked)) in senders.into_iter().zip(asked).enumerate() {
            tasks.spawn(self.one_connection(asked.clone(), sender, number.clone(), start, lane));
        }
        let mut latencies = Vec::new();
        while let Some(result) = tasks.join_next().await {
            latencies.extend(result??);
        }
        Ok(Outcome { took: start.elapsed(), latencies })
    }

    async fn one_connection(
        self,
        asked: Asked,
        mut sender: SendRequest<Body>,
        number: Arc<AtomicU64>,
        start: Instant,
        lane: usize,
    ) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let ends_at = start + self.lasts;
        // Each connection takes its turn of the even rate.
        let gap = self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
        let mut due = gap.map_or(start, |gap| start + gap.mul_f64(lane as f64 / self.connections as f64));
        while due < ends_at {
            if gap.is_some() {
                tokio::time::sleep_until(due).await;
            }
            let path = format!("{}?n={}", asked.path, number.fetch_add(1, Ordering::Relaxed));
            exchange(
                &asked,
                &mut sender,
                Method::GET,
                &path,
                Empty::new().map_err(|never| match never {}).boxed(),
            )
            .await?;
            latencies.push(due.elapsed());
            due = gap.map_or_else(Instant::now, |gap| due + gap);
        }
        Ok(latencies)
    }
}

impl Outcome {
    pub fn answers(&self) -> usize {
        self.latencies.len()
    }

    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    pub fn percentile_ms(&self, percent: f64) -> f64 {
        let mut sorted: Vec<f64> =
            self.latencies.iter().map(|latency| latency.as_secs_f64() * 1000.0).collect();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len() as f64 * percent / 100.0) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
    }
}

/// Takes or gives a long body through.
pub async fn stream(asked: &Asked, length: u64, is_upload: bool) -> Result<()> {
    let mut sender = connect(asked.address).await?;
    if !is_upload {
        let received = exchange(
            asked,
            &mut sender,
            Method::GET,
            "/images/1/file",
            Empty::new().map_err(|never| match never {}).boxed(),
        )
        .await?;
        ensure!(received == length, "{received} bytes of {length} came");
        return Ok(());
    }
    let piece = Bytes::from(vec![7; 64 << 10]);
    let pieces = length / piece.len() as u64;
    let frames = futures_util::stream::iter((0..pieces).map(move |_| Ok(Frame::data(piece.clone()))));
    exchange(asked, &mut sender, Method::PUT, "/images/1/file", BodyExt::boxed(StreamBody::new(frames)))
        .await?;
    Ok(())
}

type Body = BoxBody<Bytes, std::io::Error>;

async fn connect(address: SocketAddr) -> Result<SendRequest<Body>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends a request and reads the answer to its end; the bytes of its body.
async fn exchange(
    asked: &Asked,
    sender: &mut SendRequest<Body>,
    method: Method,
    path: &str,
    body: Body,
) -> Result<u64> {
    let mut request = Request::builder().method(&method).uri(format!("{}{path}", asked.prefix));
    request = request.header("host", asked.address.to_string());
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    if method == Method::PUT {
        request = request.header("content-type", "application/octet-stream");
    }
    sender.ready().await?;
    let answer = sender.send_request(request.body(body)?).await.with_context(|| asked.address.to_string())?;
    let status = answer.status();
    let mut body = answer.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len) as u64;
    }
    ensure!(status.is_success(), "{} answered {status}", asked.address);
    Ok(length)
}
