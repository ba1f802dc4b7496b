//! Connections over the real network: those that are of no use are closed, and there are never too many.

use std::{
    collections::HashSet,
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use api_types::ErrorBody;
use axum::{Router, body::Body, routing::get};
use bytes::Bytes;
use futures_util::StreamExt;
use server::{
    config::{Config, ListenConfig, Source},
    connections,
    event_loops::{self, EventLoops},
    shutdown::Shutdown,
    testing::{Served, TestApp, until},
};
use simcloud::CloudConfig;
use sqlx::PgPool;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const REQUEST: &str = "GET /sign-in HTTP/1.1\r\nhost: panel.test\r\n\r\n";

async fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(served.address).await.expect("a connection")
}

/// Sends this and reads until the panel closes the connection.
async fn whole_answer(served: &Served, sent: &str) -> String {
    let mut stream = connect(served).await;
    // The panel may answer and close before it has read all of it.
    let _ = stream.write_all(sent.as_bytes()).await;
    read_to_close(&mut stream).await
}

async fn read_to_close(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    match closed.expect("closed in time") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    // HTTP/2 begins with bytes.
    String::from_utf8_lossy(&answer).into_owned()
}

/// Status and body.
fn parts(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("a head in {answer:?}"));
    (head.split(' ').nth(1).expect("a status"), body)
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_sends_no_request_is_cut_off(db: PgPool) {
    let app = TestApp::with(db, CloudConfig::default(), |source| {
        source.with_env("LISTEN_HEAD_TIMEOUT_SECS", "0.3").with_env("SIGN_IN_REFUSAL_STEP_SECS", "1")
    })
    .await;
    let served = app.serve().await;
    let nothing = ["", "P", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nho"];
    let cut_off = nothing.map(|sent| whole_answer(&served, sent));
    futures_util::future::join_all(cut_off).await;

    // Quiet after a request is no better, and a request that takes its time is not meant.
    let answer = whole_answer(&served, REQUEST).await;
    assert_eq!(parts(&answer).0, "200");
    let browser = app.browser();
    let form = browser.get("/sign-in").await.hidden("form_token");
    let body = format!("form_token={form}&user=alice&password=wrong");
    let slow = format!(
        "POST /sign-in HTTP/1.1\r\nhost: panel.test\r\norigin: https://panel.test\r\ncookie: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        browser.cookie_header(),
        body.len(),
    );
    assert_eq!(parts(&whole_answer(&served, &slow).await).0, "401");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_connection_too_many_is_told_so_until_there_is_room(db: PgPool) {
    let app =
        TestApp::with(db, CloudConfig::default(), |source| source.with_env("LISTEN_MAX_CONNECTIONS", "2"))
            .await;
    let served = app.serve().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&served).await;
        stream.write_all(REQUEST.as_bytes()).await.expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
        held.push(stream);
    }
    let answer = read_to_close(&mut connect(&served).await).await;
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer}");
    assert_eq!(parts(&answer).0, "503");
    assert!(parts(&answer).1.contains("try again in a moment"), "{answer}");
    held.pop();
    until("a place to be free", async || {
        let mut stream = connect(&served).await;
        let sent = stream.write_all(REQUEST.as_bytes()).await;
        let mut first = [0; 12];
        sent.is_ok() && stream.read_exact(&mut first).await.is_ok() && &first == b"HTTP/1.1 200"
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_refused_before_a_handler_sees_it_is_clear_where_it_can_be(db: PgPool) {
    let app = TestApp::new(db).await;
    let served = app.serve().await;
    let with_headers = |count: usize| {
        let headers: String = (0..count).map(|at| format!("x-{at}: a\r\n")).collect();
        format!("GET /api/session HTTP/1.1\r\nhost: panel.test\r\nconnection: close\r\n{headers}\r\n")
    };
    let long = |length: usize| {
        let path = "a".repeat(length);
        format!("GET /api/{path} HTTP/1.1\r\nhost: panel.test\r\nconnection: close\r\n\r\n")
    };
    for (sent, status, code) in
        [(with_headers(150), "431", "headers_too_large"), (long(9_000), "414", "uri_too_long")]
    {
        let answer = whole_answer(&served, &sent).await;
        let (found, body) = parts(&answer);
        assert_eq!(found, status, "{answer}");
        let body: ErrorBody = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(body.code, code);
        assert!(!body.request_id.is_empty());
    }
    // hyper's own, as the README says: a status and nothing else.
    for (sent, status) in
        [("NONSENSE\r\n\r\n".to_owned(), "400"), (with_headers(250), "431"), (long(70_000), "414")]
    {
        let answer = whole_answer(&served, &sent).await;
        assert_eq!(parts(&answer), (status, ""), "{answer}");
    }
}

/// Says when the stream is no longer written.
struct Watched(Arc<AtomicBool>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn listen_config(name: &'static str, value: &'static str) -> ListenConfig {
    let source = Source::from_map([
        ("DATABASE_URL", "postgres://unused"),
        ("OS_AUTH_URL", "http://unused:5000"),
        ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        (name, value),
    ]);
    Config::load(&source).expect("a configuration").listen
}

#[tokio::test]
async fn connections_take_turns_on_the_event_loops_and_a_stop_ends_them() {
    let listen = listen_config("STOP_AFTER_SECS", "1");
    let is_over = Arc::new(AtomicBool::new(false));
    let watched = is_over.clone();
    let endless = async move || {
        let watched = Watched(watched.clone());
        let silence = futures_util::stream::pending::<Result<Bytes, Infallible>>();
        Body::from_stream(silence.inspect(move |_| {
            let _ = &watched;
        }))
    };
    let where_it_runs = async || event_loops::own().to_string();
    let router = Router::new().route("/", get(where_it_runs)).route("/endless", get(endless));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = Shutdown::default();
    let begun = stop.clone();
    let serving = tokio::spawn(async move {
        let loops = EventLoops::start().expect("threads");
        connections::serve(listener, router, begun, listen, &loops).await;
    });
    let mut loops = HashSet::new();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..processors.min(usize::from(event_loops::MOST)) {
        let mut peer = TcpStream::connect(address).await.expect("a connection");
        peer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
        let answer = read_to_close(&mut peer).await;
        assert!(loops.insert(parts(&answer).1.to_owned()), "two connections on the same loop: {answer}");
    }
    assert!(!loops.contains("0"), "{loops:?}");
    let mut idle = TcpStream::connect(address).await.expect("a connection");
    let mut peer = TcpStream::connect(address).await.expect("a connection");
    peer.write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    peer.readable().await.expect("an answer begins");
    stop.begin();
    serving.await.expect("the end");
    assert_eq!(read_to_close(&mut idle).await, "");
    until("the stream to be cut off", async || is_over.load(Ordering::SeqCst)).await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_given_up() {
    let listen = listen_config("LISTEN_DEAD_PEER_SECS", "0.5");
    let is_over = Arc::new(AtomicBool::new(false));
    let watched = is_over.clone();
    let endless = async move || {
        let watched = Watched(watched.clone());
        let chunks = futures_util::stream::repeat_with(move || {
            let _ = &watched;
            Ok::<_, Infallible>(Bytes::from_static(&[0; 16_384]))
        });
        Body::from_stream(chunks)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shutdown = Shutdown::default();
    let router = Router::new().route("/", get(endless));
    let begun = shutdown.clone();
    tokio::spawn(async move {
        connections::serve(listener, router, begun, listen, &EventLoops::none()).await;
    });
    let mut peer = TcpStream::connect(address).await.expect("a connection");
    peer.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("sent");
    peer.readable().await.expect("an answer begins");
    // From here on the peer reads nothing, and stays.
    until("the stream to be given up", async || is_over.load(Ordering::SeqCst)).await;
    drop(peer);
    shutdown.begin();
}
