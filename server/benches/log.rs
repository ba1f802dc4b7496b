//! What a line of the log costs a request: `cargo bench -p server --bench log`.
//!
//! Prints microseconds per call on the side of whoever logs, while the log's own threads do the rest: for a line such as
//! each request has, and for a debug event that nobody wants. A line of JSON each: `name`, `value`, `unit`.

use std::{
    hint::black_box,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::json;
use server::{
    config::{Config, Source},
    log::{Context, Log, LogLayer, Place, Who, note_caller},
};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// Lines of one round: as many as a busy node logs in some tenths of a second, and far fewer than queues hold.
const LINES: usize = 2_000;
const ROUNDS: usize = 60;

fn main() -> Result<()> {
    // `cargo test` runs benchmarks too, to see that they work: a small one will do.
    let is_trial = !std::env::args().any(|argument| argument == "--bench");
    let rounds = if is_trial { 2 } else { ROUNDS };
    let source = Source::from_map([
        ("DATABASE_URL", "postgres://unused"),
        ("OS_AUTH_URL", "http://localhost"),
        ("SESSION_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("LOG_POSTGRES", "false"),
    ]);
    let config = Config::load(&source)?;
    let out = Counted::default();
    let (log, end) = Log::start(&config.log, Place::of(&config.node), out.clone())?;
    tracing_subscriber::registry().with(LogLayer::new(log)).try_init()?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let context = Context::of_request("req-19a30144d2c1a0b2c3d4e5f6".into());
    runtime.block_on(context.within(async {
        note_caller(Who {
            user: Some("alice".into()),
            user_id: Some("ec1ab63e26035464830bee84d9d50fe3".into()),
            session: Some("8852136f".into()),
        });
        let mut written = 0;
        figure("log: a line of a request, on its way", "µs", 1e6, rounds, || {
            let took = time_of(|| request_line(black_box(200)));
            // Every line is to find room.
            written += LINES;
            while out.0.load(Ordering::Relaxed) < written {
                thread::sleep(Duration::from_millis(1));
            }
            took
        });
        figure("log: a debug event nobody wants", "ns", 1e9, rounds, || {
            time_of(|| debug_event(black_box(200)))
        });
    }));
    drop(end);
    Ok(())
}

fn request_line(status: u16) {
    tracing::info!(
        method = %black_box("GET"),
        path = black_box("/api/projects/91c97299580903243991dda9eb278397/servers"),
        route = black_box("/api/projects/{project}/servers"),
        status,
        duration_ms = black_box(12.3),
        size_bytes = black_box("18231"),
        address = black_box("192.0.2.1"),
        "request"
    );
}

fn debug_event(status: u16) {
    tracing::debug!(status, url = black_box("http://nova.internal:8774/v2.1/servers"), "asking Compute");
}

/// Seconds for one of many calls.
fn time_of(call: impl Fn()) -> f64 {
    let began = Instant::now();
    (0..LINES).for_each(|_| call());
    began.elapsed().as_secs_f64() / LINES as f64
}

/// The median round.
fn figure(name: &str, unit: &str, scale: f64, rounds: usize, mut round: impl FnMut() -> f64) {
    let mut times: Vec<f64> = (0..rounds).map(|_| round() * scale).collect();
    times.sort_by(f64::total_cmp);
    println!("{}", json!({ "name": name, "value": times[times.len() / 2], "unit": unit }));
}

/// Standard output that counts lines.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(memchr::memchr_iter(b'\n', bytes).count(), Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
