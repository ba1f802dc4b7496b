//! Gives every request an id and says where it comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::HeaderValue,
    response::Response,
};
use ipnet::IpNet;

use crate::session::{ClientAddress, RequestId, client_address};

/// Sets [`RequestId`] and [`ClientAddress`].
///
/// The id is always ours: one from outside could be chosen to be found in somebody else's lines. The log line has
/// theirs beside it.
pub fn name(request: &mut Request, trusted_proxies: &[IpNet]) -> RequestId {
    let id = new_id();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Without a peer there is no network: a test that calls the router itself.
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let address = client_address(peer, request.headers(), trusted_proxies);
    let extensions = request.extensions_mut();
    extensions.insert(id.clone());
    extensions.insert(ClientAddress(address));
    id
}

/// Puts the id on the answer.
pub fn tell(id: &RequestId, response: &mut Response) {
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(api_types::routes::REQUEST_ID_HEADER, value);
    }
}

/// `req-` and 96 random bits.
fn new_id() -> RequestId {
    const PREFIX: &[u8] = b"req-";
    let mut text = [0; PREFIX.len() + 24];
    let (prefix, digits) = text.split_at_mut(PREFIX.len());
    prefix.copy_from_slice(PREFIX);
    let digits = hex::encode_to_slice(rand::random::<[u8; 12]>(), digits);
    debug_assert!(digits.is_ok(), "there is room for two digits a byte");
    RequestId(std::str::from_utf8(&text).unwrap_or_default().into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_is_another_one_of_28_plain_characters() {
        let ids: HashSet<_> = (0..1000).map(|_| new_id().0).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let digits = id.strip_prefix("req-").expect("the prefix");
            assert!(digits.len() == 24 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        }
    }
}
