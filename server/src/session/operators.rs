//! Who is an operator: Keystone's word on a role, asked with the person's own token and remembered for some minutes.
//!
//! Whoever is none must not learn that there is such a thing. Refusals here are therefore those of an address nobody
//! serves, and what is known of somebody is asked again without letting a request wait for it.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{StatusCode, request::Parts},
};
use parking_lot::Mutex;

use super::{AuthError, Caller, Cookies, GivenUpTokens, IssuedToken, Keystone, Session, SessionId, Sessions};
use crate::{
    clock::Clock, config::OperatorConfig, error::ApiError, log, secret::Secret, upstream::UpstreamError,
};

/// A person who may see the console.
///
/// Errors as an extractor: 404 as for an address that nobody serves; to somebody who was an operator a moment ago also
/// 401 `token_expired` and 503 or 504 where Keystone does not answer.
#[derive(Clone, Debug)]
pub struct Operator {
    pub caller: Caller,
    /// What Keystone gave for the asking: a token of the person's own for the system, or for the configured project.
    pub rights: Arc<IssuedToken>,
}

/// What Keystone said about the people of this node. Cheap to clone.
#[derive(Clone)]
pub struct Operators(Arc<Inner>);

struct Inner {
    keystone: Keystone,
    sessions: Sessions,
    given_up: GivenUpTokens,
    config: OperatorConfig,
    clock: Clock,
    slots: Mutex<HashMap<SessionId, Slot>>,
}

#[derive(Default)]
struct Slot {
    verdict: Option<Verdict>,
    /// Rights that were asked for again, as long as somebody may still be using them.
    replaced: Vec<Arc<IssuedToken>>,
    /// Held while Keystone is asked.
    asking: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Verdict {
    /// `None`: no operator.
    rights: Option<Arc<IssuedToken>>,
    at: Instant,
}

/// Of what was asked for, so much stands in the line itself.
const LONGEST_SHOWN: usize = 160;
/// Nobody's page waits longer for Keystone's word than this.
const PATIENCE: Duration = Duration::from_millis(500);
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Beyond so many sessions those of people who are no operators are forgotten; they are asked about again.
const MOST_SLOTS: usize = 20_000;

impl Operators {
    pub fn new(
        keystone: Keystone,
        sessions: Sessions,
        given_up: GivenUpTokens,
        config: OperatorConfig,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner { keystone, sessions, given_up, config, clock, slots: Mutex::default() }))
    }

    /// Whether somebody is known to be an operator. Waits shortly where nothing is known yet; what is known is asked
    /// again beside the request where that is due.
    pub async fn knows(&self, session: &Arc<Session>) -> bool {
        if self.0.known(session.id).is_none() && !session.is_token_expired(self.0.clock.now()) {
            match tokio::time::timeout(PATIENCE, self.0.ask_once(session)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "whether somebody is an operator is asked later"),
                Err(_) => self.ask_beside(session),
            }
        }
        let Some(verdict) = self.0.known(session.id) else { return false };
        if self.0.is_old(&verdict) {
            self.ask_beside(session);
        }
        verdict.rights.is_some()
    }

    /// What an operator's own token for the console is.
    ///
    /// Errors: those of [`Operator`].
    pub async fn rights(&self, session: &Arc<Session>) -> Result<Arc<IssuedToken>, ApiError> {
        let is_expired = session.is_token_expired(self.0.clock.now());
        match self.0.known(session.id) {
            Some(verdict) if !self.0.is_old(&verdict) => verdict.rights.ok_or_else(nothing_here),
            // An operator until now: waits for Keystone and is told what is the matter with it.
            Some(Verdict { rights: Some(_), .. }) if is_expired => Err(ApiError::TokenExpired),
            Some(Verdict { rights: Some(_), .. }) => {
                let asked =
                    self.0.ask_once(session).await.map_err(ApiError::upstream(&Keystone::target()))?;
                asked.ok_or_else(nothing_here)
            }
            // None until now: whoever becomes one is one with the next request.
            Some(_) => {
                self.ask_beside(session);
                Err(nothing_here())
            }
            None if is_expired => Err(nothing_here()),
            None => match self.0.ask_once(session).await {
                Ok(asked) => asked.ok_or_else(nothing_here),
                Err(error) => {
                    tracing::debug!(%error, "it is not known whether somebody is an operator");
                    Err(nothing_here())
                }
            },
        }
    }

    /// Forgets a session that is over. Returns its tokens.
    pub fn forget_session(&self, session: SessionId) -> Vec<Secret> {
        self.0.slots.lock().remove(&session).map(Slot::into_tokens).unwrap_or_default()
    }

    /// Gives up what belongs to sessions that ended on another node, and what nobody uses any more.
    pub fn prune(&self) {
        let sessions = self.0.sessions.inner();
        let mut slots = self.0.slots.lock();
        let over: Vec<SessionId> = slots.keys().filter(|id| !sessions.knows(**id)).copied().collect();
        let mut tokens: Vec<Secret> =
            over.iter().filter_map(|id| slots.remove(id)).flat_map(Slot::into_tokens).collect();
        tokens.extend(slots.values_mut().flat_map(Slot::take_unused));
        drop(slots);
        self.0.given_up.add(tokens);
    }

    /// Prunes every now and then. Ends with the task it runs in.
    pub async fn run(self) {
        loop {
            tokio::time::sleep(PRUNE_EVERY).await;
            self.prune();
        }
    }

    fn ask_beside(&self, session: &Arc<Session>) {
        if session.is_token_expired(self.0.clock.now()) {
            return;
        }
        let (inner, session) = (self.0.clone(), session.clone());
        log::spawn(async move {
            if let Err(error) = inner.ask_once(&session).await {
                tracing::debug!(%error, "whether somebody is an operator is asked later");
            }
        });
    }
}

impl Operator {
    /// Writes down what an operator looks at or does: `action` as "began a support view", `about` as it was asked for.
    pub fn note(&self, action: &'static str, about: impl fmt::Display) {
        let about = bounded(&about);
        let shown = &about[..about.floor_char_boundary(LONGEST_SHOWN)];
        let colon = if shown.is_empty() { "" } else { ": " };
        self.write(format_args!("{action}{colon}{shown}"), &about);
    }

    /// Writes down what of the log an operator reads. What is looked for does not stand in the line itself, or every
    /// search would find itself.
    pub fn note_reading(&self, action: &'static str, about: impl fmt::Display) {
        self.write(format_args!("{action}"), &bounded(&about));
    }

    fn write(&self, done: fmt::Arguments<'_>, about: &str) {
        tracing::info!(
            target: log::AUDIT,
            user = self.caller.user().name,
            user_id = self.caller.user().id,
            session = self.caller.session.id.short(),
            request_id = &*self.caller.request_id.0,
            about,
            "an operator {done}"
        );
    }
}

fn bounded(about: &impl fmt::Display) -> String {
    about.to_string().chars().take(1000).collect()
}

impl<S> FromRequestParts<S> for Operator
where
    S: Send + Sync,
    Operators: FromRef<S>,
    Sessions: FromRef<S>,
    Cookies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if let Some(operator) = parts.extensions.get::<Self>() {
            return Ok(operator.clone());
        }
        // Nobody, somebody whose session is over and a database that is away all get what any stranger gets.
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await;
        let caller = caller.map_err(|_| nothing_here())?;
        let rights = Operators::from_ref(state).rights(&caller.session).await?;
        let operator = Self { caller, rights };
        parts.extensions.insert(operator.clone());
        Ok(operator)
    }
}

impl Inner {
    fn known(&self, session: SessionId) -> Option<Verdict> {
        self.slots.lock().get(&session)?.verdict.clone()
    }

    fn is_old(&self, verdict: &Verdict) -> bool {
        let is_over = verdict.rights.as_ref().is_some_and(|rights| rights.expires_at <= self.clock.now());
        is_over || self.clock.instant().duration_since(verdict.at) >= self.config.recheck
    }

    /// Asks Keystone; who comes while it is being asked shares the answer.
    async fn ask_once(&self, session: &Arc<Session>) -> Result<Option<Arc<IssuedToken>>, UpstreamError> {
        let asking = {
            let mut slots = self.slots.lock();
            if slots.len() >= MOST_SLOTS && !slots.contains_key(&session.id) {
                slots.retain(|_, slot| slot.has_tokens());
            }
            slots.entry(session.id).or_default().asking.clone()
        };
        let _turn = asking.lock().await;
        if let Some(verdict) = self.known(session.id).filter(|verdict| !self.is_old(verdict)) {
            return Ok(verdict.rights);
        }
        let rights = self.ask(session).await?.map(Arc::new);
        let verdict = Verdict { rights: rights.clone(), at: self.clock.instant() };
        let tokens = {
            let mut slots = self.slots.lock();
            let slot = slots.entry(session.id).or_default();
            let replaced = slot.verdict.replace(verdict).and_then(|verdict| verdict.rights);
            slot.replaced.extend(replaced);
            slot.take_unused()
        };
        self.given_up.add(tokens);
        Ok(rights)
    }

    async fn ask(&self, session: &Session) -> Result<Option<IssuedToken>, UpstreamError> {
        let mut asked = self.ask_with(&session.token).await;
        // The session may have gone on with a new token on another node.
        if let Err(AuthError::Refused) = asked
            && let Ok(Some((token, _))) = self.sessions.current_token(session).await
            && token != session.token
        {
            asked = self.ask_with(&token).await;
        }
        match asked {
            Ok(Some(issued)) if !issued.roles.contains(&self.config.role) => {
                self.given_up.add(vec![issued.token]);
                Ok(None)
            }
            Ok(issued) => Ok(issued),
            Err(AuthError::Refused) => Ok(None),
            Err(AuthError::Unavailable(error)) => Err(error),
        }
    }

    async fn ask_with(&self, token: &Secret) -> Result<Option<IssuedToken>, AuthError> {
        match &self.config.project {
            Some(project) => self.keystone.scope_to_project(token, project).await.map(Some),
            None => self.keystone.scope_to_system(token).await,
        }
    }
}

impl Slot {
    fn has_tokens(&self) -> bool {
        !self.replaced.is_empty() || self.verdict.as_ref().is_some_and(|verdict| verdict.rights.is_some())
    }

    fn into_tokens(self) -> Vec<Secret> {
        let rights = self.verdict.and_then(|verdict| verdict.rights);
        self.replaced.into_iter().chain(rights).map(|rights| rights.token.clone()).collect()
    }

    /// Tokens that were replaced and that no request has any more: none can come by them again.
    fn take_unused(&mut self) -> Vec<Secret> {
        let unused = self.replaced.extract_if(.., |rights| Arc::strong_count(rights) == 1);
        unused.map(|rights| rights.token.clone()).collect()
    }
}

fn nothing_here() -> ApiError {
    ApiError::Refused { status: StatusCode::NOT_FOUND }
}
