//! What browsers log: received over a WebSocket or as a beacon, stored once, then acknowledged.
//!
//! **What holds.** A browser keeps a message until it hears that it is stored, and sends it again as often as it takes.
//! The numbers that are stored stand in the same transaction as the lines, so whatever dies between a commit and its
//! answer, and wherever the browser comes back, the message is stored once (`streams.rs`). A node that cannot store says
//! so and keeps nothing.
//!
//! `socket.rs` and `beacon.rs` move what comes; `message.rs` reads and checks it; `limits.rs` says how much may come;
//! `collector.rs` stores it.

mod beacon;
mod bucket;
mod collector;
mod limits;
mod message;
mod ranges;
mod socket;
mod streams;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use api_types::{
    client_log::{Answer, Refusal},
    routes,
};
use axum::{
    Router,
    extract::FromRef,
    http::HeaderMap,
    routing::{get, post},
};
use chrono::TimeDelta;
use rand::Rng;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    collector::{Collector, MOST_WAITING, Outcome, Submission},
    limits::{Beyond, Counted, Limits, Refused, Sender, Weight, is_important},
    message::{Author, Checked, level, lines_of},
    streams::NotTaken,
};
use crate::{
    clock::Clock,
    config::ClientLogConfig,
    log::{Log, Who},
    metrics::{Metric, Metrics},
    session::{BrowserName, Cookies, PerSession, Scopes, Session, Sessions},
    shutdown::Shutdown,
};

/// What the sockets of this node share. Cheap to clone.
#[derive(Clone)]
pub struct ClientLog(Arc<Inner>);

struct Inner {
    config: ClientLogConfig,
    log: Log,
    clock: Clock,
    metrics: Metrics,
    shutdown: Shutdown,
    scopes: Scopes,
    limits: Limits,
    of_session: PerSession,
    /// How many sockets are open.
    open: watch::Sender<usize>,
    submissions: mpsc::Sender<Submission>,
    collector: Arc<Collector>,
}

/// What the panel's parts are to a client log.
pub struct Parts {
    pub db: PgPool,
    pub log: Log,
    pub clock: Clock,
    pub metrics: Metrics,
    pub shutdown: Shutdown,
    pub scopes: Scopes,
}

/// A stream is forgotten after so long; browsers forget what they could not send after seven days.
const FORGET_AFTER: TimeDelta = TimeDelta::days(14);
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// When a batch that could not be stored may come again; spread, so that not all come at once.
const LATER_MS: std::ops::Range<u64> = 2_000..6_000;

/// The socket and the beacon.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    ClientLog: FromRef<S>,
    Sessions: FromRef<S>,
    Cookies: FromRef<S>,
{
    Router::new()
        .route(routes::CLIENT_LOG, get(socket::open_socket))
        .route(routes::CLIENT_LOG_BEACON, post(beacon::take_beacon))
}

impl ClientLog {
    pub fn new(config: &ClientLogConfig, parts: Parts) -> Self {
        let Parts { db, log, clock, metrics, shutdown, scopes } = parts;
        let (submissions, waiting) = mpsc::channel(MOST_WAITING);
        let collector = Collector::new(db, log.clone(), clock.clone(), metrics.clone(), waiting);
        Self(Arc::new(Inner {
            limits: Limits::new(config, clock.clone()),
            of_session: PerSession::new(config.sockets_per_session),
            config: config.clone(),
            log,
            clock,
            metrics,
            shutdown,
            scopes,
            open: watch::Sender::new(0),
            submissions,
            collector: Arc::new(collector),
        }))
    }

    /// Batches that wait to be stored.
    pub fn waiting(&self) -> usize {
        let submissions = &self.0.submissions;
        submissions.max_capacity() - submissions.capacity()
    }

    /// Stores what comes, until the panel stops and the last socket is closed.
    pub async fn collect(self) {
        self.0.collector.clone().run(self.0.shutdown.clone(), self.0.open.subscribe()).await;
    }

    /// Forgets streams that are over, every now and then.
    pub async fn forget_old(self) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            if let Err(error) = self.forget_old_once().await {
                tracing::debug!(%error, "old streams of browsers are forgotten later");
            }
        }
    }

    async fn forget_old_once(&self) -> sqlx::Result<()> {
        streams::delete_old(&self.0.collector.db, self.0.clock.now() - FORGET_AFTER).await
    }

    fn author(&self, session: Option<&Session>, address: Option<IpAddr>, headers: &HeaderMap) -> Author {
        let who = session.map(|session| Who {
            user: Some(session.user.name.as_str().into()),
            user_id: Some(session.user.id.as_str().into()),
            session: Some(session.id.short().into()),
        });
        Author { who: who.unwrap_or_default(), address, browser: BrowserName::of(headers).0 }
    }

    /// Hands a batch to the collector and waits for what becomes of it.
    async fn store(
        &self,
        checked: Checked,
        counted: &Counted,
        author: &Author,
        session: Option<&Session>,
    ) -> Outcome {
        let outcome = self.hand_over(checked, counted, author, session).await;
        match outcome {
            Outcome::Stored if counted.dropped() > 0 => {
                self.0.metrics.add(Metric::ClientLogMessage, &["dropped"], counted.dropped() as u64);
            }
            // It comes again.
            Outcome::Unavailable => self.0.limits.give_back(counted),
            Outcome::Stored | Outcome::NotTaken(_) | Outcome::Unusable => {}
        }
        outcome
    }

    async fn hand_over(
        &self,
        checked: Checked,
        counted: &Counted,
        author: &Author,
        session: Option<&Session>,
    ) -> Outcome {
        let Ok(room) = self.0.limits.room(checked.bytes) else { return Outcome::Unavailable };
        let is_in = |project: &_| session.is_some_and(|session| self.0.scopes.holds(session.id, project));
        let (lines, notes) = lines_of(&checked, author, self.0.log.place(), self.0.clock.now(), is_in);
        let (answer, answered) = oneshot::channel();
        let submission = Submission {
            stream: checked.stream,
            first: checked.batch.first,
            user_id: author.who.user_id.clone(),
            lines,
            keeps: counted.keeps,
            notes,
            answer,
            _room: room,
        };
        if self.0.submissions.send(submission).await.is_err() {
            return Outcome::Unavailable;
        }
        answered.await.unwrap_or(Outcome::Unavailable)
    }

    /// How long the sender has to wait before this is taken, and what is kept of it.
    fn count(&self, sender: Sender, checked: &Checked, author: &Author) -> Result<Counted, Refused> {
        let messages = &checked.batch.messages;
        let weight = Weight {
            stream: checked.stream,
            messages: messages.len(),
            important: messages.iter().filter(|message| is_important(level(message.level))).count(),
            bytes: checked.bytes,
        };
        let counted = self.0.limits.count(sender, weight)?;
        match counted.beyond {
            Some(Beyond::Sender) => tracing::warn!(
                user = author.who.user.as_deref(),
                session = author.who.session.as_deref(),
                address = author.address.map(|address| address.to_string()),
                "somebody's browsers log more than is kept of a day; of what follows only warnings and errors are"
            ),
            Some(Beyond::Node) => tracing::warn!(
                "browsers log more than this node keeps of a day; of what follows only warnings and errors are"
            ),
            None => {}
        }
        Ok(counted)
    }

    fn measure_open(&self) {
        let open = *self.0.open.borrow();
        self.0.metrics.gauge(Metric::ClientLogSockets, &[], open as f64);
    }

    fn refused(&self, reason: &str) {
        self.0.metrics.count(Metric::ClientLogRefused, &[reason]);
    }
}

/// What the browser is told; `None` where it is to be told that the batch is none.
fn answer_to(stream: String, first: u64, last: u64, outcome: Outcome) -> Option<Answer> {
    match outcome {
        Outcome::Stored => Some(Answer::Stored { stream, first, last }),
        Outcome::NotTaken(NotTaken::OtherUser) => {
            Some(Answer::Refused { stream, reason: Refusal::OtherUser })
        }
        Outcome::NotTaken(NotTaken::Sequence) => Some(Answer::Refused { stream, reason: Refusal::Sequence }),
        Outcome::Unavailable => Some(later(stream, first)),
        Outcome::Unusable => None,
    }
}

fn later(stream: String, first: u64) -> Answer {
    Answer::Later { stream, first, retry_after_ms: rand::rng().random_range(LATER_MS) }
}
