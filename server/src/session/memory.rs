//! What one node knows of sessions, and what it owes to Postgres.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use super::{
    AsOf, EndReason, Liveness, Sealer, Session, SessionId, SessionStore, SupportView,
    cache::{Cache, Entry},
    store::{LiveSessionRow, SessionRow},
};
use crate::{
    clock::Clock,
    config::SessionConfig,
    error::ApiError,
    metrics::{Metric, Metrics},
    secret::Secret,
};

/// The parts of [`Sessions`](super::Sessions), with the rules of what is served from memory and for how long.
pub struct Inner {
    pub store: SessionStore,
    pub sealer: Sealer,
    pub config: SessionConfig,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Whether revocations are heard at the moment.
    pub hears: AtomicBool,
    /// Questions and changes so far: see [`AsOf`].
    asked: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cache: Cache,
    /// Uses that are to be written down.
    touched: HashMap<SessionId, (DateTime<Utc>, String)>,
    /// Sessions that ended a moment ago, so that an answer read before the end does not bring them back; those
    /// whose row could not be deleted yet stay until it is.
    ended: HashMap<SessionId, Ended>,
    /// Set while Postgres does not answer: one request at a time tries it again, from then on.
    try_database_at: Option<Instant>,
}

struct Ended {
    at: Instant,
    is_deleted: bool,
}

/// A use is written down at most so often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Longer than any answer of the database is under way.
const REMEMBER_ENDED: Duration = Duration::from_secs(120);
/// How often a database that does not answer is tried by a request.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

impl Inner {
    pub fn new(store: SessionStore, config: SessionConfig, clock: Clock, metrics: Metrics) -> Self {
        let sealer = Sealer::new(&config);
        let hears = AtomicBool::new(false);
        let asked = AtomicU64::default();
        Self { store, sealer, config, clock, metrics, hears, asked, state: Mutex::default() }
    }

    /// Taken before Postgres is asked, and after a change that it has taken.
    pub fn as_of_now(&self) -> AsOf {
        AsOf(self.asked.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Takes a session into memory that Postgres has just taken.
    pub fn take_in(
        &self,
        cookie_hash: [u8; 32],
        id: SessionId,
        make: impl FnOnce(Arc<Liveness>) -> Session,
    ) -> Arc<Session> {
        let mut state = self.state.lock();
        let session = Arc::new(make(state.cache.liveness(id)));
        let now = self.clock.now();
        let entry = Entry {
            session: session.clone(),
            confirmed_at: self.clock.instant(),
            last_seen_at: now,
            touched_at: Some(now),
            good_until: None,
        };
        state.cache.put(cookie_hash, entry);
        session
    }

    /// Notes that a cookie has been replaced and until when it is still good.
    pub fn replace_cookie(&self, cookie_hash: &[u8; 32], lasts: TimeDelta) {
        let until = self.clock.instant() + lasts.to_std().unwrap_or_default();
        self.state.lock().cache.replace_cookie(cookie_hash, until);
    }

    /// Forgets a cookie, not its session; whose it was.
    pub fn forget_cookie(&self, cookie_hash: &[u8; 32]) -> Option<SessionId> {
        self.state.lock().cache.forget_cookie(cookie_hash)
    }

    /// Forgets a session and tells everybody who holds it.
    pub fn forget(&self, id: SessionId) {
        let at = self.clock.instant();
        let mut state = self.state.lock();
        state.cache.end(id);
        state.touched.remove(&id);
        state.ended.entry(id).or_insert(Ended { at, is_deleted: true });
    }

    /// The newest value in memory of a session.
    pub fn newest(&self, id: SessionId) -> Option<Arc<Session>> {
        self.state.lock().cache.find(id).map(|entry| entry.session.clone())
    }

    /// How old a session in memory may be before it is read again.
    pub fn cache_age(&self) -> Duration {
        if self.hears.load(Ordering::Relaxed) { self.config.cache } else { self.config.cache_deaf }
    }

    pub fn knows(&self, id: SessionId) -> bool {
        self.state.lock().cache.knows(id)
    }

    pub fn known(&self) -> Vec<SessionId> {
        self.state.lock().cache.known()
    }

    /// Notes which of the sessions asked about then there are; ends the others on this node.
    pub fn confirm(&self, asked: &[SessionId], live: &[LiveSessionRow], as_of: AsOf) {
        self.database_answers();
        let live: HashMap<SessionId, &LiveSessionRow> = live.iter().map(|row| (row.id, row)).collect();
        let now = self.clock.now();
        let idle_since = now - self.config.idle;
        let at = self.clock.instant();
        let mut state = self.state.lock();
        for id in asked {
            let last_seen_at = live.get(id).map(|live| state.cache.confirm(live, as_of, now, at));
            if last_seen_at.is_none_or(|seen| seen <= idle_since) && state.cache.end(*id) {
                state.ended.insert(*id, Ended { at, is_deleted: true });
            }
        }
    }

    /// Notes what a session looks at, here at once; other nodes hear of it from Postgres.
    pub fn look_at(&self, id: SessionId, view: Option<SupportView>) {
        let as_of = self.as_of_now();
        self.state.lock().cache.look_at(id, view, as_of);
    }

    /// The uses to be written down, handed over.
    pub fn take_touched(&self) -> Vec<(SessionId, DateTime<Utc>, String)> {
        let touched = std::mem::take(&mut self.state.lock().touched);
        touched.into_iter().map(|(id, (at, address))| (id, at, address)).collect()
    }

    /// Takes uses back that could not be written.
    pub fn put_back_touched(&self, touched: Vec<(SessionId, DateTime<Utc>, String)>) {
        let mut state = self.state.lock();
        for (id, at, address) in touched {
            state.touched.entry(id).or_insert((at, address));
        }
    }

    /// Sessions that are over here while their rows still stand.
    pub fn undeleted(&self) -> Vec<SessionId> {
        let state = self.state.lock();
        state.ended.iter().filter(|(_, ended)| !ended.is_deleted).map(|(id, _)| *id).collect()
    }

    /// A row could not be deleted: it will be, later.
    pub fn note_undeleted(&self, id: SessionId) {
        if let Some(ended) = self.state.lock().ended.get_mut(&id) {
            ended.is_deleted = false;
        }
    }

    pub fn note_deleted(&self, id: SessionId) {
        if let Some(ended) = self.state.lock().ended.get_mut(&id) {
            ended.is_deleted = true;
        }
    }

    /// Drops what is too old to be served even while Postgres is away. Returns how many sessions remain.
    pub fn prune(&self) -> usize {
        let now = self.clock.instant();
        let oldest = self.config.memory_grace + self.config.cache;
        let mut state = self.state.lock();
        state.cache.prune(now.checked_sub(oldest).unwrap_or(now));
        state.ended.retain(|_, ended| !ended.is_deleted || now.duration_since(ended.at) < REMEMBER_ENDED);
        state.cache.len()
    }

    pub fn database_fails(&self, error: &sqlx::Error) {
        let mut state = self.state.lock();
        if state.try_database_at.is_none() {
            tracing::warn!(%error, "the database does not answer; sessions are served from memory");
        }
        state.try_database_at = Some(self.clock.instant() + DATABASE_PAUSE);
    }

    pub fn database_answers(&self) {
        if self.state.lock().try_database_at.take().is_some() {
            tracing::info!("the database answers again");
        }
    }

    /// Whether Postgres lately failed to answer.
    pub fn is_database_suspected(&self) -> bool {
        self.state.lock().try_database_at.is_some()
    }

    /// Notes that Postgres has not answered yet; it may still.
    pub fn suspect_database(&self) {
        let mut state = self.state.lock();
        if state.try_database_at.is_none() {
            tracing::warn!("the database is slow to answer; sessions are served from memory");
        }
        state.try_database_at.get_or_insert(self.clock.instant() + DATABASE_PAUSE);
    }

    /// Whether this request should ask Postgres; while it does not answer, one at a time does.
    pub fn may_try_database(&self) -> bool {
        let now = self.clock.instant();
        let mut state = self.state.lock();
        match state.try_database_at {
            Some(at) if now < at => false,
            Some(_) => {
                state.try_database_at = Some(now + DATABASE_PAUSE);
                true
            }
            None => true,
        }
    }

    pub fn kept(&self, hash: &[u8; 32]) -> Option<Entry> {
        self.state.lock().cache.get(hash, self.clock.instant()).cloned()
    }

    pub fn is_fresh(&self, entry: &Entry, at: Instant) -> bool {
        at.duration_since(entry.confirmed_at) < self.cache_age()
    }

    pub fn is_within_grace(&self, entry: &Entry) -> bool {
        self.clock.instant().duration_since(entry.confirmed_at)
            < self.config.memory_grace.max(self.cache_age())
    }

    /// Takes a row into memory that was asked for then.
    ///
    /// Errors: the session ended meanwhile; 503 its token was sealed with a key that this node does not have.
    pub fn keep(&self, hash: [u8; 32], row: SessionRow, as_of: AsOf) -> Result<Entry, ApiError> {
        let token = self.open_token(row.id, &row.sealed_token).ok_or(ApiError::SessionUnreadable)?;
        let mut state = self.state.lock();
        if state.ended.contains_key(&row.id) {
            return Err(ApiError::SessionEnded);
        }
        let liveness = state.cache.liveness(row.id);
        state.cache.look_at(row.id, row.support_view, as_of);
        let at = self.clock.instant();
        let known = state.cache.get(&hash, at);
        let (last_seen_at, touched_at) = known.map_or((row.last_seen_at, Some(row.last_seen_at)), |known| {
            (known.last_seen_at.max(row.last_seen_at), known.touched_at)
        });
        let now = self.clock.now();
        let good_until = row.cookie_until.map(|until| at + (until - now).to_std().unwrap_or_default());
        let good_until = known.and_then(|known| known.good_until).or(good_until);
        let session = Arc::new(Session {
            id: row.id,
            who: row.user.who(row.id),
            user: row.user,
            token,
            token_expires_at: row.token_expires_at,
            needs_totp: row.needs_totp,
            default_project: row.default_project.and_then(|id| id.parse().ok()),
            created_at: row.created_at,
            expires_at: row.expires_at,
            liveness,
        });
        let entry = Entry { session, confirmed_at: at, last_seen_at, touched_at, good_until };
        state.cache.put(hash, entry.clone());
        Ok(entry)
    }

    /// A session that is about to be used: refused if past its limits, else noted as used.
    pub fn used(
        &self,
        hash: &[u8; 32],
        entry: &Entry,
        address: Option<IpAddr>,
    ) -> Result<Arc<Session>, ApiError> {
        self.use_now(&mut self.state.lock(), hash, &entry.session, entry.last_seen_at, address)
    }

    /// The same for what is in memory and as fresh as it has to be, which is nearly every request: looked up once.
    pub fn used_fresh(
        &self,
        hash: &[u8; 32],
        address: Option<IpAddr>,
    ) -> Option<Result<Arc<Session>, ApiError>> {
        let mut state = self.state.lock();
        let at = self.clock.instant();
        let entry = state.cache.get(hash, at).filter(|entry| self.is_fresh(entry, at))?;
        let (session, last_seen_at) = (entry.session.clone(), entry.last_seen_at);
        Some(self.use_now(&mut state, hash, &session, last_seen_at, address))
    }

    fn use_now(
        &self,
        state: &mut State,
        hash: &[u8; 32],
        session: &Arc<Session>,
        last_seen_at: DateTime<Utc>,
        address: Option<IpAddr>,
    ) -> Result<Arc<Session>, ApiError> {
        let now = self.clock.now();
        if session.expires_at <= now || last_seen_at + self.config.idle <= now {
            if state.cache.end(session.id) {
                self.metrics.count(Metric::SessionEnded, &[EndReason::Expired.tag()]);
            }
            return Err(ApiError::SessionEnded);
        }
        if let Some(kept) = state.cache.get_mut(hash) {
            kept.last_seen_at = kept.last_seen_at.max(now);
            if kept.touched_at.is_none_or(|at| now - at >= TOUCH_EVERY) {
                kept.touched_at = Some(now);
                let address = address.map(|ip| ip.to_string()).unwrap_or_default();
                state.touched.insert(session.id, (now, address));
            }
        }
        Ok(session.clone())
    }

    pub fn seal_token(&self, id: SessionId, token: &Secret) -> Result<Vec<u8>, ApiError> {
        self.sealer
            .seal(&token_purpose(id), token.expose().as_bytes())
            .map_err(ApiError::internal("sealing a token"))
    }

    pub fn open_token(&self, id: SessionId, sealed: &[u8]) -> Option<Secret> {
        let token =
            self.sealer.open(&token_purpose(id), sealed).and_then(|bytes| String::from_utf8(bytes).ok());
        if token.is_none() {
            tracing::warn!(
                session = id.short(),
                "the token of a session cannot be decrypted with the keys there are"
            );
        }
        token.map(Secret::new)
    }
}

fn token_purpose(id: SessionId) -> String {
    format!("session token {id}")
}
