//! Gives every request an id and says where it comes from.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};

use crate::{
    app::App,
    log::Context,
    session::{ClientAddress, RequestId, client_address},
};

/// Sets [`RequestId`] and [`ClientAddress`], begins what the log knows of the request, and puts the id on the answer.
///
/// The id is always ours: one from outside could be chosen to be found in somebody else's lines. The log line has
/// theirs beside it.
pub async fn request_id(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = RequestId(format!("req-{:016x}{:08x}", rand::random::<u64>(), rand::random::<u32>()).into());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    // Without a peer there is no network: a test that calls the router itself.
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let address = client_address(peer, request.headers(), &app.config.listen.trusted_proxies);
    request.extensions_mut().insert(id.clone());
    request.extensions_mut().insert(ClientAddress(address));

    // Whatever is logged on the way belongs to this request.
    let mut response = Context::of_request(id.0.clone()).within(next.run(request)).await;
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(api_types::routes::REQUEST_ID_HEADER, value);
    }
    response
}
