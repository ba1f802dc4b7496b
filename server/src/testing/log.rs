//! The log, for tests that read it.

use std::{io::Write, sync::Arc};

use parking_lot::Mutex;
use serde_json::Value;

/// What is logged while this lives, as a machine reads it: a value a line.
pub struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Log {
    pub fn listen() -> Self {
        let lines: Arc<Mutex<Vec<u8>>> = Arc::default();
        let writer = Lines(lines.clone());
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// The lines of calls: those with a URL.
    pub fn calls(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line.get("url").is_some()).collect()
    }

    pub fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.lines.lock().clone()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.lines.lock().clone()).expect("text")
    }
}

#[derive(Clone)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
