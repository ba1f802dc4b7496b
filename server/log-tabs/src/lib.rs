//! Browser tabs that log, without a browser: see `README.md`.

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use api_types::{
    client_log::{Answer, Batch, Kind, Level, MOST_MESSAGES, Message as Logged, Refusal},
    routes,
};
use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::Map;
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};
use uuid::Uuid;

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Where the panel is, and as whom it is spoken to.
#[derive(Clone, Debug)]
pub struct Panel {
    /// `ws://127.0.0.1:PORT`.
    pub url: String,
    /// The `Cookie` header.
    pub cookie: String,
    pub origin: String,
}

/// One tab: a stream of its own.
#[derive(Debug)]
pub struct Tab {
    pub stream: Uuid,
    /// The number of the first message that waits.
    first: u64,
    waiting: VecDeque<Logged>,
    /// How often its connection was lost, or the panel could not store.
    pub setbacks: usize,
}

/// What a load came to.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    pub messages: usize,
    pub took: Duration,
    pub setbacks: usize,
}

/// Between two attempts; shorter than a browser's, which is in no hurry.
const PAUSE: Duration = Duration::from_millis(25);
/// An answer that does not come for so long will not come over this socket.
const PATIENCE: Duration = Duration::from_secs(15);

/// So many tabs log as many messages each, `at_once` in a batch, and all of them are stored when it returns. `panel` is
/// asked anew for each connection.
pub async fn load(panel: impl Fn() -> Panel, tabs: usize, messages: usize, at_once: usize) -> Report {
    let began_at = Instant::now();
    let delivered = join_all((0..tabs).map(|number| {
        let panel = &panel;
        async move {
            let mut tab = Tab::new();
            (0..messages).for_each(|message| tab.log(&format!("Tab {number} tells {message}.")));
            tab.deliver(panel, at_once).await;
            tab.setbacks
        }
    }));
    let setbacks = delivered.await.into_iter().sum();
    Report { messages: tabs * messages, took: began_at.elapsed(), setbacks }
}

/// Opens the socket of a page.
pub async fn connect(panel: &Panel) -> Result<Socket, tungstenite::Error> {
    let mut request = format!("{}{}", panel.url, routes::CLIENT_LOG).into_client_request()?;
    let headers = request.headers_mut();
    headers.insert("cookie", HeaderValue::from_str(&panel.cookie)?);
    headers.insert("origin", HeaderValue::from_str(&panel.origin)?);
    headers.insert("user-agent", HeaderValue::from_static("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"));
    connect_async(request).await.map(|(socket, _)| socket)
}

/// A message as pages write them.
pub fn message(description: &str) -> Logged {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Logged {
        at: since.as_millis() as f64,
        level: Level::Info,
        kind: Kind::Action,
        description: description.to_owned(),
        fields: Map::from_iter([
            ("action".to_owned(), "reboot".into()),
            ("duration_ms".to_owned(), 120.into()),
        ]),
    }
}

/// The next [`Answer`] of a socket. `None` once it is closed, or nothing comes.
pub async fn next_answer(socket: &mut Socket) -> Option<Answer> {
    let reading = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).ok(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or(None)
}

impl Default for Tab {
    fn default() -> Self {
        Self { stream: Uuid::new_v4(), first: 1, waiting: VecDeque::new(), setbacks: 0 }
    }
}

impl Tab {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn log(&mut self, description: &str) {
        self.waiting.push_back(message(description));
    }

    /// The next batch, as it is sent until it is stored.
    pub fn batch(&self, at_once: usize) -> Batch {
        Batch {
            stream: self.stream.to_string(),
            first: self.first,
            release: "test".to_owned(),
            project: None,
            messages: self.waiting.iter().take(at_once.min(MOST_MESSAGES)).cloned().collect(),
        }
    }

    /// Forgets what is stored.
    pub fn stored(&mut self, last: u64) {
        while self.first <= last && self.waiting.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Sends until everything is stored, whatever happens to the panel meanwhile.
    pub async fn deliver(&mut self, panel: impl Fn() -> Panel, at_once: usize) {
        while !self.waiting.is_empty() {
            let is_done = match connect(&panel()).await {
                Ok(mut socket) => self.send(&mut socket, at_once).await.is_some(),
                Err(_) => false,
            };
            if !is_done {
                self.setbacks += 1;
                sleep(PAUSE).await;
            }
        }
    }

    /// Sends over one socket. `None` where it was lost before all is stored.
    pub async fn send(&mut self, socket: &mut Socket, at_once: usize) -> Option<()> {
        while !self.waiting.is_empty() {
            let text = serde_json::to_string(&self.batch(at_once)).ok()?;
            socket.send(Message::text(text)).await.ok()?;
            match next_answer(socket).await? {
                Answer::Stored { last, .. } => self.stored(last),
                Answer::Later { .. } => {
                    self.setbacks += 1;
                    sleep(PAUSE).await;
                }
                Answer::Refused { reason: Refusal::OtherUser | Refusal::Sequence, .. }
                | Answer::Bye { .. } => {
                    return None;
                }
            }
        }
        // What is stored is stored; how the socket ends changes nothing.
        _ = socket.close(None).await;
        Some(())
    }
}
