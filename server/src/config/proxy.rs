//! Limits on what is passed through between browsers and services.

use std::time::Duration;

use super::reader::Reader;

/// Limits on requests below `/api/cloud`.
#[derive(Clone, Debug)]
pub struct ProxyConfig {
    /// Longest upload: an image's data. `proxy.max_upload_bytes`, `PROXY_MAX_UPLOAD_BYTES`, default 64 GiB.
    pub max_upload_bytes: u64,
    /// Longest document a request may have as its body. `proxy.max_document_bytes`, `PROXY_MAX_DOCUMENT_BYTES`,
    /// default 1 MiB.
    pub max_document_bytes: u64,
    /// How long a body may stand still, up or down, before the call is given up. `proxy.idle_secs`, `PROXY_IDLE_SECS`,
    /// default 60.
    pub idle: Duration,
    /// How long the answer to a read is good for others who ask the same; 0 shares nothing. `proxy.cache_secs`,
    /// `PROXY_CACHE_SECS`, default 1.
    pub cache: Duration,
    /// How many calls one session may have under way on one node. `proxy.calls_per_session`,
    /// `PROXY_CALLS_PER_SESSION`, default 64.
    pub calls_per_session: usize,
    /// How many of them may be transfers: uploads, downloads, WebSockets. `proxy.transfers_per_session`,
    /// `PROXY_TRANSFERS_PER_SESSION`, default 8.
    pub transfers_per_session: usize,
}

impl ProxyConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            max_upload_bytes: reader.number(
                "proxy.max_upload_bytes",
                "PROXY_MAX_UPLOAD_BYTES",
                64 << 30,
                1 << 16..=1 << 50,
            ),
            max_document_bytes: reader.number(
                "proxy.max_document_bytes",
                "PROXY_MAX_DOCUMENT_BYTES",
                1 << 20,
                1 << 10..=1 << 30,
            ),
            cache: reader.seconds("proxy.cache_secs", "PROXY_CACHE_SECS", Duration::from_secs(1), 0.0..=60.0),
            calls_per_session: reader.number(
                "proxy.calls_per_session",
                "PROXY_CALLS_PER_SESSION",
                64,
                1..=10_000,
            ),
            transfers_per_session: reader.number(
                "proxy.transfers_per_session",
                "PROXY_TRANSFERS_PER_SESSION",
                8,
                1..=10_000,
            ),
            idle: reader.seconds(
                "proxy.idle_secs",
                "PROXY_IDLE_SECS",
                Duration::from_secs(60),
                0.05..=3600.0,
            ),
        }
    }
}
