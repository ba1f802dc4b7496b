//! The consoles behind the addresses that Nova gives out: WebSockets on a port of their own, each opened with
//! a token that is good once and for ten minutes.

mod font;
pub mod registry;
mod rfb;
mod screen;
mod shell;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use url::form_urlencoded;

use crate::nova::console_log;
use crate::runtime::Shared;
use registry::{Kind, Ticket};
use rfb::Rfb;
use shell::Shell;

/// How often a console looks whether its server has said or become anything.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The largest message; more is sent in pieces, as the proxies of real clouds do.
const PIECE: usize = 32 * 1024;

/// What a console knows of its server.
struct Facts {
    name: String,
    host_name: String,
    status: String,
    addresses: Vec<String>,
    log: String,
    now: DateTime<Utc>,
}

/// A console that somebody sits at.
enum Console {
    Screen(Box<Rfb>),
    Serial(Shell),
}

/// How a console came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Whoever sat at it has left.
    Left,
    /// From its own side, with a farewell.
    Over,
    /// Without one: what carries it has gone.
    Cut,
}

/// Accepts consoles until the task is aborted, which ends them too.
pub async fn run(shared: Arc<Shared>, listener: TcpListener) {
    let mut consoles = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    consoles.spawn(converse(shared.clone(), stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "a console's connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_ended) = consoles.join_next() => {}
        }
    }
}

#[expect(clippy::result_large_err, reason = "the library says what a refusal of a handshake is")]
async fn converse(shared: Arc<Shared>, stream: TcpStream) {
    let _unsupported = stream.set_nodelay(true);
    let mut token = None;
    let handshake = tokio_tungstenite::accept_hdr_async(stream, |request: &Request, response: Response| {
        token = token_of(request);
        accept(request, response)
    });
    let mut socket = match handshake.await {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, "a console's connection is no WebSocket");
            return;
        }
    };
    // A token that is none ends the connection after it was taken up, as Nova's proxies have it.
    let ticket = token.and_then(|token| shared.consoles.redeem(&token, shared.world.clock.now()));
    let Some(ticket) = ticket else { return };
    if attend(&shared, ticket, &mut socket).await != End::Cut {
        let _closed_already = socket.close(None).await;
    }
}

/// Lets somebody sit at a console until they leave, the server stops, or it is cut off.
async fn attend(shared: &Shared, ticket: Ticket, socket: &mut WebSocketStream<TcpStream>) -> End {
    let mut cut = shared.consoles.told_of_cuts();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let Some(now) = facts(shared, ticket) else { return End::Over };
    let (mut console, greeting) = match ticket.kind {
        Kind::Screen => (Console::Screen(Box::new(Rfb::new(&now))), rfb::VERSION.to_vec()),
        Kind::Serial => {
            let (shell, greeting) = Shell::new(&now);
            (Console::Serial(shell), greeting)
        }
    };
    if let Err(end) = send(socket, greeting).await {
        return end;
    }
    loop {
        let said = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Text(text))) => text.into(),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Left,
            },
            _ = looks.tick() => Bytes::new(),
            _ = cut.changed() => return End::Cut,
        };
        let Some(now) = facts(shared, ticket) else { return End::Over };
        let answer = match &mut console {
            Console::Screen(screen) => {
                let answer = screen.advance(&said, &now);
                shared.consoles.note_keys(ticket.server_id, screen.take_keys());
                answer
            }
            Console::Serial(shell) => shell.advance(&said, &now),
        };
        let (answer, is_over) = match answer {
            Ok(answer) => (answer, false),
            Err(last_words) => (last_words, true),
        };
        if let Err(end) = send(socket, answer).await {
            return end;
        }
        if is_over {
            return End::Over;
        }
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, bytes: Vec<u8>) -> Result<(), End> {
    let mut rest = Bytes::from(bytes);
    while !rest.is_empty() {
        let piece = rest.split_to(PIECE.min(rest.len()));
        socket.send(Message::Binary(piece)).await.map_err(|_| End::Left)?;
    }
    Ok(())
}

/// What the console's server is now. `None` once it is gone or does not run.
fn facts(shared: &Shared, ticket: Ticket) -> Option<Facts> {
    let region = shared.world.regions.get(ticket.region_number)?;
    let servers = region.servers.read();
    let server = servers.get(&ticket.server_id).filter(|server| has_console(server.power_state))?;
    let now = shared.world.clock.now();
    Some(Facts {
        name: server.name.clone(),
        host_name: server.host_name(),
        status: server.status.to_string(),
        addresses: server.addresses().map(|address| address.to_string()).collect(),
        log: console_log::log(server, now),
        now,
    })
}

/// A server that runs or is paused has consoles.
pub fn has_console(power_state: u8) -> bool {
    matches!(power_state, 1 | 3)
}

/// The lines that a log has gained since it ended with this one.
fn lines_after<'a>(log: &'a str, last: &str) -> Vec<&'a str> {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.iter().rposition(|line| *line == last).map_or(0, |position| position + 1);
    lines[from..].to_vec()
}

fn token_of(request: &Request) -> Option<String> {
    let query = request.uri().query()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "token").map(|(_, value)| value.into_owned())
}

/// Takes the subprotocol `binary` where it is offered, as websockify does.
#[expect(clippy::result_large_err, reason = "the type of the handshake's callback")]
fn accept(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
    if offered.is_some_and(|offered| offered.split(',').any(|one| one.trim() == "binary")) {
        let binary = hyper::header::HeaderValue::from_static("binary");
        response.headers_mut().insert("sec-websocket-protocol", binary);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_lines_are_those_after_the_last_seen() {
        assert_eq!(lines_after("a\nb\nc", "b"), ["c"]);
        assert_eq!(lines_after("a\nb", "b"), [""; 0]);
        assert_eq!(lines_after("a\nb", "gone"), ["a", "b"]);
    }
}
