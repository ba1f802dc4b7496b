//! Opens, finds, continues and ends sessions.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use api_types::ProjectId;
use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use super::{
    CookieSecret, Entrance, IssuedToken, Sealer, Session, SessionId, SessionStore,
    cache::{Cache, Entry},
    store::{DeletedSessionRow, NewSessionRow, RenewedSessionRow, SessionRow},
};
use crate::{
    clock::Clock,
    config::SessionConfig,
    error::ApiError,
    metrics::{Metric, Metrics, Timer},
    secret::Secret,
};

/// All sessions: those in this node's memory and, behind them, those in Postgres. Cheap to clone.
///
/// A session in memory is served without a query until it is older than `session.cache_secs`; revocations reach it
/// within moments through [`Upkeep`](super::Upkeep). While Postgres does not answer, it is served for
/// `session.memory_grace_secs` longer.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

/// Why a session is over, for the log and the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    SignedOut,
    Revoked,
    Expired,
    /// Keystone no longer accepts its token.
    Keystone,
}

pub(super) struct Inner {
    pub store: SessionStore,
    pub sealer: Sealer,
    pub config: SessionConfig,
    pub clock: Clock,
    pub metrics: Metrics,
    /// Whether revocations are heard at the moment.
    pub hears: AtomicBool,
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

/// What a session's token against forged requests is signed for.
const CSRF: &str = "csrf";
/// A use is written down at most so often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);
/// For so long after a renewal the cookie before it works, for requests that were under way.
const OLD_COOKIE_LASTS: TimeDelta = TimeDelta::seconds(30);
/// Longer than any answer of the database is under way.
const REMEMBER_ENDED: Duration = Duration::from_secs(120);
/// How often a database that does not answer is tried by a request.
const DATABASE_PAUSE: Duration = Duration::from_secs(1);

impl Sessions {
    pub fn new(store: SessionStore, config: SessionConfig, clock: Clock, metrics: Metrics) -> Self {
        let sealer = Sealer::new(&config);
        Self(Arc::new(Inner {
            store,
            sealer,
            config,
            clock,
            metrics,
            hears: AtomicBool::new(false),
            state: Mutex::default(),
        }))
    }

    /// Opens a session for a user whom Keystone has accepted. Always under a new id and a new cookie, so a cookie
    /// that was planted before is worth nothing.
    pub async fn open(
        &self,
        issued: &IssuedToken,
        default_project: Option<&ProjectId>,
        entrance: &Entrance,
    ) -> Result<(Arc<Session>, CookieSecret), ApiError> {
        let inner = &*self.0;
        let cookie = CookieSecret::random().map_err(ApiError::internal("drawing a random cookie"))?;
        let (id, now) = (SessionId::new(), inner.clock.now());
        let row = NewSessionRow {
            id,
            cookie_hash: cookie.hash(),
            user: &issued.user,
            sealed_token: inner.seal_token(id, &issued.token)?,
            token_expires_at: issued.expires_at,
            needs_totp: issued.methods.iter().any(|method| method == "totp"),
            default_project,
            now,
            expires_at: now + inner.config.absolute,
            address: &entrance.address.to_string(),
            browser: &entrance.browser.0,
        };
        inner.store.insert_session(&row).await?;
        let mut state = inner.state.lock();
        let session = Arc::new(Session {
            id,
            user: issued.user.clone(),
            token: issued.token.clone(),
            token_expires_at: issued.expires_at,
            needs_totp: row.needs_totp,
            default_project: default_project.cloned(),
            created_at: now,
            expires_at: row.expires_at,
            liveness: state.cache.liveness(id),
        });
        let entry = Entry {
            session: session.clone(),
            confirmed_at: inner.clock.instant(),
            last_seen_at: now,
            touched_at: Some(now),
        };
        state.cache.put(cookie.hash(), entry);
        Ok((session, cookie))
    }

    /// The session of a cookie.
    ///
    /// Errors: the session has ended (or the cookie was made up), or it is not in memory and Postgres does not
    /// answer.
    pub async fn find(&self, cookie: &CookieSecret, entrance: &str) -> Result<Arc<Session>, ApiError> {
        let inner = &*self.0;
        let hash = cookie.hash();
        let kept = inner.kept(&hash);
        if let Some(entry) = &kept
            && inner.is_fresh(entry)
        {
            inner.metrics.count(Metric::SessionLookup, &["memory"]);
            return inner.used(&hash, entry, entrance);
        }
        if let Some(entry) = &kept
            && inner.is_within_grace(entry)
            && !inner.may_try_database()
        {
            inner.metrics.count(Metric::SessionLookup, &["grace"]);
            return inner.used(&hash, entry, entrance);
        }
        let timer = Timer::start();
        let found = inner.store.find_session(&hash, inner.clock.now()).await;
        inner.metrics.time(Metric::SessionQuery, &[], timer.elapsed());
        match found {
            Ok(Some(row)) => {
                inner.database_answers();
                inner.metrics.count(Metric::SessionLookup, &["database"]);
                let entry = inner.keep(hash, row).ok_or(ApiError::SessionEnded)?;
                inner.used(&hash, &entry, entrance)
            }
            Ok(None) => {
                inner.database_answers();
                inner.metrics.count(Metric::SessionLookup, &["none"]);
                if let Some(entry) = kept {
                    self.forget(entry.session.id);
                }
                Err(ApiError::SessionEnded)
            }
            Err(source) => {
                inner.database_fails(&source);
                match kept {
                    Some(entry) if inner.is_within_grace(&entry) => {
                        inner.metrics.count(Metric::SessionLookup, &["grace"]);
                        inner.used(&hash, &entry, entrance)
                    }
                    _ => Err(ApiError::Database { source }),
                }
            }
        }
    }

    /// The token a session has now, wherever it was renewed; `None` if the session is gone. Falls back to memory
    /// while Postgres does not answer.
    pub async fn current_token(
        &self,
        session: &Session,
    ) -> Result<Option<(Secret, DateTime<Utc>)>, ApiError> {
        let inner = &*self.0;
        match inner.store.find_token(session.id).await {
            Ok(Some((sealed, expires_at))) => {
                Ok(inner.open_token(session.id, &sealed).map(|token| (token, expires_at)))
            }
            Ok(None) => Ok(None),
            Err(source) => {
                inner.database_fails(&source);
                let state = inner.state.lock();
                let newest = state.cache.find(session.id).map_or(session, |entry| &entry.session);
                Ok(Some((newest.token.clone(), newest.token_expires_at)))
            }
        }
    }

    /// Goes on with a new token after the password was entered again: the same session under a new cookie.
    pub async fn renew(
        &self,
        session: &Session,
        old_cookie: &CookieSecret,
        issued: &IssuedToken,
    ) -> Result<CookieSecret, ApiError> {
        let inner = &*self.0;
        let cookie = CookieSecret::random().map_err(ApiError::internal("drawing a random cookie"))?;
        let now = inner.clock.now();
        let row = RenewedSessionRow {
            id: session.id,
            cookie_hash: cookie.hash(),
            previous_cookie_hash: old_cookie.hash(),
            previous_cookie_until: now + OLD_COOKIE_LASTS,
            sealed_token: inner.seal_token(session.id, &issued.token)?,
            token_expires_at: issued.expires_at,
            now,
        };
        if !inner.store.renew_session(&row).await? {
            self.forget(session.id);
            return Err(ApiError::SessionEnded);
        }
        let mut state = inner.state.lock();
        let renewed = Arc::new(Session {
            id: session.id,
            user: session.user.clone(),
            token: issued.token.clone(),
            token_expires_at: issued.expires_at,
            needs_totp: session.needs_totp,
            default_project: session.default_project.clone(),
            created_at: session.created_at,
            expires_at: session.expires_at,
            liveness: state.cache.liveness(session.id),
        });
        let entry = Entry {
            session: renewed,
            confirmed_at: inner.clock.instant(),
            last_seen_at: now,
            touched_at: Some(now),
        };
        state.cache.put(cookie.hash(), entry);
        Ok(cookie)
    }

    /// Ends a session here at once and everywhere as soon as Postgres has it. Returns its token, to be revoked.
    ///
    /// Never fails: while Postgres does not answer, the session is over on this node and the row is deleted later.
    pub async fn end(&self, id: SessionId, reason: EndReason) -> Option<Secret> {
        let inner = &*self.0;
        self.forget(id);
        inner.metrics.count(Metric::SessionEnded, &[reason.tag()]);
        match inner.store.delete_session(id).await {
            Ok(row) => row.and_then(|row| inner.open_token(id, &row.sealed_token)),
            Err(source) => {
                inner.database_fails(&source);
                tracing::warn!(session = id.short(), error = %source, "a session is over, its row is deleted later");
                if let Some(ended) = inner.state.lock().ended.get_mut(&id) {
                    ended.is_deleted = false;
                }
                None
            }
        }
    }

    /// Ends one of a user's own sessions. `None` if the user has no such session; else its token, where it opens.
    pub async fn revoke(&self, user_id: &str, id: SessionId) -> Result<Option<Option<Secret>>, ApiError> {
        let row = self.0.store.delete_session_of_user(id, user_id).await?;
        Ok(row.map(|row| self.note_revoked(&row)))
    }

    /// Ends a user's sessions, all or all but one. Returns their tokens, to be revoked.
    pub async fn revoke_all(
        &self,
        user_id: &str,
        except: Option<SessionId>,
    ) -> Result<Vec<Secret>, ApiError> {
        let rows = self.0.store.delete_sessions_of_user(user_id, except).await?;
        Ok(rows.iter().filter_map(|row| self.note_revoked(row)).collect())
    }

    /// The token that a state change of this session must carry. The same after the session went on under another
    /// cookie, so that a page in another tab goes on working.
    pub fn csrf_token(&self, session: &Session) -> String {
        self.0.sealer.sign(CSRF, session.id.0.as_bytes())
    }

    /// Whether a token is this session's.
    pub fn is_csrf_token(&self, session: &Session, token: &str) -> bool {
        self.0.sealer.is_signed(CSRF, session.id.0.as_bytes(), token)
    }

    /// Forgets a session on this node and tells everybody who holds it. For ends that others decided.
    pub fn forget(&self, id: SessionId) {
        let inner = &*self.0;
        let mut state = inner.state.lock();
        state.cache.end(id);
        state.touched.remove(&id);
        let at = inner.clock.instant();
        state.ended.entry(id).or_insert(Ended { at, is_deleted: true });
    }

    pub fn store(&self) -> &SessionStore {
        &self.0.store
    }

    pub fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    /// Sessions unused since then have ended.
    pub fn idle_since(&self) -> DateTime<Utc> {
        self.0.clock.now() - self.0.config.idle
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }

    fn note_revoked(&self, row: &DeletedSessionRow) -> Option<Secret> {
        self.forget(row.id);
        self.0.metrics.count(Metric::SessionEnded, &[EndReason::Revoked.tag()]);
        self.0.open_token(row.id, &row.sealed_token)
    }
}

impl EndReason {
    fn tag(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Keystone => "keystone",
        }
    }
}

impl Inner {
    /// How old a session in memory may be before it is read again.
    pub fn cache_age(&self) -> Duration {
        if self.hears.load(Ordering::Relaxed) { self.config.cache } else { self.config.cache_deaf }
    }

    pub fn known(&self) -> Vec<SessionId> {
        self.state.lock().cache.known()
    }

    /// Notes which of the sessions asked about there are; ends the others on this node.
    pub fn confirm(&self, asked: &[SessionId], live: &[(SessionId, DateTime<Utc>)]) {
        self.database_answers();
        let live: HashMap<_, _> = live.iter().copied().collect();
        let idle_since = self.clock.now() - self.config.idle;
        let at = self.clock.instant();
        let mut state = self.state.lock();
        for id in asked {
            let last_seen_at = live.get(id).map(|seen| state.cache.confirm(*id, *seen, at).unwrap_or(*seen));
            if last_seen_at.is_none_or(|seen| seen <= idle_since) && state.cache.end(*id) {
                state.ended.insert(*id, Ended { at, is_deleted: true });
            }
        }
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

    fn database_answers(&self) {
        if self.state.lock().try_database_at.take().is_some() {
            tracing::info!("the database answers again");
        }
    }

    /// Whether this request should ask Postgres; while it does not answer, one at a time does.
    fn may_try_database(&self) -> bool {
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

    fn kept(&self, hash: &[u8; 32]) -> Option<Entry> {
        self.state.lock().cache.get(hash).cloned()
    }

    fn is_fresh(&self, entry: &Entry) -> bool {
        self.clock.instant().duration_since(entry.confirmed_at) < self.cache_age()
    }

    fn is_within_grace(&self, entry: &Entry) -> bool {
        self.clock.instant().duration_since(entry.confirmed_at)
            < self.config.memory_grace.max(self.cache_age())
    }

    /// Takes a row into memory. `None` if it ended meanwhile, or if its token was sealed with a key we do not have.
    fn keep(&self, hash: [u8; 32], row: SessionRow) -> Option<Entry> {
        let token = self.open_token(row.id, &row.sealed_token)?;
        let mut state = self.state.lock();
        if state.ended.contains_key(&row.id) {
            return None;
        }
        let known = state.cache.get(&hash);
        let (last_seen_at, touched_at) = known.map_or((row.last_seen_at, Some(row.last_seen_at)), |known| {
            (known.last_seen_at.max(row.last_seen_at), known.touched_at)
        });
        let session = Arc::new(Session {
            id: row.id,
            user: row.user,
            token,
            token_expires_at: row.token_expires_at,
            needs_totp: row.needs_totp,
            default_project: row.default_project.and_then(|id| id.parse().ok()),
            created_at: row.created_at,
            expires_at: row.expires_at,
            liveness: state.cache.liveness(row.id),
        });
        let entry = Entry { session, confirmed_at: self.clock.instant(), last_seen_at, touched_at };
        state.cache.put(hash, entry.clone());
        Some(entry)
    }

    /// A session that is about to be used: refused if past its limits, else noted as used.
    fn used(&self, hash: &[u8; 32], entry: &Entry, address: &str) -> Result<Arc<Session>, ApiError> {
        let now = self.clock.now();
        let session = &entry.session;
        let mut state = self.state.lock();
        if session.expires_at <= now || entry.last_seen_at + self.config.idle <= now {
            if state.cache.end(session.id) {
                self.metrics.count(Metric::SessionEnded, &[EndReason::Expired.tag()]);
            }
            return Err(ApiError::SessionEnded);
        }
        if let Some(kept) = state.cache.get_mut(hash) {
            kept.last_seen_at = kept.last_seen_at.max(now);
            if kept.touched_at.is_none_or(|at| now - at >= TOUCH_EVERY) {
                kept.touched_at = Some(now);
                state.touched.insert(session.id, (now, address.to_owned()));
            }
        }
        Ok(session.clone())
    }

    fn seal_token(&self, id: SessionId, token: &Secret) -> Result<Vec<u8>, ApiError> {
        self.sealer
            .seal(&token_purpose(id), token.expose().as_bytes())
            .map_err(ApiError::internal("sealing a token"))
    }

    fn open_token(&self, id: SessionId, sealed: &[u8]) -> Option<Secret> {
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
