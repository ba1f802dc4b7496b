//! Writes lines to Postgres, many at a time, and keeps its partitions.

use std::{future::Future, io, sync::Arc, thread, time::Duration};

use sqlx::{Executor, PgPool, postgres::PgPoolOptions};
use tokio::{runtime, sync::oneshot, task::JoinHandle, time::timeout};

use super::{
    Context, Level, Line, Log,
    level_store::{self, LevelStore},
    pipeline::{Losses, Pipeline},
    queue::{Dropped, Queue},
    store::{insert_lines, keep_partitions},
};
use crate::{clock::Clock, config::LogConfig};

/// What is done for the log beside the requests. Its tasks end when it is dropped.
#[must_use = "lines are stored as long as it lives"]
pub struct Upkeep {
    pipeline: Option<Arc<Pipeline>>,
    writer: Option<JoinHandle<()>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Lines of so long are written together,
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// or, where many come, so many: Postgres then works a millisecond or two at a time, and whoever else needs the
/// processors waits no longer for them.
const ENOUGH_LINES: usize = 100;
const LOOKED_AT_EVERY: Duration = Duration::from_millis(10);
/// From so many on, as after an outage or where a hundred at a time are too slow, and at the end, so many: each costs
/// less.
const MOST_LINES: usize = 1000;
const MOST_BYTES: usize = 2 << 20;
/// A statement that takes longer has lost its database.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Postgres ends it itself before, or it would store later what is stored again by then.
const STATEMENT_TIMEOUT: &str = "SET statement_timeout = '9s'";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often partitions are looked after: some times before a day is over, in case nodes sleep.
const KEEP_EVERY: Duration = Duration::from_secs(3600);
const KEEP_AGAIN: Duration = Duration::from_secs(30);
/// What is left when the panel stops has so long.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// And each statement meanwhile; one that fails is tried once more.
const LAST_WRITE_WITHIN: Duration = Duration::from_millis(1500);
/// One hears of levels, one is for what is done now and then.
const CONNECTIONS: u32 = 2;

impl Upkeep {
    /// Starts to store lines, where they are to be stored, and to follow the levels that operators set. The log has
    /// connections of its own: neither does it wait for those of the requests, nor they for it.
    ///
    /// Fails where there is no thread to be had for it.
    pub fn start(log: &Log, db: &PgPool, config: &LogConfig, clock: &Clock) -> io::Result<Self> {
        let pipeline = log.pipeline().filter(|pipeline| pipeline.outputs().store.is_some()).cloned();
        let writer = pipeline.clone().map(|pipeline| {
            let db = db.clone();
            // Connections belong to the runtime that opens them.
            let write = async move {
                let own = pool_of_log(&db, 1);
                drop(db);
                write(own, pipeline).await;
            };
            on_a_thread_of_its_own(unstored(write))
        });
        let writer = writer.transpose()?;
        let db = pool_of_log(db, CONNECTIONS);
        let store = LevelStore::new(db.clone(), clock.clone());
        let mut tasks = vec![tokio::spawn(unstored(level_store::follow(store, log.levels().clone())))];
        // What browsers log is stored in any case.
        tasks.push(tokio::spawn(unstored(keep(db, config.keep_days))));
        Ok(Self { pipeline, writer, tasks })
    }

    /// Ends the tasks once what was logged so far is stored, or cannot be.
    pub async fn stop(mut self) {
        let (Some(pipeline), Some(mut writer)) = (self.pipeline.clone(), self.writer.take()) else { return };
        let Some(queue) = &pipeline.outputs().store else { return };
        let stored = async {
            pipeline.distributed().await;
            queue.end();
            let _ = (&mut writer).await;
        };
        let _ = timeout(STOP_WITHIN, stored).await;
        writer.abort();
        let left = queue.take(usize::MAX, usize::MAX);
        let mut lost = left.dropped;
        left.items.iter().for_each(|line| lost.add(Dropped::one(line.level)));
        if !lost.is_none() {
            pipeline.take(pipeline.lost_line("postgres", lost), true);
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.tasks.iter().chain(&self.writer).for_each(JoinHandle::abort);
    }
}

/// As `db`, with connections of the log's own.
fn pool_of_log(db: &PgPool, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(db.options().get_acquire_timeout())
        .after_connect(|connection, _| {
            Box::pin(async { connection.execute(STATEMENT_TIMEOUT).await.map(drop) })
        })
        .connect_lazy_with((*db.connect_options()).clone())
}

/// Runs a task that computes for milliseconds at a time, as lines by the thousand are put into a statement: a thread of
/// the requests' would stand still for as long, and the requests on it.
fn on_a_thread_of_its_own(task: impl Future<Output = ()> + Send + 'static) -> io::Result<JoinHandle<()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (running, ended) = oneshot::channel::<()>();
    let handle = runtime.spawn(async move {
        // Dropped with the task, however that ends.
        let _running = running;
        task.await;
    });
    // What happens there is told to whom it would be told here.
    let told = tracing::dispatcher::get_default(Clone::clone);
    let run = move || _ = tracing::dispatcher::with_default(&told, || runtime.block_on(ended));
    thread::Builder::new().name("log-store".to_owned()).spawn(run)?;
    Ok(handle)
}

/// What is logged about storing lines is not stored, or there would be no end of it.
fn unstored<F: Future>(task: F) -> impl Future<Output = F::Output> {
    Context::of_store().within(task)
}

async fn write(db: PgPool, pipeline: Arc<Pipeline>) {
    let Some(queue) = &pipeline.outputs().store else { return };
    let mut writer = Writer { db, pipeline: &pipeline, queue, losses: Losses::default(), away: None };
    loop {
        queue.ready().await;
        gather(queue).await;
        loop {
            let is_pressing = queue.is_over() || queue.count() >= MOST_LINES;
            let most = if is_pressing { MOST_LINES } else { ENOUGH_LINES };
            let taken = queue.take(most, MOST_BYTES);
            if taken.items.is_empty() && taken.is_over && taken.dropped.is_none() {
                return;
            }
            if let Some(lost) = writer.losses.note(&taken) {
                pipeline.take(pipeline.lost_line("postgres", lost), false);
            }
            if !writer.store(&taken.items).await {
                return;
            }
            if queue.count() < ENOUGH_LINES && !taken.is_over {
                break;
            }
        }
    }
}

/// Lets more lines come: one statement for all of them costs less. A queue that ends is not waited for.
async fn gather(queue: &Queue<Arc<Line>>) {
    let is_over = async {
        let _ = timeout(GATHERED_FOR, queue.ended()).await;
    };
    let has_enough = async {
        while queue.count() < ENOUGH_LINES {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    };
    tokio::select! {
        () = is_over => {}
        () = has_enough => {}
    }
}

struct Writer<'a> {
    db: PgPool,
    pipeline: &'a Arc<Pipeline>,
    queue: &'a Queue<Arc<Line>>,
    losses: Losses,
    /// What was lost since the database went away.
    away: Option<Dropped>,
}

impl Writer<'_> {
    /// Tries until the lines are stored. `false`: the panel stops, and they could not be.
    async fn store(&mut self, lines: &[Arc<Line>]) -> bool {
        // Halves of a batch of which one line cannot be stored, the next one last.
        let mut parts = vec![lines];
        let mut pause = FIRST_PAUSE;
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.insert(part).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    self.is_back();
                }
                Err(error) if is_about_the_lines(&error) => match part {
                    [line] => {
                        tracing::warn!(%error, description = line.description, "a line cannot be stored");
                        self.tell_lost(Dropped::one(line.level));
                    }
                    _ => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                },
                Err(error) => {
                    self.is_away(&error);
                    parts.push(part);
                    if timeout(pause, self.queue.ended()).await.is_ok() && pause > FIRST_PAUSE {
                        let mut lost = Dropped::default();
                        parts.iter().copied().flatten().for_each(|line| lost.add(Dropped::one(line.level)));
                        self.tell_lost(lost);
                        return false;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        true
    }

    async fn insert(&self, lines: &[Arc<Line>]) -> sqlx::Result<()> {
        let lines = lines.iter().map(|line| &**line);
        let insert = async { insert_lines(&mut *self.db.acquire().await?, lines).await };
        let too_late = async {
            self.queue.ended().await;
            tokio::time::sleep(LAST_WRITE_WITHIN).await;
        };
        tokio::select! {
            written = timeout(WRITE_WITHIN, insert) => written.unwrap_or(Err(sqlx::Error::PoolTimedOut)),
            () = too_late => Err(sqlx::Error::PoolTimedOut),
        }
    }

    fn is_away(&mut self, error: &sqlx::Error) {
        if self.away.is_none() {
            self.away = Some(Dropped::default());
            tracing::warn!(%error, "the log cannot be stored; lines wait");
        }
        // What finds no room meanwhile is told at once on the other outputs, and stored when that is possible again.
        let taken = self.queue.take(0, 0);
        if let Some(lost) = self.losses.note(&taken) {
            self.pipeline.take(self.pipeline.lost_line("postgres", lost), true);
            self.away.get_or_insert_default().add(lost);
        }
    }

    fn is_back(&mut self) {
        let Some(lost) = self.away.take() else { return };
        let mut line = Line::new(
            self.pipeline.place().clone(),
            Level::Info,
            super::Facility::Panel,
            "the log is stored again",
        );
        for (level, count) in lost.by_level() {
            line.fields.push_u64(format!("lost_{level}").as_str(), count);
        }
        self.pipeline.take(line, false);
    }

    fn tell_lost(&self, lost: Dropped) {
        self.pipeline.take(self.pipeline.lost_line("postgres", lost), true);
    }
}

/// Whether the lines are at fault and would be the next time: data that Postgres does not take.
fn is_about_the_lines(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Makes partitions ahead and drops old ones, from the start on. The database's clock says which are old: one node whose
/// own is wrong would take everybody's lines away.
async fn keep(db: PgPool, keep_days: i32) {
    loop {
        let kept = async { keep_partitions(&mut *db.acquire().await?, None, keep_days).await };
        let pause = match timeout(WRITE_WITHIN, kept).await.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Ok((0, 0)) => KEEP_EVERY,
            Ok((made, dropped)) => {
                tracing::info!(made, dropped, "the log's partitions were made and dropped");
                KEEP_EVERY
            }
            Err(error) => {
                tracing::warn!(%error, "the log's partitions are made and dropped later");
                KEEP_AGAIN
            }
        };
        // Nodes started together spread out.
        tokio::time::sleep(pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
    }
}
