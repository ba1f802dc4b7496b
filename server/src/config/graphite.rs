//! The Graphite that the operator's console draws its graphs from.

use std::time::Duration;

use url::Url;

use super::reader::Reader;

/// Where statsd's measurements end up. Without an address the console says that there is none.
#[derive(Clone, Debug)]
pub struct GraphiteConfig {
    /// The address of Graphite's web program, without `/render`. `graphite.url`, `GRAPHITE_URL`, default none.
    pub url: Option<Url>,
    /// What statsd puts before every name, its `globalPrefix`. `graphite.prefix`, `GRAPHITE_PREFIX`, default `stats`.
    pub prefix: String,
    /// Longest wait for all graphs together. `graphite.timeout_secs`, `GRAPHITE_TIMEOUT_SECS`, default 5.
    pub timeout: Duration,
}

impl GraphiteConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let url = reader.parse("graphite.url", "GRAPHITE_URL", |text| {
            let refusal = || "is no address such as http://127.0.0.1:8081, without user and query".to_owned();
            let url = Url::parse(text).map_err(|_| refusal())?;
            let is_plain = matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            if is_plain { Ok(url) } else { Err(refusal()) }
        });
        let prefix = reader.parse("graphite.prefix", "GRAPHITE_PREFIX", |text| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
            if text.bytes().all(is_plain) {
                Ok(text.trim_matches('.').to_owned())
            } else {
                Err("has more than letters, digits, dots, hyphens and underscores".to_owned())
            }
        });
        Self {
            url,
            prefix: prefix.unwrap_or_else(|| "stats".to_owned()),
            timeout: reader.seconds(
                "graphite.timeout_secs",
                "GRAPHITE_TIMEOUT_SECS",
                Duration::from_secs(5),
                0.1..=25.0,
            ),
        }
    }
}
