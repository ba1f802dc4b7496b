//! The log with a real Postgres and real sockets.

mod gelf;
mod levels;
mod storing;

use std::{
    io::{self, Write},
    sync::Arc,
};

use parking_lot::Mutex;
use sqlx::PgPool;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use super::{
    Format, Level, Log, LogEnd, Place,
    pipeline::{Room, Settings},
};
use crate::config::{Config, LogConfig, Source};

/// Standard output, as far as the log can tell.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Out {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).expect("text")
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn place() -> Place {
    Place {
        node: "panel-1".to_owned(),
        region: Some("eu-1".to_owned()),
        zone: Some("a".to_owned()),
        environment: Some("test".to_owned()),
        release: "1.2.3".to_owned(),
    }
}

/// Everything of ours, and nothing of the test's own statements.
fn ours() -> Targets {
    Targets::new().with_target("server", LevelFilter::TRACE)
}

/// A log that stores.
fn start(room: Room, filter: Targets) -> (Log, LogEnd, Out) {
    let out = Out::default();
    let settings =
        Settings { format: Format::Json, out_from: Level::Trace, gelf: None, is_stored: true, room };
    let (log, end) = Log::start_with(filter, place(), settings, out.clone()).expect("threads");
    (log, end, out)
}

fn config() -> LogConfig {
    let source = Source::from_map([
        ("DATABASE_URL", "postgres://unused"),
        ("OS_AUTH_URL", "http://localhost"),
        ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ]);
    Config::load(&source).expect("a configuration that can be used").log
}

/// How many lines whose description begins so are stored.
async fn stored(db: &PgPool, beginning: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM log_lines WHERE starts_with(description, $1)")
        .bind(beginning)
        .fetch_one(db)
        .await
        .expect("a count")
}
