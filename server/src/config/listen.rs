//! Where the panel listens and under which address people know it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use ipnet::IpNet;
use url::{Host, Url};

use super::reader::Reader;

/// The network side of the panel.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Address and port to bind. `listen.address`, `LISTEN_ADDRESS`, default `127.0.0.1:8080`.
    pub address: SocketAddr,
    /// The address in people's browsers. `listen.public_url`, `PUBLIC_URL`, default `http://127.0.0.1:8080`.
    pub public_url: PublicUrl,
    /// Networks whose `X-Forwarded-For` is believed. `listen.trusted_proxies`, `TRUSTED_PROXIES`, default none.
    pub trusted_proxies: Vec<IpNet>,
    /// How long requests in flight may take to finish once the panel stops, in seconds.
    /// `listen.stop_after_secs`, `STOP_AFTER_SECS`, default 20.
    pub stop_after: Duration,
    pub connections: ConnectionLimits,
}

/// What connections may cost us.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections at the same time; more are refused with 503. `listen.max_connections`, `LISTEN_MAX_CONNECTIONS`,
    /// default 10000.
    pub most: usize,
    /// A connection without a request, or with the beginning of one, is closed after so long.
    /// `listen.head_timeout_secs`, `LISTEN_HEAD_TIMEOUT_SECS`, default 15.
    pub head_within: Duration,
    /// A peer that acknowledges nothing, or takes nothing of what is sent, is given up after so long.
    /// `listen.dead_peer_secs`, `LISTEN_DEAD_PEER_SECS`, default 60.
    pub dead_after: Duration,
}

/// The panel's own origin: `https://…`, or plain HTTP on this machine alone.
///
/// Plain HTTP is for trying the panel out: the session cookie then has neither `Secure` nor the `__Host-` name,
/// which browsers accept over HTTPS only. It is refused for every host but `localhost`, `127.0.0.1` and `[::1]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    is_https: bool,
}

impl ListenConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let address = reader
            .parse("listen.address", "LISTEN_ADDRESS", |text| {
                text.parse().map_err(|_| "is not an address with a port, such as 127.0.0.1:8080".to_owned())
            })
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let public_url = reader
            .parse("listen.public_url", "PUBLIC_URL", PublicUrl::parse)
            .unwrap_or_else(|| PublicUrl { origin: "http://127.0.0.1:8080".to_owned(), is_https: false });
        let trusted_proxies = reader.list("listen.trusted_proxies", "TRUSTED_PROXIES", |text| {
            let one_address = || text.parse::<IpAddr>().map(IpNet::from);
            text.parse()
                .or_else(|_| one_address())
                .map_err(|_| "is neither an address nor a network".to_owned())
        });
        let stop_after = reader.seconds(
            "listen.stop_after_secs",
            "STOP_AFTER_SECS",
            Duration::from_secs(20),
            0.0..=3600.0,
        );
        let connections = ConnectionLimits::read(reader);
        Self { address, public_url, trusted_proxies, stop_after, connections }
    }
}

impl ConnectionLimits {
    fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            most: reader.number("listen.max_connections", "LISTEN_MAX_CONNECTIONS", 10_000, 1..=1_000_000),
            head_within: reader.seconds(
                "listen.head_timeout_secs",
                "LISTEN_HEAD_TIMEOUT_SECS",
                Duration::from_secs(15),
                0.1..=600.0,
            ),
            dead_after: reader.seconds(
                "listen.dead_peer_secs",
                "LISTEN_DEAD_PEER_SECS",
                Duration::from_secs(60),
                0.1..=3600.0,
            ),
        }
    }
}

impl PublicUrl {
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|_| "is not a URL".to_owned())?;
        if url.path() != "/"
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
        {
            return Err("has more than scheme, host and port".to_owned());
        }
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip == std::net::Ipv4Addr::LOCALHOST,
            Some(Host::Ipv6(ip)) => ip == std::net::Ipv6Addr::LOCALHOST,
            None => return Err("has no host".to_owned()),
        };
        match url.scheme() {
            "https" => Ok(Self { origin: url.origin().ascii_serialization(), is_https: true }),
            "http" if is_local => Ok(Self { origin: url.origin().ascii_serialization(), is_https: false }),
            "http" => {
                Err("is plain HTTP, which is for localhost, 127.0.0.1 and [::1] only; use https".to_owned())
            }
            _ => Err("is neither https nor http".to_owned()),
        }
    }

    /// Whether browsers reach the panel by HTTPS; without it cookies are not `Secure` and HSTS is not sent.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Scheme, host and port, as a browser's `Origin` header has them.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an `Origin` is the panel's own.
    ///
    /// Over plain HTTP the three names of this machine stand for one another, and the port may be a tunnel's, as
    /// long as the request was sent to the very host the origin names.
    pub fn is_own_origin(&self, origin: &str, host_header: Option<&str>) -> bool {
        if origin == self.origin {
            return true;
        }
        if self.is_https {
            return false;
        }
        let Some(authority) = origin.strip_prefix("http://") else { return false };
        let name = authority.rsplit_once(':').map_or(authority, |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) { name } else { authority }
        });
        matches!(name, "localhost" | "127.0.0.1" | "[::1]") && host_header == Some(authority)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for text in
            ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:9000", "https://panel.example.org"]
        {
            assert!(PublicUrl::parse(text).is_ok(), "{text}");
        }
        for text in [
            "http://panel.example.org",
            "http://127.0.0.2",
            "ftp://localhost",
            "panel",
            "https://a/b",
            "https://u@a",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_is_own_only_when_it_is_the_public_one() {
        let public = PublicUrl::parse("https://panel.example.org").expect("a URL");
        assert!(public.is_own_origin("https://panel.example.org", None));
        for foreign in [
            "http://panel.example.org",
            "https://panel.example.org:444",
            "https://panel.example.org.evil.net",
            "null",
            "",
        ] {
            assert!(!public.is_own_origin(foreign, Some("panel.example.org")), "{foreign}");
        }
    }

    #[test]
    fn over_plain_http_the_names_of_this_machine_are_one() {
        let public = PublicUrl::parse("http://127.0.0.1:8080").expect("a URL");
        assert!(public.is_own_origin("http://localhost:8080", Some("localhost:8080")));
        assert!(public.is_own_origin("http://localhost:9000", Some("localhost:9000")));
        assert!(!public.is_own_origin("http://localhost:9000", Some("localhost:8080")));
        assert!(!public.is_own_origin("http://evil.net:8080", Some("evil.net:8080")));
        assert!(!public.is_own_origin("null", None));
    }
}
