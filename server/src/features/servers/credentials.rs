//! A signed-in caller as somebody on whose behalf an index may be filled.

use std::{future::Future, pin::Pin, sync::Arc};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::index::{Credentials, Refusal};
use crate::{
    error::ApiError,
    session::{ProjectCaller, ProjectScope, Scopes, Session, Verdict},
};

/// The credentials of one open stream.
pub struct CallerCredentials {
    session: Arc<Session>,
    scopes: Scopes,
    scope: Mutex<Arc<ProjectScope>>,
    over: CancellationToken,
    why: Mutex<Option<Over>>,
}

/// Why a stream cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// The viewer is to be told: a code and a sentence.
    Ended { code: &'static str, message: String },
    /// The caller's roles are others now, and so is what may be seen: the viewer comes back by itself.
    RolesChanged,
}

impl CallerCredentials {
    pub fn new(caller: &ProjectCaller, scopes: Scopes) -> Arc<Self> {
        Arc::new(Self {
            session: caller.session.clone(),
            scopes,
            scope: Mutex::new(caller.scope.clone()),
            over: CancellationToken::new(),
            why: Mutex::default(),
        })
    }

    /// Resolves when the stream must end, and says why.
    pub async fn over(&self) -> Over {
        tokio::select! {
            () = self.session.ended() => Over::of(&ApiError::SessionEnded),
            () = self.over.cancelled() => {
                self.why.lock().clone().unwrap_or_else(|| Over::of(&ApiError::SessionEnded))
            }
        }
    }

    fn end(&self, why: Over) -> Refusal {
        *self.why.lock() = Some(why);
        self.over.cancel();
        Refusal::Ended
    }

    async fn ask_keystone(&self, scope: &ProjectScope) -> Refusal {
        {
            let present = self.scope.lock();
            // Another call of this viewer was refused at the same time and has been here already.
            if present.token != scope.token {
                return Refusal::Renewed;
            }
        }
        match self.scopes.refresh(&self.session, scope).await {
            Ok(Verdict::Valid(renewed)) if renewed.roles != scope.roles => self.end(Over::RolesChanged),
            Ok(Verdict::Valid(renewed)) => {
                *self.scope.lock() = renewed;
                Refusal::Renewed
            }
            Ok(Verdict::NoRole) => {
                self.end(Over::of(&ApiError::NoSuchProject { id: scope.project.to_string() }))
            }
            Ok(Verdict::Ended) => self.end(Over::of(&ApiError::SessionEnded)),
            Err(error) => Refusal::Unusable { code: error.code(), message: error.sentence() },
        }
    }
}

impl Credentials for CallerCredentials {
    fn scope(&self) -> Arc<ProjectScope> {
        self.scope.lock().clone()
    }

    fn refused<'a>(&'a self, scope: &'a ProjectScope) -> Pin<Box<dyn Future<Output = Refusal> + Send + 'a>> {
        Box::pin(self.ask_keystone(scope))
    }
}

impl Over {
    fn of(error: &ApiError) -> Self {
        Self::Ended { code: error.code(), message: error.sentence() }
    }
}
