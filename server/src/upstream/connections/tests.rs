use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
};

use http_body_util::BodyExt;
use hyper::rt::{Read, ReadBufCursor, Write};
use proptest::prelude::*;
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
    let answer = connections.send(&Method::GET, url, &HeaderMap::new(), nothing).await.expect("an answer");
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

/// What a service does on a connection, and nothing else.
#[derive(Clone)]
enum Step {
    /// Waits for one more request.
    Hear,
    Say(Vec<u8>),
    /// What follows comes later.
    Pause,
    Break,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hear => f.write_str("Hear"),
            Self::Say(piece) => write!(f, "Say(\"{}\")", piece.escape_ascii()),
            Self::Pause => f.write_str("Pause"),
            Self::Break => f.write_str("Break"),
        }
    }
}

/// The end follows the last step.
struct Scripted {
    steps: Arc<Mutex<VecDeque<Step>>>,
    heard: usize,
    written: Arc<Mutex<Vec<u8>>>,
    most_written: usize,
    waiting: Option<Waker>,
}

impl Read for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let steps = self.steps.clone();
        let mut steps = steps.lock();
        loop {
            match steps.pop_front() {
                None => return Poll::Ready(Ok(())),
                Some(Step::Hear) if requests(&self.written.lock()).len() > self.heard => self.heard += 1,
                Some(Step::Hear) => {
                    steps.push_front(Step::Hear);
                    self.waiting = Some(context.waker().clone());
                    return Poll::Pending;
                }
                Some(Step::Say(mut piece)) => {
                    let rest = piece.split_off(piece.len().min(buffer.remaining()));
                    buffer.put_slice(&piece);
                    if !rest.is_empty() {
                        steps.push_front(Step::Say(rest));
                    }
                    return Poll::Ready(Ok(()));
                }
                Some(Step::Pause) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Step::Break) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
    }
}

impl Write for Scripted {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = bytes.len().min(self.most_written);
        self.written.lock().extend_from_slice(&bytes[..taken]);
        self.waiting.take().inspect(Waker::wake_by_ref);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The requests in what was written, the lines of each in the order of the alphabet.
fn requests(written: &[u8]) -> Vec<Vec<String>> {
    let text: String = written.iter().copied().map(char::from).collect();
    let whole = text.rsplit_once("\r\n\r\n").map_or("", |(whole, _)| whole);
    let of_one = |text: &str| {
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        lines.sort();
        lines
    };
    whole.split("\r\n\r\n").filter(|text| !text.is_empty()).map(of_one).collect()
}

/// How a read ended: status, headers and body, or what went wrong; after that many bytes of a body, perhaps.
type Ended = Result<(u16, Vec<(String, Vec<u8>)>, Vec<u8>, Option<String>), String>;

async fn ended(answer: Result<Response<ReceivedBody>, ConnectionError>) -> Ended {
    let (head, mut body) = answer.map_err(|error| words(&error))?.into_parts();
    let mut headers: Vec<_> =
        head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    headers.sort();
    let (mut bytes, mut fault) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(error) => {
                fault = Some(words(&error));
                break;
            }
        }
    }
    Ok((head.status.as_u16(), headers, bytes, fault))
}

/// What is said of a read that waits for ever.
const STUCK: &str = "nothing more comes";

/// What a future comes to, or nothing once only somebody else could wake it.
async fn unless_stuck<T>(future: impl Future<Output = T>) -> Option<T> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = std::pin::pin!(future);
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(come) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(come);
        }
    }
    None
}

fn words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Reads twice over one connection that was kept, in the way of `send`, or by hyper alone.
async fn read_twice(
    connections: &Connections,
    steps: &[Step],
    most_written: usize,
    by_hyper: bool,
) -> (Vec<Ended>, Vec<Vec<String>>) {
    // A second connection is none, and it takes no network to know that.
    let url = Url::parse("ftp://cloud/v2.1/servers?limit=2").expect("a url");
    let written = Arc::default();
    let steps = Arc::new(Mutex::new(steps.iter().cloned().collect::<VecDeque<_>>()));
    let stream = Scripted {
        steps: steps.clone(),
        heard: 0,
        written: Arc::clone(&written),
        most_written,
        waiting: None,
    };
    let place = Place {
        home: connections.clone(),
        made_on: event_loops::own(),
        origin: origin(&url).into(),
        last_used: Instant::now(),
    };
    connections.0.idle.iter().for_each(|idle| idle.lock().clear());
    Connection { place, stream: Box::new(stream) }.put_back();
    let mut all = Vec::new();
    for _ in 0..2 {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        let nothing = Either::Left(Full::default());
        let reading = async {
            ended(match by_hyper {
                true => connections.send_any(&Method::GET, &url, &headers, nothing).await,
                false => connections.send(&Method::GET, &url, &headers, nothing).await,
            })
            .await
        };
        // Time passes between two reads.
        while steps.lock().pop_front_if(|step| matches!(step, Step::Pause)).is_some() {}
        all.push(unless_stuck(reading).await.unwrap_or_else(|| Err(STUCK.to_owned())));
    }
    let requests = requests(&written.lock());
    (all, requests)
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let first = prop::sample::select(vec![
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 500 \u{e9}\u{e9}",
        "HTTP/1.1 503",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 304 Not Modified",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 103 Early Hints",
        "HTTP/1.1 101 Switching Protocols",
        "HTTP/1.1 600 Odd",
        "HTTP/1.1 99 Odd",
        "HTTP/1.0 200 OK",
        "HTTP/2 200",
        "ICY 200 OK",
        "",
    ]);
    let length = prop::sample::select(vec![
        Some("content-length: {}"),
        Some("Content-Length: {}"),
        Some("content-length: {}"),
        Some("content-length:{}"),
        Some("content-length: 7"),
        Some("content-length: 0"),
        Some("content-length: 00{}"),
        Some("content-length: +{}"),
        Some("content-length: {}, {}"),
        Some("content-length: {}\r\ncontent-length: {}"),
        Some("content-length: {}\r\nContent-Length: 1"),
        Some("content-length: 99999999999999999999"),
        Some("content-length:"),
        Some("transfer-encoding: chunked"),
        Some("content-length: {}\r\ntransfer-encoding: chunked"),
        Some("transfer-encoding: identity\r\ncontent-length: {}"),
        None,
    ]);
    let others = prop::sample::subsequence(
        vec![
            "connection: close",
            "connection: keep-alive",
            "Connection: Keep-Alive",
            "connection: upgrade",
            "upgrade: websocket",
            "content-type: application/json",
            "x-openstack-request-id: req-1",
            "x-openstack-request-id: req-2",
            "x-odd: \u{e4}\tb",
            "x-empty:",
            "x-spaces:   both  ",
            "x-folded: a\r\n b",
            "bad name: x",
            "x-space : x",
            "expect: 100-continue",
            "trailer: x-sum",
        ],
        0..5,
    );
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let ending = prop::sample::select(vec!["\r\n", "\r\n", "\r\n", "\n"]);
    let many = prop::sample::select(vec![0, 0, 0, 0, 63, 99, 120]);
    (first, length, others, body, ending, many).prop_map(|(first, length, others, body, ending, many)| {
        let length = length.map(|text| text.replace("{}", &body.len().to_string()));
        let is_chunked = length.as_ref().is_some_and(|text| text.contains("chunked"));
        let mut lines = vec![first.to_owned()];
        lines.extend(others.into_iter().map(str::to_owned));
        lines.extend((0..many).map(|number| format!("x-{number}: y")));
        lines.extend(length);
        let head = lines.join(ending) + ending + ending;
        // As one byte each, so that there are some that are no UTF-8.
        let mut bytes: Vec<u8> = head.chars().map(|letter| letter as u8).collect();
        match is_chunked {
            false => bytes.extend(body),
            true => {
                bytes.extend(format!("{:x}\r\n", body.len()).bytes());
                bytes.extend(body);
                bytes.extend(b"\r\n0\r\n\r\n");
            }
        }
        bytes
    })
}

/// An answer with a few bytes of it changed, in some pieces.
fn said() -> impl Strategy<Value = Vec<Step>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4);
    let changes = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(change, 1..3)];
    let cut = (any::<prop::sample::Index>(), any::<bool>());
    let cuts = prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(cut, 1..4)];
    let after =
        prop::sample::select(vec![None, None, None, Some(Step::Break), Some(Step::Say(b"more".to_vec()))]);
    (answer(), changes, cuts, after, any::<bool>()).prop_map(|(mut bytes, changes, cuts, after, is_later)| {
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 if at < bytes.len() => drop(bytes.remove(at)),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        let mut at: Vec<_> =
            cuts.iter().map(|(at, is_pause)| (at.index(bytes.len() + 1), *is_pause)).collect();
        at.sort_unstable();
        let (mut steps, mut from) = (Vec::new(), 0);
        for (at, is_pause) in at {
            steps.push(Step::Say(bytes[from..at].to_vec()));
            steps.extend(is_pause.then_some(Step::Pause));
            from = at;
        }
        steps.push(Step::Say(bytes[from..].to_vec()));
        // A piece of nothing would be the end.
        steps.retain(|step| !matches!(step, Step::Say(piece) if piece.is_empty()));
        steps.extend(is_later.then_some(Step::Pause));
        steps.extend(after);
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a service says, in whatever pieces: a plain read hears what hyper hears, and asks what hyper asks.
    #[test]
    fn a_plain_read_is_what_hyper_makes_of_it(
        unasked in prop_oneof![9 => Just(None), 1 => said().prop_map(Some)],
        first in said(),
        second in said(),
        most_written in prop::sample::select(vec![usize::MAX, 10, 1]),
    ) {
        let mut steps = unasked.unwrap_or_default();
        steps.push(Step::Hear);
        steps.extend(first);
        steps.push(Step::Hear);
        steps.extend(second);
        RUNTIME.with(|(runtime, connections)| runtime.block_on(async {
            let mut plainly = read_twice(connections, &steps, most_written, false).await;
            let mut by_hyper = read_twice(connections, &steps, most_written, true).await;
            // What hyper says of nonsense depends on the pieces it gets that in.
            let is_of_pieces = |pair: &[Step]| matches!(pair, [Step::Say(_) | Step::Pause, Step::Say(_)]);
            if steps.windows(2).any(is_of_pieces) {
                let failed = || "failed".to_owned();
                for (plain, other) in plainly.0.iter_mut().zip(&mut by_hyper.0) {
                    // So does when it says so; but nobody waits who would not wait with hyper.
                    let is_sooner = *other == Err(STUCK.to_owned());
                    for ended in [plain, other] {
                        match ended {
                            Ok((.., fault)) => *fault = fault.as_ref().map(|_| failed()),
                            Err(fault) if is_sooner || fault != STUCK => *fault = failed(),
                            Err(_) => {}
                        }
                    }
                }
            }
            prop_assert_eq!(plainly, by_hyper);
            Ok(())
        }))?;
    }
}

thread_local! {
    static RUNTIME: (tokio::runtime::Runtime, Connections) = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connections = runtime.block_on(async { connections(KEPT_FOR) });
        (runtime, connections)
    };
}

/// And without hyper: a body that is here with its head is none of its.
#[tokio::test]
async fn a_plain_answer_is_here_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("a url");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        for framing in
            ["content-length: 2\r\n\r\nok", "transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"]
        {
            let read = stream.read(&mut [0; 1024]).await.expect("a request");
            assert!(read > 0, "a request");
            let answer = format!("HTTP/1.1 200 OK\r\n{framing}");
            stream.write_all(answer.as_bytes()).await.expect("an answer");
        }
    });
    let connections = connections(KEPT_FOR);
    for is_plain in [true, false] {
        let nothing = Either::Left(Full::default());
        let answer =
            connections.send(&Method::GET, &url, &HeaderMap::new(), nothing).await.expect("an answer");
        let mut body = answer.into_body();
        assert_eq!(body.take_whole().as_deref(), is_plain.then_some(&b"ok"[..]));
        let rest = body.collect().await.expect("its body").to_bytes();
        assert_eq!(rest, if is_plain { "" } else { "ok" });
    }
}

#[test]
fn what_may_be_answered_before_it_is_sent_is_not_plain() {
    let url = |length| Url::parse(&format!("http://cloud/{}", "x".repeat(length))).expect("a url");
    assert!(plain::request(&url(8_000), &HeaderMap::new()).is_some());
    assert!(plain::request(&url(8_192), &HeaderMap::new()).is_none());
    for (name, value) in [("upgrade", "websocket"), ("expect", "100-continue"), ("content-length", "0")] {
        let headers =
            HeaderMap::from_iter([(name.parse().expect("a name"), HeaderValue::from_static(value))]);
        assert!(plain::request(&url(1), &headers).is_none(), "{name}");
    }
}

/// The property above would hold of two that never hear anything.
#[tokio::test]
async fn plain_answers_are_heard_over_one_connection() {
    let connections = connections(KEPT_FOR);
    let answer = || Step::Say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-a: b\r\n\r\nok".to_vec());
    let steps = [Step::Hear, answer(), Step::Hear, answer()];
    let (ended, requests) = read_twice(&connections, &steps, usize::MAX, false).await;
    let headers = vec![("content-length".to_owned(), b"2".to_vec()), ("x-a".to_owned(), b"b".to_vec())];
    let expected = Ok((200, headers, b"ok".to_vec(), None));
    assert_eq!(ended, [expected.clone(), expected]);
    let lines = [
        "GET /v2.1/servers?limit=2 HTTP/1.1",
        "accept: application/json",
        "host: cloud",
        concat!("user-agent: meridian/", env!("CARGO_PKG_VERSION")),
    ];
    assert_eq!(requests, [lines, lines]);
}
