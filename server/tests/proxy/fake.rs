//! A service that says whatever a test has it say, byte by byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use server::{config::Source, testing::TestApp};
use simcloud::{CloudConfig, Service};
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A listening service; it ends with the test.
pub struct Fake {
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

/// One connection, as the service has it.
pub struct Connection {
    pub stream: TcpStream,
    /// 0 for the first one.
    pub number: usize,
    seen: Arc<Seen>,
    unread: Vec<u8>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    closed: AtomicUsize,
}

impl Fake {
    /// Serves every connection with `serve`, which sends what it likes.
    pub async fn start<F, S>(serve: F) -> Self
    where
        F: Fn(Connection) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::<Seen>::default();
        let shared = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let connection = Connection { stream, number, seen: shared.clone(), unread: Vec::new() };
                tokio::spawn(serve(connection));
            }
        });
        Self { address, seen }
    }

    /// Answers every request on every connection with the same bytes.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<Vec<u8>> = Arc::new(answer.into());
        Self::start(move |mut connection| {
            let answer = answer.clone();
            async move {
                while connection.request().await.is_some() {
                    connection.send(&answer).await;
                }
            }
        })
        .await
    }

    /// A panel whose catalogs name this service as the compute service of RegionOne.
    pub async fn app(&self, db: PgPool) -> TestApp {
        self.app_with(db, |source| source).await
    }

    pub async fn app_with(&self, db: PgPool, configure: impl FnOnce(Source) -> Source) -> TestApp {
        let app = TestApp::with(db, CloudConfig::default(), configure).await;
        for service in [Service::Compute, Service::Image] {
            let url =
                format!("http://{}/{}", self.address, if service == Service::Image { "v2" } else { "v2.1" });
            app.cloud.admin().set_address("RegionOne", service, Some(&url));
        }
        app
    }

    /// The requests that arrived: heads with bodies.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Connections whose other side was seen to leave.
    pub fn closed(&self) -> usize {
        self.seen.closed.load(Ordering::SeqCst)
    }
}

impl Connection {
    /// The next request, with the body its length announces; `None` at the end.
    pub async fn request(&mut self) -> Option<String> {
        let end = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        while self.unread.len() < end + length {
            self.more().await?;
        }
        let whole: Vec<u8> = self.unread.drain(..end + length).collect();
        let whole = String::from_utf8_lossy(&whole).into_owned();
        self.seen.requests.lock().push(whole.clone());
        Some(whole)
    }

    /// The head of the next request only.
    pub async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8_lossy(&head).into_owned());
            }
            self.more().await?;
        }
    }

    /// Bytes of a body that have arrived, at most so many; 0 at the end.
    pub async fn read(&mut self, most: usize) -> usize {
        if !self.unread.is_empty() {
            return self.unread.drain(..most.min(self.unread.len())).count();
        }
        let mut buffer = vec![0; most];
        self.stream.read(&mut buffer).await.unwrap_or(0)
    }

    /// Sends bytes; that nobody takes them is no news.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Waits until the other side leaves.
    pub async fn left(&mut self) {
        while self.more().await.is_some() {}
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer).await {
            Ok(length) if length > 0 => {
                self.unread.extend_from_slice(&buffer[..length]);
                Some(())
            }
            _ => {
                self.seen.closed.fetch_add(1, Ordering::SeqCst);
                None
            }
        }
    }
}

/// An answer of JSON with its length.
pub fn json(body: &str) -> String {
    ok("application/json", "", body)
}

/// An answer with further header lines, each with its end.
pub fn ok(kind: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
