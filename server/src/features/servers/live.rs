//! The same stream over a WebSocket, which uses up none of the browser's six HTTP/1.1 connections: any number of tabs
//! can stay open.

use std::sync::Arc;

use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::{self, Instant};

use super::{
    credentials::{CallerCredentials, Over},
    feed::{Feed, Format},
    index::{Credentials, ServerIndexes},
    position::Position,
    stream::{BLOCKED_FOR, FAREWELL_WITHIN, PING_EVERY, invalid_query},
};
use crate::{
    error::ApiError,
    session::{ProjectCaller, Scopes},
    shutdown::Shutdown,
};

/// Where the live stream goes on.
#[derive(Debug, Deserialize)]
pub struct LiveQuery {
    /// Where the last stream ended; without it everything is sent.
    position: Option<String>,
}

/// Sends the frames of the servers stream from a position on, one in each binary message.
///
/// Closes with 4401 when the session ends, after a frame that says so.
///
/// Errors: 426 not a WebSocket request, 429 `too_many_streams`, and those of [`ProjectCaller`]. That the request comes from the panel itself
/// is checked before.
pub async fn follow_servers(
    caller: ProjectCaller,
    State(indexes): State<ServerIndexes>,
    State(scopes): State<Scopes>,
    State(shutdown): State<Shutdown>,
    query: Result<Query<LiveQuery>, axum::extract::rejection::QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|_| invalid_query())?;
    let upgrade = upgrade.map_err(|_| ApiError::Refused { status: StatusCode::UPGRADE_REQUIRED })?;
    let position = query.position.as_deref().map(Position::parse);
    let open = indexes.streams().open(caller.session.id)?;
    // Nothing is expected from the browser but pongs.
    let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let credentials = CallerCredentials::new(&caller, scopes);
        let shared: Arc<dyn Credentials> = credentials.clone();
        let feed = Feed::open(&indexes, &shared, Format::Frames, position.as_ref());
        let mut live = Live { socket, feed };
        // That the other side is gone needs no answer.
        let _ = live.run(&credentials, &shutdown).await;
        drop(open);
    }))
}

const LARGEST_MESSAGE: usize = 4 * 1024;
/// Close codes: an application's own, and "going away".
const SESSION_ENDED: u16 = 4401;
const NO_LONGER_ALLOWED: u16 = 4403;
const GOING_AWAY: u16 = 1001;

struct Live {
    socket: WebSocket,
    feed: Feed,
}

/// The other side is gone, or takes nothing more.
struct Gone;

impl Live {
    async fn run(&mut self, credentials: &CallerCredentials, shutdown: &Shutdown) -> Result<(), Gone> {
        // Beside the sending, not between two messages: a reader may take its time with each.
        let farewell = async {
            tokio::select! {
                biased;
                over = credentials.over() => Some(over),
                () = shutdown.begun() => None,
            }
        };
        let over = tokio::select! {
            over = farewell => over,
            gone = self.follow() => return gone,
        };
        let last_words = async {
            match over {
                Some(over) => self.end(over).await,
                None => self.close(GOING_AWAY, "the panel restarts").await,
            }
        };
        time::timeout(FAREWELL_WITHIN, last_words).await.unwrap_or(Err(Gone))
    }

    /// Sends what is known and what changes, until the other side is gone.
    async fn follow(&mut self) -> Result<(), Gone> {
        self.send_news().await?;
        let known = self.feed.caught_up();
        self.send(known).await?;
        let mut pings = time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut heard_at = Instant::now();
        loop {
            tokio::select! {
                () = self.feed.news() => self.send_news().await?,
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Close(_))) | Some(Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => heard_at = Instant::now(),
                },
                _ = pings.tick() => {
                    // Three pings without a pong: the network is gone without saying so.
                    if heard_at.elapsed() > PING_EVERY * 3 {
                        return Err(Gone);
                    }
                    // A browser's script sees no WebSocket ping, so it gets one of ours as well.
                    self.send_message(Message::Ping(Bytes::new())).await?;
                    let ping = self.feed.ping();
                    self.send(ping).await?;
                }
            }
        }
    }

    async fn end(&mut self, over: Over) -> Result<(), Gone> {
        let (code, message) = match over {
            Over::Ended { code, message } => (code, message),
            Over::RolesChanged => return self.close(GOING_AWAY, "the roles have changed").await,
        };
        let last = self.feed.ended(code, &message);
        self.send(last).await?;
        let close = if code == "session_ended" { SESSION_ENDED } else { NO_LONGER_ALLOWED };
        self.close(close, code).await
    }

    async fn close(&mut self, code: u16, reason: &'static str) -> Result<(), Gone> {
        self.send_message(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await
    }

    async fn send_news(&mut self) -> Result<(), Gone> {
        while let Some(piece) = self.feed.next_piece() {
            self.send(piece).await?;
        }
        Ok(())
    }

    async fn send(&mut self, piece: Bytes) -> Result<(), Gone> {
        for frame in frames_of(piece) {
            self.send_message(Message::Binary(frame)).await?;
        }
        Ok(())
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Gone> {
        match time::timeout(BLOCKED_FOR, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// Cuts a piece into its frames, each with its length before it, without copying.
fn frames_of(mut piece: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = piece.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize)?;
        Some(piece.split_to((4 + length).min(piece.len())))
    })
}

#[cfg(test)]
mod tests {
    use api_types::servers::frame::{FrameReader, FrameWriter};

    use super::*;

    #[test]
    fn a_piece_is_cut_into_whole_frames() {
        let mut writer = FrameWriter::new();
        writer.ping();
        writer.position("here");
        writer.caught_up();
        let frames: Vec<Bytes> = frames_of(writer.take().into()).collect();
        assert_eq!(frames.len(), 3);
        for frame in frames {
            let mut reader = FrameReader::new();
            reader.push(&frame);
            assert!(reader.next_frame().expect("a frame").is_some());
            assert_eq!(reader.pending(), 0);
        }
    }
}
