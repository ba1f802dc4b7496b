//! Where Prometheus reads what was measured.

use std::net::SocketAddr;

use super::reader::Reader;
use crate::secret::Secret;

/// The page `/metrics`. Without an address and without a token there is none.
#[derive(Clone, Debug, Default)]
pub struct MetricsConfig {
    /// An address of its own that serves nothing else, for a network that only operators reach. `metrics.listen`,
    /// `METRICS_LISTEN`, default none.
    pub listen: Option<SocketAddr>,
    /// Whoever sends it (`Authorization: Bearer …`) is shown the page on the panel's own address too, and on the other
    /// nobody else is. `metrics.token`, `METRICS_TOKEN`, 16 characters at least, default none.
    pub token: Option<Secret>,
}

const SHORTEST_TOKEN: usize = 16;

impl MetricsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let listen = reader.parse("metrics.listen", "METRICS_LISTEN", |text| {
            text.parse().map_err(|_| "is not an address with a port, such as 127.0.0.1:9100".to_owned())
        });
        let token = reader.parse_secret("metrics.token", "METRICS_TOKEN", |text| {
            let can_be_sent = text.bytes().all(|b| b.is_ascii_graphic());
            if text.len() >= SHORTEST_TOKEN && can_be_sent {
                Ok(Secret::new(text.to_owned()))
            } else {
                Err(format!("has less than {SHORTEST_TOKEN} characters, or others than a header can have"))
            }
        });
        Self { listen, token }
    }

    /// Whether the page is anywhere.
    pub fn is_there(&self) -> bool {
        self.listen.is_some() || self.token.is_some()
    }
}
