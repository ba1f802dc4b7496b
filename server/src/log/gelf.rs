//! Lines for a Graylog, or whatever else takes GELF 1.1: JSON over UDP or TCP, not compressed.

use std::{
    fmt::Write as _,
    io::{self, Write},
    net::{TcpStream, ToSocketAddrs, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    Level, Line,
    fields::write_text,
    format::named,
    pipeline::{Losses, Pipeline},
    queue::Queue,
    text::{LONGEST_DESCRIPTION, LONGEST_VALUE},
};

/// Where lines are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GelfTarget {
    pub transport: Transport,
    /// Host and port.
    pub address: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Nothing tells whether a line arrived.
    Udp,
    /// What is sent is taken by the other machine; while it is away, lines wait.
    Tcp,
}

/// One datagram of this passes any network in one piece.
const LONGEST_DATAGRAM: usize = 1420;
/// A chunk's head: two bytes that say it is one, the message's id, which chunk it is, of how many.
const CHUNK_HEAD: usize = 12;
const CHUNK_MARK: [u8; 2] = [0x1e, 0x0f];
/// GELF knows no more. Lines are bounded far below it.
const MOST_CHUNKS: usize = 128;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const WRITE_WITHIN: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A name may come to mean another machine.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(60);

impl GelfTarget {
    /// Reads `udp://host:port` and `tcp://host:port`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refusal = || "is neither udp://host:port nor tcp://host:port".to_owned();
        let (scheme, address) = text.split_once("://").ok_or_else(refusal)?;
        let transport = match scheme {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            _ => return Err(refusal()),
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(refusal)?;
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if host.is_empty() || !is_port || host.contains(['/', '@']) {
            return Err(refusal());
        }
        Ok(Self { transport, address: address.to_owned() })
    }
}

/// Sends what comes into the queue until it ends.
pub fn send(target: &GelfTarget, queue: &Queue<Arc<Line>>, pipeline: &Pipeline) {
    let mut losses = Losses::default();
    let mut socket = Socket::new(target.clone());
    let mut message = String::new();
    loop {
        let taken = queue.take_all(Duration::ZERO);
        if taken.items.is_empty() && taken.is_over && taken.dropped.is_none() {
            return;
        }
        for line in &taken.items {
            message.clear();
            write_message(&mut message, line);
            if !deliver(&mut socket, &message, queue, pipeline) {
                return;
            }
        }
        if let Some(lost) = losses.note(&taken) {
            pipeline.take(pipeline.lost_line("gelf", lost), false);
        }
    }
}

/// Tries until the message is sent. `false`: the panel stops and nobody takes it.
fn deliver(socket: &mut Socket, message: &str, queue: &Queue<Arc<Line>>, pipeline: &Pipeline) -> bool {
    let mut pause = FIRST_PAUSE;
    loop {
        match socket.send(message) {
            Ok(()) => {
                if std::mem::take(&mut socket.is_away) {
                    pipeline.tell(Level::Info, "the log's receiver is back", "gelf", &socket.target.address);
                }
                return true;
            }
            Err(error) => {
                socket.open = None;
                if !std::mem::replace(&mut socket.is_away, true) {
                    let cause = format_args!("{}: {error}", socket.target.address).to_string();
                    pipeline.tell(
                        Level::Warn,
                        "the log's receiver cannot be reached; lines wait",
                        "gelf",
                        &cause,
                    );
                }
                if queue.wait_for_end(pause) {
                    return false;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

struct Socket {
    target: GelfTarget,
    open: Option<Open>,
    is_away: bool,
}

enum Open {
    Udp(UdpSocket, Instant),
    Tcp(TcpStream),
}

impl Socket {
    fn new(target: GelfTarget) -> Self {
        Self { target, open: None, is_away: false }
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        if self.open.as_ref().is_some_and(Open::is_stale) {
            self.open = None;
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Open::to(&self.target)?),
        };
        match open {
            Open::Udp(socket, _) => {
                for datagram in datagrams(message.as_bytes(), rand::random()) {
                    match socket.send(&datagram) {
                        // Nobody listened to the datagram before: UDP promises nothing.
                        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                        sent => drop(sent?),
                    }
                }
                Ok(())
            }
            Open::Tcp(stream) => {
                // Messages end with a zero byte, which no JSON of ours has inside.
                stream.write_all(message.as_bytes())?;
                stream.write_all(&[0])
            }
        }
    }
}

impl Open {
    fn to(target: &GelfTarget) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in target.address.to_socket_addrs()? {
            let opened = match target.transport {
                Transport::Udp => {
                    let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    UdpSocket::bind(any).and_then(|socket| {
                        socket.connect(address)?;
                        Ok(Self::Udp(socket, Instant::now()))
                    })
                }
                Transport::Tcp => TcpStream::connect_timeout(&address, CONNECT_WITHIN).and_then(|stream| {
                    stream.set_write_timeout(Some(WRITE_WITHIN))?;
                    stream.set_nodelay(true)?;
                    Ok(Self::Tcp(stream))
                }),
            };
            match opened {
                Ok(open) => return Ok(open),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whether it is of no more use: what is written to a connection that the other side closed is lost silently.
    fn is_stale(&self) -> bool {
        match self {
            Self::Udp(_, opened_at) => opened_at.elapsed() > LOOK_UP_AGAIN,
            Self::Tcp(stream) => {
                let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0; 1]));
                let is_open = match peeked {
                    Ok(0) => false,
                    Ok(_) => true,
                    Err(error) => error.kind() == io::ErrorKind::WouldBlock,
                };
                stream.set_nonblocking(false).is_err() || !is_open
            }
        }
    }
}

/// A message as it goes over UDP: whole, or in chunks.
fn datagrams(message: &[u8], id: u64) -> Vec<Vec<u8>> {
    if message.len() <= LONGEST_DATAGRAM {
        return vec![message.to_vec()];
    }
    let chunks = message.chunks(LONGEST_DATAGRAM - CHUNK_HEAD);
    let count = chunks.len().min(MOST_CHUNKS) as u8;
    chunks
        .take(MOST_CHUNKS)
        .zip(0u8..)
        .map(|(chunk, number)| {
            let mut datagram = Vec::with_capacity(CHUNK_HEAD + chunk.len());
            datagram.extend(CHUNK_MARK);
            datagram.extend(id.to_be_bytes());
            datagram.extend([number, count]);
            datagram.extend(chunk);
            datagram
        })
        .collect()
}

/// GELF 1.1: what every message has, then our own fields with an underscore before them. Values are text or numbers.
fn write_message(out: &mut String, line: &Line) {
    out.push_str(r#"{"version":"1.1","host":"#);
    write_text(out, &line.place.node, LONGEST_VALUE);
    out.push_str(r#","short_message":"#);
    // It may not be empty.
    let description = if line.description.is_empty() { "-" } else { &line.description };
    write_text(out, description, LONGEST_DESCRIPTION);
    let at = line.at;
    let _ = write!(
        out,
        r#","timestamp":{}.{:06},"level":{},"_facility":"{}""#,
        at.timestamp(),
        at.timestamp_subsec_micros().min(999_999),
        line.level.syslog(),
        line.facility.as_str()
    );
    for (name, value) in named(line) {
        if let Some(value) = value
            && name != "node"
        {
            let _ = write!(out, r#","_{name}":"#);
            write_text(out, value, LONGEST_VALUE);
        }
    }
    for (name, value) in line.fields.to_map() {
        let name: String = name.chars().map(|c| if is_of_name(c) { c } else { '_' }).collect();
        // `_id` is Graylog's own.
        let name = if name == "id" { "its_id".to_owned() } else { name };
        match value {
            Value::Null => {}
            Value::Number(number) => {
                let _ = write!(out, r#","_{name}":{number}"#);
            }
            Value::String(text) => {
                let _ = write!(out, r#","_{name}":"#);
                write_text(out, &text, LONGEST_VALUE);
            }
            value => {
                let _ = write!(out, r#","_{name}":"#);
                write_text(out, &value.to_string(), LONGEST_VALUE);
            }
        }
    }
    out.push('}');
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | '-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::log::{Facility, Place};

    #[test]
    fn a_target_is_an_address_with_its_transport() {
        for text in ["udp://graylog:12201", "tcp://192.0.2.1:12201", "udp://[2001:db8::1]:12201"] {
            assert!(GelfTarget::parse(text).is_ok(), "{text}");
        }
        for text in
            ["graylog:12201", "http://graylog:12201", "udp://graylog", "udp://:1", "tcp://a:0", "tcp://a:1/x"]
        {
            assert!(GelfTarget::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_message_has_the_fields_of_gelf_and_ours_with_an_underscore() {
        let place = Place { node: "panel-1".to_owned(), release: "0.1.0".to_owned(), ..Place::default() };
        let mut line = Line::new(Arc::new(place), Level::Warn, Facility::Proxy, "a \"word\"");
        line.at = "2026-11-22T01:02:03.000004Z".parse().expect("a time");
        line.who.user = Some("alice".into());
        line.fields.push_u64("status", 404);
        line.fields.push_bool("is", true);
        line.fields.push_str("id", "7");
        line.fields.push_json("a list", &json!([1, null]));
        line.fields.push_json("nothing", &Value::Null);
        let mut message = String::new();
        write_message(&mut message, &line);
        let read: Value = serde_json::from_str(&message).expect("JSON");
        assert_eq!(
            read,
            json!({
                "version": "1.1", "host": "panel-1", "short_message": "a \"word\"", "timestamp": 1_795_309_323.000_004,
                "level": 4, "_facility": "proxy", "_user": "alice", "_release": "0.1.0", "_status": 404,
                "_is": "true", "_its_id": "7", "_a_list": "[1,null]"
            })
        );
    }
}
