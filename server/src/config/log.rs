//! What is logged, how, and where it goes.

use tracing_subscriber::filter::Targets;

use super::reader::Reader;
use crate::log::{GelfTarget, Level, parse_filter};

/// The log's outputs. No request waits for any of them.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Levels by module, as tracing writes them. `log.filter`, `LOG_FILTER`, default `info`.
    pub filter: Targets,
    /// JSON lines for machines, or plain lines for a person at a terminal. `log.format`, `LOG_FORMAT`: `json`
    /// (default) or `text`.
    pub is_json: bool,
    /// The lowest level on standard output, of what the filter lets through; the other outputs have all of it.
    /// `log.stdout_level`, `LOG_STDOUT_LEVEL`, default `trace`.
    pub out_from: Level,
    /// A Graylog, or what takes GELF as it does. `log.gelf`, `LOG_GELF`: `udp://host:port` or `tcp://host:port`,
    /// default none.
    pub gelf: Option<GelfTarget>,
    /// Whether lines are stored in the panel's own database. `log.postgres`, `LOG_POSTGRES`, default true.
    pub postgres: bool,
    /// How many days stored lines are kept. `log.keep_days`, `LOG_KEEP_DAYS`, default 14.
    pub keep_days: i32,
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let filter = reader
            .parse("log.filter", "LOG_FILTER", |text| parse_filter(text).map_err(|error| error.to_string()));
        let is_json = reader.parse("log.format", "LOG_FORMAT", |text| match text {
            "json" => Ok(true),
            "text" => Ok(false),
            _ => Err("is neither json nor text".to_owned()),
        });
        Self {
            filter: filter
                .unwrap_or_else(|| Targets::new().with_default(tracing::level_filters::LevelFilter::INFO)),
            is_json: is_json.unwrap_or(true),
            out_from: reader
                .parse("log.stdout_level", "LOG_STDOUT_LEVEL", |text| {
                    text.parse().map_err(|_| "is none of error, warn, info, debug and trace".to_owned())
                })
                .unwrap_or(Level::Trace),
            gelf: reader.parse("log.gelf", "LOG_GELF", GelfTarget::parse),
            postgres: reader.switch("log.postgres", "LOG_POSTGRES", true),
            keep_days: reader.number("log.keep_days", "LOG_KEEP_DAYS", 14, 1..=3650),
        }
    }
}
