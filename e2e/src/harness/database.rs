//! A database of its own for every panel: empty, migrated by the panel itself, gone with it.

use std::{
    sync::{OnceLock, mpsc},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use private_postgres::PrivatePostgres;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A fresh database.
pub struct Database {
    url: String,
}

impl Database {
    /// Makes one on the server of `DATABASE_URL`, else on a throwaway server that ends with this process.
    pub async fn create() -> Result<Self> {
        let server_url = tokio::task::spawn_blocking(server_url).await??;
        let name = unique_name();
        let mut connection = PgConnection::connect(&server_url).await.context("the database server")?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        connection.close().await?;
        Ok(Self { url: with_database(&server_url, &name) })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes the database of this URL away, whoever is still connected.
    pub async fn drop_now(url: &str) -> Result<()> {
        let server_url = tokio::task::spawn_blocking(server_url).await??;
        let name = url.split('?').next().and_then(|address| address.rsplit('/').next()).unwrap_or_default();
        let mut connection = PgConnection::connect(&server_url).await?;
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

/// The server all databases of this process are made on; started at the first call where there is none.
fn server_url() -> Result<String> {
    static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
    let url = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var("DATABASE_URL") {
            return Ok(url);
        }
        // The server ends with the thread that started it, so that thread stays.
        let (started, wait) = mpsc::channel();
        thread::spawn(move || match PrivatePostgres::throwaway() {
            Ok(postgres) => {
                let _ = started.send(Ok(postgres.url().to_owned()));
                loop {
                    thread::park();
                }
            }
            Err(error) => {
                let _ = started.send(Err(error.to_string()));
            }
        });
        wait.recv().unwrap_or_else(|_| Err("PostgreSQL could not be started".to_owned()))
    });
    url.clone().map_err(anyhow::Error::msg)
}

/// The same server, another database: the path of the URL is the database's name.
fn with_database(server_url: &str, name: &str) -> String {
    let (address, options) = match server_url.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (server_url, String::new()),
    };
    let authority_at = address.find("://").map_or(0, |at| at + 3);
    let host = address[authority_at..].find('/').map_or(address, |at| &address[..authority_at + at]);
    format!("{host}/{name}{options}")
}

fn unique_name() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    format!("e2e_{}_{micros}_{count}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_a_url_is_replaced_wherever_the_server_is() {
        let socket = "postgres://meridian@/meridian?host=/tmp/pg&port=5";
        assert_eq!(with_database(socket, "x"), "postgres://meridian@/x?host=/tmp/pg&port=5");
        assert_eq!(with_database("postgres://u:p@host:5432/one", "x"), "postgres://u:p@host:5432/x");
        assert_eq!(with_database("postgres://host", "x"), "postgres://host/x");
    }
}
