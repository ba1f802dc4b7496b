//! What is logged and how.

use super::reader::Reader;

/// The log on standard output. Lines are written by a thread of their own, at most ten milliseconds later: no request
/// waits for them.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Levels by module, as tracing writes them. `log.filter`, `LOG_FILTER`, default `info`.
    pub filter: String,
    /// JSON lines for machines, or plain lines for a person at a terminal. `log.format`, `LOG_FORMAT`: `json`
    /// (default) or `text`.
    pub is_json: bool,
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let filter = reader.parse("log.filter", "LOG_FILTER", |text| {
            text.parse::<tracing_subscriber::EnvFilter>()
                .map(|_| text.to_owned())
                .map_err(|_| "is not a filter, such as info or info,server=debug".to_owned())
        });
        let is_json = reader.parse("log.format", "LOG_FORMAT", |text| match text {
            "json" => Ok(true),
            "text" => Ok(false),
            _ => Err("is neither json nor text".to_owned()),
        });
        Self { filter: filter.unwrap_or_else(|| "info".to_owned()), is_json: is_json.unwrap_or(true) }
    }
}
