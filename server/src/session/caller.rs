//! Who makes a request: what handlers ask for in their parameters.

use std::{convert::Infallible, net::IpAddr, ops::Deref, sync::Arc};

use api_types::ProjectId;
use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts, RawPathParams},
    http::request::Parts,
};

use super::{CookieSecret, Cookies, ProjectScope, Scopes, Session, SessionUser, Sessions};
use crate::{error::ApiError, log, upstream::OnBehalf};

/// The signed-in user behind a request.
///
/// Errors as an extractor: 401 `session_ended`; 503 while Postgres does not answer and the session
/// is not in memory.
#[derive(Clone, Debug)]
pub struct Caller {
    pub session: Arc<Session>,
    pub request_id: RequestId,
}

/// The caller in the project of the route's `{project}`.
///
/// Errors as an extractor: those of [`Caller`], 401 `token_expired`, 404 `project_not_found` without a role there,
/// and those of Keystone where it has to be asked.
#[derive(Clone, Debug)]
pub struct ProjectCaller {
    pub caller: Caller,
    pub project: ProjectId,
    pub scope: Arc<ProjectScope>,
}

/// The id of a request in our logs. Set by the outermost middleware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// The address a request comes from, behind trusted proxies. Set by the outermost middleware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl Caller {
    /// Who makes a request.
    ///
    /// Errors: those of the extractor.
    pub async fn of<S>(parts: &Parts, state: &S) -> Result<Self, ApiError>
    where
        Sessions: FromRef<S>,
        Cookies: FromRef<S>,
    {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let cookie = session_cookie(parts, state).ok_or(ApiError::NoSession)?;
        let address = parts.extensions.get::<ClientAddress>().map(|ClientAddress(ip)| *ip);
        let session = Sessions::from_ref(state).find(&cookie, address).await?;
        log::note_caller(session.who());
        tracing::debug!("found the caller's session");
        let request_id = parts.extensions.get::<RequestId>().cloned().unwrap_or_default();
        Ok(Self { session, request_id })
    }

    pub fn user(&self) -> &SessionUser {
        &self.session.user
    }

    /// For whom a call in a project is made, as its line in the log has it.
    pub fn on_behalf(&self, project: &ProjectId) -> OnBehalf {
        OnBehalf {
            user: self.session.user.name.clone(),
            user_id: self.session.user.id.clone(),
            project: project.to_string(),
            session: self.session.id.short(),
            job: None,
            request_id: self.request_id.0.to_string(),
        }
    }

    /// Resolves when the session ends.
    pub async fn ended(&self) {
        self.session.ended().await;
    }
}

impl Deref for ProjectCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    Cookies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Self::of(parts, state).await?;
        // Several extractors of one request share what the first one found.
        parts.extensions.get_or_insert_with(|| caller.clone());
        Ok(caller)
    }
}

/// `Option<Caller>`: nobody, where there is no session or it has ended.
impl<S> OptionalFromRequestParts<S> for Caller
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    Cookies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, ApiError> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Some(caller)),
            Err(ApiError::NoSession | ApiError::SessionEnded) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<S> FromRequestParts<S> for ProjectCaller
where
    S: Send + Sync,
    Sessions: FromRef<S>,
    Scopes: FromRef<S>,
    Cookies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let project = project_of_route(parts, state).await?;
        let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        log::note_project(project.as_str());
        let scope = Scopes::from_ref(state).scope(&caller.session, &project).await?;
        Ok(Self { caller, project, scope })
    }
}

/// The secret of the request's own cookie; it is there whenever a [`Caller`] is.
impl<S> FromRequestParts<S> for CookieSecret
where
    S: Send + Sync,
    Cookies: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        session_cookie(parts, state).ok_or(ApiError::NoSession)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

fn session_cookie<S>(parts: &Parts, state: &S) -> Option<CookieSecret>
where
    Cookies: FromRef<S>,
{
    Cookies::from_ref(state).secret(&parts.headers, Cookies::SESSION)
}

async fn project_of_route<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<ProjectId, ApiError> {
    let invalid = || ApiError::Invalid {
        code: "invalid_project_id",
        message: "The project in the address is no project id.".to_owned(),
    };
    let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| invalid())?;
    let project = params.iter().find(|(name, _)| *name == "project").map(|(_, value)| value);
    project.and_then(|text| text.parse().ok()).ok_or_else(invalid)
}
