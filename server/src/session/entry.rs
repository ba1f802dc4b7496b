//! Where a session was opened from: the address behind trusted proxies, and the browser by its own word.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// From where a request comes, as the list of sessions shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    pub address: IpAddr,
    pub browser: BrowserName,
}

/// "Firefox on Linux".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserName(pub String);

/// "Firefox 140": a browser and its major version, without its system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserVersion(pub String);

/// The address a request comes from: the peer's, or, behind proxies we trust, the last one in `X-Forwarded-For` that
/// no trusted proxy has. What stands before it anybody may have written.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let mut address = peer.to_canonical();
    let hops = headers
        .get_all("x-forwarded-for")
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.rsplit(','))
        .map(|hop| parse_hop(hop.trim()));
    for hop in hops {
        if !is_trusted(&address) {
            break;
        }
        match hop {
            Some(ip) => address = ip,
            None => break,
        }
    }
    address
}

impl BrowserName {
    /// Reads the `User-Agent`. Every browser claims to be several others, so the order matters.
    pub fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or("");
        let first = |names: &[(&str, &'static str)]| {
            names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
        };
        let browser = first(BROWSERS);
        let system = first(&[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("CrOS", "ChromeOS"),
            ("Windows", "Windows"),
            ("Macintosh", "macOS"),
            ("Linux", "Linux"),
            ("FreeBSD", "FreeBSD"),
        ]);
        Self(match (browser, system) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (Some(browser), None) => browser.to_owned(),
            (None, Some(system)) => format!("Unknown browser on {system}"),
            (None, None) => "Unknown browser".to_owned(),
        })
    }
}

impl BrowserVersion {
    /// Reads the `User-Agent`, as [`BrowserName`] does.
    pub fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or("");
        let Some((mark, name)) = BROWSERS.iter().find(|(mark, _)| agent.contains(mark)) else {
            return Self("Other".to_owned());
        };
        // Safari tells its own version under another word.
        let mark = if *name == "Safari" { "Version/" } else { mark };
        let behind = agent.split_once(mark).map_or("", |(_, behind)| behind);
        let behind = behind.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches('/');
        let major = &behind[..behind.bytes().take_while(u8::is_ascii_digit).count()];
        match (1..=4).contains(&major.len()) {
            true => Self(format!("{name} {major}")),
            false => Self((*name).to_owned()),
        }
    }
}

/// What tells a browser from those it claims to be as well, the most telling first.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("HeadlessChrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// An address as proxies write it: plain, with a port, or in brackets.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let plain = text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    plain.or_else(with_port).or_else(bracketed).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).expect("a header"));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().expect("a network")).collect();
        client_address(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_peer_is_the_client_whatever_it_claims() {
        assert_eq!(address("192.0.2.7", &["10.0.0.1"], &[]), "192.0.2.7");
    }

    #[test]
    fn behind_trusted_proxies_the_last_untrusted_hop_is_the_client() {
        let trusted = ["10.0.0.0/8", "::1/128"];
        assert_eq!(address("10.0.0.1", &["203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.2.3.4, 203.0.113.9, 10.0.0.2"], &trusted), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &["1.2.3.4", "203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(address("::1", &["[2001:db8::5]:4000"], &trusted), "2001:db8::5");
        assert_eq!(address("10.0.0.1", &["nonsense"], &trusted), "10.0.0.1");
        assert_eq!(address("203.0.113.1", &["1.2.3.4"], &trusted), "203.0.113.1");
    }

    #[test]
    fn a_browser_is_named_by_its_most_telling_word() {
        let named = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("user-agent", HeaderValue::from_str(agent).expect("a header"));
            BrowserName::of(&headers).0
        };
        assert_eq!(
            named("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Firefox on Linux"
        );
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0 Safari/537.36";
        assert_eq!(named(chrome), "Chrome on Windows");
        assert_eq!(named(&format!("{chrome} Edg/156.0")), "Edge on Windows");
        assert_eq!(
            named("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1"),
            "Safari on iPhone"
        );
        assert_eq!(named(""), "Unknown browser");
    }

    #[test]
    fn a_browser_is_counted_by_its_major_version() {
        let version = |agent: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("user-agent", HeaderValue::from_bytes(agent.as_bytes()).expect("a header"));
            BrowserVersion::of(&headers).0
        };
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.1.2 Safari/537.36";
        assert_eq!(version(chrome), "Chrome 156");
        assert_eq!(version(&format!("{chrome} Edg/155.0")), "Edge 155");
        assert_eq!(version(&format!("{chrome} EdgA/154.0")), "Edge 154");
        assert_eq!(
            version("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Firefox 140"
        );
        assert_eq!(version("Mozilla/5.0 (iPhone) Version/18.0 Mobile Safari/604.1"), "Safari 18");
        assert_eq!(version("Mozilla/5.0 Chrome/ Safari/537.36"), "Chrome");
        assert_eq!(version("Chrome/99999999999999999999"), "Chrome");
        assert_eq!(version("Firefox/\u{e9}"), "Other");
        assert_eq!(version("\"><script>"), "Other");
        assert_eq!(version(""), "Other");
    }
}
