//! WebSockets that are passed through: messages of bounded size, each way, until one side leaves, or the session ends or
//! is to change nothing in the project any more.

use std::{borrow::Cow, sync::Arc, time::Duration};

use api_types::ProjectId;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{select, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::record::Record;
use crate::{
    error::ApiError,
    session::{Scopes, Session},
    shutdown::Shutdown,
    upstream::streaming::StreamedBody,
};

/// What a browser said when it asked for a WebSocket.
pub struct Wish {
    key: HeaderValue,
    protocols: Option<HeaderValue>,
    browser: OnUpgrade,
}

/// Both ends of a WebSocket that were agreed upon.
pub struct Tunnel {
    pub browser: OnUpgrade,
    pub service: OnUpgrade,
    pub session: Arc<Session>,
    pub project: ProjectId,
    pub scopes: Scopes,
    pub shutdown: Shutdown,
    /// Empty; it holds the place under the cap.
    pub place: StreamedBody,
}

/// Our side of the handshake with a service.
pub struct Handshake {
    pub headers: HeaderMap,
    expected: String,
}

/// The wish of a request, if it has one.
///
/// Errors: 400 `invalid_upgrade` for any other protocol or an incomplete handshake; 426 without a connection to take over.
pub fn wish(parts: &mut Parts) -> Result<Option<Wish>, ApiError> {
    if !parts.headers.contains_key(header::UPGRADE) {
        return Ok(None);
    }
    let headers = &parts.headers;
    let is = |name: header::HeaderName, value: &str| {
        let mut values = headers.get_all(name).iter();
        let first =
            values.next().is_some_and(|first| first.as_bytes().eq_ignore_ascii_case(value.as_bytes()));
        first && values.next().is_none()
    };
    let is_named = headers.get_all(header::CONNECTION).iter().any(|value| {
        let names = value.to_str().unwrap_or_default().split(',');
        names.map(str::trim).any(|name| name.eq_ignore_ascii_case("upgrade"))
    });
    let key = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let is_whole = parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && is(header::UPGRADE, "websocket")
        && is(header::SEC_WEBSOCKET_VERSION, "13")
        && is_named;
    let (true, Some(key)) = (is_whole, key.cloned()) else {
        return Err(ApiError::Invalid {
            code: "invalid_upgrade",
            message: "The connection can become a WebSocket and nothing else.".to_owned(),
        });
    };
    let protocols = headers.get(header::SEC_WEBSOCKET_PROTOCOL).cloned();
    let browser = parts.extensions.remove::<OnUpgrade>();
    let browser = browser.ok_or(ApiError::Refused { status: StatusCode::UPGRADE_REQUIRED })?;
    Ok(Some(Wish { key, protocols, browser }))
}

impl Wish {
    /// The headers that ask the service for the same.
    pub fn handshake(&self) -> Handshake {
        let key = STANDARD.encode(rand::random::<[u8; 16]>());
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        if let Ok(key) = HeaderValue::from_str(&key) {
            headers.insert(header::SEC_WEBSOCKET_KEY, key);
        }
        headers.extend(self.protocols.clone().map(|value| (header::SEC_WEBSOCKET_PROTOCOL, value)));
        Handshake { headers, expected: derive_accept_key(key.as_bytes()) }
    }

    /// The headers of our answer to the browser, and its side of the connection.
    pub fn accept(self, theirs: &HeaderMap) -> (HeaderMap, OnUpgrade) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(self.key.as_bytes())) {
            headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
        }
        // What the service chose, of what the browser offered.
        let chosen = theirs.get(header::SEC_WEBSOCKET_PROTOCOL).filter(|chosen| self.offers(chosen));
        headers.extend(chosen.map(|chosen| (header::SEC_WEBSOCKET_PROTOCOL, chosen.clone())));
        (headers, self.browser)
    }

    fn offers(&self, chosen: &HeaderValue) -> bool {
        let offered = self.protocols.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        offered.split(',').any(|name| name.trim().as_bytes() == chosen.as_bytes())
    }
}

impl Handshake {
    /// Whether the service agreed to this very handshake.
    pub fn is_answered_by(&self, theirs: &HeaderMap) -> bool {
        theirs.get(header::SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept == self.expected.as_str())
    }
}

impl Tunnel {
    /// Passes messages on until the end, and writes the call's line.
    pub async fn run(self, mut record: Record) {
        let connected = timeout(CONNECTED_WITHIN, async { tokio::join!(self.browser, self.service) }).await;
        let Ok((Ok(browser), Ok(service))) = connected else {
            record.closed(0, 0, "one side left before the connection was made");
            return;
        };
        let (to_browser, from_browser) = socket(browser, Role::Server).await.split();
        let (to_service, from_service) = socket(service, Role::Client).await.split();
        let (mut up, mut down) = (Way::new(from_browser, to_service), Way::new(from_service, to_browser));
        let (why, code) = select! {
            biased;
            () = self.session.ended() => ("the session ended", CloseCode::from(SESSION_ENDED)),
            () = self.scopes.only_looks_at(&self.session, &self.project) => {
                ("a support view began", CloseCode::Policy)
            }
            () = self.shutdown.begun() => ("the panel restarts", CloseCode::Away),
            // Either side's end is told to the other before this comes back.
            ended = up.pass() => (ended.word("the browser"), CloseCode::Away),
            ended = down.pass() => (ended.word("the service"), CloseCode::Away),
        };
        let farewell = CloseFrame { code, reason: Cow::Borrowed(why).into_owned().into() };
        let _ = timeout(FAREWELL_WITHIN, async {
            tokio::join!(up.close(farewell.clone()), down.close(farewell.clone()))
        })
        .await;
        record.closed(up.bytes, down.bytes, why);
        drop(self.place);
    }
}

/// Consoles send pieces of 64 KiB.
const LARGEST_MESSAGE: usize = 1 << 20;
/// A session that ended, as the panel's other sockets say it.
const SESSION_ENDED: u16 = 4401;
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
const FAREWELL_WITHIN: Duration = Duration::from_secs(2);

async fn socket(connection: Upgraded, role: Role) -> WebSocketStream<TokioIo<Upgraded>> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE))
        .max_write_buffer_size(2 * LARGEST_MESSAGE);
    WebSocketStream::from_raw_socket(TokioIo::new(connection), role, Some(config)).await
}

/// One direction.
struct Way<From, To> {
    from: From,
    to: To,
    bytes: u64,
    is_closed: bool,
}

/// Why a direction ended.
enum Ended {
    Closed,
    /// A message that is too large, or bytes that are no message.
    Broken,
}

impl<From, To> Way<From, To>
where
    From: Stream<Item = Result<Message, tungstenite::Error>> + Unpin,
    To: Sink<Message, Error = tungstenite::Error> + Unpin,
{
    fn new(from: From, to: To) -> Self {
        Self { from, to, bytes: 0, is_closed: false }
    }

    /// One message after the other: the next is read when this one is sent, so that a slow side slows the other.
    async fn pass(&mut self) -> Ended {
        loop {
            let message = match self.from.next().await {
                Some(Ok(message)) => message,
                Some(Err(
                    tungstenite::Error::Capacity(_)
                    | tungstenite::Error::Protocol(_)
                    | tungstenite::Error::Utf8(_),
                )) => {
                    return Ended::Broken;
                }
                Some(Err(_)) | None => return Ended::Closed,
            };
            self.bytes += message.len() as u64;
            match message {
                // Answered by this side already; the other has its own.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Close(frame) => {
                    self.is_closed = true;
                    let _ = self.to.send(Message::Close(frame)).await;
                    return Ended::Closed;
                }
                message => {
                    if self.to.send(message).await.is_err() {
                        return Ended::Closed;
                    }
                }
            }
        }
    }

    async fn close(&mut self, frame: CloseFrame) {
        if !self.is_closed {
            let _ = self.to.send(Message::Close(Some(frame))).await;
        }
        let _ = self.to.close().await;
    }
}

impl Ended {
    fn word(&self, who: &str) -> &'static str {
        match (self, who) {
            (Self::Closed, "the browser") => "the browser closed it",
            (Self::Closed, _) => "the service closed it",
            (Self::Broken, "the browser") => "the browser sent no message that can be passed on",
            (Self::Broken, _) => "the service sent no message that can be passed on",
        }
    }
}
