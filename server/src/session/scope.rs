//! A caller's token and roles in one project, and where the services of that project are.

use std::{
    collections::HashMap,
    io::{Read, Write},
    sync::Arc,
    time::{Duration, Instant},
};

use api_types::ProjectId;
use chrono::{DateTime, Utc};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AuthError, EndReason, IssuedToken, Keystone, Session, SessionId, Sessions};
use crate::{clock::Clock, error::ApiError, log, secret::Secret, upstream::ServiceCatalog};

/// What a caller is in one project. Does not change once made.
#[derive(Debug)]
pub struct ProjectScope {
    pub project: ProjectId,
    pub project_name: String,
    /// Keystone's token for this project.
    pub token: Secret,
    pub expires_at: DateTime<Utc>,
    /// Names of the caller's roles in the project, sorted.
    pub roles: Vec<String>,
    pub catalog: Arc<ServiceCatalog>,
}

/// The scopes of this node's callers: in memory, behind that encrypted in Postgres for the other nodes, behind that
/// Keystone. Requests that need the same one at the same time ask once. Cheap to clone.
#[derive(Clone)]
pub struct Scopes(Arc<Inner>);

/// What Keystone says after a service refused a token.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The session is good; here is a scope whose token was just confirmed or is new.
    Valid(Arc<ProjectScope>),
    /// The session is good, but the caller has no role in the project any more.
    NoRole,
    /// Keystone no longer accepts the session's token. The session has been ended.
    Ended,
}

struct Inner {
    keystone: Keystone,
    sessions: Sessions,
    clock: Clock,
    slots: Mutex<HashMap<Key, Slot>>,
    /// The project of each session that was noted last, and when.
    used: Mutex<HashMap<SessionId, (ProjectId, Instant)>>,
}

type Key = (SessionId, ProjectId);

#[derive(Clone, Default)]
struct Slot {
    ready: Option<Arc<ProjectScope>>,
    refused_at: Option<Instant>,
    /// Held while the scope is being fetched.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

/// A refusal is believed for so long, so that a page that insists does not become Keystone's load.
const REFUSAL_LASTS: Duration = Duration::from_secs(10);
/// A scope takes about 10 KB, most of it the catalog.
const MOST_SCOPES: usize = 5_000;
const NOTE_USE_EVERY: Duration = Duration::from_secs(5);
/// After a day the row is written once more.
const FORGET_USE: Duration = Duration::from_secs(86_400);
/// A token about to expire is not handed out any more: a call takes some seconds.
const EXPIRY_MARGIN: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

impl Scopes {
    pub fn new(keystone: Keystone, sessions: Sessions, clock: Clock) -> Self {
        Self(Arc::new(Inner { keystone, sessions, clock, slots: Mutex::default(), used: Mutex::default() }))
    }

    /// The caller's scope in a project.
    ///
    /// Errors: 401 the token has expired or Keystone no longer accepts it, 404 no role there, and those of Keystone;
    /// a Keystone that does not answer ends no session.
    pub async fn scope(
        &self,
        session: &Arc<Session>,
        project: &ProjectId,
    ) -> Result<Arc<ProjectScope>, ApiError> {
        let scope = self.0.find(session, project).await?;
        let view = session.support_view(&self.0.clock);
        // A customer's project that is only looked at is not where the operator goes on next time.
        if view.is_none_or(|view| view.project != *project) {
            self.0.note_use(session, project);
        }
        Ok(scope)
    }

    /// What to do after a service answered 401 to `scope`'s token: services err, and only Keystone's word ends a
    /// session.
    ///
    /// Errors: Keystone does not answer, so nothing is known and the session stays; 401 `token_expired` when the
    /// token's time is over.
    pub async fn refresh(&self, session: &Arc<Session>, scope: &ProjectScope) -> Result<Verdict, ApiError> {
        let inner = &*self.0;
        let key = (session.id, scope.project.clone());
        let fetching = inner.slots.lock().entry(key.clone()).or_default().fetching.clone();
        let _turn = fetching.lock().await;
        // Somebody else got a new one while this caller used the old one.
        if let Some(Ok(ready)) = inner.known(&key)
            && ready.token != scope.token
        {
            return Ok(Verdict::Valid(ready));
        }
        inner.forget(&key).await;
        // The session may have been continued with a new token, here or on another node.
        let Some((token, expires_at)) = inner.sessions.current_token(session).await? else {
            inner.sessions.forget(session.id);
            return Ok(Verdict::Ended);
        };
        if expires_at <= inner.clock.now() {
            return Err(ApiError::TokenExpired);
        }
        inner.fetch(session, &scope.project, &token).await
    }

    /// A token for a project that nobody else has, for work that outlives the session: whoever asks for it ends it. It
    /// is kept nowhere here.
    ///
    /// Errors: those of [`scope`](Self::scope).
    pub async fn issue(&self, session: &Arc<Session>, project: &ProjectId) -> Result<IssuedToken, ApiError> {
        let inner = &*self.0;
        // It may have been continued with a new token, here or on another node.
        let Some((token, expires_at)) = inner.sessions.current_token(session).await? else {
            inner.sessions.forget(session.id);
            return Err(ApiError::SessionEnded);
        };
        if expires_at <= inner.clock.now() {
            return Err(ApiError::TokenExpired);
        }
        let unavailable = ApiError::upstream(&Keystone::target());
        match inner.keystone.scope_to_project(&token, project).await {
            Ok(issued) => Ok(issued),
            // No role there, no such project, or a token that has ended: Keystone says 401 to all of them.
            Err(AuthError::Refused) => match inner.keystone.is_token_valid(&token).await {
                Ok(true) => Err(ApiError::NoSuchProject { id: project.to_string() }),
                Ok(false) => {
                    inner.sessions.end(session.id, EndReason::Keystone).await;
                    Err(ApiError::SessionEnded)
                }
                Err(error) => Err(unavailable(error)),
            },
            Err(AuthError::Unavailable(error)) => Err(unavailable(error)),
        }
    }

    /// Ends tokens of [`issue`](Self::issue), without anybody waiting for it. One that cannot be revoked expires.
    pub fn give_back(&self, tokens: impl IntoIterator<Item = Secret>) {
        let (keystone, tokens) = (self.0.keystone.clone(), Vec::from_iter(tokens));
        log::spawn(async move {
            for token in tokens {
                if let Err(error) = keystone.revoke(&token).await {
                    tracing::debug!(%error, "a token could not be revoked");
                }
            }
        });
    }

    /// Takes a scope that was had on the way, at sign-in.
    pub async fn adopt(&self, session: &Session, issued: &IssuedToken) -> Option<Arc<ProjectScope>> {
        let scope = Arc::new(ProjectScope::from_issued(issued)?);
        self.0.keep(&(session.id, scope.project.clone()), scope.clone());
        self.0.write_down(session.id, &scope, &issued.catalog_json).await;
        Some(scope)
    }

    /// Forgets the scopes of a session: it goes on with another token, or not at all. Returns their tokens.
    pub fn forget_session(&self, session: SessionId) -> Vec<Secret> {
        let mut tokens = Vec::new();
        self.0.used.lock().remove(&session);
        self.0.slots.lock().retain(|(id, _), slot| {
            if *id == session {
                tokens.extend(slot.ready.take().map(|scope| scope.token.clone()));
            }
            *id != session
        });
        tokens
    }

    /// Whether this node knows the session to have a role in the project. Nobody is asked.
    pub fn holds(&self, session: SessionId, project: &ProjectId) -> bool {
        matches!(self.0.known(&(session, project.clone())), Some(Ok(_)))
    }

    /// Resolves once the session looks at this project for a customer: what was opened there before is to change nothing
    /// from then on.
    pub async fn only_looks_at(&self, session: &Session, project: &ProjectId) {
        session.only_looks_at(project, &self.0.clock).await;
    }

    /// Drops what has expired.
    pub fn prune(&self) {
        let now = self.0.clock.now();
        let instant = self.0.clock.instant();
        self.0.used.lock().retain(|_, (_, at)| instant.duration_since(*at) < FORGET_USE);
        self.0.slots.lock().retain(|_, slot| {
            let is_refused = slot.refused_at.is_some_and(|at| instant.duration_since(at) < REFUSAL_LASTS);
            let is_ready = slot.ready.as_ref().is_some_and(|scope| scope.expires_at > now);
            is_refused || is_ready || Arc::strong_count(&slot.fetching) > 1
        });
    }
}

impl ProjectScope {
    /// A token and all that is known with it, to be kept encrypted. `None` only for one without a project.
    pub fn pack(issued: &IssuedToken) -> Option<Vec<u8>> {
        let scope = Self::from_issued(issued)?;
        pack(&KeptScope::of(&scope, &issued.catalog_json))
    }

    /// Reads what [`pack`](Self::pack) wrote for this project.
    pub fn unpack(project: &ProjectId, packed: &[u8]) -> Option<Self> {
        let kept = unpack(packed)?;
        Some(Self {
            project: project.clone(),
            project_name: kept.project_name,
            token: Secret::new(kept.token),
            expires_at: kept.expires_at,
            roles: kept.roles,
            catalog: Arc::new(ServiceCatalog::parse(&json!({"catalog": kept.catalog}))),
        })
    }

    /// The token in what [`pack`](Self::pack) wrote, of whatever project.
    pub fn packed_token(packed: &[u8]) -> Option<Secret> {
        Some(Secret::new(unpack(packed)?.token))
    }

    fn from_issued(issued: &IssuedToken) -> Option<Self> {
        let project = issued.project.as_ref()?;
        Some(Self {
            project: project.id.parse().ok()?,
            project_name: project.name.clone(),
            token: issued.token.clone(),
            expires_at: issued.expires_at,
            roles: issued.roles.clone(),
            catalog: issued.catalog.clone(),
        })
    }
}

impl Inner {
    async fn find(&self, session: &Arc<Session>, project: &ProjectId) -> Result<Arc<ProjectScope>, ApiError> {
        let key = (session.id, project.clone());
        if let Some(result) = self.known(&key) {
            return result;
        }
        let fetching = self.slots.lock().entry(key.clone()).or_default().fetching.clone();
        let _turn = fetching.lock().await;
        if let Some(result) = self.known(&key) {
            return result;
        }
        if let Some(scope) = self.stored(&key).await {
            self.keep(&key, scope.clone());
            return Ok(scope);
        }
        if session.is_token_expired(self.clock.now()) {
            return Err(ApiError::TokenExpired);
        }
        match self.fetch(session, project, &session.token).await? {
            Verdict::Valid(scope) => Ok(scope),
            Verdict::NoRole => Err(ApiError::NoSuchProject { id: project.to_string() }),
            Verdict::Ended => Err(ApiError::SessionEnded),
        }
    }

    /// Remembers the project as the one the user used last, for the next sign-in, without anybody waiting for it.
    fn note_use(&self, session: &Session, project: &ProjectId) {
        {
            let mut used = self.used.lock();
            let now = || self.clock.instant();
            let is_known = match used.get(&session.id) {
                // Two tabs with two projects take turns; not every turn is worth a row.
                Some((last, at)) => last == project || now().duration_since(*at) < NOTE_USE_EVERY,
                // Once a day at least, even if it is the same one: who does not come any more is forgotten.
                None => false,
            };
            if is_known {
                return;
            }
            // The project a session begins with is no change: the first change is not to wait for its turn.
            let is_beginning = session.default_project.as_ref() == Some(project);
            let now = now();
            let at = if is_beginning { now.checked_sub(NOTE_USE_EVERY).unwrap_or(now) } else { now };
            used.insert(session.id, (project.clone(), at));
        }
        let (store, user_id) = (self.sessions.store().clone(), session.user.id.clone());
        let (project, session, now) = (project.clone(), session.id, self.clock.now());
        log::spawn(async move {
            if let Err(error) = store.put_last_project(&user_id, &project, Some(session), now).await {
                tracing::debug!(%error, "the project used last could not be noted");
            }
        });
    }

    /// What memory knows: a scope, a fresh refusal, or nothing.
    fn known(&self, key: &Key) -> Option<Result<Arc<ProjectScope>, ApiError>> {
        let slots = self.slots.lock();
        let slot = slots.get(key)?;
        if let Some(scope) = &slot.ready
            && scope.expires_at > self.clock.now() + EXPIRY_MARGIN
        {
            return Some(Ok(scope.clone()));
        }
        let refused_at = slot.refused_at?;
        let is_recent = self.clock.instant().duration_since(refused_at) < REFUSAL_LASTS;
        is_recent.then(|| Err(ApiError::NoSuchProject { id: key.1.to_string() }))
    }

    fn keep(&self, key: &Key, scope: Arc<ProjectScope>) {
        self.keystone.note_endpoints(&scope.catalog);
        let mut slots = self.slots.lock();
        if slots.len() >= MOST_SCOPES && !slots.contains_key(key) {
            // All but those being fetched; whoever needs one again finds it in Postgres.
            slots.retain(|_, slot| Arc::strong_count(&slot.fetching) > 1);
        }
        let slot = slots.entry(key.clone()).or_default();
        slot.ready = Some(scope);
        slot.refused_at = None;
    }

    async fn forget(&self, key: &Key) {
        if let Some(slot) = self.slots.lock().get_mut(key) {
            slot.ready = None;
            slot.refused_at = None;
        }
        if let Err(error) = self.sessions.store().delete_scope(key.0, &key.1).await {
            tracing::debug!(%error, "a scope that is no longer good could not be deleted");
        }
    }

    async fn fetch(
        &self,
        session: &Arc<Session>,
        project: &ProjectId,
        token: &Secret,
    ) -> Result<Verdict, ApiError> {
        let unavailable = ApiError::upstream(&Keystone::target());
        match self.keystone.scope_to_project(token, project).await {
            Ok(issued) => {
                let Some(scope) = ProjectScope::from_issued(&issued) else {
                    return Err(ApiError::internal("reading a project's token")("it has no project"));
                };
                let scope = Arc::new(scope);
                self.keep(&(session.id, project.clone()), scope.clone());
                self.write_down(session.id, &scope, &issued.catalog_json).await;
                Ok(Verdict::Valid(scope))
            }
            // No role there, no such project, or a token that has ended: Keystone says 401 to all of them.
            Err(AuthError::Refused) => match self.keystone.is_token_valid(token).await {
                Ok(true) => {
                    let now = self.clock.instant();
                    let mut slots = self.slots.lock();
                    slots.entry((session.id, project.clone())).or_default().refused_at = Some(now);
                    Ok(Verdict::NoRole)
                }
                Ok(false) => {
                    tracing::info!(
                        session = session.id.short(),
                        "Keystone no longer accepts the token: the session ends"
                    );
                    self.sessions.end(session.id, EndReason::Keystone).await;
                    Ok(Verdict::Ended)
                }
                Err(error) => Err(unavailable(error)),
            },
            Err(AuthError::Unavailable(error)) => Err(unavailable(error)),
        }
    }

    async fn stored(&self, (session, project): &Key) -> Option<Arc<ProjectScope>> {
        let now = self.clock.now() + EXPIRY_MARGIN;
        // Without Postgres, Keystone is asked: it is there or it is not, and says so itself.
        let sealed = self.sessions.store().find_scope(*session, project, now).await.ok().flatten()?;
        let packed = self.sessions.sealer().open(&purpose(*session, project), &sealed)?;
        ProjectScope::unpack(project, &packed).map(Arc::new)
    }

    /// Keeps a scope for the other nodes. That it can be kept is a convenience; the caller has it either way.
    async fn write_down(&self, session: SessionId, scope: &ProjectScope, catalog: &Value) {
        let kept = KeptScope::of(scope, catalog);
        let Some(packed) = pack(&kept) else { return };
        let Ok(sealed) = self.sessions.sealer().seal(&purpose(session, &scope.project), &packed) else {
            return;
        };
        let store = self.sessions.store();
        if let Err(error) = store.put_scope(session, &scope.project, &sealed, scope.expires_at).await {
            tracing::debug!(%error, "a scope could not be kept for the other nodes");
        }
    }
}

#[derive(Serialize, Deserialize)]
struct KeptScope {
    project_name: String,
    token: String,
    expires_at: DateTime<Utc>,
    roles: Vec<String>,
    catalog: Value,
}

impl KeptScope {
    fn of(scope: &ProjectScope, catalog: &Value) -> Self {
        Self {
            project_name: scope.project_name.clone(),
            token: scope.token.expose().clone(),
            expires_at: scope.expires_at,
            roles: scope.roles.clone(),
            catalog: catalog.clone(),
        }
    }
}

/// A catalog has 12 KB and repeats itself; packed it has 1.
fn pack(scope: &KeptScope) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&serde_json::to_vec(scope).ok()?).ok()?;
    encoder.finish().ok()
}

fn unpack(packed: &[u8]) -> Option<KeptScope> {
    let mut bytes = Vec::new();
    // We packed it ourselves, but a bound costs nothing.
    DeflateDecoder::new(packed).take(16 << 20).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn purpose(session: SessionId, project: &ProjectId) -> String {
    format!("project token {session} {project}")
}
