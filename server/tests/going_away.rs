//! The real program goes away: it says so first, nobody's request fails, and whoever started it is told.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use server::testing::{TestApp, until};
use sqlx::PgPool;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, UnixDatagram},
};

use crate::node::Node;

/// A node whose checks are done in no time, with these settings.
fn start(app: &TestApp, db: &PgPool, settings: &[(&str, &str)]) -> Node {
    Node::start(app, db, &[&[("HEALTH_EVERY_SECS", "0.1")], settings].concat())
}

async fn health(node: &Node) -> Option<(u16, String)> {
    let mut connection = Connection::open(node.address).await?;
    connection.get("/health").await.map(|answer| (answer.status, answer.body))
}

/// A connection that is kept, as a balancer keeps its own.
struct Connection(BufReader<TcpStream>);

struct Answer {
    status: u16,
    is_last: bool,
    body: String,
}

impl Connection {
    async fn open(address: SocketAddr) -> Option<Self> {
        TcpStream::connect(address).await.ok().map(|stream| Self(BufReader::new(stream)))
    }

    /// `None` when the connection ends before the answer does.
    async fn get(&mut self, path: &str) -> Option<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: panel.test\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.ok()?;
        let (mut status, mut length, mut is_last) = (0, 0, false);
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().ok()?,
                Some(("connection", value)) => is_last = value == "close",
                None if line.is_empty() => break,
                None => status = line.split(' ').nth(1)?.parse().ok()?,
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Answer { status, is_last, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

/// What a balancer's clients saw.
#[derive(Default)]
struct Seen {
    is_told: AtomicBool,
    served: AtomicU32,
    served_since_told: AtomicU32,
    failed: AtomicU32,
}

/// Asks over one connection after the other, without a pause; opens none any more once the balancer knows.
async fn ask_on_and_on(address: SocketAddr, seen: Arc<Seen>) {
    let mut connection = None;
    loop {
        let mut open: Connection = match connection.take() {
            Some(open) => open,
            None if seen.is_told.load(Ordering::SeqCst) => return,
            None => Connection::open(address).await.expect("a connection before it goes away"),
        };
        let was_told = seen.is_told.load(Ordering::SeqCst);
        match open.get("/sign-in").await {
            Some(answer) if answer.status == 200 => {
                seen.served.fetch_add(1, Ordering::SeqCst);
                seen.served_since_told.fetch_add(u32::from(was_told), Ordering::SeqCst);
                connection = (!answer.is_last).then_some(open);
            }
            _ => drop(seen.failed.fetch_add(1, Ordering::SeqCst)),
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn health_turns_before_anything_closes_and_no_request_fails(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let mut node = start(&app, &db, &[("HEALTH_DRAIN_FOR_SECS", "1"), ("STOP_AFTER_SECS", "10")]);
    until("the node to be in service", async || health(&node).await == Some((200, "OK\n".to_owned()))).await;
    let seen = Arc::new(Seen::default());
    let clients: Vec<_> = (0..8).map(|_| tokio::spawn(ask_on_and_on(node.address, seen.clone()))).collect();
    until("the clients to be served", async || seen.served.load(Ordering::SeqCst) > 50).await;

    node.signal("TERM");
    until("health to turn", async || health(&node).await == Some((503, "NOT OK: draining\n".to_owned())))
        .await;
    let mut late = Connection::open(node.address).await.expect("it accepts while it drains");
    let answer = late.get("/sign-in").await.expect("an answer while it drains");
    assert_eq!((answer.status, answer.is_last), (200, false));
    seen.is_told.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.expect("a client ends");
    }
    assert_eq!(seen.failed.load(Ordering::SeqCst), 0);
    assert!(seen.served_since_told.load(Ordering::SeqCst) > 8, "kept connections were used on");
    assert_eq!(node.exit_code().await, Some(0));
    assert!(Connection::open(node.address).await.is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn ctrl_c_does_not_wait_for_balancers(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let mut node = start(&app, &db, &[("HEALTH_DRAIN_FOR_SECS", "3600")]);
    until("the node to be in service", async || health(&node).await.is_some_and(|(status, _)| status == 200))
        .await;
    node.signal("INT");
    assert_eq!(node.exit_code().await, Some(0));
}

#[sqlx::test(migrations = "../migrations")]
async fn systemd_is_told_of_the_start_of_life_and_of_the_stop(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let settings = [
        ("NOTIFY_SOCKET", path.to_str().expect("a path")),
        ("WATCHDOG_USEC", "300000"),
        ("HEALTH_DRAIN_FOR_SECS", "0.2"),
    ];
    let mut node = start(&app, &db, &settings);
    assert!(Path::new(&path).exists());
    let told = async || {
        let mut buffer = [0; 200];
        let received = tokio::time::timeout(std::time::Duration::from_secs(30), socket.recv(&mut buffer));
        let length = received.await.expect("told in time").expect("a message");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(told().await, "READY=1");
    for _ in 0..3 {
        assert_eq!(told().await, "WATCHDOG=1");
    }
    node.signal("TERM");
    until("the stop to be told", async || told().await.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=")).await;
    assert_eq!(node.exit_code().await, Some(0));
}
