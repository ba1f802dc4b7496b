//! The socket of one page: takes its batches one after the other and answers each once it is stored.

use std::{sync::Arc, time::Duration};

use api_types::client_log::{Answer, LARGEST_BATCH, TOO_FAST_WAIT_MS, close};
use axum::{
    Extension,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use tokio::time::{self, Instant};

use super::{
    Author, ClientLog, Counted, Refused, Sender, answer_to, later,
    message::{Checked, Fault, read_batch},
};
use crate::{
    error::ApiError,
    session::{Caller, ClientAddress, OpenOne, Session},
};

/// Takes what a page logs, a [`Batch`](api_types::client_log::Batch) in each text message, and sends an [`Answer`] to
/// each. The next one is read once the one before is answered.
///
/// Closes with 4400 for what is no batch, 1003 for a binary message, 4413 for a too large one, 4429 when the session
/// sends too much, 4401 when it ends, and 1012 when this node stops; [`Answer::Bye`] says before when to come back.
///
/// Errors: 426 not a WebSocket request, 429 `too_many_streams`, and those of [`Caller`]. That the request comes from the
/// panel itself is checked before.
pub async fn open_socket(
    caller: Caller,
    State(client_log): State<ClientLog>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| ApiError::Refused { status: StatusCode::UPGRADE_REQUIRED })?;
    let open = Open::new(&client_log, &caller.session)?;
    let address = address.map(|Extension(ClientAddress(ip))| ip);
    let author = client_log.author(Some(&caller.session), address, &headers);
    // Thousands are open and quiet: what a socket holds while nothing comes is what they cost.
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(LARGEST_ANSWER)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE);
    let page = Box::new(Page { client_log, session: caller.session, author, _counted: open });
    Ok(upgrade.on_upgrade(move |socket| page.serve(socket)))
}

/// A batch of a few messages fits, and larger ones are read in turns: it stays for as long as the socket does.
const READ_BUFFER: usize = 2 << 10;
const LARGEST_ANSWER: usize = 64 << 10;
/// A little more than is taken, so that the refusal can be told.
const LARGEST_MESSAGE: usize = 2 * LARGEST_BATCH;
const PING_EVERY: Duration = Duration::from_secs(30);
/// Whoever takes nothing for so long is gone.
const BLOCKED_FOR: Duration = Duration::from_secs(20);
const FAREWELL_WITHIN: Duration = Duration::from_secs(2);
/// Pages that have to go come back one after the other, and all of them within this.
const RETURN_EACH: Duration = Duration::from_millis(4);
const RETURN_WITHIN: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

/// The protocol's own close codes.
const UNSUPPORTED: u16 = 1003;
const NOT_UTF8: u16 = 1007;

/// One page, while its socket is open.
struct Page {
    client_log: ClientLog,
    session: Arc<Session>,
    author: Author,
    _counted: Open,
}

/// How it came to an end.
enum End {
    /// The page has left, or takes nothing more.
    Gone,
    SessionEnded,
    Restart,
    Misbehaved {
        code: u16,
        reason: &'static str,
        may_read_on: bool,
    },
}

impl Page {
    async fn serve(self: Box<Self>, mut socket: WebSocket) {
        let end = self.take_batches(&mut socket).await;
        // That the other side is gone needs no answer.
        _ = time::timeout(FAREWELL_WITHIN, self.end(&mut socket, end)).await;
    }

    async fn take_batches(&self, socket: &mut WebSocket) -> End {
        let shutdown = &self.client_log.0.shutdown;
        let mut pings = time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard_at = Instant::now();
        loop {
            let end = tokio::select! {
                biased;
                () = self.session.ended() => Err(End::SessionEnded),
                () = shutdown.begun() => Err(End::Restart),
                message = socket.recv() => {
                    heard_at = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.take_batch(socket, text).await,
                        Some(Ok(Message::Binary(_))) => Err(misbehaved(UNSUPPORTED, "binary")),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Close(_))) | None => Err(End::Gone),
                        Some(Err(error)) => Err(broken(error)),
                    }
                }
                _ = pings.tick() => {
                    // Three pings without a pong: the network is gone without saying so.
                    match heard_at.elapsed() > PING_EVERY * 3 {
                        true => Err(End::Gone),
                        false => say(socket, Message::Ping(Bytes::new())).await,
                    }
                }
            };
            if let Err(end) = end {
                return end;
            }
        }
    }

    async fn take_batch(&self, socket: &mut WebSocket, text: Utf8Bytes) -> Result<(), End> {
        let checked = read_batch(&text).map_err(|fault| match fault {
            Fault::TooLarge => misbehaved(close::TOO_LARGE, "too_large"),
            Fault::Malformed(why) => {
                tracing::debug!(why, "a browser sent what is no batch");
                misbehaved(close::MALFORMED, "malformed")
            }
        })?;
        drop(text);
        let (stream, first, last) = (checked.batch.stream.clone(), checked.batch.first, checked.batch.last());
        let answer = match self.wait(&checked).await {
            Ok(counted) => {
                let outcome =
                    self.client_log.store(checked, &counted, &self.author, Some(&self.session)).await;
                answer_to(stream, first, last, outcome)
                    .ok_or_else(|| misbehaved(close::MALFORMED, "malformed"))?
            }
            Err(refused @ (Refused::Full | Refused::TooManyPages)) => {
                self.client_log.refused(refused.as_str());
                later(stream, first)
            }
            Err(refused @ Refused::TooFast) => {
                return Err(misbehaved(close::TOO_FAST, refused.as_str()));
            }
        };
        say(socket, text_of(&answer)).await
    }

    /// Waits as long as the session has to, not to send too much.
    async fn wait(&self, checked: &Checked) -> Result<Counted, Refused> {
        let counted = self.client_log.count(Sender::Session(self.session.id), checked, &self.author)?;
        if !counted.wait.is_zero() {
            tokio::select! {
                () = self.client_log.0.shutdown.begun() => return Err(Refused::Full),
                () = time::sleep(counted.wait) => {}
            }
        }
        Ok(counted)
    }

    async fn end(&self, socket: &mut WebSocket, end: End) -> Result<(), End> {
        match end {
            End::Gone => Ok(()),
            End::SessionEnded => self.close(socket, close::SESSION_ENDED, "session_ended", true).await,
            End::Restart => {
                let others = u32::try_from(*self.client_log.0.open.borrow()).unwrap_or(u32::MAX);
                let within = RETURN_EACH.saturating_mul(others);
                let within = within.clamp(*RETURN_WITHIN.start(), *RETURN_WITHIN.end());
                let within_ms = u64::try_from(within.as_millis()).unwrap_or(TOO_FAST_WAIT_MS);
                say(socket, text_of(&Answer::Bye { within_ms })).await?;
                self.close(socket, close::RESTARTS, "restarts", true).await
            }
            End::Misbehaved { code, reason, may_read_on } => {
                self.client_log.refused(reason);
                tracing::info!(
                    user = self.author.who.user.as_deref(),
                    session = self.author.who.session.as_deref(),
                    address = self.author.address.map(|address| address.to_string()),
                    code,
                    reason,
                    "closed the socket of a browser that misbehaved"
                );
                self.close(socket, code, reason, may_read_on).await
            }
        }
    }

    /// Says why, and reads what is still on its way: a connection that is closed before that takes the reason with it.
    async fn close(
        &self,
        socket: &mut WebSocket,
        code: u16,
        reason: &'static str,
        may_read_on: bool,
    ) -> Result<(), End> {
        say(socket, Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await?;
        while may_read_on && let Some(Ok(_)) = socket.recv().await {}
        Ok(())
    }
}

fn misbehaved(code: u16, reason: &'static str) -> End {
    End::Misbehaved { code, reason, may_read_on: true }
}

/// What the protocol itself refuses.
fn broken(error: axum::Error) -> End {
    use tokio_tungstenite::tungstenite::Error;
    match error.into_inner().downcast_ref::<Error>() {
        // Its rest would still be read whole: the limit holds for a message's beginning only.
        Some(Error::Capacity(_)) => {
            End::Misbehaved { code: close::TOO_LARGE, reason: "too_large", may_read_on: false }
        }
        Some(Error::Utf8(_)) => misbehaved(NOT_UTF8, "not_utf8"),
        _ => End::Gone,
    }
}

fn text_of(answer: &Answer) -> Message {
    Message::Text(serde_json::to_string(answer).unwrap_or_default().into())
}

async fn say(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    match time::timeout(BLOCKED_FOR, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// One open socket, until this is dropped.
struct Open {
    client_log: ClientLog,
    _of_session: OpenOne,
}

impl Open {
    /// Errors: 429 the session, or this node, has as many open as it may.
    fn new(client_log: &ClientLog, session: &Session) -> Result<Self, ApiError> {
        let inner = &client_log.0;
        let most = inner.config.sockets_per_session;
        let of_session = inner.of_session.open(session.id).ok_or(ApiError::TooManyStreams { most })?;
        let has_place = inner.open.send_if_modified(|open| {
            let has_place = *open < inner.config.sockets;
            *open += usize::from(has_place);
            has_place
        });
        if !has_place {
            return Err(ApiError::TooManyStreams { most: inner.config.sockets });
        }
        client_log.measure_open();
        Ok(Self { client_log: client_log.clone(), _of_session: of_session })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.client_log.0.open.send_modify(|open| *open -= 1);
        self.client_log.measure_open();
    }
}
