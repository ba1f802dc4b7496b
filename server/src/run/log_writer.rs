//! Log lines on their way out: no request waits for the disk or the terminal they end in.

use std::{
    io::{self, Write},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Takes lines, which a thread of its own writes, many at a time. Cheap to clone.
///
/// Nobody waits for room: while what is written to takes nothing, some megabytes are kept, further lines are lost, and
/// the log says how many.
#[derive(Clone)]
pub struct LogWriter(Arc<Inner>);

/// Writes what is left when it is dropped.
#[must_use = "the last lines are written when it is dropped"]
pub struct LogEnd {
    writer: LogWriter,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    waiting: Mutex<Waiting>,
    /// Rung for the first line after none, and at the end.
    bell: Condvar,
    most_bytes: usize,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    lost: u64,
    is_over: bool,
}

const MOST_BYTES: usize = 8 << 20;
/// Lines of so long are written with one call.
const GATHERED_FOR: Duration = Duration::from_millis(10);

impl LogWriter {
    /// Writes to `out`; `tell_lost` is the line that tells of so many lost ones.
    ///
    /// Errors: there can be no thread.
    pub fn start(
        out: impl Write + Send + 'static,
        tell_lost: fn(u64) -> String,
    ) -> io::Result<(Self, LogEnd)> {
        Self::start_with(out, tell_lost, MOST_BYTES)
    }

    fn start_with(
        out: impl Write + Send + 'static,
        tell_lost: fn(u64) -> String,
        most_bytes: usize,
    ) -> io::Result<(Self, LogEnd)> {
        let writer = Self(Arc::new(Inner { waiting: Mutex::default(), bell: Condvar::new(), most_bytes }));
        let inner = writer.0.clone();
        let thread =
            thread::Builder::new().name("log".to_owned()).spawn(move || inner.work(out, tell_lost))?;
        Ok((writer.clone(), LogEnd { writer, thread: Some(thread) }))
    }
}

impl Inner {
    fn work(&self, mut out: impl Write, tell_lost: fn(u64) -> String) {
        let mut lines = Vec::new();
        loop {
            let lost = {
                let mut waiting = self.waiting.lock();
                self.bell.wait_while(&mut waiting, |waiting| waiting.is_empty() && !waiting.is_over);
                if waiting.is_empty() {
                    return;
                }
                let until = Instant::now() + GATHERED_FOR;
                while !waiting.is_over && !self.bell.wait_until(&mut waiting, until).timed_out() {}
                lines.clear();
                std::mem::swap(&mut lines, &mut waiting.lines);
                std::mem::take(&mut waiting.lost)
            };
            // There is nobody to tell that the log cannot be written.
            let _ = out.write_all(&lines);
            if lost > 0 {
                let _ = out.write_all(tell_lost(lost).as_bytes());
            }
            let _ = out.flush();
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

impl Write for &LogWriter {
    /// Each call brings one whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.0.waiting.lock();
        let is_first = waiting.is_empty();
        if waiting.lines.len() + line.len() > self.0.most_bytes {
            waiting.lost += 1;
        } else {
            waiting.lines.extend_from_slice(line);
        }
        drop(waiting);
        if is_first {
            self.0.bell.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}

impl Drop for LogEnd {
    fn drop(&mut self) {
        self.writer.0.waiting.lock().is_over = true;
        self.writer.0.bell.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells what it is about to write, and comes back when it is allowed to.
    struct Slow {
        allowed: mpsc::Receiver<()>,
        begun: mpsc::Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(String::from_utf8_lossy(bytes).into_owned());
            let _ = self.allowed.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tell(lost: u64) -> String {
        format!("lost {lost}\n")
    }

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_written_whole_and_in_its_threads_order() {
        let kept = Kept::default();
        let (writer, end) = LogWriter::start(kept.clone(), tell).expect("a thread");
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let writer = &writer;
                scope.spawn(move || {
                    for number in 0..500 {
                        (&mut &*writer).write_all(format!("{name}{number}\n").as_bytes()).expect("a line");
                    }
                });
            }
        });
        drop(end);
        let text = String::from_utf8(kept.0.lock().clone()).expect("text");
        for name in ["a", "b", "c"] {
            let numbers: Vec<u32> =
                text.lines().filter_map(|line| line.strip_prefix(name)?.parse().ok()).collect();
            assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        }
        assert_eq!(text.lines().count(), 1500);
    }

    #[test]
    fn nobody_waits_for_a_log_that_takes_nothing_and_what_is_lost_is_told() {
        let (allow, allowed) = mpsc::channel();
        let (tells, begun) = mpsc::channel();
        let (writer, end) =
            LogWriter::start_with(Slow { allowed, begun: tells }, tell, 20).expect("a thread");
        let write = |line: &str| (&mut &writer).write_all(line.as_bytes()).expect("a line");
        write("first\n");
        assert_eq!(begun.recv().as_deref(), Ok("first\n"));
        for _ in 0..5 {
            write("123456789\n");
        }
        for next in ["123456789\n123456789\n", "lost 3\n"] {
            allow.send(()).expect("somebody who writes");
            assert_eq!(begun.recv().as_deref(), Ok(next));
        }
        write("after it\n");
        allow.send(()).expect("somebody who writes");
        assert_eq!(begun.recv().as_deref(), Ok("after it\n"));
        drop(allow);
        drop(end);
    }
}
