//! Opens, finds, continues and ends sessions.

use std::{net::IpAddr, sync::Arc, time::Duration};

use api_types::ProjectId;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    CookieSecret, Entrance, IssuedToken, Sealer, Session, SessionId, SessionStore,
    cache::Entry,
    memory::Inner,
    store::{DeletedSessionRow, NewSessionRow, RenewedSessionRow},
    support_view::{NewSupportView, SupportView, SupportViewRow},
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
/// `session.memory_grace_secs` longer, and no request waits for it.
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

/// What a session's token against forged requests is signed for.
const CSRF: &str = "csrf";
/// For so long after a renewal the cookie before it works, for requests that were under way.
const OLD_COOKIE_LASTS: TimeDelta = TimeDelta::seconds(30);
/// So long a request waits for Postgres about a session that is in memory.
const BRIEFLY: Duration = Duration::from_millis(250);
/// Sessions asked about at once.
const CONFIRM_BATCH: usize = 1000;

impl Sessions {
    pub fn new(store: SessionStore, config: SessionConfig, clock: Clock, metrics: Metrics) -> Self {
        Self(Arc::new(Inner::new(store, config, clock, metrics)))
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
        let session = inner.take_in(cookie.hash(), id, |liveness| Session {
            id,
            who: issued.user.who(id),
            user: issued.user.clone(),
            token: issued.token.clone(),
            token_expires_at: issued.expires_at,
            needs_totp: row.needs_totp,
            default_project: default_project.cloned(),
            created_at: now,
            expires_at: row.expires_at,
            liveness,
        });
        Ok((session, cookie))
    }

    /// The session of a cookie.
    ///
    /// Errors: the session has ended (or the cookie was made up); 503 it is not in memory and Postgres does not answer,
    /// or it was sealed with a key that this node does not have.
    pub async fn find(
        &self,
        cookie: &CookieSecret,
        address: Option<IpAddr>,
    ) -> Result<Arc<Session>, ApiError> {
        let inner = &*self.0;
        let hash = cookie.hash();
        if let Some(used) = inner.used_fresh(&hash, address) {
            inner.metrics.count(Metric::SessionLookup, &["memory"]);
            return used;
        }
        let Some(entry) = inner.kept(&hash).filter(|entry| inner.is_within_grace(entry)) else {
            return inner.used(&hash, &self.ask(hash).await?, address);
        };
        match self.ask_briefly(hash).await {
            Some(Ok(entry)) => inner.used(&hash, &entry, address),
            Some(Err(error)) if !matches!(error, ApiError::Database { .. }) => Err(error),
            // Postgres fails, or takes its time: whatever it will say is noted when it does.
            _ => {
                inner.metrics.count(Metric::SessionLookup, &["grace"]);
                inner.used(&hash, &entry, address)
            }
        }
    }

    /// Asks Postgres about a cookie that is in memory, and waits for less time than a person notices; the question
    /// goes on. `None`: it was too long, or Postgres is known not to answer; then one request in a while has it tried.
    async fn ask_briefly(&self, hash: [u8; 32]) -> Option<Result<Entry, ApiError>> {
        let is_suspected = self.0.is_database_suspected();
        if is_suspected && !self.0.may_try_database() {
            return None;
        }
        let this = self.clone();
        let asking = tokio::spawn(async move { this.ask(hash).await });
        if is_suspected {
            return None;
        }
        match tokio::time::timeout(BRIEFLY, asking).await {
            Ok(answer) => answer.ok(),
            Err(_) => {
                self.0.suspect_database();
                None
            }
        }
    }

    /// Asks Postgres about a cookie, and takes what it says into memory.
    async fn ask(&self, hash: [u8; 32]) -> Result<Entry, ApiError> {
        let inner = &*self.0;
        let (timer, as_of) = (Timer::start(), inner.as_of_now());
        let found = inner.store.find_session(&hash, inner.clock.now()).await;
        inner.metrics.time(Metric::SessionQuery, &[], timer.elapsed());
        match found {
            Ok(Some(row)) => {
                inner.database_answers();
                inner.metrics.count(Metric::SessionLookup, &["database"]);
                inner.keep(hash, row, as_of)
            }
            Ok(None) => {
                inner.database_answers();
                inner.metrics.count(Metric::SessionLookup, &["none"]);
                // The cookie is worth nothing; its session may well go on under a newer one.
                if let Some(id) = inner.forget_cookie(&hash) {
                    self.confirm(&[id]).await.unwrap_or_else(|error| inner.database_fails(&error));
                }
                Err(ApiError::SessionEnded)
            }
            Err(source) => {
                inner.database_fails(&source);
                Err(ApiError::Database { source })
            }
        }
    }

    /// The token a session has now, wherever it was renewed; `None` if the session is gone. Falls back to memory
    /// while Postgres does not answer.
    ///
    /// Errors: 503 the token was sealed with a key that this node does not have.
    pub async fn current_token(
        &self,
        session: &Session,
    ) -> Result<Option<(Secret, DateTime<Utc>)>, ApiError> {
        let inner = &*self.0;
        match inner.store.find_token(session.id).await {
            Ok(Some((sealed, expires_at))) => {
                let token = inner.open_token(session.id, &sealed).ok_or(ApiError::SessionUnreadable)?;
                Ok(Some((token, expires_at)))
            }
            Ok(None) => Ok(None),
            Err(source) => {
                inner.database_fails(&source);
                let newest = inner.newest(session.id);
                let newest = newest.as_deref().unwrap_or(session);
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
        inner.replace_cookie(&row.previous_cookie_hash, OLD_COOKIE_LASTS);
        inner.take_in(cookie.hash(), session.id, |liveness| Session {
            id: session.id,
            who: session.who(),
            user: session.user.clone(),
            token: issued.token.clone(),
            token_expires_at: issued.expires_at,
            needs_totp: session.needs_totp,
            default_project: session.default_project.clone(),
            created_at: session.created_at,
            expires_at: session.expires_at,
            liveness,
        });
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
                inner.note_undeleted(id);
                None
            }
        }
    }

    /// Ends one of a user's own sessions. `None` if the user has no such session; else its token, where it opens.
    pub async fn revoke(&self, user_id: &str, id: SessionId) -> Result<Option<Option<Secret>>, ApiError> {
        let row = self.0.store.delete_session_of_user(id, user_id).await?;
        Ok(row.map(|row| self.note_revoked(&row)))
    }

    /// Ends anybody's session, for an operator. `None`: there is none; else whose it was, and its token, where it opens.
    pub async fn revoke_for_anybody(
        &self,
        id: SessionId,
    ) -> Result<Option<(String, Option<Secret>)>, ApiError> {
        let row = self.0.store.delete_session_of_anybody(id).await?;
        Ok(row.map(|(row, user)| (user, self.note_revoked(&row))))
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

    /// Begins a look at a customer's project, for a reason; a look before it is over.
    ///
    /// Errors: 503 Postgres does not answer, so it would be read-only on this node alone.
    pub async fn open_support_view(
        &self,
        session: &Session,
        new: &NewSupportView<'_>,
    ) -> Result<SupportViewRow, ApiError> {
        let row = self.0.store.open_support_view(session, new, self.0.clock.now()).await?;
        let view = SupportView {
            id: row.id,
            project: new.project.clone(),
            project_name: row.project_name.clone(),
            customer: row.customer.clone(),
            reason: row.reason.clone(),
            until: row.until,
        };
        self.0.look_at(session.id, Some(view));
        Ok(row)
    }

    /// Ends it. `false`: there was none.
    ///
    /// Errors: 503 Postgres does not answer; it goes on.
    pub async fn end_support_view(&self, session: &Session) -> Result<bool, ApiError> {
        let ended = self.0.store.end_support_view(session.id, self.0.clock.now()).await?;
        self.0.look_at(session.id, None);
        Ok(ended)
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
        self.0.forget(id);
    }

    /// Asks Postgres about sessions by their ids, and ends those on this node that are gone.
    pub async fn confirm(&self, ids: &[SessionId]) -> sqlx::Result<()> {
        let as_of = self.0.as_of_now();
        let live = self.0.store.find_live(ids, self.0.clock.now()).await?;
        self.0.confirm(ids, &live, as_of);
        Ok(())
    }

    /// Asks Postgres about every session in memory or held by a stream, and ends those that are gone.
    pub async fn confirm_known(&self) -> sqlx::Result<()> {
        for ids in self.0.known().chunks(CONFIRM_BATCH) {
            self.confirm(ids).await?;
        }
        Ok(())
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
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Keystone => "keystone",
        }
    }
}
