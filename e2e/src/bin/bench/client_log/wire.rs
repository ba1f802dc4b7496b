//! A tab's connection: the panel's own WebSocket, or the reference's, spoken as its browser library does.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use api_types::{client_log::Answer, routes};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

/// Who is talked to.
#[derive(Clone)]
pub enum Server {
    Panel { address: SocketAddr, cookie: String },
    SocketIo { address: SocketAddr },
}

impl Server {
    /// The same session on another node.
    pub fn at(&self, address: SocketAddr) -> Self {
        match self {
            Self::Panel { cookie, .. } => Self::Panel { address, cookie: cookie.clone() },
            Self::SocketIo { .. } => Self::SocketIo { address },
        }
    }
}

/// An open connection.
pub struct Wire {
    socket: WebSocketStream<TcpStream>,
    is_panel: bool,
    sent: u64,
}

/// Longest wait for anything; a server that is overloaded takes its time, one that is dead all of it.
const LONGEST: Duration = Duration::from_secs(20);

impl Wire {
    /// Connects, and is ready to send.
    pub async fn open(server: &Server) -> Result<Self> {
        tokio::time::timeout(LONGEST, Self::connect(server)).await.context("no connection in time")?
    }

    async fn connect(server: &Server) -> Result<Self> {
        let (address, path) = match server {
            Server::Panel { address, .. } => (address, routes::CLIENT_LOG),
            Server::SocketIo { address } => (address, "/socket.io/?EIO=4&transport=websocket"),
        };
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        if let Server::Panel { cookie, .. } = server {
            request.headers_mut().insert("cookie", cookie.parse()?);
            request.headers_mut().insert("origin", format!("http://{address}").parse()?);
        }
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // Thousands of tabs are in this one process.
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        let mut wire = Self { socket, is_panel: matches!(server, Server::Panel { .. }), sent: 0 };
        if !wire.is_panel {
            let open = wire.receive().await?;
            ensure!(open.starts_with('0'), "socket.io began with {open}");
            wire.socket.send(Message::text("40")).await?;
            let connected = wire.receive().await?;
            ensure!(connected.starts_with("40"), "socket.io answered {connected}");
        }
        Ok(wire)
    }

    /// Sends a batch and waits for what the server says of it.
    pub async fn exchange(&mut self, batch: &str) -> Result<Answer> {
        self.send(batch).await?;
        tokio::time::timeout(LONGEST, self.answer()).await.context("no answer in time")?
    }

    pub async fn send(&mut self, batch: &str) -> Result<()> {
        self.sent += 1;
        let message = match self.is_panel {
            true => batch.to_owned(),
            false => format!("42{}[\"batch\",{batch}]", self.sent),
        };
        Ok(self.socket.send(Message::text(message)).await?)
    }

    /// The next answer to a batch, or that the server is about to close.
    pub async fn answer(&mut self) -> Result<Answer> {
        let text = self.receive().await?;
        if self.is_panel {
            return serde_json::from_str(&text).with_context(|| format!("the panel said {text}"));
        }
        // `43`, the number of what is answered, and a list with the answer.
        let list = text.find('[').map(|at| serde_json::from_str::<Value>(&text[at..])).transpose()?;
        let stored = list.as_ref().map(|list| &list[0]).context("socket.io answered without a list")?;
        ensure!(stored["answer"] == "stored", "socket.io said {text}");
        let first = stored["first"].as_u64().context("socket.io stored no number")?;
        Ok(Answer::Stored { stream: String::new(), first, last: first })
    }

    /// The next text. Pings are answered on the way; whoever is idle has to be in here for that.
    pub async fn receive(&mut self) -> Result<String> {
        loop {
            match self.socket.next().await.context("the connection ended")?? {
                Message::Text(text) if !self.is_panel && text == "2" => {
                    self.socket.send(Message::text("3")).await?;
                }
                Message::Text(text) => return Ok(text.as_str().to_owned()),
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }
}

/// Of what a browser logs: `count` messages of a stream from the number `first` on, as JSON of a batch.
pub fn batch(stream: &str, first: u64, count: u64) -> String {
    let mut text = format!(r#"{{"stream":"{stream}","first":{first},"release":"0.1.0-3f2a9c1","messages":["#);
    for number in first..first + count {
        if number > first {
            text.push(',');
        }
        // Writing into a String never fails.
        let _ = message(&mut text, number);
    }
    text.push_str("]}");
    text
}

/// As they follow each other when somebody works: a page, some actions, a call that failed, frames. None is of the level
/// debug, which the panel takes and does not keep unless somebody wants it.
fn message(text: &mut String, number: u64) -> std::fmt::Result {
    let at = 1_795_305_600_000 + number * 137;
    match number % 5 {
        0 => write!(
            text,
            r#"{{"at":{at},"level":"info","kind":"page","description":"The page was opened.","fields":{{"path":"/projects/:project/servers","loaded_ms":412,"first_row_ms":238,"bytes":301877,"number":{number}}}}}"#
        ),
        1 | 3 => write!(
            text,
            r#"{{"at":{at},"level":"info","kind":"action","description":"Rebooting a server began.","fields":{{"action":"servers.reboot","server":"6f1c6c1e-93ce-4f0c-9a3f-3f6a37c3f6d1","region":"RegionOne"}}}}"#
        ),
        2 => write!(
            text,
            r#"{{"at":{at},"level":"warn","kind":"call","description":"A call failed: the compute service did not answer in time.","fields":{{"method":"POST","path":"/api/regions/RegionOne/servers/6f1c6c1e/action","status":504,"code":"upstream_timeout","request_id":"req-{number:024x}"}}}}"#
        ),
        _ => write!(
            text,
            r#"{{"at":{at},"level":"info","kind":"frames","description":"Some frames took long.","fields":{{"slow_frames":3,"long_tasks":1,"longest_ms":83}}}}"#
        ),
    }
}

/// A stream's name. Ever new ones in one run, the same in the next: which number it is says all.
pub fn stream(number: u64) -> String {
    format!("{:08x}-0000-4000-8000-{:012x}", number >> 32, number & 0xffff_ffff)
}
