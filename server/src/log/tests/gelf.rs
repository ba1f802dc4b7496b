use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    net::{TcpListener, UdpSocket},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Out, ours, place};
use crate::log::{
    Facility, Format, GelfTarget, Level, Log, LogEnd,
    pipeline::{Room, Settings},
};

const PATIENCE: Duration = Duration::from_secs(30);

fn start(target: &str) -> (Log, LogEnd, Out) {
    let out = Out::default();
    let gelf = Some(GelfTarget::parse(target).expect("a target"));
    let settings = Settings {
        format: Format::Json,
        out_from: Level::Trace,
        gelf,
        is_stored: false,
        room: Room::default(),
    };
    let (log, end) = Log::start_with(ours(), place(), settings, out.clone()).expect("threads");
    (log, end, out)
}

fn tell(log: &Log, description: &str, stack: &str) {
    let mut line = log.line(Level::Warn, Facility::Client, description);
    line.who.user = Some("alice".into());
    if !stack.is_empty() {
        line.fields.push_str("stack", stack);
    }
    log.take(line, false);
}

/// The next message, put together from its chunks where it came in some.
fn receive(socket: &UdpSocket) -> (Value, usize) {
    let mut buffer = [0; 65_536];
    let mut chunks = BTreeMap::new();
    let mut ids = BTreeSet::new();
    loop {
        let length = socket.recv(&mut buffer).expect("a datagram");
        assert!(length <= 1420, "a datagram of {length} bytes");
        let datagram = &buffer[..length];
        let Some(chunk) = datagram.strip_prefix(&[0x1e, 0x0f]) else {
            return (serde_json::from_slice(datagram).expect("JSON"), 1);
        };
        let (head, part) = chunk.split_at(10);
        ids.insert(head[..8].to_vec());
        chunks.insert(head[8], part.to_vec());
        if chunks.len() == usize::from(head[9]) {
            assert_eq!(ids.len(), 1, "one message");
            let whole: Vec<u8> = chunks.values().flatten().copied().collect();
            return (serde_json::from_slice(&whole).expect("JSON"), chunks.len());
        }
    }
}

/// Waits for words on standard output.
fn until_said(out: &Out, words: &str) {
    let began = Instant::now();
    while !out.text().contains(words) {
        assert!(began.elapsed() < PATIENCE, "waited in vain for {words:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn lines_arrive_over_udp_and_long_ones_in_chunks() {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    receiver.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (log, _end, _) = start(&format!("udp://{}", receiver.local_addr().expect("an address")));
    tell(&log, "short", "");
    let (message, chunks) = receive(&receiver);
    assert_eq!(chunks, 1);
    for (name, value) in [
        ("version", Value::from("1.1")),
        ("host", "panel-1".into()),
        ("short_message", "short".into()),
        ("level", 4.into()),
        ("_facility", "client".into()),
        ("_user", "alice".into()),
        ("_zone", "a".into()),
    ] {
        assert_eq!(message[name], value, "{name} of {message}");
    }
    let stack = "at some_function_with_a_name\n".repeat(200);
    tell(&log, "long", &stack);
    let (message, chunks) = receive(&receiver);
    assert!(chunks > 2, "{chunks} chunks");
    assert_eq!((&message["short_message"], &message["_stack"]), (&"long".into(), &stack.into()));
}

#[test]
fn lines_arrive_over_tcp_and_wait_for_a_receiver_that_comes_back() {
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = receiver.local_addr().expect("an address");
    let (log, end, out) = start(&format!("tcp://{address}"));
    let next = |stream: &mut BufReader<std::net::TcpStream>| -> Value {
        let mut message = Vec::new();
        stream.read_until(0, &mut message).expect("a message");
        assert_eq!(message.pop(), Some(0), "its end");
        serde_json::from_slice(&message).expect("JSON")
    };
    let accept = |receiver: &TcpListener| {
        let (stream, _) = receiver.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        BufReader::new(stream)
    };
    tell(&log, "first", "");
    tell(&log, "second", "");
    let mut stream = accept(&receiver);
    assert_eq!(next(&mut stream)["short_message"], "first");
    assert_eq!(next(&mut stream)["short_message"], "second");

    drop((stream, receiver));
    tell(&log, "third", "");
    until_said(&out, "cannot be reached");
    let receiver = TcpListener::bind(address).expect("the same port");
    let mut stream = accept(&receiver);
    assert_eq!(next(&mut stream)["short_message"], "third");
    // What was told about it came after it.
    assert_eq!(next(&mut stream)["short_message"], "the log's receiver cannot be reached; lines wait");
    drop(end);
    assert!(out.text().contains("the log's receiver is back"));
}

#[test]
fn the_panel_stops_while_nobody_takes_its_lines() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let (log, end, out) = start(&format!("tcp://{closed}"));
    tell(&log, "in vain", "");
    drop(end);
    assert!(out.text().contains("in vain"));
}
