//! A service's own addresses in its answers become addresses of ours, while the answer goes by.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use super::endpoint::Endpoint;

/// Replaces the addresses of one endpoint in one body. The borders of its chunks do not matter.
pub struct Rewriter {
    endpoint: Arc<Endpoint>,
    /// What may be the beginning of an address, until the rest is here.
    held: BytesMut,
    /// The longest beginning of an address that decides nothing yet.
    longest: usize,
}

impl Rewriter {
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        let longest = endpoint.addresses().iter().map(|address| address.authority.len() + address.path.len());
        // And one byte behind it, which says whether the name ends there.
        let longest = SCHEMES[0].len() + longest.max().unwrap_or(0) + 1;
        Self { endpoint, held: BytesMut::new(), longest }
    }

    /// The next piece of the body, as far as it is certain.
    pub fn push(&mut self, chunk: Bytes) -> Bytes {
        if self.held.is_empty()
            && memmem::find(&chunk, b"http").is_none()
            && undecided(&chunk, 8) == chunk.len()
        {
            return chunk;
        }
        self.held.extend_from_slice(&chunk);
        let certain = undecided(&self.held, self.longest);
        let text = self.held.split_to(certain);
        self.replaced(&text)
    }

    /// What was held back, at the end of the body.
    pub fn finish(&mut self) -> Bytes {
        let text = self.held.split();
        self.replaced(&text)
    }

    /// A whole body at once.
    pub fn whole(endpoint: &Endpoint, body: Bytes) -> Bytes {
        if memmem::find(&body, b"http").is_none() { body } else { replaced(endpoint, &body) }
    }

    fn replaced(&self, text: &[u8]) -> Bytes {
        replaced(&self.endpoint, text)
    }
}

const SCHEMES: [&[u8]; 2] = [b"https://", b"http://"];

fn replaced(endpoint: &Endpoint, text: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(text.len());
    let mut copied = 0;
    for at in memmem::find_iter(text, b"http") {
        if at < copied {
            continue;
        }
        if let Some(length) = address_at(endpoint, &text[at..]) {
            out.extend_from_slice(&text[copied..at]);
            out.extend_from_slice(endpoint.ours().as_bytes());
            copied = at + length;
        }
    }
    out.extend_from_slice(&text[copied..]);
    out.freeze()
}

/// The length of the endpoint's address that stands at the beginning of `text`, up to what is below the endpoint.
fn address_at(endpoint: &Endpoint, text: &[u8]) -> Option<usize> {
    let scheme = SCHEMES.into_iter().find(|scheme| text.starts_with(scheme))?;
    let rest = &text[scheme.len()..];
    endpoint.addresses().iter().find_map(|address| {
        let behind = rest.strip_prefix(address.authority.as_bytes())?;
        if behind.first().is_some_and(|byte| is_of_authority(*byte)) {
            return None;
        }
        let path = [&*address.path, address.root()].into_iter().find(|path| {
            behind
                .strip_prefix(path.as_bytes())
                .is_some_and(|below| below.first().is_none_or(|byte| !is_of_segment(*byte)))
        })?;
        Some(scheme.len() + address.authority.len() + path.len())
    })
}

/// A name that goes on is another name.
fn is_of_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'@' | b'%')
}

fn is_of_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'%' | b'+')
}

/// Where the last beginning of an address starts that is shorter than `longest`; the length of `text` without one.
fn undecided(text: &[u8], longest: usize) -> usize {
    let from = text.len().saturating_sub(longest);
    let is_beginning = |at: &usize| {
        let tail = &text[*at..];
        SCHEMES.into_iter().any(|scheme| tail.starts_with(scheme) || scheme.starts_with(tail))
    };
    memchr::memchr_iter(b'h', &text[from..]).map(|at| from + at).find(is_beginning).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoint() -> Arc<Endpoint> {
        Arc::new(Endpoint::of_addresses(
            "/api/cloud/RegionOne/compute",
            &[
                "https://nova.internal:8774/v2.1",
                "http://10.0.0.5:8774/v2.1",
                "https://cloud.example/compute/v2.1",
            ],
        ))
    }

    fn in_pieces(body: &[u8], cuts: &[usize]) -> Vec<u8> {
        let mut rewriter = Rewriter::new(endpoint());
        let mut out = Vec::new();
        let mut rest = body;
        for cut in cuts {
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            out.extend_from_slice(&rewriter.push(Bytes::copy_from_slice(piece)));
            rest = behind;
        }
        out.extend_from_slice(&rewriter.push(Bytes::copy_from_slice(rest)));
        out.extend_from_slice(&rewriter.finish());
        out
    }

    const BODY: &str = r#"{"links": [{"href": "https://nova.internal:8774/v2.1/servers/1", "rel": "self"},
        {"href": "http://10.0.0.5:8774/servers/1"}, "http://nova.internal:8774/v2.1", "https://cloud.example/compute/v2.1/x?y",
        "https://cloud.example/identity/v3", "http://10.0.0.5:87745/v2.1", "http://10.0.0.5/v2.1", "https://nova.internal.evil/v2.1",
        "https://nova.internal:8774/v2.10/a", "hhttp://10.0.0.5:8774", "http", "https://"]}"#;

    #[test]
    fn the_services_addresses_become_ours_and_others_stay() {
        let expected = r#"{"links": [{"href": "/api/cloud/RegionOne/compute/servers/1", "rel": "self"},
        {"href": "/api/cloud/RegionOne/compute/servers/1"}, "/api/cloud/RegionOne/compute", "/api/cloud/RegionOne/compute/x?y",
        "https://cloud.example/identity/v3", "http://10.0.0.5:87745/v2.1", "http://10.0.0.5/v2.1", "https://nova.internal.evil/v2.1",
        "/api/cloud/RegionOne/compute/v2.10/a", "h/api/cloud/RegionOne/compute", "http", "https://"]}"#;
        assert_eq!(String::from_utf8_lossy(&in_pieces(BODY.as_bytes(), &[])), expected);
        assert_eq!(Rewriter::whole(&endpoint(), BODY.into()), expected);
    }

    proptest! {
        #[test]
        fn the_borders_of_chunks_change_nothing(cuts in prop::collection::vec(0..40usize, 0..60)) {
            prop_assert_eq!(in_pieces(BODY.as_bytes(), &cuts), in_pieces(BODY.as_bytes(), &[]));
        }

        #[test]
        fn a_body_without_addresses_stays_as_it_is(body in "[htps:/.0-9nova\"]{0,200}", cuts in prop::collection::vec(0..20usize, 0..20)) {
            prop_assume!(!body.contains("://"));
            prop_assert_eq!(in_pieces(body.as_bytes(), &cuts), body.as_bytes());
        }
    }
}
