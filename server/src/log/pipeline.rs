//! The way of a line from whoever logs to the outputs, by threads of its own: no request waits for any of it.
//!
//! Whoever logs puts the line into one bounded queue. A thread takes it from there, masks what looks like a secret, and
//! puts it into a queue for each output, so that one that stands still keeps no other from going on.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::{Arc, OnceLock},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    Facility, Level, Line, Place,
    format::Format,
    gelf::{self, GelfTarget},
    queue::{Dropped, Queue, Taken},
};
use crate::metrics::{Metric, Metrics};

/// Lines of so long are worked on together.
const GATHERED_FOR: Duration = Duration::from_millis(10);
/// While lines are being lost, it is told so often.
const TELL_LOST_EVERY: Duration = Duration::from_secs(1);

pub struct Pipeline {
    place: Arc<Place>,
    incoming: Queue<Incoming>,
    outputs: Outputs,
    metrics: OnceLock<Metrics>,
}

/// Lines for each output.
pub struct Outputs {
    out: Queue<Arc<Line>>,
    out_from: Level,
    gelf: Option<Queue<Arc<Line>>>,
    pub store: Option<Queue<Arc<Line>>>,
}

/// Which outputs there are.
pub struct Settings {
    pub format: Format,
    /// The lowest level on standard output.
    pub out_from: Level,
    pub gelf: Option<GelfTarget>,
    pub is_stored: bool,
    pub room: Room,
}

/// Bytes of lines that may wait.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// For standard output, for a Graylog, and before all outputs.
    pub ordinary: usize,
    /// For Postgres: some ten thousand lines.
    pub to_store: usize,
}

/// Writes what is left when it is dropped.
#[must_use = "the last lines are written when it is dropped"]
pub struct LogEnd {
    pipeline: Arc<Pipeline>,
    threads: Vec<JoinHandle<()>>,
}

/// Notes what one output lost and says when it is time to tell it.
#[derive(Default)]
pub struct Losses {
    untold: Dropped,
    told_at: Option<Instant>,
}

enum Incoming {
    /// A line, and whether Postgres has it already or is not to have it.
    Line(Line, bool),
    /// Everything before it has reached the outputs' queues.
    Mark(oneshot::Sender<()>),
}

impl Pipeline {
    /// Starts the threads; `out` is standard output, or what stands for it.
    ///
    /// Errors: there can be no thread.
    pub fn start(
        place: Arc<Place>,
        settings: Settings,
        out: impl Write + Send + 'static,
    ) -> io::Result<(Arc<Self>, LogEnd)> {
        let Room { ordinary, to_store } = settings.room;
        let outputs = Outputs {
            out: Queue::new(ordinary),
            out_from: settings.out_from,
            gelf: settings.gelf.is_some().then(|| Queue::new(ordinary)),
            store: settings.is_stored.then(|| Queue::new(to_store)),
        };
        let incoming = Queue::new(ordinary);
        let pipeline = Arc::new(Self { place, incoming, outputs, metrics: OnceLock::new() });
        let mut end = LogEnd { pipeline: pipeline.clone(), threads: Vec::new() };
        let ours = pipeline.clone();
        end.start("log", move || ours.distribute())?;
        let (ours, format) = (pipeline.clone(), settings.format);
        end.start("log-out", move || ours.write_out(out, format))?;
        if let Some(target) = settings.gelf {
            let ours = pipeline.clone();
            end.start("log-gelf", move || {
                if let Some(queue) = &ours.outputs.gelf {
                    gelf::send(&target, queue, &ours);
                }
            })?;
        }
        Ok((pipeline, end))
    }

    /// Takes a line; `is_stored` keeps it from Postgres.
    pub fn take(&self, line: Line, is_stored: bool) {
        self.incoming.push(line.level, line.size(), Incoming::Line(line, is_stored));
    }

    pub fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// Lines that wait for each output there is.
    pub fn waiting(&self) -> Vec<(&'static str, usize)> {
        let Outputs { out, gelf, store, .. } = &self.outputs;
        let others = [("log_gelf", gelf), ("log_postgres", store)];
        let others = others.into_iter().filter_map(|(name, queue)| Some((name, queue.as_ref()?.count())));
        std::iter::once(("log_stdout", self.incoming.count() + out.count())).chain(others).collect()
    }

    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// From now on, lost lines are counted there as well.
    pub fn count_with(&self, metrics: Metrics) {
        let _ = self.metrics.set(metrics);
    }

    /// Resolves when every line so far waits for its outputs.
    pub async fn distributed(&self) {
        let (mark, reached) = oneshot::channel();
        self.incoming.push(Level::Error, 0, Incoming::Mark(mark));
        let _ = reached.await;
    }

    /// The line that tells of lines lost on their way to `output`. They are counted with it.
    pub fn lost_line(&self, output: &str, lost: Dropped) -> Line {
        let description = "lines of the log were lost, those of the lowest level first";
        let mut line = Line::new(self.place.clone(), Level::Warn, Facility::Panel, description);
        line.fields.push_str("output", output);
        for (level, count) in lost.by_level() {
            line.fields.push_u64(level.as_str(), count);
            if let Some(metrics) = self.metrics.get() {
                metrics.add(Metric::LogDropped, &[level.as_str()], count);
            }
        }
        line
    }

    /// Tells something about an output.
    pub fn tell(&self, level: Level, description: &str, output: &str, cause: &dyn Display) {
        let mut line = Line::new(self.place.clone(), level, Facility::Panel, description);
        line.fields.push_str("output", output);
        line.fields.push_display("cause", cause);
        self.take(line, false);
    }

    fn distribute(&self) {
        let mut losses = Losses::default();
        loop {
            let taken = self.incoming.take_all(GATHERED_FOR);
            if let Some(lost) = losses.note(&taken) {
                self.outputs.hand_out(vec![tidied(self.lost_line("all", lost), false)]);
            }
            if taken.items.is_empty() && taken.is_over {
                break;
            }
            let mut lines = Vec::with_capacity(taken.items.len());
            for incoming in taken.items {
                match incoming {
                    Incoming::Line(line, is_stored) => lines.push(tidied(line, is_stored)),
                    Incoming::Mark(reached) => {
                        self.outputs.hand_out(std::mem::take(&mut lines));
                        let _ = reached.send(());
                    }
                }
            }
            self.outputs.hand_out(lines);
        }
        self.outputs.all().for_each(Queue::end);
    }

    fn write_out(&self, mut out: impl Write, format: Format) {
        let (mut text, mut losses) = (String::new(), Losses::default());
        loop {
            let taken = self.outputs.out.take_all(Duration::ZERO);
            if taken.items.is_empty() && taken.is_over && taken.dropped.is_none() {
                return;
            }
            text.clear();
            taken.items.iter().for_each(|line| format.write(&mut text, line));
            // There is nobody to tell that the log cannot be written.
            let _ = out.write_all(text.as_bytes());
            if let Some(lost) = losses.note(&taken) {
                let line = self.lost_line("stdout", lost);
                text.clear();
                format.write(&mut text, &line);
                let _ = out.write_all(text.as_bytes());
                self.outputs.elsewhere(line);
            }
            let _ = out.flush();
        }
    }
}

impl Outputs {
    /// All that came together go together: an output that is waiting is woken once, and writes once.
    fn hand_out(&self, lines: Vec<(Arc<Line>, bool)>) {
        let item = |line: Arc<Line>| (line.level, line.size(), line);
        if let Some(queue) = &self.gelf {
            queue.push_all(lines.iter().map(|(line, _)| item(line.clone())));
        }
        if let Some(queue) = &self.store {
            let to_store = lines.iter().filter(|(_, is_stored)| !is_stored);
            queue.push_all(to_store.map(|(line, _)| item(line.clone())));
        }
        let wanted = lines.into_iter().filter(|(line, _)| line.level >= self.out_from);
        self.out.push_all(wanted.map(|(line, _)| item(line)));
    }

    /// To all outputs but standard output.
    fn elsewhere(&self, line: Line) {
        let line = Arc::new(line);
        self.all().skip(1).for_each(|queue| queue.push(line.level, line.size(), line.clone()));
    }

    fn all(&self) -> impl Iterator<Item = &Queue<Arc<Line>>> {
        std::iter::once(&self.out).chain(&self.gelf).chain(&self.store)
    }
}

fn tidied(mut line: Line, is_stored: bool) -> (Arc<Line>, bool) {
    line.tidy();
    (Arc::new(line), is_stored)
}

impl Default for Room {
    fn default() -> Self {
        Self { ordinary: 8 << 20, to_store: 32 << 20 }
    }
}

impl Losses {
    /// What is to be told now: all of it once nothing waits any more, else every second.
    pub fn note<T>(&mut self, taken: &Taken<T>) -> Option<Dropped> {
        self.untold.add(taken.dropped);
        let is_time = taken.is_empty || self.told_at.is_none_or(|at| at.elapsed() >= TELL_LOST_EVERY);
        if self.untold.is_none() || !is_time {
            return None;
        }
        self.told_at = Some(Instant::now());
        Some(std::mem::take(&mut self.untold))
    }
}

impl LogEnd {
    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

impl Drop for LogEnd {
    fn drop(&mut self) {
        self.pipeline.incoming.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use parking_lot::Mutex;

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

    fn settings(room: Room) -> Settings {
        Settings { format: Format::Text, out_from: Level::Trace, gelf: None, is_stored: false, room }
    }

    fn line(description: impl Into<String>) -> Line {
        Line::new(Arc::default(), Level::Info, Facility::Panel, description)
    }

    #[test]
    fn every_line_is_written_whole_and_in_its_threads_order() {
        let kept = Kept::default();
        let (pipeline, end) =
            Pipeline::start(Arc::default(), settings(Room::default()), kept.clone()).expect("threads");
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let pipeline = &pipeline;
                scope.spawn(move || {
                    for number in 0..500 {
                        pipeline.take(line(format!("{name}{number}")), false);
                    }
                });
            }
        });
        drop(end);
        let text = String::from_utf8(kept.0.lock().clone()).expect("text");
        for name in ["a", "b", "c"] {
            let of_name = |line: &str| line.rsplit(' ').next()?.strip_prefix(name)?.parse().ok();
            let numbers: Vec<u32> = text.lines().filter_map(of_name).collect();
            assert_eq!(numbers, (0..500).collect::<Vec<_>>());
        }
        assert_eq!(text.lines().count(), 1500);
    }

    #[test]
    fn standard_output_has_what_is_wanted_there() {
        let kept = Kept::default();
        let settings = Settings { out_from: Level::Warn, ..settings(Room::default()) };
        let (pipeline, end) = Pipeline::start(Arc::default(), settings, kept.clone()).expect("threads");
        for level in Level::ALL {
            pipeline.take(Line { level, ..line("said") }, false);
        }
        drop(end);
        let text = String::from_utf8(kept.0.lock().clone()).expect("text");
        assert_eq!(text.matches("said").count(), 2, "{text}");
    }

    #[test]
    fn nobody_waits_for_a_log_that_takes_nothing_and_what_is_lost_is_told() {
        let (allow, allowed) = mpsc::channel();
        let (tells, begun) = mpsc::channel();
        let room = Room { ordinary: line("").size() * 5, ..Room::default() };
        let (pipeline, end) =
            Pipeline::start(Arc::default(), settings(room), Slow { allowed, begun: tells }).expect("threads");
        pipeline.take(line("first"), false);
        assert!(begun.recv().expect("a line").ends_with("first\n"));
        // Far more than all queues take.
        for number in 0..100 {
            pipeline.take(line(format!("later {number}")), false);
        }
        let mut text = String::new();
        drop(allow);
        drop(end);
        while let Ok(written) = begun.recv() {
            text.push_str(&written);
        }
        let kept = text.lines().filter(|line| line.contains(" later ")).count();
        let lost: usize = text
            .lines()
            .filter(|line| line.contains("lines of the log were lost"))
            .filter_map(|line| line.split_once(" info=")?.1.split(' ').next()?.parse::<usize>().ok())
            .sum();
        assert!(lost > 0 && kept + lost == 100, "{kept} kept and {lost} lost of 100 in {text}");
    }
}
