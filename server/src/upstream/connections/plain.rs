//! Plain reads: a GET that goes up as one piece, and an answer that comes in one.
//!
//! Most calls are such, and need none of what HTTP can do besides. What is anything else is for hyper, which is given
//! what was heard so far and reads it from its beginning.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{self, CONNECTION, CONTENT_LENGTH},
};
use bytes::Bytes;
use hyper::rt::ReadBuf;
use url::{Position, Url};

use super::{
    ANY_KIND, USER_AGENT,
    stream::{Said, Stream},
};

/// How far a plain read came.
pub enum Exchanged {
    /// It is over, and the connection may be used again.
    Whole(Response<Bytes>),
    /// The answer is not a plain one, or not here yet in whole.
    Begun(Said),
    /// Nothing was sent: the connection was closed before, or something was said on it unasked.
    Unusable(Said),
}

/// A read as it goes up. `None` where it is not plain, or so long that a service may answer before it has all of it.
pub fn request(url: &Url, headers: &HeaderMap) -> Option<Vec<u8>> {
    let path = &url[Position::BeforePath..Position::AfterQuery];
    // Url leaves nothing else in these; whoever reads the request relies on it.
    let is_clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let host = &url[Position::BeforeHost..Position::AfterPort];
    if !path.starts_with('/') || !is_clean(path) || !is_clean(host) {
        return None;
    }
    let mut text = Vec::with_capacity(USUAL_REQUEST);
    text.extend_from_slice(b"GET ");
    text.extend_from_slice(path.as_bytes());
    text.extend_from_slice(b" HTTP/1.1\r\n");
    let mut add = |name: &HeaderName, value: &HeaderValue| {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            text.extend_from_slice(part);
        }
    };
    let (mut has_kind, mut has_program) = (false, false);
    for (name, value) in headers {
        if OF_FRAMING.contains(name) {
            return None;
        }
        has_kind |= name == header::ACCEPT;
        has_program |= name == header::USER_AGENT;
        if name != header::HOST {
            add(name, value);
        }
    }
    if !has_kind {
        add(&header::ACCEPT, &ANY_KIND);
    }
    if !has_program {
        add(&header::USER_AGENT, &USER_AGENT);
    }
    for part in ["host: ", host, "\r\n\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
    (text.len() <= LONGEST_REQUEST).then_some(text)
}

/// Sends a read, and takes its answer if it is a plain one that comes in one go. Never fails: what goes wrong after
/// something was sent goes wrong once more for hyper.
pub async fn exchange(stream: &mut dyn Stream, request: &[u8]) -> Exchanged {
    let mut sent = 0;
    let mut is_flushed = false;
    let mut heard = Vec::new();
    poll_fn(|context| {
        if sent == 0 {
            // Mostly it is known without asking the kernel that there is nothing.
            match poll_read(stream, context, <[u8]>::to_vec) {
                Poll::Pending => {}
                Poll::Ready(Ok(heard)) => return Poll::Ready(Exchanged::Unusable(heard.into())),
                Poll::Ready(Err(fault)) => return Poll::Ready(Exchanged::Unusable(fault.into())),
            }
        }
        while sent < request.len() {
            match ready!(Pin::new(&mut *stream).poll_write(context, &request[sent..])) {
                Ok(0) => {
                    let fault = io::Error::from(io::ErrorKind::WriteZero);
                    return Poll::Ready(Exchanged::Begun(fault.into()));
                }
                Ok(written) => sent += written,
                Err(fault) if sent == 0 => return Poll::Ready(Exchanged::Unusable(fault.into())),
                Err(fault) => return Poll::Ready(Exchanged::Begun(fault.into())),
            }
        }
        if !is_flushed {
            if let Err(fault) = ready!(Pin::new(&mut *stream).poll_flush(context)) {
                return Poll::Ready(Exchanged::Begun(fault.into()));
            }
            is_flushed = true;
        }
        poll_answer(stream, context, &mut heard)
    })
    .await
}

fn poll_answer(stream: &mut dyn Stream, context: &mut Context<'_>, heard: &mut Vec<u8>) -> Poll<Exchanged> {
    loop {
        let polled = poll_read(stream, context, |piece| {
            let is_first = heard.is_empty();
            if !is_first {
                heard.extend_from_slice(piece);
            }
            // Nearly always the first piece is all of it, and is copied once.
            let read = match read(if is_first { piece } else { heard }) {
                Heard::Whole(response) => return Some(Exchanged::Whole(response)),
                read => read,
            };
            if is_first {
                heard.extend_from_slice(piece);
            }
            let is_for_hyper = matches!(read, Heard::Unusual) || piece.is_empty() || heard.len() > MOST_HEARD;
            is_for_hyper.then(|| Exchanged::Begun(std::mem::take(heard).into()))
        });
        match polled {
            // Whoever has begun to answer and pauses is heard by a machine that can wait for each part.
            Poll::Pending if heard.is_empty() => return Poll::Pending,
            Poll::Pending => return Poll::Ready(Exchanged::Begun(std::mem::take(heard).into())),
            Poll::Ready(Ok(None)) => {}
            Poll::Ready(Ok(Some(exchanged))) => return Poll::Ready(exchanged),
            Poll::Ready(Err(fault)) => {
                let heard = std::mem::take(heard);
                return Poll::Ready(Exchanged::Begun(Said { heard, fault: Some(fault) }));
            }
        }
    }
}

/// Reads what is there; nothing is the end.
fn poll_read<T>(
    stream: &mut dyn Stream,
    context: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(MOST_READ, 0);
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(stream).poll_read(context, buffer.unfilled()))?;
        Poll::Ready(Ok(take(buffer.filled())))
    })
}

thread_local! {
    /// What all connections of a thread read into, one after the other: none keeps memory while it waits.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What some bytes are.
enum Heard {
    /// A plain answer and nothing else.
    Whole(Response<Bytes>),
    /// The beginning of one, perhaps.
    Part,
    Unusual,
}

fn read(bytes: &[u8]) -> Heard {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parser = httparse::ParserConfig::default();
    let head = match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Heard::Part,
        Err(_) => return Heard::Unusual,
    };
    // Neither an interim answer nor one whose body is none.
    let status = match response.code {
        Some(code @ 200..=599) if response.version == Some(1) && !matches!(code, 204 | 304) => code,
        _ => return Heard::Unusual,
    };
    let Some(length) = plain_length(response.headers) else { return Heard::Unusual };
    match (bytes.len() - head).cmp(&length) {
        std::cmp::Ordering::Less => return Heard::Part,
        std::cmp::Ordering::Equal => {}
        std::cmp::Ordering::Greater => return Heard::Unusual,
    }
    // The values are parts of one copy. The body is another: it goes its own way, and a header that is kept is not to
    // keep it.
    let (head, body) = bytes.split_at(head);
    let (values, body) = (Bytes::copy_from_slice(head), Bytes::copy_from_slice(body));
    let start = bytes.as_ptr() as usize;
    let mut taken = HeaderMap::with_capacity(response.headers.len());
    for header in response.headers.iter() {
        let from = header.value.as_ptr() as usize - start;
        let value = values.slice(from..from + header.value.len());
        match (HeaderName::from_bytes(header.name.as_bytes()), HeaderValue::from_maybe_shared(value)) {
            (Ok(name), Ok(value)) => taken.append(name, value),
            _ => return Heard::Unusual,
        };
    }
    let mut answer = Response::new(body);
    match StatusCode::from_u16(status) {
        Ok(status) => *answer.status_mut() = status,
        Err(_) => return Heard::Unusual,
    }
    *answer.headers_mut() = taken;
    Heard::Whole(answer)
}

/// The length of the body, where the headers say nothing else of it or of the connection.
fn plain_length(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let mut length = None;
    for header in headers {
        let is = |name: &HeaderName| header.name.eq_ignore_ascii_case(name.as_str());
        // By far the most have another length than all that count in an answer.
        if !matches!(header.name.len(), 7 | 10 | 14 | 17) {
            continue;
        }
        if is(&CONTENT_LENGTH) {
            let is_digits = header.value.iter().all(u8::is_ascii_digit);
            if length.is_some() || !is_digits || !(1..=9).contains(&header.value.len()) {
                return None;
            }
            length = std::str::from_utf8(header.value).ok()?.parse().ok();
        } else if is(&CONNECTION) {
            if !header.value.eq_ignore_ascii_case(b"keep-alive") {
                return None;
            }
        } else if OF_FRAMING.iter().any(is) {
            return None;
        }
    }
    length
}

/// What makes a message more than its head and so many bytes.
const OF_FRAMING: [HeaderName; 5] =
    [CONNECTION, CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE, header::EXPECT];

const MOST_HEADERS: usize = 64;
/// A socket has room for it at once, and so has every service's reader.
const LONGEST_REQUEST: usize = 8 << 10;
const USUAL_REQUEST: usize = 1 << 10;
/// In one go.
const MOST_READ: usize = 64 << 10;
/// Beyond this, an answer is for whoever passes it on as it comes.
const MOST_HEARD: usize = 256 << 10;
