//! A server's console through the panel's own origin: the screen (VNC) or the serial line.
//!
//! The one-time token that Nova gives out never reaches the browser: the panel asks for it, opens the console's socket
//! itself and passes what is said both ways. A browser that lost its socket opens another, with a token of its own.

use std::{sync::Arc, time::Duration};

use api_types::{
    ErrorBody, Region, ServerId,
    servers::console::{CONSOLE_ENDED, ConsoleGreeting, ConsoleKind, ConsoleQuery, NOT_OPENED, SESSION_OVER},
};
use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        rejection::QueryRejection,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{self, Instant};
use tokio_tungstenite::tungstenite::Message as Theirs;

use super::{
    credentials::{CallerCredentials, Over},
    index::ServerIndexes,
    open_streams::OpenStream,
    route::{ServerOfRoute, no_such_region},
    stream::{BLOCKED_FOR, FAREWELL_WITHIN, PING_EVERY, invalid_query},
};
use crate::{
    error::{ApiError, seconds_up},
    session::{ProjectCaller, ProjectScope, Scopes, Verdict},
    shutdown::Shutdown,
    upstream::{UpstreamError, socket::UpstreamSocket},
};

/// Opens a console. The first message is a [`ConsoleGreeting`] in JSON: it is open, or why not. Then each binary message
/// is what the console says, or what is said to it.
///
/// Closes with 4401 when the session ends, 4410 when the console does, 4502 when it could not be opened, 1001 when the
/// panel restarts, the cloud's connection is lost or a support view of the project begins: the console may be there still.
///
/// Errors: 400 no id or no kind, 404 no such region, 429 `too_many_streams`, those of [`ProjectCaller`], and where there
/// are none of these, 426 for what is no WebSocket request: no script sees why a socket was refused, so a browser asks
/// the same once more without one.
pub async fn open_console(
    caller: ProjectCaller,
    State(indexes): State<ServerIndexes>,
    State(scopes): State<Scopes>,
    State(shutdown): State<Shutdown>,
    ServerOfRoute { region, server }: ServerOfRoute,
    query: Result<Query<ConsoleQuery>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let Query(ConsoleQuery { kind }) = query.map_err(|_| invalid_query())?;
    if indexes.upstream().compute(&caller.scope, &region).is_none() {
        return Err(no_such_region(region.as_str()));
    }
    let open = indexes.streams().open(caller.session.id)?;
    let upgrade = upgrade.map_err(|_| ApiError::Refused { status: StatusCode::UPGRADE_REQUIRED })?;
    let wanted = Wanted { indexes, scopes, caller, region, server, kind };
    let upgrade = upgrade.max_message_size(LARGEST_INPUT).max_frame_size(LARGEST_INPUT);
    Ok(upgrade.on_upgrade(move |socket| wanted.serve(socket, shutdown, open)))
}

/// What a browser sends at once: keys, the mouse, a pasted text.
const LARGEST_INPUT: usize = 64 << 10;
const GOING_AWAY: u16 = 1001;

/// The console that is asked for.
struct Wanted {
    indexes: ServerIndexes,
    scopes: Scopes,
    caller: ProjectCaller,
    region: Region,
    server: ServerId,
    kind: ConsoleKind,
}

/// How it came to an end.
enum End {
    /// The browser has left.
    Left,
    /// The console has.
    Console,
    /// The cloud's connection broke: it says nothing of the console.
    Lost,
    Over(Over),
    /// The session only looks at the project from now on.
    SupportView,
    Restart,
}

/// What went over the line.
#[derive(Default)]
struct Traffic {
    up_bytes: u64,
    down_bytes: u64,
}

impl Wanted {
    async fn serve(self, mut socket: WebSocket, shutdown: Shutdown, open: OpenStream) {
        let console = match self.open().await {
            Ok(console) => console,
            Err(error) => {
                // The other side may have left; then nobody waits for the reason.
                _ = self.refuse(&mut socket, &error).await;
                return;
            }
        };
        let opened_at = Instant::now();
        self.log_opened();
        let mut traffic = Traffic::default();
        if say(&mut socket, greeting(&ConsoleGreeting::Open)).await.is_ok() {
            let credentials = CallerCredentials::new(&self.caller, self.scopes.clone());
            let end = tokio::select! {
                biased;
                () = self.scopes.only_looks_at(&self.caller.session, &self.caller.project) => End::SupportView,
                end = pass(&mut socket, console, &credentials, &shutdown, &mut traffic) => end,
            };
            _ = time::timeout(FAREWELL_WITHIN, close(&mut socket, end)).await;
        }
        self.log_closed(&traffic, opened_at.elapsed());
        drop(open);
    }

    /// Asks Nova for a console and opens its socket.
    async fn open(&self) -> Result<UpstreamSocket, ApiError> {
        let upstream = self.indexes.upstream();
        let ask = async |scope: &ProjectScope| {
            let place =
                upstream.compute(scope, &self.region).ok_or_else(|| no_such_region(self.region.as_str()))?;
            let place = place.on_behalf(self.caller.on_behalf(&scope.project));
            let url = upstream.create_console(&place, self.server, self.kind).await;
            url.map_err(|error| match error.status() {
                Some(StatusCode::NOT_FOUND) => {
                    ApiError::NotFound { kind: "server", id: self.server.to_string() }
                }
                _ => ApiError::upstream(&place.target)(error),
            })
            .map(|url| (url, place.target.clone()))
        };
        let asked = match ask(&self.caller.scope).await {
            Err(ApiError::Upstream { source, .. }) if source.status() == Some(StatusCode::UNAUTHORIZED) => {
                match self.scopes.refresh(&self.caller.session, &self.caller.scope).await? {
                    Verdict::Valid(renewed) => ask(&renewed).await,
                    Verdict::NoRole => {
                        return Err(ApiError::NoSuchProject { id: self.caller.project.to_string() });
                    }
                    Verdict::Ended => return Err(ApiError::SessionEnded),
                }
            }
            result => result,
        };
        let (url, target) = asked?;
        upstream.client.open_socket(&url, &["binary"]).await.map_err(ApiError::upstream(&target))
    }

    async fn refuse(&self, socket: &mut WebSocket, error: &ApiError) -> Result<(), Gone> {
        // There is no answer any more that the middleware could log.
        let level_is_error = error.status().is_server_error();
        let request_id = self.caller.request_id.0.to_string();
        if level_is_error {
            tracing::warn!(
                request_id,
                error = error as &dyn std::error::Error,
                "a console could not be opened"
            );
        } else {
            tracing::info!(request_id, error = error as &dyn std::error::Error, "a console was refused");
        }
        let upstream_message = match error {
            ApiError::Upstream { source, .. } => match &**source {
                UpstreamError::Status { message, .. } => {
                    Some(message.clone()).filter(|said| !said.is_empty())
                }
                _ => None,
            },
            _ => None,
        };
        let error_body = ErrorBody {
            code: error.code().to_owned(),
            message: error.sentence(),
            request_id,
            retry_after_secs: error.retry_after().map(seconds_up),
        };
        say(socket, greeting(&ConsoleGreeting::Refused { error: error_body, upstream_message })).await?;
        let code = if error.code() == "session_ended" { SESSION_OVER } else { NOT_OPENED };
        close_with(socket, code, "the console could not be opened").await
    }

    fn log_opened(&self) {
        tracing::info!(
            request_id = &*self.caller.request_id.0,
            user = self.caller.user().name,
            project = %self.caller.project,
            session = self.caller.session.id.short(),
            upstream_region = %self.region,
            server = %self.server,
            kind = self.kind.protocol(),
            "opened a console"
        );
    }

    fn log_closed(&self, traffic: &Traffic, lasted: Duration) {
        tracing::info!(
            request_id = &*self.caller.request_id.0,
            user = self.caller.user().name,
            project = %self.caller.project,
            session = self.caller.session.id.short(),
            upstream_region = %self.region,
            server = %self.server,
            kind = self.kind.protocol(),
            up_bytes = traffic.up_bytes,
            down_bytes = traffic.down_bytes,
            duration_ms = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX),
            "closed a console"
        );
    }
}

/// Passes what is said both ways, until one side leaves or the session is over.
async fn pass(
    socket: &mut WebSocket,
    mut console: UpstreamSocket,
    credentials: &Arc<CallerCredentials>,
    shutdown: &Shutdown,
    traffic: &mut Traffic,
) -> End {
    let mut pings = time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    let mut heard_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            over = credentials.over() => return End::Over(over),
            () = shutdown.begun() => return End::Restart,
            said = socket.recv() => {
                heard_at = Instant::now();
                let input = match said {
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        _ = time::timeout(FAREWELL_WITHIN, console.close(None)).await;
                        return End::Left;
                    }
                };
                traffic.up_bytes += input.len() as u64;
                match time::timeout(BLOCKED_FOR, console.send(Theirs::Binary(input))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return End::Lost,
                }
            }
            said = console.next() => {
                let output = match said {
                    Some(Ok(Theirs::Binary(bytes))) => bytes,
                    Some(Ok(Theirs::Text(text))) => Bytes::from(text),
                    Some(Ok(Theirs::Ping(_) | Theirs::Pong(_) | Theirs::Frame(_))) => continue,
                    Some(Ok(Theirs::Close(_))) => return End::Console,
                    Some(Err(_)) | None => return End::Lost,
                };
                traffic.down_bytes += output.len() as u64;
                if say(socket, Message::Binary(output)).await.is_err() {
                    return End::Left;
                }
            }
            _ = pings.tick() => {
                if heard_at.elapsed() > PING_EVERY * 3 {
                    return End::Left;
                }
                if say(socket, Message::Ping(Bytes::new())).await.is_err() {
                    return End::Left;
                }
            }
        }
    }
}

/// The other side is gone, or takes nothing more.
struct Gone;

async fn close(socket: &mut WebSocket, end: End) -> Result<(), Gone> {
    match end {
        End::Left => Ok(()),
        End::Console => close_with(socket, CONSOLE_ENDED, "the console has ended").await,
        // Whoever comes back in a support view is told why there is no console.
        End::Lost | End::Over(Over::RolesChanged) | End::SupportView | End::Restart => {
            close_with(socket, GOING_AWAY, "come back").await
        }
        End::Over(Over::Ended { code, .. }) => close_with(socket, SESSION_OVER, code).await,
    }
}

async fn close_with(socket: &mut WebSocket, code: u16, reason: &'static str) -> Result<(), Gone> {
    say(socket, Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await
}

async fn say(socket: &mut WebSocket, message: Message) -> Result<(), Gone> {
    match time::timeout(BLOCKED_FOR, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}

fn greeting(greeting: &ConsoleGreeting) -> Message {
    Message::Text(serde_json::to_string(greeting).unwrap_or_default().into())
}
