//! Stores what all sockets of this node have received, many batches in one transaction, and answers each of them once
//! that has been committed.
//!
//! While one transaction is on its way, the next batches gather: a quiet node stores each at once, a busy one many with
//! every commit. A batch that could not be stored is not kept here: its browser has it and sends it again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api_types::client_log::Kind;
use chrono::{DateTime, Utc};
use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use uuid::Uuid;

use super::{
    limits::{Keeps, Room},
    message::Note,
    streams::{self, Known, NotTaken, Stream},
};
use crate::{
    clock::Clock,
    log::{Line, Log, store::insert_lines},
    metrics::{Metric, Metrics},
    shutdown::Shutdown,
};

/// One batch that waits to be stored.
pub struct Submission {
    pub stream: Uuid,
    pub first: u64,
    pub user_id: Option<Arc<str>>,
    /// As many as there are numbers.
    pub lines: Vec<Line>,
    pub keeps: Keeps,
    pub notes: Vec<Note>,
    pub answer: oneshot::Sender<Outcome>,
    /// What it takes of this node's memory, until it is dropped.
    pub _room: Room,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stored,
    NotTaken(NotTaken),
    /// Postgres does not answer.
    Unavailable,
    /// Postgres answers, and will not have it.
    Unusable,
}

pub struct Collector {
    pub db: PgPool,
    log: Log,
    clock: Clock,
    metrics: Metrics,
    waiting: Mutex<mpsc::Receiver<Submission>>,
    known: Known,
    /// So many groups are stored one batch at a time, after one that could not be: what is unusable is found so, and
    /// keeps nobody else's from being stored.
    careful: AtomicUsize,
}

/// Batches that wait beyond those that are being stored. What they take of the memory is bounded by the limits.
pub const MOST_WAITING: usize = 1_000;
/// Groups on their way at the same time: some are prepared while Postgres is busy with others, or with the disk.
const WORKERS: usize = 4;
/// Lines of one transaction; larger ones are hardly quicker and take others' time.
const MOST_LINES: usize = 4_000;
/// After so long without an answer of Postgres the browsers keep what they have.
const LONGEST: Duration = Duration::from_secs(10);
/// Groups stored with care after a failure.
const CAREFUL_FOR: usize = 50;

impl Collector {
    pub fn new(
        db: PgPool,
        log: Log,
        clock: Clock,
        metrics: Metrics,
        waiting: mpsc::Receiver<Submission>,
    ) -> Self {
        Self {
            db,
            log,
            clock,
            metrics,
            waiting: Mutex::new(waiting),
            known: Known::default(),
            careful: AtomicUsize::new(0),
        }
    }

    /// Works until the panel stops and the last of its sockets is closed.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown, sockets: watch::Receiver<usize>) {
        let workers = (0..WORKERS).map(|_| self.clone().work(shutdown.clone(), sockets.clone()));
        futures_util::future::join_all(workers).await;
        // A beacon may still come: its browser is told to keep what it has, and what was just sent is let go.
        let mut waiting = self.waiting.lock().await;
        waiting.close();
        while waiting.try_recv().is_ok() {}
    }

    async fn work(self: Arc<Self>, shutdown: Shutdown, mut sockets: watch::Receiver<usize>) {
        let over = async {
            shutdown.begun().await;
            // An error means that nobody counts any more, so there is none.
            _ = sockets.wait_for(|open| *open == 0).await;
        };
        tokio::pin!(over);
        loop {
            let group = tokio::select! {
                biased;
                group = self.next_group() => group,
                () = &mut over => return,
            };
            match group.is_empty() {
                true => return,
                false => self.store_and_answer(group).await,
            }
        }
    }

    /// All that waits, as far as it fits into one transaction; nothing once nobody can send any more.
    async fn next_group(&self) -> Vec<Submission> {
        let mut waiting = self.waiting.lock().await;
        let Some(first) = waiting.recv().await else { return Vec::new() };
        let mut lines = first.lines.len();
        let mut group = vec![first];
        if self.careful.load(Ordering::Relaxed) > 0 {
            return group;
        }
        while lines < MOST_LINES
            && let Ok(next) = waiting.try_recv()
        {
            lines += next.lines.len();
            group.push(next);
        }
        group
    }

    async fn store_and_answer(&self, mut group: Vec<Submission>) {
        let began = self.clock.instant();
        let stored = tokio::time::timeout(LONGEST, self.store(&mut group)).await;
        let failure = match stored {
            Ok(Ok(outcomes)) => {
                self.metrics.time(Metric::ClientLogStore, &[], self.clock.instant() - began);
                _ = self
                    .careful
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                for (submission, outcome) in group.into_iter().zip(outcomes) {
                    // Whoever has left sends it again, and hears then that it is stored.
                    _ = submission.answer.send(outcome);
                }
                return;
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // A constraint or a value it will not take: nothing that passes by itself.
        let is_ours = matches!(&failure, Some(sqlx::Error::Database(error)) if is_about_values(error.code().as_deref()));
        let outcome = match is_ours && group.len() == 1 {
            true => Outcome::Unusable,
            false => Outcome::Unavailable,
        };
        if is_ours {
            self.careful.store(CAREFUL_FOR, Ordering::Relaxed);
        }
        tracing::warn!(
            batches = group.len(),
            error = failure.as_ref().map(|error| error as &dyn std::error::Error),
            "what browsers logged could not be stored; they keep it"
        );
        for submission in group {
            _ = submission.answer.send(outcome);
        }
    }

    /// Stores a group in one transaction. Takes the lines out of it.
    ///
    /// Streams this node stored last are not read before they are written: that they still are as they were is part of the
    /// statement. Where they are not, everything is done again with their rows read and locked.
    async fn store(&self, group: &mut [Submission]) -> sqlx::Result<Vec<Outcome>> {
        let now = self.clock.now();
        let ids: BTreeSet<Uuid> = group.iter().map(|submission| submission.stream).collect();
        let mut transaction = self.db.begin().await?;
        if let Some(known) = self.known.get_all(&ids) {
            if let Some(outcomes) = self.write(transaction, group, &known, now).await? {
                return Ok(outcomes);
            }
            transaction = self.db.begin().await?;
        }
        let locked = streams::lock(&mut transaction, ids, now).await?;
        let outcomes = self.write(transaction, group, &locked, now).await?;
        outcomes.ok_or_else(|| sqlx::Error::Protocol("rows changed while they were locked".to_owned()))
    }

    /// Writes what of a group is new, and commits. `None`, and nothing is written or taken: the streams are not like this
    /// any more.
    async fn write(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        group: &mut [Submission],
        before: &HashMap<Uuid, Stream>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Vec<Outcome>>> {
        let mut streams = before.clone();
        let take = |submission: &Submission| {
            let stream = streams.entry(submission.stream).or_default();
            let last = submission.first + (submission.lines.len() as u64).saturating_sub(1);
            stream.take(submission.user_id.as_deref(), submission.first, last)
        };
        let taken: Vec<Result<Vec<usize>, NotTaken>> = group.iter().map(take).collect();
        if !streams::update(&mut transaction, before, &streams, now).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        let mut outcomes = Vec::with_capacity(group.len());
        let (mut lines, mut notes, mut repeated) = (Vec::new(), Vec::new(), 0);
        for (submission, taken) in group.iter_mut().zip(taken) {
            outcomes.push(match taken {
                Ok(fresh) => {
                    repeated += submission.lines.len() - fresh.len();
                    notes.extend(fresh.iter().filter_map(|place| submission.notes.get(*place)));
                    let fresh = only(std::mem::take(&mut submission.lines), &fresh).into_iter();
                    // What nobody wants at its level is taken and not kept: levels change while browsers are away.
                    let keeps = submission.keeps;
                    lines.extend(fresh.filter(|line| {
                        keeps.keeps(line.level)
                            && self.log.levels().wants(line.level, line.who.user.as_deref())
                    }));
                    Outcome::Stored
                }
                Err(why) => Outcome::NotTaken(why),
            });
        }
        if !lines.is_empty() {
            insert_lines(&mut transaction, &lines).await?;
        }
        transaction.commit().await?;
        self.known.keep(streams);
        self.metrics.add(Metric::ClientLogMessage, &["stored"], lines.len() as u64);
        self.metrics.add(Metric::ClientLogMessage, &["repeated"], repeated as u64);
        self.tell_metrics(&notes);
        self.log.hand_on(lines);
        Ok(Some(outcomes))
    }

    fn tell_metrics(&self, notes: &[Note]) {
        for note in notes {
            match note.kind {
                Kind::Error | Kind::Panic => self.metrics.count(Metric::BrowserErrors, &[note.kind.name()]),
                Kind::Frames => {
                    if note.slow_frames > 0 {
                        self.metrics.add(Metric::BrowserSlowFrames, &[], note.slow_frames);
                    }
                    if note.long_tasks > 0 {
                        let longest = Duration::from_secs_f64(note.longest_ms / 1000.0);
                        self.metrics.time(Metric::BrowserLongTask, &[], longest);
                    }
                }
                _ => {}
            }
        }
    }
}

/// Class 22 is "data exception", 23 "integrity constraint violation", 54 "program limit exceeded".
fn is_about_values(code: Option<&str>) -> bool {
    code.is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
}

/// The lines at these places, which are in order.
fn only(lines: Vec<Line>, places: &[usize]) -> Vec<Line> {
    if places.len() == lines.len() {
        return lines;
    }
    let is_wanted = |(place, _): &(usize, Line)| places.binary_search(place).is_ok();
    lines.into_iter().enumerate().filter(is_wanted).map(|(_, line)| line).collect()
}
