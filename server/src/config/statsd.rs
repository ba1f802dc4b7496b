//! Where measurements go.

use super::reader::Reader;

/// The statsd daemon, if there is one.
#[derive(Clone, Debug)]
pub struct StatsdConfig {
    /// Host and UDP port. `statsd.address`, `STATSD_ADDRESS`, default none: measurements go nowhere.
    pub address: Option<String>,
    /// Stands before every name. `statsd.prefix`, `STATSD_PREFIX`, default `meridian`.
    pub prefix: String,
}

impl StatsdConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let address = reader.parse("statsd.address", "STATSD_ADDRESS", |text| {
            let port = text
                .rsplit_once(':')
                .filter(|(host, _)| !host.is_empty())
                .map(|(_, port)| port.parse::<u16>());
            match port {
                Some(Ok(1..)) => Ok(text.to_owned()),
                _ => Err("is not host:port, such as 127.0.0.1:8125".to_owned()),
            }
        });
        let prefix = reader.parse("statsd.prefix", "STATSD_PREFIX", |text| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
            if text.bytes().all(is_plain) {
                Ok(text.trim_end_matches('.').to_owned())
            } else {
                Err("has more than letters, digits, dots, hyphens and underscores".to_owned())
            }
        });
        Self { address, prefix: prefix.unwrap_or_else(|| "meridian".to_owned()) }
    }
}
