//! Where our own records are.

use std::time::Duration;

use super::reader::Reader;
use crate::secret::Secret;

/// The PostgreSQL that holds sessions and sign-in failures.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `postgres://…`; `database.url`, `DATABASE_URL`, required.
    pub url: Secret<String>,
    /// Connections at most; one of them listens for revocations. `database.max_connections`,
    /// `DATABASE_MAX_CONNECTIONS`, default 10.
    pub max_connections: u32,
    /// Longest wait for a connection and for a query. Short, because sessions can be served from memory instead.
    /// `database.timeout_secs`, `DATABASE_TIMEOUT_SECS`, default 2.
    pub timeout: Duration,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let url = reader.parse_secret("database.url", "DATABASE_URL", |text| {
            text.parse::<sqlx::postgres::PgConnectOptions>()
                .map(|_| text.to_owned())
                .map_err(|_| "is not a postgres:// URL".to_owned())
        });
        if url.is_none() {
            reader.missing(
                "database.url",
                "DATABASE_URL",
                "is required: the postgres:// URL of the panel's database",
            );
        }
        Self {
            url: Secret::new(url.unwrap_or_default()),
            max_connections: reader.number(
                "database.max_connections",
                "DATABASE_MAX_CONNECTIONS",
                10,
                2..=1000,
            ),
            timeout: reader.seconds(
                "database.timeout_secs",
                "DATABASE_TIMEOUT_SECS",
                Duration::from_secs(2),
                0.1..=60.0,
            ),
        }
    }
}
