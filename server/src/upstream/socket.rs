//! WebSockets to the clouds: consoles speak them.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::{Either, Full};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use url::Url;

use super::{UpstreamError, connections::Connections};

/// A WebSocket to a service, over a connection like every other: certificates are checked as for every call.
pub type UpstreamSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Opens a WebSocket. `protocols` are offered as subprotocols.
///
/// Errors: the URL is none for a socket, nothing listens there, or it does not switch protocols within `within`.
pub(super) async fn open_socket(
    connections: &Connections,
    url: &Url,
    protocols: &[&str],
    within: Duration,
) -> Result<UpstreamSocket, UpstreamError> {
    let url = http_url(url).ok_or_else(|| malformed("the address is none for a WebSocket"))?;
    let key = STANDARD.encode(rand::random::<[u8; 16]>());
    let headers = handshake(&url, &key, protocols)?;
    let opening = async {
        let nothing = Either::Left(Full::default());
        let response = connections.send(&Method::GET, &url, &headers, nothing).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(malformed("it does not switch to WebSocket"));
        }
        let accepted = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted != derive_accept_key(key.as_bytes()).as_str()) {
            return Err(malformed("it switches to something else than this WebSocket"));
        }
        Ok(TokioIo::new(hyper::upgrade::on(response).await?))
    };
    let stream = timeout(within, opening).await.map_err(|_| UpstreamError::Timeout { after: within })??;
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
}

/// Proxies of consoles send pieces of 64 KiB.
const LARGEST_MESSAGE: usize = 1 << 20;

/// The address as the HTTP client takes it.
fn http_url(url: &Url) -> Option<Url> {
    let scheme = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        _ => return None,
    };
    // `Url` refuses to change between kinds of schemes, and all of these are of one kind.
    let mut url = url.clone();
    url.set_scheme(scheme).ok()?;
    url.host()?;
    Some(url)
}

fn handshake(url: &Url, key: &str, protocols: &[&str]) -> Result<HeaderMap, UpstreamError> {
    let value =
        |text: &str| HeaderValue::from_str(text).map_err(|_| malformed("the address has odd letters"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_KEY, value(key)?);
    // Nova's proxies compare it with their own host.
    headers.insert(header::ORIGIN, value(&url.origin().ascii_serialization())?);
    if !protocols.is_empty() {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, value(&protocols.join(", "))?);
    }
    Ok(headers)
}

fn malformed(reason: &str) -> UpstreamError {
    UpstreamError::Malformed { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a url")
    }

    #[test]
    fn only_addresses_of_the_web_are_opened() {
        assert_eq!(http_url(&url("wss://console/?token=x")), Some(url("https://console/?token=x")));
        assert_eq!(http_url(&url("ws://console:6083/")), Some(url("http://console:6083/")));
        for odd in ["file:///etc/passwd", "gopher://console/", "data:text/plain,x"] {
            assert_eq!(http_url(&url(odd)), None, "{odd}");
        }
    }

    #[test]
    fn the_origin_is_the_consoles_own() {
        let headers = handshake(&url("http://console:6080/?token=x"), "a2V5", &["binary"]).expect("headers");
        assert_eq!(headers[header::ORIGIN], "http://console:6080");
        assert_eq!(headers[header::SEC_WEBSOCKET_PROTOCOL], "binary");
    }
}
